// loading.h - running a panel's query: the SQL from the plan's printer, the reply as rows. On a worker, without the hub's lock.
//
// Errors  The store's own; Code::corrupt when the reply is not what the query asked for.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "event/position.h"
#include "os/clock.h"
#include "plan/metric_row.h"
#include "serve/feed.h"
#include "serve/panel_list.h"
#include "serve/project.h"
#include "serve/queries.h"

namespace sluice::serve {

inline constexpr size_t kAnswerRowsMax = 10'000;

struct AsOf {
  event::Epoch epoch;
  TimeMs watermark = kMinusInfinity;
  TimeMs clock{};
};

struct BoardTask {
  uint32_t query = 0;
  AsOf as_of;
  std::optional<TimeMs> newest;           // when it is known already; kMinusInfinity: no event
  std::optional<plan::Span> range;        // instead of [end - D, end)
  size_t rows_max = 0;
  DurationMs timeout{};
};

struct LoadedRow {
  plan::Span window;
  plan::Group key;                                  // kept dimensions, ascending
  std::vector<std::optional<std::string>> values;   // every measure, visible, as text; of a funnel per step people, median_ms
  plan::State state = plan::State::filling;         // of view rows
  bool any_late = false;                            // of computed rows
  bool any_on_time = false;
};

struct LoadedRevision {
  plan::Span window;
  plan::Group key;
  std::string measure;
  std::string old_value;
  std::string new_value;
  std::string cause;
  TimeMs at{};
};

struct Loaded {
  TimeMs newest = kMinusInfinity;
  plan::Span over{};
  std::vector<LoadedRow> rows;
  uint64_t groups = 0;
  std::vector<LoadedRevision> revisions;
  TimeMs computed_at{};
  DurationMs took{};
};

struct PendingChange {
  std::shared_ptr<const MetricChange> change;
  TimeMs at{};
};

// What a panel shows, for "How do you know?", verify and CSV.
struct ShownPoint {
  plan::Span window;
  plan::Group key;                                  // of the panel, in its order
  // stat, timeseries, band, top, retention: one; table: per measure column; funnel: per step people, median_ms
  std::vector<std::optional<std::string>> values;
  plan::State state = plan::State::filling;
  event::Epoch as_of;                               // 0: not known, ask the metric's table
};
class Boards;
struct ShownPanel {
  std::shared_ptr<const Boards> boards;             // whose entry and query these are
  std::shared_ptr<const Project> project;
  const PanelEntry* entry = nullptr;
  const SharedQuery* query = nullptr;
  std::shared_ptr<const SharedQuery> own_query;     // where it is not one of the list's
  std::string table;                                // behind the metric's view, without database; empty: not known yet
  AsOf as_of;
  plan::Span over{};
  bool empty = true;
  std::vector<ShownPoint> points;
};

// [end - D, end) with end as boards.h says.
plan::Span over_span(const plan::Metric& metric, TimeMs newest, DurationMs over);
// The query that computes the panel, as a person may read it.
std::string query_sql(const Project& project, const SharedQuery& query, plan::Span over, event::Epoch epoch);
// The same from the metric's view, for people: what a time series of all dimensions reads.
std::string shown_view_sql(const plan::Metric& metric, plan::Span over, const plan::clickhouse::DimensionFilters& filters = {});
// A retention's cohorts from raw events, those whose own period ends in (start, end]: columns as its view.
std::string retention_sql(const Project& project, uint32_t metric, plan::Span cohorts, event::Epoch epoch);
Result<Loaded> load(const Project& project, const SharedQuery& query, const BoardTask& task, Queries& queries, os::Clock& clock);
// Computes from raw events again what a panel shows: its window by over_query, its buckets by series_query, by the metric's own
// plan; with a key only that group. `sql` is what was run.
struct Recomputation {
  SharedQuery::Kind kind = SharedQuery::Kind::over;  // over or series
  uint32_t metric = 0;
  plan::Span window{};
  std::vector<uint32_t> kept;                        // ascending
  plan::clickhouse::DimensionFilters filters;
  std::optional<plan::Group> key;                    // in the order of kept
  event::Epoch epoch;
};
std::string recomputation_sql(const Project& project, const Recomputation& what);
Result<std::vector<LoadedRow>> recompute(const Project& project, const Recomputation& what, const std::string& sql,
                                         Queries& queries, DurationMs timeout);
// The epoch that a row of a metric's table was written as of; 0: no such row.
Result<event::Epoch> row_epoch(const std::string& table, plan::Span window, const plan::Group& dimensions, Queries& queries,
                               DurationMs timeout);

}  // namespace sluice::serve
