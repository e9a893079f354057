// adoption.h - how an operator that was born over stored events comes to hold what was open then (design 6, Definitions that change).
//
// Beside the operator of a new definition, for which everything open at its birth is cold, a second one is folded that knows of no
// birth. Once the first computation is done it is given the stored events of before, part by part in the background: operators do not
// depend on the order of what they are given. When it has them all it holds every event of what is still open, and takes over; what it
// has is emitted again. What closed in the meantime was the jobs' and stays so.
// Promise Each part enters between two epochs that the journal names; recovery reads it again from the store (events of committed
//         epochs never change).
// Bounds  kPartEvents events a part and the events of one epoch; a reply that is too large gives the adoption up, and an operator over
//         its budget leaves windows cold as it always does. While it runs a definition takes twice its budget.
// Not     Sessions and windows over them, whose runs have no beginning that could be asked for, and latency batch: jobs compute what was
//         open, until it closes.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "plan/clickhouse_adoption.h"
#include "plan/evaluate.h"
#include "plan/joined_rows.h"
#include "plan/reads.h"
#include "process/metric_operator.h"
#include "process/row_binary.h"

namespace sluice::process {

inline constexpr uint64_t kPartEvents = 100'000;

bool may_adopt(const plan::Metric& metric);
// The oldest event_time that a row which is open at that watermark can be computed from.
TimeMs adopted_since(const plan::Metric& metric, TimeMs watermark);

// The reply to stored_events_query, row by row.
class StoredEvents {
 public:
  StoredEvents(const plan::Plan& plan, const plan::Metric& metric, std::string_view reply);
  // False at the end, or where the reply is short: failed().
  bool next();
  const plan::Row& row() const { return row_; }
  bool failed() const { return from_.failed(); }

 private:
  RowReader from_;
  const plan::Reads reads_;
  plan::Row row_;
  plan::JoinedRows joined_;
  std::vector<event::ScalarView> scalars_;  // one per path that is read
  std::vector<const event::ScalarView*> paths_;  // one per path of the plan
};

// Gives them to the operator, as of that watermark: what is closed by then is none of its business.
Status adopt_events(MetricOperator& adopting, StoredEvents events, TimeMs watermark, event::Epoch epoch,
                    plan::Evaluator& evaluator);

}  // namespace sluice::process
