#include "plan/clickhouse_retention.h"

#include <algorithm>

#include <fmt/format.h>

#include "plan/clickhouse_join.h"
#include "plan/clickhouse_measure.h"

namespace sluice::plan::clickhouse {
namespace {

// Per event its key, its period _p, and the key's cohort _c: the period of its first start event.
std::string cohorts_sql(const Plan& plan, const Metric& metric, uint64_t up_to_epoch, const std::string& times) {
  const CohortReturn& retention = *metric.cohorts;
  const int64_t size = metric.window.size.count(), offset = metric.window.offset.count();
  const std::string shifted = offset == 0 ? "_t" : fmt::format("_t - {}", offset);
  const std::string events = select(
      {"toUnixTimestamp64Milli(event_time) AS _t", value_sql(retention.by, plan.paths) + " AS _k",
       fmt::format("_t - positiveModulo({}, toInt64({})) AS _p", shifted, size),
       fmt::format("ifNull({}, 0) AS _start", row_sql(retention.start, plan.paths)),
       fmt::format("ifNull({}, 0) AS _return", row_sql(retention.back, plan.paths)), "toUnixTimestamp64Milli(watermark) AS _w"},
      events_sql(plan, metric),
      fmt::format("WHERE epoch <= {}{}\n  AND {}\n", up_to_epoch, times, row_sql(metric.where, plan.paths)));
  return select({"_k", "_p", "_start", "_return", "_w", "min(if(_start, _p, NULL)) OVER (PARTITION BY _k) AS _first"}, events,
                "");
}

// _i is the period counted from the cohort's, _j the row: a start event of the cohort's period is of every row, a return of its own.
std::string rows_sql(const Plan& plan, const Metric& metric, uint64_t up_to_epoch, const std::string& times,
                     const std::string& filter) {
  const int64_t size = metric.window.size.count();
  const uint32_t periods = metric.cohorts->periods;
  std::string sql = select({"_k", "_return", "_w", "_start AND _p = _c AS _enters", "assumeNotNull(_first) AS _c",
                            fmt::format("intDiv(_p - _c, {}) AS _i", size)},
                           cohorts_sql(plan, metric, up_to_epoch, times),
                           fmt::format("WHERE _first IS NOT NULL AND _p >= _c AND _i < {} AND (_return OR _enters)\n", periods));
  sql = select({"*", fmt::format("arrayJoin(if(_enters, CAST(range({}) AS Array(Int64)), [_i])) AS _j", periods)}, sql, "");
  const std::string due = fmt::format("_c + (_j + 1) * {} + {}", size, metric.allowed_lateness.count());
  return select({"_c", "_j", "count() AS _events", fmt::format("_c + (_j + 1) * {} AS _we", size),
                 "if(_j = 0, uniqExact(_k), uniqExactIf(_k, _return AND _i = _j)) AS _people",
                 fmt::format("max(_w >= {}) AS _late", due), fmt::format("max(_w < {}) AS _on_time", due)},
                sql, (filter.empty() ? "" : "WHERE " + filter + "\n") + "GROUP BY _c, _j\n");
}

}  // namespace

std::string retention_windows_query(const Plan& plan, const Metric& metric, const std::vector<Span>& rows, uint64_t up_to_epoch) {
  TimeMs to = rows[0].end;
  std::vector<std::string> list;
  for (const Span& row : rows) {
    to = std::max(to, row.end);
    list.push_back(fmt::format("({}, {})", to_ms(row.start), to_ms(row.end)));
  }
  const std::string times =
      fmt::format(" AND event_time < fromUnixTimestamp64Milli(toInt64({}), 'UTC')", std::max(to_ms(to), kStoredMinusInfinityMs));
  const std::string filter = fmt::format("(_c, _c + (_j + 1) * {}) IN ({})", metric.window.size.count(), fmt::join(list, ", "));
  return select({"_c AS window_start", "_we AS window_end", "CAST(toString(_j) AS Nullable(String)) AS period",
                 "_people AS people", "_late AS any_late", "_on_time AS any_on_time"},
                rows_sql(plan, metric, up_to_epoch, times, filter), "");
}

std::string retention_window_list_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch) {
  return select({"_c AS window_start", "_we AS window_end", "_events AS rows"}, rows_sql(plan, metric, up_to_epoch, "", ""),
                "ORDER BY window_start, window_end\n");
}

std::string retention_definition_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch,
                                       std::optional<TimeMs> watermark) {
  // -infinity is stored as 1900-01-01 (R4) and lies before every due time.
  const std::string w = watermark_sql(watermark);
  return select({"fromUnixTimestamp64Milli(_c, 'UTC') AS window_start", "fromUnixTimestamp64Milli(_we, 'UTC') AS window_end",
                 "window_start AS cohort_start", "toUInt16(_j) AS period", "_people AS people",
                 fmt::format("multiIf({} < _we + {}, 'filling', _late AND _on_time, 'revised', 'final') AS state", w,
                             metric.allowed_lateness.count())},
                rows_sql(plan, metric, up_to_epoch, "", ""), "ORDER BY window_start, window_end\n");
}

std::vector<std::string> retention_columns(const std::string& start, const std::string& period) {
  return {start + " AS cohort_start", fmt::format("toUInt16(assumeNotNull({})) AS period", period)};
}

}  // namespace sluice::plan::clickhouse
