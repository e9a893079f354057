// generator.h - a web shop's events in the order in which they reach its door, from a seed.
//
// Promise  The same options give the same events, byte for byte. With an end, all visits end before it and what is under way then (a phone
//          without network) is delivered just before it: nothing is left over. Without an end it never stops: for following live.
// Order    By `delivered`; events of one slice (10 minutes) at a time. A retry comes after what it repeats.
// Bounds   9 bytes for each person, 8 for each planned visit, and the events that were planned and not yet delivered: a visit's worth for
//          those who visit now, one in some hundred orders' refund for up to kRefundMax. pending() counts them.
// Errors   create(): options out of bounds, with the bound.
// Threads  One. Values come out; nothing is shared.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "visits.h"

namespace sluice::shop {

inline constexpr uint32_t kPeopleMax = 20'000'000;
inline constexpr int64_t kDaysMax = 3660;
// Of one person and day, bots and retries included, averaged over many: what --rate counts on. A test holds it to the truth.
inline constexpr double kEventsPerPersonDay = 3.55;

struct Options {
  uint64_t seed = 1;
  uint32_t people = 1000;
  TimeMs start;
  std::optional<TimeMs> end;
};

class Generator {
 public:
  static Result<Generator> create(const Options& options);

  // The events of the next slice; false: the end was reached and there are none. The span holds until the next call.
  bool next(std::span<const Event>& events);
  TimeMs slice_end() const { return slice_start(slice_); }
  uint64_t pending() const { return pending_; }

 private:
  struct Planned {
    uint32_t who;  // a person, or people + a bot
    uint32_t offset;  // ms within its slice
  };
  struct Due {
    TimeMs delivered;
    uint32_t index;
  };
  explicit Generator(const Options& options);
  TimeMs slice_start(int64_t slice) const;
  void plan(uint32_t who, TimeMs after);
  void visit(uint32_t who, TimeMs start);
  void file(const Event& event);
  void sort(std::vector<Event>& bucket);

  Options options_;
  uint32_t bots_ = 0;
  Ids ids_;
  int64_t slice_ = 0;  // the next one
  uint64_t visits_ = 0;
  uint64_t pending_ = 0;
  std::vector<uint64_t> dice_;
  std::vector<Known> known_;
  std::vector<std::vector<Planned>> visits_at_;  // rings, by slice
  std::vector<std::vector<Event>> events_at_;
  std::vector<Event> planned_;  // of one visit
  std::vector<Due> due_;
  std::vector<Event> sorted_;
};

}  // namespace sluice::shop
