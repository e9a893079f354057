#include "plan/clickhouse_funnel.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

#include <fmt/format.h>

#include "plan/clickhouse_expression.h"
#include "plan/clickhouse_join.h"
#include "plan/clickhouse_measure.h"

namespace sluice::plan::clickhouse {
namespace {

struct Ask {
  const Plan& plan;
  const Metric& metric;
  uint64_t up_to_epoch = 0;
  std::string times;           // condition on event_time, or empty
  std::string window_filter;   // condition on _ws and _we, or empty
  std::vector<uint32_t> kept;  // dimensions, without `step`
  std::optional<Span> window{};  // the only one; else those of the definition
  DimensionFilters filters{};  // of entries
  bool entered = false;        // ask for the last entry of each key

  const Funnel& funnel() const { return *metric.funnel; }
  size_t steps() const { return metric.funnel->steps.size(); }
  size_t dimensions() const { return kept.size(); }
  const Dimension& dimension(size_t i) const { return metric.dimensions[kept[i]]; }
  std::string key() const { return dimensions() > 0 ? "_k, _ws, _we, _g" : "_k, _ws, _we"; }
};

std::vector<uint32_t> all_dimensions(const Metric& metric) {
  std::vector<uint32_t> all(metric.dimensions.size() - 1);
  std::iota(all.begin(), all.end(), 0U);
  return all;
}

// The engine's instants begin with 1900; those of events with 1901 (R2).
std::string instant(TimeMs at) {
  return fmt::format("fromUnixTimestamp64Milli(toInt64({}), 'UTC')", std::max(to_ms(at), kStoredMinusInfinityMs));
}
std::string times_sql(const Metric& metric, TimeMs from, TimeMs to) {
  return fmt::format(" AND event_time >= {} AND event_time < {}", instant(from), instant(to + metric.funnel->within));
}

std::string column(char letter, size_t i) { return fmt::format("_{}{}", letter, i); }

std::string floor_sql(const Window& window, int64_t modulus) {
  const std::string shifted = window.offset.count() == 0 ? "_t" : fmt::format("_t - {}", window.offset.count());
  return fmt::format("_t - positiveModulo({}, toInt64({}))", shifted, modulus);
}

// _ws and _we of every window that the event may matter to; those that end too early are left out one level further up.
std::vector<std::string> window_columns(const Ask& ask) {
  if (ask.window) {
    return {fmt::format("toInt64({}) AS _ws", to_ms(ask.window->start)),
            fmt::format("toInt64({}) AS _we", to_ms(ask.window->end))};
  }
  const Window& window = ask.metric.window;
  const int64_t size = window.size.count(), step = window.step.count();
  const int64_t apart = window.kind == Window::Kind::hop ? step : size;
  const int64_t count = (size + ask.funnel().within.count() + apart - 1) / apart;
  std::vector<std::string> columns{
      fmt::format("arrayJoin(arrayMap(_i -> {} - _i * {}, range({}))) AS _ws", floor_sql(window, apart), apart, count)};
  columns.push_back(window.kind == Window::Kind::cumulate
                        ? fmt::format("_ws + arrayJoin(range(1, {})) * {} AS _we", size / step + 1, step)
                        : fmt::format("_ws + {} AS _we", size));
  return columns;
}

// The values of a row's dimensions as one text, NULL apart from '' (group_key).
std::string group_sql(size_t dimensions) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < dimensions; ++i)
    parts.push_back(fmt::format("ifNull(concat('t', toString(length(_d{0})), ':', _d{0}), 'n')", i));
  return parts.size() == 1 ? parts[0] : fmt::format("concat({})", fmt::join(parts, ", "));
}

