// accumulator.h - one measure of one group while it is being counted (semantics R8).
//
// Promise Exact and order-insensitive: any order of the same values gives the same result. NULL arguments are skipped. first and
//         last keep the moment of their value, so that they do not depend on the order in which events come either.
// Cost    24 bytes for count, sum, avg; a set, a counted map or one value on the heap for all others.
//         items() is what the budget counts: different values kept, of topk one more per kTextBytes of each.
// Threads One.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_set.h>

#include <memory>
#include <vector>

#include "base/bytes.h"
#include "plan/metric_row.h"

namespace sluice::process {

// Where an event stands in the order of events: (event_time, position).
struct Moment {
  TimeMs at{};
  event::Place place;
  auto operator<=>(const Moment&) const = default;
};

class Accumulator {
 public:
  static constexpr size_t kTextBytes = 48;

  void add(const plan::Measure& measure, const plan::Value& argument, const Moment& moment);
  // What an addition was, so that it can be taken back: the last one first.
  struct Undo {
    bool counted = false;
    bool fresh = false;  // distinct: it was not there before
    Decimal number;
    Hash128 hash;
    plan::StoredValue kept;  // before
    Moment moment;  // before
    std::string text;
  };
  Undo add_for_now(const plan::Measure& measure, const plan::Value& argument, const Moment& moment);
  void take_back(const plan::Measure& measure, const Undo& undo);
  // Appends the measure's stored values (plan::stored_width of them).
  void result(const plan::Measure& measure, std::vector<plan::StoredValue>& into) const;
  size_t items() const { return values_ ? values_->distinct.size() + values_->counted.size() + values_->text_items + 1 : 0; }

  void save(ByteWriter& to) const;
  void load(ByteReader& from);

 private:
  struct Values {
    absl::flat_hash_set<Hash128> distinct;
    absl::btree_map<int128, uint64_t> counted;   // percentile: raw decimal -> how often
    absl::btree_map<std::string, uint64_t> texts;   // topk: text -> how often
    size_t text_items = 0;
    plan::StoredValue kept;                      // min, max, first, last
    Moment moment;                               // of first and last
  };
  void count_text(std::string_view text, uint64_t times);
  Values& values() {
    if (!values_) values_ = std::make_unique<Values>();
    return *values_;
  }

  uint64_t count_ = 0;    // of non-NULL arguments; rows for count()
  Decimal sum_;
  std::unique_ptr<Values> values_;
};

// Compares two non-NULL values of the same kind: numbers and times by size, texts bytewise.
int compare(const plan::Value& a, const plan::Value& b);
void save_value(ByteWriter& to, const plan::StoredValue& value);
plan::StoredValue load_value(ByteReader& from);

}  // namespace sluice::process
