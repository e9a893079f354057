// clickhouse.h - the plan in ClickHouse SQL: tables, views and the queries that compute the same numbers from `events`.
//
// Promise A query printed here and the operators of process/ agree to the last digit, states included (design P5).
//         Absent map keys are NULL (mapContains, never a bare subscript). Nothing assumes the embedded store.
// Columns of a metric's table, in order (table_columns): window_start, window_end, group_key, the dimensions, per measure its
//         stored columns (avg: <name>__sum, <name>__count; derived: none; all others: <name>), state, version, is_deleted, epoch.
//         A dimension or measure whose name is one of these (version, is_deleted, epoch, group_key, any_late, any_on_time,
//         ...__sum, ...__count) has an underscore in front in the table and in queries that add columns, its own name in the view. ReplacingMergeTree(version, is_deleted) ORDER BY (window_start, window_end, group_key), unpartitioned.
// View    sluice.<name>: window_start, window_end, dimensions, visible measures (avg divided, derived computed), state; dimensions
//         and measures in the order as written, everywhere else in that of the plan.
// Source  semantics R1, R8; facts/exactly-once.md 27 to 32; facts/engines.md 3.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/metric_row.h"
#include "plan/plan.h"

namespace sluice::plan::clickhouse {

struct Column {
  std::string name;
  std::string type;  // as ClickHouse writes it: DateTime64(3, 'UTC'), Nullable(Decimal(38, 9)), ...
};

// Tables that every project has and definitions may not be named after (design 7).
const std::vector<std::string>& reserved_table_names();

std::string quote_name(std::string_view name);  // `name`
std::string quote_text(std::string_view text);  // 'text', escaped

std::vector<Column> table_columns(const Metric& metric);
std::string create_table(const Metric& metric, const std::string& table);
std::string create_view(const Metric& metric, const std::string& table);  // CREATE OR REPLACE VIEW sluice.<name>
std::string drop_view(const std::string& metric);
std::string drop_table(const std::string& table);

// Injective text of a group's dimensions (in the plan's order) with NULL apart from '': per dimension 'n' for NULL, else
// 't<length in bytes>:<bytes>'.
std::string group_key(const std::vector<std::optional<std::string>>& dimensions);

// A topk column as one text and back, for results that are read as texts: per value <count>:<length in bytes>:<bytes>. The engine's
// own text of an array quotes and escapes in a way that is lost when the field's escapes are taken off.
inline constexpr std::string_view kTopType = "Array(Tuple(value String, count UInt64))";
std::string top_cell(const std::string& column);
std::optional<std::vector<TopValue>> read_top_cell(std::string_view cell);

// Statements of one metric, without a job's list of windows, have at most so many bytes (compile() refuses larger metrics): with the
// list they stay below the max_query_size of 1,000,000 that statements of our own run with.
inline constexpr size_t kStatementBytesMax = 500'000;
size_t largest_statement(const Plan& plan, const Metric& metric);

// Whole windows recomputed from `events` WHERE epoch <= up_to. Result columns, in order: window_start Int64 (ms), window_end Int64,
// the dimensions Nullable(String), the stored measure columns as in the table, any_late UInt8, any_on_time UInt8 (R1: an event is
// late for a row when its stored watermark >= window_end + allowed_lateness). `windows` is not empty; at most kWindowsPerQuery.
inline constexpr size_t kWindowsPerQuery = 4096;
std::string windows_query(const Plan& plan, const Metric& metric, const std::vector<Span>& windows, uint64_t up_to_epoch);
// All windows that have events: window_start Int64, window_end Int64, rows UInt64, ordered.
std::string window_list_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch);
// The whole metric as a person would write it: what "How do you know?" shows and the differential test runs. Columns named and typed
// as in the view, in the plan's order; state computed with the watermark given, or, with nullopt, that of the moment it runs.
// kMinusInfinity is what the store holds for it.
inline constexpr int64_t kStoredMinusInfinityMs = -2'208'988'800'000;  // 1900-01-01
std::string definition_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch, std::optional<TimeMs> watermark);

// Only groups of one value of a dimension, kept or not; nullopt is NULL. Of a funnel: of the event of the first step.
struct DimensionFilter {
  uint32_t dimension = 0;
  std::optional<std::string> value;
  auto operator<=>(const DimensionFilter&) const = default;
};
using DimensionFilters = std::vector<DimensionFilter>;  // all of them hold

// `over`: one window [start, end) grouped by the kept dimensions, visible measures. Columns: kept dimensions, then every measure in
// order (visible values), any_late, any_on_time. No events, no row. Of a funnel: see funnel_over_query; not of retention.
std::string over_query(const Plan& plan, const Metric& metric, Span window, const std::vector<uint32_t>& kept_dimensions,
                       uint64_t up_to_epoch, const DimensionFilters& filters = {});
// Largest event_time among events that pass `where` and are not `future`: one row, max Nullable(DateTime64) as Nullable(Int64) ms.
std::string newest_event_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch);
// Buckets of a time series that drops dimensions: every window of the metric that ends in (start, end], grouped by window and the
// kept dimensions. Columns: window_start Int64, window_end Int64, kept dimensions, visible measures, any_late, any_on_time.
std::string series_query(const Plan& plan, const Metric& metric, Span over, const std::vector<uint32_t>& kept_dimensions,
                         uint64_t up_to_epoch, const DimensionFilters& filters = {});

}  // namespace sluice::plan::clickhouse