std::string rows_sql(const Ask& ask) {
  const auto& paths = ask.plan.paths;
  std::vector<std::string> columns{"toUnixTimestamp64Milli(event_time) AS _t", value_sql(ask.funnel().by, paths) + " AS _k"};
  for (size_t i = 0; i < ask.steps(); ++i)
    columns.push_back(fmt::format("ifNull({}, 0) AS {}", row_sql(ask.funnel().steps[i].where, paths), column('q', i + 1)));
  for (size_t i = 0; i < ask.dimensions(); ++i)
    columns.push_back(fmt::format("{} AS _d{}", value_sql(ask.dimension(i).value, paths), i));
  for (size_t i = 0; i < ask.filters.size(); ++i) {
    const Dimension& dimension = ask.metric.dimensions[ask.filters[i].dimension];
    columns.push_back(fmt::format("ifNull({}, 0) AS _f{}", filter_sql(value_sql(dimension.value, paths), ask.filters[i]), i));
  }
  columns.push_back("toUnixTimestamp64Milli(watermark) AS _w");
  for (std::string& window : window_columns(ask)) columns.push_back(std::move(window));
  return select(columns, events_sql(ask.plan, ask.metric),
                fmt::format("WHERE epoch <= {}{}\n  AND {}\n", ask.up_to_epoch, ask.times, row_sql(ask.metric.where, paths)));
}

// An event once per entry window that it matters to; step 1 only inside the window, and for its own dimensions only.
std::string entries_sql(const Ask& ask) {
  std::string entry = "_q1 AND _t < _we";
  for (size_t i = 0; i < ask.filters.size(); ++i) entry += fmt::format(" AND _f{}", i);
  std::vector<std::string> columns{"*", entry + " AS _p1"};
  if (ask.dimensions() > 0) columns.push_back(group_sql(ask.dimensions()) + " AS _own");
  std::string where = fmt::format("WHERE _t < _we + {}", ask.funnel().within.count());
  if (!ask.window_filter.empty()) where += " AND " + ask.window_filter;
  std::string sql = select(columns, rows_sql(ask), where + "\n");
  if (ask.dimensions() == 0) return select({"*", "_p1 AS _b1"}, sql, "");
  sql = select({"*", "groupUniqArrayIf(_own, _p1) OVER (PARTITION BY _k, _ws, _we) AS _gs"}, sql, "");
  sql = select({"*", "arrayJoin(_gs) AS _g"}, sql, "");
  return select({"*", "_p1 AND _own = _g AS _b1"}, sql, "");
}

// Adds _s1, then per further step _c (the start of the latest chain that this event ends) and _s (the latest of them so far).
std::string chains_sql(const Ask& ask) {
  const std::string over = fmt::format("OVER (PARTITION BY {} ORDER BY _t RANGE BETWEEN UNBOUNDED PRECEDING AND {})", ask.key(),
                                       ask.funnel().strict ? "1 PRECEDING" : "CURRENT ROW");
  std::string sql = select({"*", fmt::format("max(if(_b1, _t, NULL)) {} AS _s1", over)}, entries_sql(ask), "");
  for (size_t i = 2; i <= ask.steps(); ++i) {
    sql =
        select({"*", fmt::format("if(_q{0} AND _t - _s{1} <= {2}, _s{1}, NULL) AS _c{0}", i, i - 1, ask.funnel().within.count())},
               sql, "");
    if (i < ask.steps()) sql = select({"*", fmt::format("max(_c{0}) {1} AS _s{0}", i, over)}, sql, "");
  }
  return sql;
}

std::string keys_sql(const Ask& ask) {
  std::vector<std::string> columns{"_ws", "_we"};
  for (size_t i = 0; i < ask.dimensions(); ++i) columns.push_back(fmt::format("anyIf(_d{0}, _b1) AS _e{0}", i));
  for (size_t i = 2; i <= ask.steps(); ++i) {
    columns.push_back(fmt::format("max(_c{0} IS NOT NULL) AS _r{0}", i));
    columns.push_back(fmt::format("argMinIf(_t - _c{0}, _t, _c{0} IS NOT NULL) AS _v{0}", i));
  }
  if (ask.entered) columns.insert(columns.end(), {"_k", "maxIf(_t, _b1) AS _at"});
  const int64_t lateness = ask.funnel().within.count() + ask.metric.allowed_lateness.count();
  columns.push_back(fmt::format("max(_w >= _we + {}) AS _late", lateness));
  columns.push_back(fmt::format("max(_w < _we + {}) AS _on_time", lateness));
  return select(columns, chains_sql(ask), fmt::format("GROUP BY {}\nHAVING max(_b1) = 1\n", ask.key()));
}

