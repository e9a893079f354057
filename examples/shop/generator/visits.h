// visits.h - what one person, or one bot, does in one visit.
//
// People   A person has a country, a computer, mostly a phone, perhaps an account; drawn once from the seed and their number, never kept.
//          Where a device is unknown to be somebody's, identify comes in the middle of the visit, at the latest before an order.
// Visit    Pages, products, perhaps a cart, a checkout, an order, each at most once and in this order. Events are at least 1 s and at most
//          kPauseMax apart, the whole at most kVisitMax; a person's next visit begins kRestMin or more after the end of the last one. So a
//          visit is a session of 30 minutes' gap, and no funnel of two hours reaches from one visit into the next.
// Phones   6 of 100 have a clock that is minutes to a year off, 10 one that is seconds off, 25 lose their network now and then. One whose
//          clock is wrong hands over a visit at once, at its end, and none of its events lies within two minutes before a full hour: Sluice
//          corrects such times by what the clock says when it sends, plus the way.
// Threads  Any; each visit has its own Dice.
#pragma once

#include <vector>

#include "event.h"
#include "world.h"

namespace sluice::shop {

inline constexpr DurationMs kPauseMax = std::chrono::minutes(25);
inline constexpr DurationMs kVisitMax = std::chrono::minutes(110);
inline constexpr DurationMs kRestMin = std::chrono::hours(3);
inline constexpr DurationMs kOfflineMax = std::chrono::hours(12);
inline constexpr DurationMs kRetryMax = std::chrono::minutes(2);
inline constexpr DurationMs kRefundMax = std::chrono::hours(14 * 24);
inline constexpr size_t kVisitEventsMax = 16;

enum class Clock : uint8_t { right, seconds_off, wrong };

// What does not change about a person.
struct Person {
  uint8_t country = 0;
  Clock phone_clock = Clock::right;
  bool phone_spotty = false;
  uint32_t phone_share = 0;  // of 100 visits
  uint32_t account = kNoAccount;
  DurationMs phone_off{0};
  DurationMs mean_rest{0};
};
Person person_of(uint64_t seed, uint32_t number);

// What a person's devices know, one bit each: this device has identified its user.
struct Known {
  bool desktop = false;
  bool phone = false;
};

// Message ids: no two alike, until 2^64 are taken.
class Ids {
 public:
  explicit Ids(uint64_t run) : next_(mixed(run)) {}
  uint64_t next() { return mixed(next_++); }

 private:
  uint64_t next_;
};

struct Visitor {
  const Person& person;
  uint32_t number;
  uint64_t visit;  // numbers the visits of a run
};

// Appends one visit, its events in the order they happened, then retries, then a refund; all times are set. The time of its last event.
TimeMs add_visit(const Visitor& who, TimeMs start, Known& known, Dice& dice, Ids& ids, std::vector<Event>& out);
// Appends one round of a bot: pages, quickly.
TimeMs add_crawl(uint32_t bot, TimeMs start, Dice& dice, Ids& ids, std::vector<Event>& out);
// How likely somebody is awake and shopping at that moment, in 1/100.
uint32_t activity(uint8_t country, TimeMs time);

}  // namespace sluice::shop
