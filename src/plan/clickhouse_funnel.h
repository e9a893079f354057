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

// One entry window [start, end), as the definition's own are computed: kept dimensions (indexes, `step` not among them), step UInt8,
// step_name, people, median_ms, any_late, any_on_time; groups with more entries first, then by step.
std::string funnel_over_query(const Plan& plan, const Metric& metric, Span window, const std::vector<uint32_t>& kept_dimensions,
                              uint64_t up_to_epoch, const DimensionFilters& filters = {});
// Who reached step - 1 and not step (2 or more) from an entry in that window, and when they entered last: key, at (ms); newest first.
struct FunnelDrop {
  Span window;
  std::vector<uint32_t> kept;  // as above
  std::vector<std::optional<std::string>> key;  // of the group, a value per kept dimension
  size_t step = 2;
  DimensionFilters filters;
};
std::string funnel_dropped_query(const Plan& plan, const Metric& metric, const FunnelDrop& drop, uint64_t up_to_epoch);

// The columns `step` and `step_name` of the view; `step` is the stored text.
std::vector<std::string> funnel_step_columns(const Metric& metric, const std::string& step);

}  // namespace sluice::plan::clickhouse
