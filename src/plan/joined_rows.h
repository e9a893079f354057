// joined_rows.h - the dimension rows that belong to one event, found when an expression first asks for them (semantics R11).
//
// Use     begin() once per event; the evaluator asks for values.
// Cost    Per event and join that is read at most one evaluation of its key and one find() (dimension_table.h).
// Threads One.   Lives  The Plan must outlive it; values point into the plan's tables.
#pragma once

#include <optional>
#include <vector>

#include "plan/evaluate.h"
#include "plan/plan.h"

namespace sluice::plan {

class JoinedRows {
 public:
  explicit JoinedRows(const Plan& plan) : plan_(&plan), found_(plan.joins.size()) {}
  void begin() { ++event_; }
  // Of an Op::joined_text or joined_number, for the event that `row` is of.
  Value value(const Node& node, const Row& row);

 private:
  struct Found {
    uint64_t event = 0;  // that it was found for
    std::optional<uint32_t> row;
  };
  const Plan* plan_;
  std::vector<Found> found_;  // per join
  uint64_t event_ = 1;
  Evaluator evaluator_;
};

}  // namespace sluice::plan