// Per window and dimensions: people and the median of their times (the middle one, of two the smaller) as one array each.
std::string groups_sql(const Ask& ask) {
  std::vector<std::string> names{"_ws", "_we"};
  for (size_t i = 0; i < ask.dimensions(); ++i) names.push_back(fmt::format("_e{}", i));
  std::vector<std::string> columns = names;
  std::string people = "count()", medians = "CAST(0 AS Nullable(Int64))";
  for (size_t i = 2; i <= ask.steps(); ++i) {
    people += fmt::format(", countIf(_r{})", i);
    medians += fmt::format(
        ", if(countIf(_r{0}) = 0, NULL, arrayElement(arraySort(groupArrayIf(_v{0}, _r{0})), intDiv(countIf(_r{0}) + 1, 2)))", i);
  }
  columns.push_back(fmt::format("[{}] AS _people", people));
  columns.push_back(fmt::format("[{}] AS _medians", medians));
  columns.push_back("max(_late) AS _any_late");
  columns.push_back("max(_on_time) AS _any_on_time");
  return select(columns, keys_sql(ask), fmt::format("GROUP BY {}\n", fmt::join(names, ", ")));
}

std::string steps_sql(const Ask& ask) {
  return select({"*", fmt::format("arrayJoin(range(1, {})) AS _step", ask.steps() + 1)}, groups_sql(ask), "");
}

constexpr std::string_view kMedian = "CAST(arrayElement(_medians, _step) AS Nullable(Decimal(38, 9))) AS median_ms";
constexpr std::string_view kPeople = "arrayElement(_people, _step) AS people";

std::string step_name(const Metric& metric, std::string_view step) {
  std::vector<std::string> names;
  for (const FunnelStep& one : metric.funnel->steps) names.push_back(quote_text(one.name));
  return fmt::format("arrayElement([{}], {}) AS step_name", fmt::join(names, ", "), step);
}

}  // namespace

std::string funnel_windows_query(const Plan& plan, const Metric& metric, const std::vector<Span>& windows, uint64_t up_to_epoch) {
  Ask ask{.plan = plan,
          .metric = metric,
          .up_to_epoch = up_to_epoch,
          .times = {},
          .window_filter = {},
          .kept = all_dimensions(metric)};
  TimeMs from = windows[0].start, to = windows[0].end;
  std::vector<std::string> list;
  for (const Span& window : windows) {
    from = std::min(from, window.start);
    to = std::max(to, window.end);
    list.push_back(fmt::format("({}, {})", to_ms(window.start), to_ms(window.end)));
  }
  ask.times = times_sql(metric, from, to);
  ask.window_filter = fmt::format("(_ws, _we) IN ({})", fmt::join(list, ", "));
  std::vector<std::string> columns{"_ws AS window_start", "_we AS window_end"};
  for (size_t i = 0; i < ask.dimensions(); ++i)
    columns.push_back(fmt::format("_e{} AS {}", i, quote_name(stored_name(ask.dimension(i).name))));
  columns.push_back("CAST(toString(_step) AS Nullable(String)) AS step");
  columns.emplace_back(kMedian);
  columns.emplace_back(kPeople);
  columns.push_back("_any_late AS any_late");
  columns.push_back("_any_on_time AS any_on_time");
  return select(columns, steps_sql(ask), "");
}

