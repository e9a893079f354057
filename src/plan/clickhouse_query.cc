// Queries that compute a metric from `events` (clickhouse.h), in three steps: rows (windows, dimensions, arguments), groups
// (aggregates), columns (stored or visible values).
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/result.h"
#include "plan/calendar.h"
#include "plan/clickhouse.h"
#include "plan/clickhouse_expression.h"
#include "plan/clickhouse_funnel.h"
#include "plan/clickhouse_join.h"
#include "plan/clickhouse_measure.h"
#include "plan/clickhouse_retention.h"
#include "plan/clickhouse_sessions.h"

namespace sluice::plan::clickhouse {
namespace {

constexpr int64_t kNoTime = std::numeric_limits<int64_t>::min();

// Bounds of event_time, whose values lie in [1901, 2100) (R2); the engine's instants begin with 1900.
std::string instant(int64_t ms) {
  return fmt::format("fromUnixTimestamp64Milli(toInt64({}), 'UTC')", std::max(ms, kStoredMinusInfinityMs));
}

// What one query asks of a metric. Windows come from the definition, or there is one that is given.
struct Ask {
  const Plan& plan;
  const Metric& metric;
  uint64_t up_to_epoch = 0;
  std::vector<uint32_t> dimensions;      // kept, by index
  bool windows = true;                   // group by window
  int64_t from = kNoTime, to = kNoTime;  // only events with from <= event_time < to
  std::string window_filter;             // condition on _ws and _we
  std::string due;                       // of a row, ms; `_we` or a literal
  DimensionFilters filters{};
};

std::string dimension_column(uint32_t i) { return fmt::format("_d{}", i); }
std::string argument_column(size_t i) { return fmt::format("_a{}", i); }
std::string filter_column(size_t i) { return fmt::format("_f{}", i); }
// What orders events of one group (R8 first, last): the order of the log breaks ties.
constexpr std::string_view kOrderColumn = "_o";

std::string value_column(size_t i) { return fmt::format("_m{}", i); }

std::string lines(const std::vector<std::string>& items, std::string_view indent) {
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) out += fmt::format("{}{}{}\n", indent, items[i], i + 1 < items.size() ? "," : "");
  return out;
}

// Every modulus is Int64: with an unsigned one beyond 32 bits the engine computes on unsigned numbers.
std::string floor_sql(int64_t step, int64_t offset) {
  const std::string shifted = offset == 0 ? "_t" : fmt::format("_t - {}", offset);
  return fmt::format("_t - positiveModulo({}, toInt64({}))", shifted, step);
}

// Columns _ws or _we of a row; the other end follows by addition. Events outside [from, to) give no window for nothing.
std::vector<std::string> window_columns(const Window& window) {
  const int64_t size = window.size.count(), step = window.step.count(), offset = window.offset.count();
  switch (window.kind) {
    case Window::Kind::tumble: return {fmt::format("{} AS _ws", floor_sql(size, offset))};
    case Window::Kind::hop:
      return {
          fmt::format("arrayJoin(arrayMap(_k -> {} - _k * {}, range({}))) AS _ws", floor_sql(step, offset), step, size / step)};
    case Window::Kind::cumulate:
      return {fmt::format("{} AS _ws", floor_sql(size, offset)),
              fmt::format("arrayJoin(arrayMap(_k -> {} + _k * {}, range({}, {}))) AS _we", floor_sql(size, offset), step,
                          fmt::format("toUInt32(intDiv(positiveModulo(_t - {}, toInt64({})), {}) + 1)", offset, size, step),
                          size / step + 1)};
    case Window::Kind::calendar:
      return {"roundDown(_t, _starts) AS _run", "transform(_run, _starts, _sizes, toInt64(0)) AS _size",
              "_run + intDiv(_t - _run, _size) * _size AS _ws", "_ws + _size AS _we"};
  }
  return {};
}
// The end has a column of its own where it does not follow from the start.
bool has_end_column(const Window& window) {
  return window.kind == Window::Kind::cumulate || window.kind == Window::Kind::calendar;
}
std::string window_end(const Window& window) {
  return has_end_column(window) ? "_we" : fmt::format("_ws + {}", window.size.count());
}

// Windows of a zone as runs of windows of equal length (calendar.h): only those that events of [from, to) can lie in.
std::string calendar_sql(const Window& window, int64_t from, int64_t to) {
  if (window.kind != Window::Kind::calendar) return "";
  const std::vector<Calendar::Run> runs =
      from == kNoTime ? window.calendar->runs : window.calendar->runs_of(time_ms(from), time_ms(to));
  std::string starts, sizes;
  for (const Calendar::Run& run : runs) {
    starts += fmt::format("{}{}", starts.empty() ? "" : ", ", to_ms(run.start));
    sizes += fmt::format("{}{}", sizes.empty() ? "" : ", ", run.size.count());
  }
  return fmt::format("    WITH CAST([{}] AS Array(Int64)) AS _starts, CAST([{}] AS Array(Int64)) AS _sizes\n", starts, sizes);
}

bool reads_order(const Measure& measure) { return measure.kind == MeasureKind::first || measure.kind == MeasureKind::last; }

// What is put into windows: an event by its time, a session by its start.
std::string time_column(const Metric& metric) {
  return metric.sessions ? "started_at AS _t" : "toUnixTimestamp64Milli(event_time) AS _t";
}

std::vector<std::string> row_columns(const Ask& ask) {
  std::vector<std::string> columns;
  if (ask.windows) {
    columns.push_back(time_column(ask.metric));
    for (std::string& column : window_columns(ask.metric.window)) columns.push_back(std::move(column));
  }
  for (const uint32_t i : ask.dimensions)
    columns.push_back(fmt::format("{} AS {}", value_sql(ask.metric.dimensions[i].value, ask.plan.paths), dimension_column(i)));
  for (size_t i = 0; i < ask.metric.measures.size(); ++i) {
    const Measure& measure = ask.metric.measures[i];
    if (measure.kind == MeasureKind::derived) continue;
    if (!measure.argument.empty())
      columns.push_back(fmt::format("{} AS {}", value_sql(measure.argument, ask.plan.paths), argument_column(i)));
    if (!measure.where.empty())
      columns.push_back(fmt::format("ifNull({}, 0) AS {}", row_sql(measure.where, ask.plan.paths), filter_column(i)));
  }
  const bool order = std::any_of(ask.metric.measures.begin(), ask.metric.measures.end(), reads_order);
  if (ask.metric.sessions) {
    if (order) columns.emplace_back(kOrderColumn);
    columns.insert(columns.end(), {"_v", "_w"});
    return columns;
  }
  if (order)
    columns.push_back(fmt::format("(toUnixTimestamp64Milli(event_time), log_partition, log_offset) AS {}", kOrderColumn));
  columns.push_back("toUnixTimestamp64Milli(watermark) AS _w");
  return columns;
}

// Only true passes: WHERE drops NULL by itself, and a bare condition lets the engine use its index.
std::string where_sql(const Ask& ask) {
  const bool sessions = ask.metric.sessions.has_value();  // then the epochs are theirs, in sessions_sql
  std::string out = sessions ? "true" : fmt::format("epoch <= {}", ask.up_to_epoch);
  if (ask.from != kNoTime && sessions) out += fmt::format("\n      AND started_at >= {} AND started_at < {}", ask.from, ask.to);
  if (ask.from != kNoTime && !sessions)
    out += fmt::format("\n      AND event_time >= {} AND event_time < {}", instant(ask.from), instant(ask.to));
  if (!ask.metric.where.empty()) out += fmt::format("\n      AND {}", row_sql(ask.metric.where, ask.plan.paths));
  for (const DimensionFilter& filter : ask.filters)
    out += fmt::format("\n      AND {}",
                       filter_sql(value_sql(ask.metric.dimensions[filter.dimension].value, ask.plan.paths), filter));
  return out;
}

// Sessions that start before `to` have no event from `to` + max on. Where their runs began is known from all events before.
std::string table_sql(const Ask& ask) {
  if (!ask.metric.sessions) return events_sql(ask.plan, ask.metric);
  const Sessions& sessions = *ask.metric.sessions;
  const std::string times =
      ask.to == kNoTime ? "" : fmt::format("\n  AND event_time < {}", instant(ask.to + sessions.max.count()));
  return fmt::format("(\n{})", sessions_sql(ask.plan, sessions, ask.up_to_epoch, times));
}

std::string rows_sql(const Ask& ask) {
  return fmt::format("{}    SELECT\n{}    FROM {}\n    WHERE {}\n",
                     ask.windows ? calendar_sql(ask.metric.window, ask.from, ask.to) : "", lines(row_columns(ask), "      "),
                     table_sql(ask), where_sql(ask));
}

// Raw aggregates: percentile keeps its sorted values for the next step, which needs them twice; topk its different values and how
// often each came, as two arrays. argMin and argMax pass over rows whose value is NULL.
std::string aggregate_sql(const Measure& measure, size_t i) {
  const std::string argument = argument_column(i);
  const bool filtered = !measure.where.empty();
  const auto call = [&](std::string_view function) {
    return filtered ? fmt::format("{}If({}, {})", function, argument, filter_column(i))
                    : fmt::format("{}({})", function, argument);
  };
  switch (measure.kind) {
    case MeasureKind::count: return filtered ? fmt::format("countIf({})", filter_column(i)) : "count()";
    case MeasureKind::count_of: return call("count");
    case MeasureKind::sum:
    case MeasureKind::avg: return call("sum");
    case MeasureKind::min: return call("min");
    case MeasureKind::max: return call("max");
    case MeasureKind::distinct: return call("uniqExact");
    case MeasureKind::percentile: return fmt::format("arraySort({})", call("groupArray"));
    case MeasureKind::first:
    case MeasureKind::last: {
      const std::string_view function = measure.kind == MeasureKind::first ? "argMin" : "argMax";
      return filtered ? fmt::format("{}If({}, {}, {})", function, argument, kOrderColumn, filter_column(i))
                      : fmt::format("{}({}, {})", function, argument, kOrderColumn);
    }
    case MeasureKind::topk:
      return fmt::format("sumMapIf([assumeNotNull({0})], [toUInt64(1)], isNotNull({0}){1})", argument,
                         filtered ? " AND " + filter_column(i) : "");
    case MeasureKind::derived: return "";
  }
  return "";
}

std::vector<std::string> group_names(const Ask& ask) {
  std::vector<std::string> names;
  if (ask.windows) names = {"_ws", "_we"};
  for (const uint32_t i : ask.dimensions) names.push_back(dimension_column(i));
  return names;
}

std::string groups_sql(const Ask& ask) {
  std::vector<std::string> columns;
  if (ask.windows) columns = {"_ws", has_end_column(ask.metric.window) ? "_we" : window_end(ask.metric.window) + " AS _we"};
  for (const uint32_t i : ask.dimensions) columns.push_back(dimension_column(i));
  for (size_t i = 0; i < ask.metric.measures.size(); ++i) {
    const Measure& measure = ask.metric.measures[i];
    if (measure.kind == MeasureKind::derived) continue;
    columns.push_back(fmt::format("{} AS {}", aggregate_sql(measure, i), value_column(i)));
    if (measure.kind == MeasureKind::avg) {
      const std::string argument = argument_column(i);
      columns.push_back(fmt::format(
          "{} AS {}c",
          measure.where.empty() ? fmt::format("count({})", argument) : fmt::format("countIf({}, {})", argument, filter_column(i)),
          value_column(i)));
    }
  }
  const std::string due = fmt::format("{} + {}", ask.due, (ask.metric.due_after + ask.metric.allowed_lateness).count());
  columns.push_back(fmt::format("max(_w >= {}) AS _late", due));
  columns.push_back(fmt::format("max({} < {}) AS _on_time", ask.metric.sessions ? "_v" : "_w", due));
  std::string out = fmt::format("  SELECT\n{}  FROM (\n{}  )\n", lines(columns, "    "), rows_sql(ask));
  if (!ask.window_filter.empty()) out += fmt::format("  WHERE {}\n", ask.window_filter);
  const std::vector<std::string> names = group_names(ask);
  out += names.empty() ? "  HAVING count() > 0\n" : fmt::format("  GROUP BY {}\n", fmt::join(names, ", "));
  return out;
}

// From the groups' columns: what the table stores.
std::string stored_value(const Measure& measure, size_t i) {
  const std::string column = value_column(i);
  if (measure.type == Type::time) return fmt::format("fromUnixTimestamp64Milli({}, 'UTC')", column);
  if (measure.kind == MeasureKind::topk) {
    return fmt::format("CAST(arraySlice(arraySort(_e -> (-toInt64(_e.2), _e.1), arrayZip({0}.1, {0}.2)), 1, {1}) AS {2})", column,
                       measure.top, kTopType);
  }
  if (measure.kind != MeasureKind::percentile) return column;
  return fmt::format("if(empty({0}), NULL, arrayElement({0}, greatest(1, intDiv(length({0}) * {1} + {2}, {3}))))", column,
                     measure.p_numerator, measure.p_denominator - 1, measure.p_denominator);
}

std::vector<std::string> visible_values(const Metric& metric) {
  return visible_sql(metric, [&](const std::string& name) -> std::string {
    for (size_t i = 0; i < metric.measures.size(); ++i) {
      const std::vector<Column> columns = stored_columns(metric.measures[i]);
      for (size_t c = 0; c < columns.size(); ++c) {
        if (columns[c].name == name) return c == 1 ? value_column(i) + "c" : stored_value(metric.measures[i], i);
      }
    }
    return "";
  });
}

std::vector<uint32_t> all_dimensions(const Metric& metric) {
  std::vector<uint32_t> all(metric.dimensions.size());
  std::iota(all.begin(), all.end(), 0U);
  return all;
}

std::string finish(const Ask& ask, const std::vector<std::string>& columns) {
  return fmt::format("SELECT\n{}FROM (\n{})\n", lines(columns, "  "), groups_sql(ask));
}

// What the author's names become in a result: themselves where they are all there is, else those of the table, which make room for
// any_late and any_on_time.
enum class Naming : uint8_t { own, table };
std::string result_name(const std::string& name, Naming naming) {
  return quote_name(naming == Naming::table ? stored_name(name) : name);
}

void append_dimensions(const Ask& ask, std::vector<std::string>& columns, Naming naming) {
  for (const uint32_t i : ask.dimensions) {
    columns.push_back(fmt::format("{} AS {}", dimension_column(i), result_name(ask.metric.dimensions[i].name, naming)));
  }
}
void append_visible(const Ask& ask, std::vector<std::string>& columns, Naming naming) {
  const std::vector<std::string> visible = visible_values(ask.metric);
  for (size_t i = 0; i < visible.size(); ++i)
    columns.push_back(fmt::format("{} AS {}", visible[i], result_name(ask.metric.measures[i].name, naming)));
}
void append_lateness(std::vector<std::string>& columns) {
  columns.push_back("_late AS any_late");
  columns.push_back("_on_time AS any_on_time");
}

}  // namespace

