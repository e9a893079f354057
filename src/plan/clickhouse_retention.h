// clickhouse_retention.h - a retention in ClickHouse SQL (semantics R10): the functions of clickhouse.h for metrics of that kind.
//
// Shape   events of its conditions -> per key the period of its first start event -> those that a row is computed from, once per row ->
//         a row per cohort and period. Whose cohort it is depends on every start event ever stored, so all of them are read.
#pragma once

#include <string>
#include <vector>

#include "plan/clickhouse.h"

namespace sluice::plan::clickhouse {

std::string retention_windows_query(const Plan& plan, const Metric& metric, const std::vector<Span>& rows, uint64_t up_to_epoch);
std::string retention_window_list_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch);
std::string retention_definition_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch,
                                       std::optional<TimeMs> watermark);

// The columns `cohort_start` and `period` of the view; `start` and `period` are the stored ones.
std::vector<std::string> retention_columns(const std::string& start, const std::string& period);

}  // namespace sluice::plan::clickhouse
