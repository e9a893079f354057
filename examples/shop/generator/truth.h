// truth.h - what the dashboards of examples/shop must show, from what the generator meant to make.
//
// Input   Every event in the order of delivery, retries too.
// Promise Kept as facts about people, visits and orders, never as JSON or text; summed up by plain loops over all of them (truth.cc,
//         truth_steps.cc). No code of Sluice and no SQL computes any of it. What a key is (semantics R6) is followed here: a device is
//         somebody's from the delivery of the first event that names both.
// Output  json(): {"counters": {...}, "definitions": {NAME: {"columns", "rows"}}, "panels": {ID: {...}}}, numbers as text.
// Bounds  kFactsMax events; one more is an error.
// Threads One.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "event.h"

namespace sluice::shop {

inline constexpr size_t kFactsMax = 5'000'000;

// One event that counts.
struct Fact {
  TimeMs time;
  uint64_t visit;
  uint64_t message;  // id
  uint64_t user_key;
  uint64_t device_key;  // the device, or the user where no device was: stitching_key
  uint32_t person;
  uint32_t cents;
  uint32_t checkout_ms;
  int32_t plan;  // index into kPlans; -1: none
  uint16_t page;
  uint8_t country;
  Kind kind;
  Device device;
  uint32_t events = 0;  // of a visit as one fact, at its start
  uint32_t lasted_ms = 0;
};

struct Counters {
  uint64_t events = 0, retries = 0, offline = 0, wrong_clocks = 0, clocks_seconds_off = 0, bots = 0;
  uint64_t links = 0;  // devices that became somebody's
  uint64_t split_keys = 0;  // visits whose key changed in the middle
  uint64_t out_of_order = 0;  // events delivered after a later one
  uint64_t joined_late = 0;  // visits that looked like two until a phone was back
  uint64_t across_midnight = 0;  // visits of two days
  uint64_t went_all_the_way = 0, returned = 0, plan_changed = 0, no_plan = 0;
};

class Truth {
 public:
  Status add(const Event& event);
  std::string json();
  const std::vector<Fact>& facts() const { return facts_; }
  const Counters& counters() const { return counters_; }

 private:
  std::vector<Fact> facts_;
  std::unordered_set<uint64_t> linked_;  // device keys
  Counters counters_;
  TimeMs newest_ = kMinusInfinity;
};

// A user, or a device of a person: what user_key and stitching_key name.
uint64_t user_key(uint32_t person);
uint64_t device_key(Device device, uint32_t person);
std::string key_text(uint64_t key);

// `numerator / denominator` rounded half up to 9 digits, as plain text without trailing zeros.
std::string ratio_text(uint64_t numerator, uint64_t denominator);
// k-th smallest, k = max(1, ceil(per_mille / 1000 * n)).
uint32_t nearest_rank(std::vector<uint32_t> values, uint32_t per_mille);

}  // namespace sluice::shop