std::string watermark_sql(std::optional<TimeMs> watermark) {
  if (watermark) return fmt::format("{}", *watermark == kMinusInfinity ? kStoredMinusInfinityMs : to_ms(*watermark));
  return fmt::format(
      "coalesce((SELECT maxOrNull(toUnixTimestamp64Milli(watermark)) FROM sluice.watermarks WHERE source = ''), {})",
      kStoredMinusInfinityMs);
}

size_t largest_statement(const Plan& plan, const Metric& metric) {
  return std::max(
      {create_table(metric, "").size(), create_view(metric, "").size(), definition_query(plan, metric, 0, TimeMs{}).size()});
}

std::string windows_query(const Plan& plan, const Metric& metric, const std::vector<Span>& windows, uint64_t up_to_epoch) {
  SLUICE_ASSERT(!windows.empty() && windows.size() <= kWindowsPerQuery, "a job asks for 1 to kWindowsPerQuery windows at a time");
  if (metric.kind == Metric::Kind::funnel) return funnel_windows_query(plan, metric, windows, up_to_epoch);
  if (metric.kind == Metric::Kind::retention) return retention_windows_query(plan, metric, windows, up_to_epoch);
  if (metric.kind == Metric::Kind::sessions) return sessions_ranges_query(plan, metric, windows, up_to_epoch);
  Ask ask{.plan = plan,
          .metric = metric,
          .up_to_epoch = up_to_epoch,
          .dimensions = all_dimensions(metric),
          .window_filter = {},
          .due = "_we"};
  ask.from = to_ms(windows[0].start);
  ask.to = to_ms(windows[0].end);
  std::vector<int64_t> ends;
  for (const Span& window : windows) {
    ask.from = std::min(ask.from, to_ms(window.start));
    ask.to = std::max(ask.to, to_ms(window.end));
    ends.push_back(to_ms(window.end));
  }
  std::sort(ends.begin(), ends.end());
  // A window's end names it: windows of one definition that end together are one.
  std::string list;
  for (const int64_t end : ends) list += fmt::format("{}{}", list.empty() ? "" : ", ", end);
  ask.window_filter = fmt::format("({}) IN ({})", window_end(metric.window), list);
  std::vector<std::string> columns{"_ws AS window_start", "_we AS window_end"};
  append_dimensions(ask, columns, Naming::table);
  for (size_t i = 0; i < metric.measures.size(); ++i) {
    const std::vector<Column> stored = stored_columns(metric.measures[i]);
    for (size_t c = 0; c < stored.size(); ++c) {
      columns.push_back(fmt::format("{} AS {}", c == 1 ? value_column(i) + "c" : stored_value(metric.measures[i], i),
                                    quote_name(stored[c].name)));
    }
  }
  append_lateness(columns);
  return finish(ask, columns);
}

