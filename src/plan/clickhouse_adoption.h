// clickhouse_adoption.h - stored events for the operator of a definition that was born after them (design 6: adoption).
//
// Promise What the two queries say never changes: events of committed epochs are never taken back, so a part read again is the same.
#pragma once

#include <string>

#include "plan/plan.h"

namespace sluice::plan::clickhouse {

// The events that a definition's rows of [since, ...) are computed from, in the epochs (after, up_to].
struct StoredPart {
  TimeMs since = kMinusInfinity;  // of event_time
  uint64_t after = 0;
  uint64_t up_to = 0;
};

// One row: epoch UInt64 of the part's event number `most` in the order of epochs, its newest one if it has fewer, 0 if it has none; then
// how many were counted, UInt64.
std::string stored_part_end_query(const Plan& plan, const Metric& metric, const StoredPart& part, uint64_t most);
// Columns: event_time Int64 ms, received_at Int64 ms, log_partition UInt16, log_offset UInt64; then those of reads_of(plan, metric): names as
// Nullable(String), per path its text Nullable(String) and its number Nullable(Decimal(38, 9)). In no order.
std::string stored_events_query(const Plan& plan, const Metric& metric, const StoredPart& part);

}  // namespace sluice::plan::clickhouse
