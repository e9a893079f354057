// accumulator.h - one measure of one group while it is being counted (semantics R8).
//
// Promise Exact and order-insensitive: any order of the same values gives the same result. NULL arguments are skipped.
// Cost    24 bytes for count, sum, avg; a set or a counted map on the heap for distinct, percentile, min and max.
//         items() is what the budget counts: different values kept.
// Threads One.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_set.h>

#include <memory>
#include <vector>

#include "base/bytes.h"
#include "plan/metric_row.h"

namespace sluice::process {

class Accumulator {
 public:
  void add(const plan::Measure& measure, const plan::Value& argument);
  // Appends the measure's stored values (plan::stored_width of them).
  void result(const plan::Measure& measure, std::vector<plan::StoredValue>& into) const;
  size_t items() const { return values_ ? values_->distinct.size() + values_->counted.size() + 1 : 0; }

  void save(ByteWriter& to) const;
  void load(ByteReader& from);

 private:
  struct Values {
    absl::flat_hash_set<Hash128> distinct;
    absl::btree_map<int128, uint64_t> counted;   // percentile: raw decimal -> how often
    plan::StoredValue extreme;                   // min, max
  };
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