std::string window_list_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch) {
  if (metric.kind == Metric::Kind::funnel) return funnel_window_list_query(plan, metric, up_to_epoch);
  if (metric.kind == Metric::Kind::retention) return retention_window_list_query(plan, metric, up_to_epoch);
  if (metric.kind == Metric::Kind::sessions) return sessions_list_query(plan, metric, up_to_epoch);
  const Ask ask{.plan = plan, .metric = metric, .up_to_epoch = up_to_epoch, .dimensions = {}, .window_filter = {}, .due = "_we"};
  std::vector<std::string> columns{time_column(metric)};
  for (std::string& column : window_columns(metric.window)) columns.push_back(std::move(column));
  return fmt::format(
      "SELECT _ws AS window_start, {} AS window_end, count() AS rows\nFROM (\n{}    SELECT\n{}    FROM {}\n    WHERE "
      "{}\n)\nGROUP BY window_start, window_end\nORDER BY window_start, window_end\n",
      window_end(metric.window), calendar_sql(metric.window, kNoTime, kNoTime), lines(columns, "      "), table_sql(ask),
      where_sql(ask));
}

std::string definition_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch, std::optional<TimeMs> watermark) {
  if (metric.kind == Metric::Kind::funnel) return funnel_definition_query(plan, metric, up_to_epoch, watermark);
  if (metric.kind == Metric::Kind::retention) return retention_definition_query(plan, metric, up_to_epoch, watermark);
  if (metric.kind == Metric::Kind::sessions) return sessions_definition_query(plan, metric, up_to_epoch, watermark);
  const Ask ask{.plan = plan,
                .metric = metric,
                .up_to_epoch = up_to_epoch,
                .dimensions = all_dimensions(metric),
                .window_filter = {},
                .due = "_we"};
  std::vector<std::string> columns{"fromUnixTimestamp64Milli(_ws, 'UTC') AS window_start",
                                   "fromUnixTimestamp64Milli(_we, 'UTC') AS window_end"};
  append_dimensions(ask, columns, Naming::own);
  append_visible(ask, columns, Naming::own);
  columns.push_back(fmt::format("multiIf({} < _we + {}, 'filling', _late AND _on_time, 'revised', 'final') AS state",
                                watermark_sql(watermark), (metric.due_after + metric.allowed_lateness).count()));
  return finish(ask, columns) + "ORDER BY window_start, window_end\n";
}

