#include "generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/rfc3339.h"

namespace sluice::shop {
namespace {

constexpr DurationMs kSlice = std::chrono::minutes(10);
constexpr DurationMs kBotRest = std::chrono::hours(9);
// Nobody stays away longer, so that the ring of visits has an end. Most return within days.
constexpr DurationMs kRestMax = std::chrono::hours(30 * 24);
constexpr int64_t kVisitSlices = (kRestMax + kVisitMax) / kSlice + 4;
constexpr int64_t kEventSlices = (kRefundMax + kVisitMax + kOfflineMax) / kSlice + 16;

DurationMs exponential(DurationMs mean, Dice& dice) {
  return DurationMs(static_cast<int64_t>(-std::log(dice.fraction()) * static_cast<double>(mean.count())));
}

}  // namespace

Result<Generator> Generator::create(const Options& options) {
  if (options.people < 1 || options.people > kPeopleMax)
    return fail(Code::invalid, fmt::format("{} people: give 1 to {}", options.people, kPeopleMax));
  const auto earliest = time_ms(946'684'800'000), latest = time_ms(4'070'908'800'000);
  if (options.start < earliest || options.start > latest)
    return fail(Code::invalid, fmt::format("start {}: give a time from 2000 to 2098", format_rfc3339(options.start)));
  if (options.end && (*options.end <= options.start || *options.end - options.start > std::chrono::hours(24 * kDaysMax)))
    return fail(Code::invalid, fmt::format("the end must come after the start, by at most {} days", kDaysMax));
  return Generator(options);
}

Generator::Generator(const Options& options)
    : options_(options),
      bots_(options.people / 150 + 1),
      ids_(mixed(options.seed) ^ static_cast<uint64_t>(to_ms(options.start))),
      known_(options.people),
      visits_at_(static_cast<size_t>(kVisitSlices)),
      events_at_(static_cast<size_t>(kEventSlices)) {
  const uint32_t all = options.people + bots_;
  dice_.reserve(all);
  const uint64_t run = mixed(options.seed ^ mixed(static_cast<uint64_t>(to_ms(options.start))));
  for (uint32_t who = 0; who < all; ++who) {
    dice_.push_back(mixed(run + who));
    plan(who, options.start - kRestMin);
  }
}

TimeMs Generator::slice_start(int64_t slice) const { return options_.start + kSlice * slice; }

// Draws when somebody comes next: at least kRestMin after `after`, more likely in the hours when their country shops.
void Generator::plan(uint32_t who, TimeMs after) {
  Dice dice(dice_[who]);
  const TimeMs earliest = after + kRestMin;
  TimeMs at = earliest;
  if (who >= options_.people) {
    at += exponential(kBotRest, dice);
  } else {
    const Person person = person_of(options_.seed, who);
    do at += exponential(person.mean_rest / 2, dice);
    while (at - earliest < kRestMax && !dice.percent(activity(person.country, at)));
  }
  at = std::min(at, earliest + kRestMax - kRestMin);
  dice_[who] = dice.state();
  if (options_.end && at >= *options_.end) return;
  const int64_t slice = (at - options_.start) / kSlice;
  SLUICE_ASSERT(slice >= slice_ && slice - slice_ < kVisitSlices, "a visit fits into the ring");
  visits_at_[static_cast<size_t>(slice % kVisitSlices)].push_back(
      {who, static_cast<uint32_t>((at - slice_start(slice)).count())});
}

void Generator::visit(uint32_t who, TimeMs start) {
  planned_.clear();
  Dice dice(dice_[who]);
  TimeMs end;
  if (who >= options_.people) {
    end = add_crawl(who - options_.people, start, dice, ids_, planned_);
  } else {
    const Person person = person_of(options_.seed, who);
    end = add_visit({person, who, ++visits_}, start, known_[who], dice, ids_, planned_);
  }
  dice_[who] = dice.state();
  if (!options_.end || end < *options_.end)
    for (const Event& event : planned_) file(event);
  plan(who, end);
}

void Generator::file(const Event& event) {
  TimeMs delivered = event.delivered;
  if (options_.end) {
    if (event.time >= *options_.end) return;  // a refund after it
    delivered = std::min(delivered, *options_.end - DurationMs(1));
  }
  const int64_t slice = (delivered - options_.start) / kSlice;
  SLUICE_ASSERT(slice >= slice_ && slice - slice_ < kEventSlices, "an event fits into the ring");
  std::vector<Event>& bucket = events_at_[static_cast<size_t>(slice % kEventSlices)];
  bucket.push_back(event);
  bucket.back().delivered = delivered;
  ++pending_;
}

void Generator::sort(std::vector<Event>& bucket) {
  due_.clear();
  for (uint32_t index = 0; index < bucket.size(); ++index) due_.push_back({bucket[index].delivered, index});
  std::sort(due_.begin(), due_.end(), [](const Due& a, const Due& b) {
    return a.delivered != b.delivered ? a.delivered < b.delivered : a.index < b.index;
  });
  sorted_.clear();
  for (const Due& one : due_) sorted_.push_back(bucket[one.index]);
  pending_ -= bucket.size();
  bucket = {};  // its memory too: at night there are fewer
}

bool Generator::next(std::span<const Event>& events) {
  if (options_.end && slice_start(slice_) >= *options_.end) return false;
  // A visit may begin another in the same slice only after kRestMin, so the list does not grow while it is read.
  std::vector<Planned> starting = std::move(visits_at_[static_cast<size_t>(slice_ % kVisitSlices)]);
  visits_at_[static_cast<size_t>(slice_ % kVisitSlices)] = {};
  for (const Planned& one : starting) visit(one.who, slice_start(slice_) + DurationMs(one.offset));
  sort(events_at_[static_cast<size_t>(slice_ % kEventSlices)]);
  ++slice_;
  events = sorted_;
  return true;
}

}  // namespace sluice::shop
