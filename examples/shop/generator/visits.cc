#include "visits.h"

#include <algorithm>
#include <cmath>

#include "base/result.h"

namespace sluice::shop {
namespace {

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

DurationMs ms(uint64_t n) { return DurationMs(static_cast<int64_t>(n)); }

uint8_t country_of(uint32_t drawn) {
  for (size_t i = 0; i < kCountries.size(); ++i) {
    if (drawn < kCountries[i].share) return static_cast<uint8_t>(i);
    drawn -= kCountries[i].share;
  }
  return 0;
}

DurationMs wrong_clock(Dice& dice) {
  const int64_t sign = dice.percent(50) ? 1 : -1;
  switch (dice.below(3)) {
    case 0: return sign * duration_cast<DurationMs>(minutes(dice.between(2, 59)));
    case 1: return sign * duration_cast<DurationMs>(hours(dice.between(1, 23)));
    default: return sign * duration_cast<DurationMs>(hours(24 * dice.between(1, 365)));
  }
}

// Builds one visit, event by event.
class Visit {
 public:
  Visit(const Visitor& who, TimeMs start, bool known, bool phone, Dice& dice, Ids& ids, std::vector<Event>& out)
      : person_(who.person), dice_(dice), ids_(ids), out_(out), first_(out.size()), known_(known), phone_(phone) {
    const Person& person = who.person;
    pattern_.person = who.number;
    pattern_.visit = who.visit;
    pattern_.country = person.country;
    pattern_.account = kNoAccount;
    pattern_.device = phone ? Device::phone : Device::desktop;
    pattern_.has_anonymous_id = true;
    wrong_ = phone && person.phone_clock == Clock::wrong;
    // Within the first 20 minutes of an hour, and short pauses after: nothing comes near the next hour.
    start_ = at_ = wrong_ ? std::chrono::ceil<hours>(start) + seconds(dice.between(60, 1200)) : start;
  }

  bool known() const { return known_; }

  void shop() {
    const bool logs_in = !known_ && dice_.percent(30);
    for (uint32_t pages = dice_.between(1, 5); pages > 0; --pages) view_page();
    if (logs_in) identify();
    if (!dice_.percent(70)) return;
    uint32_t product = 0;
    for (uint32_t views = dice_.between(1, 4); views > 0; --views) product = view_product();
    if (!dice_.percent(phone_ ? 32 : 40)) return;
    const uint32_t items = dice_.between(1, 4);
    const uint32_t cents = price_of(product) * items;
    add(Kind::cart_filled, [&](Event& event) {
      event.page = static_cast<uint16_t>(product), event.cents = cents, event.items = static_cast<uint8_t>(items);
    });
    if (dice_.percent(35)) view_product();  // another look, after the cart
    if (!dice_.percent(62)) return;
    if (!known_) identify();
    add(Kind::checkout_started,
        [&](Event& event) { event.cents = cents, event.items = static_cast<uint8_t>(items), event.account = person_.account; });
    const Country& country = kCountries[person_.country];
    if (!dice_.percent(phone_ ? country.orders_per_100 : std::min(95U, country.orders_per_100 + 12))) return;
    order(cents, items, country.checkout_ms);
  }