std::string over_query(const Plan& plan, const Metric& metric, Span window, const std::vector<uint32_t>& kept_dimensions,
                       uint64_t up_to_epoch, const DimensionFilters& filters) {
  if (metric.kind == Metric::Kind::funnel) return funnel_over_query(plan, metric, window, kept_dimensions, up_to_epoch, filters);
  Ask ask{.plan = plan,
          .metric = metric,
          .up_to_epoch = up_to_epoch,
          .dimensions = kept_dimensions,
          .window_filter = {},
          .due = fmt::format("{}", to_ms(window.end)),
          .filters = filters};
  ask.windows = false;
  ask.from = to_ms(window.start);
  ask.to = to_ms(window.end);
  std::vector<std::string> columns;
  append_dimensions(ask, columns, Naming::table);
  append_visible(ask, columns, Naming::table);
  append_lateness(columns);
  return finish(ask, columns);
}

std::string newest_event_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch) {
  const Ask ask{.plan = plan, .metric = metric, .up_to_epoch = up_to_epoch, .dimensions = {}, .window_filter = {}, .due = {}};
  std::string where = metric.sessions ? fmt::format("epoch <= {}", up_to_epoch) : where_sql(ask);
  if (metric.sessions && !metric.sessions->where.empty()) where += "\n      AND " + row_sql(metric.sessions->where, plan.paths);
  return fmt::format(
      "SELECT maxOrNull(toUnixTimestamp64Milli(event_time)) AS newest\nFROM {}\nWHERE {}\n      AND NOT has(flags, "
      "'future')\n",
      events_sql(plan, metric), where);
}

std::string series_query(const Plan& plan, const Metric& metric, Span over, const std::vector<uint32_t>& kept_dimensions,
                         uint64_t up_to_epoch, const DimensionFilters& filters) {
  Ask ask{.plan = plan,
          .metric = metric,
          .up_to_epoch = up_to_epoch,
          .dimensions = kept_dimensions,
          .window_filter = {},
          .due = "_we",
          .filters = filters};
  // A window that ends after `start` may have begun a whole size before.
  ask.from = to_ms(over.start) - metric.window.size.count();
  ask.to = to_ms(over.end);
  const std::string end = window_end(metric.window);
  ask.window_filter = fmt::format("{0} > {1} AND {0} <= {2}", end, to_ms(over.start), to_ms(over.end));
  std::vector<std::string> columns{"_ws AS window_start", "_we AS window_end"};
  append_dimensions(ask, columns, Naming::table);
  append_visible(ask, columns, Naming::table);
  append_lateness(columns);
  return finish(ask, columns) + "ORDER BY window_start, window_end\n";
}

}  // namespace sluice::plan::clickhouse
