// clickhouse_funnel.h - a funnel in ClickHouse SQL: for each key and entry window a nested running maximum (semantics R9).
//
// Shape   events x entry windows that reach them -> per step the latest start of a chain that has come so far -> per key the steps
//         reached -> per window and dimensions a row per step. The functions are those of clickhouse.h for metrics of kind funnel.
// Names   Columns of the query's own begin with an underscore: _p step conditions, _s latest starts, _c chains that end in this event.
// Source  facts/engines.md 3 (funnel), where the form without windows was run on four engines.
#pragma once

#include <string>
#include <vector>

#include "plan/clickhouse.h"

namespace sluice::plan::clickhouse {

std::string funnel_windows_query(const Plan& plan, const Metric& metric, const std::vector<Span>& windows, uint64_t up_to_epoch);
std::string funnel_window_list_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch);
std::string funnel_definition_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch,
                                    std::optional<TimeMs> watermark);

// The columns `step` and `step_name` of the view; `step` is the stored text.
std::vector<std::string> funnel_step_columns(const Metric& metric, const std::string& step);

}  // namespace sluice::plan::clickhouse