  // When each of them arrives; copies and the refund are added here. The time of the visit's last event.
  TimeMs deliver() {
    const size_t end = out_.size();
    SLUICE_ASSERT(end - first_ <= kVisitEventsMax, "a visit has a bound");
    SLUICE_ASSERT(out_[end - 1].time - start_ <= kVisitMax, "a visit ends");
    const TimeMs last = out_[end - 1].time;
    const bool whole = wrong_ || (phone_ && dice_.percent(4));
    const bool away = phone_ && dice_.percent(wrong_ ? 15 : (whole ? 100 : 0));
    TimeMs arrives = last + ms(dice_.between(800, 3000));
    if (away) arrives = last + seconds(dice_.between(4000, 43'000));
    // A phone without network for some of a visit: those events come later, the others at once.
    size_t gap_from = end, gap_to = end;
    TimeMs back{};
    if (phone_ && person_.phone_spotty && !whole && dice_.percent(35)) {
      gap_from = first_ + dice_.below(static_cast<uint32_t>(end - first_));
      gap_to = gap_from + 1 + dice_.below(static_cast<uint32_t>(end - gap_from));
      back = last + seconds(dice_.between(4000, 20'000));
    }
    for (size_t i = first_; i < end; ++i) {
      Event& event = out_[i];
      if (whole) event.delivered = arrives;
      else if (i >= gap_from && i < gap_to) event.delivered = back;
      else event.delivered = event.time + ms(dice_.between(40, phone_ ? 2000 : 600));
      set_clock(event);
      event.offline = event.delivered - event.time >= hours(1);
    }
    for (size_t i = first_; i < end; ++i)
      if (dice_.below(1000) < 15) repeat(i);
    if (refund_) refund(*refund_);
    return last;
  }

 private:
  template <class Fill>
  void add(Kind kind, Fill fill) {
    Event event = pattern_;
    event.kind = kind;
    event.time = at_;
    event.id = ids_.next();
    event.has_user_id = kind == Kind::identify || kind == Kind::order_completed || (phone_ && known_);
    fill(event);
    out_.push_back(event);
    at_ += pause();
  }
  DurationMs pause() {
    // Long pauses only where there is time left; a phone with a wrong clock stays brisk.
    // People in trains, whose phones lose their network, look up and down again.
    if (!wrong_ && at_ - start_ < minutes(50) && dice_.percent(phone_ && person_.phone_spotty ? 15 : 3))
      return ms(dice_.between(600'000, static_cast<uint32_t>(kPauseMax.count())));
    return ms(dice_.between(1000, wrong_ ? 60'000 : 90'000));
  }
  void view_page() {
    // Half of all views are of the first two pages: a product of two drawn numbers is small more often.
    const auto page = static_cast<uint16_t>(dice_.below(12) * dice_.below(12) / 12);
    add(Kind::page_viewed, [&](Event& event) { event.page = page; });
  }
  uint32_t view_product() {
    const uint32_t product = dice_.below(kProducts) * dice_.below(kProducts) / kProducts;
    add(Kind::product_viewed,
        [&](Event& event) { event.page = static_cast<uint16_t>(product), event.cents = price_of(product); });
    return product;
  }
  void identify() {
    add(Kind::identify, [](Event&) {});
    known_ = true;
  }
  void order(uint32_t cents, uint32_t items, uint32_t typical_ms) {
    const double tail = -std::log(dice_.fraction());
    const uint32_t checkout = typical_ms / 2 + static_cast<uint32_t>(typical_ms * tail / 2) + (dice_.percent(1) ? 3000 : 0);
    add(Kind::order_completed, [&](Event& event) {
      event.cents = cents, event.items = static_cast<uint8_t>(items), event.account = person_.account;
      event.checkout_ms = checkout, event.order = event.id;
    });
    if (dice_.percent(6)) refund_ = out_.size() - 1;
  }
  void set_clock(Event& event) {
    event.timestamp = event.time;
    if (!phone_ || person_.phone_clock == Clock::right) return;
    event.sends_clock = true;
    event.clock_off = person_.phone_off;
    event.timestamp = event.time + person_.phone_off;
    if (person_.phone_clock == Clock::seconds_off) event.time = event.timestamp;  // nobody corrects those
  }
  // Copies are pushed last: references into out_ do not survive one.
  void repeat(size_t index) {
    Event copy = out_[index];
    copy.retry = true;
    copy.delivered += ms(dice_.between(500, static_cast<uint32_t>(kRetryMax.count())));
    out_.push_back(copy);
  }
  void refund(size_t index) {
    Event event = out_[index];
    event.kind = Kind::order_refunded;
    event.device = Device::server;
    event.has_anonymous_id = false;
    event.visit = 0;
    event.id = ids_.next();
    event.sends_clock = event.retry = event.offline = false;
    event.clock_off = DurationMs(0);
    event.time += hours(24) + seconds(dice_.below(static_cast<uint32_t>((kRefundMax - hours(24)) / seconds(1))));
    event.timestamp = event.time;
    event.delivered = event.time + ms(dice_.between(5, 50));
    out_.push_back(event);
  }

  const Person& person_;
  Dice& dice_;
  Ids& ids_;
  std::vector<Event>& out_;
  const size_t first_;
  TimeMs at_;
  TimeMs start_;
  bool known_;
  const bool phone_;
  bool wrong_ = false;
  Event pattern_;
  std::optional<size_t> refund_;
};

}  // namespace

Person person_of(uint64_t seed, uint32_t number) {
  Dice dice(mixed(seed + 0x9e2a'0000'0000) ^ mixed(number + 1));
  Person person;
  person.country = country_of(dice.below(100));
  person.phone_share = std::array{0U, 40U, 70U, 100U}[dice.below(4)];
  const uint32_t account = dice.below(160);
  person.account = account < kAccounts + kStrangers ? account : kNoAccount;
  person.mean_rest = hours(std::array{16U, 36U, 72U, 144U, 288U}[dice.below(5)]);
  const uint32_t clock = dice.below(100);
  person.phone_clock = clock < 6 ? Clock::wrong : (clock < 16 ? Clock::seconds_off : Clock::right);
  person.phone_spotty = person.phone_clock == Clock::right && dice.percent(30);
  if (person.phone_clock == Clock::wrong) person.phone_off = wrong_clock(dice);
  if (person.phone_clock == Clock::seconds_off)
    person.phone_off = (dice.percent(50) ? 1 : -1) * DurationMs(dice.between(3000, 25'000));
  return person;
}

TimeMs add_visit(const Visitor& who, TimeMs start, Known& known, Dice& dice, Ids& ids, std::vector<Event>& out) {
  const bool phone = dice.below(100) < who.person.phone_share;
  Visit one(who, start, phone ? known.phone : known.desktop, phone, dice, ids, out);
  one.shop();
  (phone ? known.phone : known.desktop) = one.known();
  return one.deliver();
}

TimeMs add_crawl(uint32_t bot, TimeMs start, Dice& dice, Ids& ids, std::vector<Event>& out) {
  Event event;
  event.person = bot;
  event.device = Device::bot;
  event.has_anonymous_id = true;
  event.country = static_cast<uint8_t>(dice.below(kCountries.size()));
  event.account = kNoAccount;
  event.time = start;
  for (uint32_t pages = dice.between(20, 60); pages > 0; --pages) {
    event.time += ms(dice.between(1500, 4000));
    event.timestamp = event.time;
    event.delivered = event.time + ms(dice.between(20, 200));
    event.page = static_cast<uint16_t>(dice.below(kPages.size()));
    event.id = ids.next();
    out.push_back(event);
  }
  return event.time;
}

uint32_t activity(uint8_t country, TimeMs time) {
  static constexpr std::array<uint8_t, 24> kByHour{30, 20, 14, 12, 12, 16, 28, 45,  60,  66, 70, 74,
                                                   78, 74, 70, 70, 74, 80, 90, 100, 100, 92, 74, 50};
  const int64_t local = to_ms(time) + int64_t{kCountries[country].minutes_ahead} * 60'000;
  return kByHour[static_cast<size_t>(floor_mod(local, 86'400'000) / 3'600'000)];
}

}  // namespace sluice::shop