std::string funnel_window_list_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch) {
  const Ask ask{.plan = plan,
                .metric = metric,
                .up_to_epoch = up_to_epoch,
                .times = {},
                .window_filter = {},
                .kept = all_dimensions(metric)};
  return select({"_ws AS window_start", "_we AS window_end", "count() AS rows"}, rows_sql(ask),
                "WHERE _q1 AND _t < _we\nGROUP BY window_start, window_end\nORDER BY window_start, window_end\n");
}

std::string funnel_definition_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch,
                                    std::optional<TimeMs> watermark) {
  const Ask ask{.plan = plan,
                .metric = metric,
                .up_to_epoch = up_to_epoch,
                .times = {},
                .window_filter = {},
                .kept = all_dimensions(metric)};
  std::vector<std::string> columns{"fromUnixTimestamp64Milli(_ws, 'UTC') AS window_start",
                                   "fromUnixTimestamp64Milli(_we, 'UTC') AS window_end"};
  for (size_t i = 0; i < ask.dimensions(); ++i)
    columns.push_back(fmt::format("_e{} AS {}", i, quote_name(metric.dimensions[i].name)));
  columns.push_back("toUInt8(_step) AS step");
  columns.push_back(step_name(metric, "_step"));
  columns.emplace_back(kPeople);
  columns.emplace_back(kMedian);
  // -infinity is stored as 1900-01-01 (R4) and lies before every due time.
  const std::string w = watermark_sql(watermark);
  columns.push_back(fmt::format("multiIf({} < _we + {}, 'filling', _any_late AND _any_on_time, 'revised', 'final') AS state", w,
                                metric.funnel->within.count() + metric.allowed_lateness.count()));
  return select(columns, steps_sql(ask), "ORDER BY window_start, window_end, step\n");
}

std::string funnel_over_query(const Plan& plan, const Metric& metric, Span window, const std::vector<uint32_t>& kept_dimensions,
                              uint64_t up_to_epoch, const DimensionFilters& filters) {
  const Ask ask{.plan = plan,
                .metric = metric,
                .up_to_epoch = up_to_epoch,
                .times = times_sql(metric, window.start, window.end),
                .window_filter = {},
                .kept = kept_dimensions,
                .window = window,
                .filters = filters};
  std::vector<std::string> columns;
  std::string order = "_people[1] DESC";
  for (size_t i = 0; i < ask.dimensions(); ++i) {
    columns.push_back(fmt::format("_e{} AS {}", i, quote_name(stored_name(ask.dimension(i).name))));
    order += fmt::format(", _e{}", i);
  }
  columns.push_back("toUInt8(_step) AS step");
  columns.push_back(step_name(metric, "_step"));
  columns.emplace_back(kPeople);
  columns.emplace_back(kMedian);
  columns.push_back("_any_late AS any_late");
  columns.push_back("_any_on_time AS any_on_time");
  return select(columns, steps_sql(ask), fmt::format("ORDER BY {}, step\n", order));
}

std::string funnel_dropped_query(const Plan& plan, const Metric& metric, const FunnelDrop& drop, uint64_t up_to_epoch) {
  const Ask ask{.plan = plan,
                .metric = metric,
                .up_to_epoch = up_to_epoch,
                .times = times_sql(metric, drop.window.start, drop.window.end),
                .window_filter = {},
                .kept = drop.kept,
                .window = drop.window,
                .filters = drop.filters,
                .entered = true};
  std::string where = fmt::format("WHERE NOT _r{}", drop.step);
  if (drop.step > 2) where += fmt::format(" AND _r{}", drop.step - 1);
  for (size_t i = 0; i < drop.key.size(); ++i)
    where += fmt::format(" AND {}", filter_sql(fmt::format("_e{}", i), {drop.kept[i], drop.key[i]}));
  return select({"_k AS key", "_at AS at"}, keys_sql(ask), where + "\nORDER BY at DESC, key\n");
}

std::vector<std::string> funnel_step_columns(const Metric& metric, const std::string& step) {
  const std::string number = fmt::format("toUInt8(assumeNotNull({}))", step);
  return {number + " AS step", step_name(metric, number)};
}

}  // namespace sluice::plan::clickhouse
