#include "plan/clickhouse_sessions.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/hash.h"
#include "plan/clickhouse_measure.h"

namespace sluice::plan::clickhouse {
namespace {

constexpr int64_t kRangeSize = int64_t{1} << 56;
constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();

// Each event with the start of its run. Of equal times the order does not matter: the gap between them is 0.
std::string runs_sql(const Plan& plan, const Sessions& sessions, uint64_t up_to_epoch, const std::string& condition) {
  const std::string by = value_sql(sessions.by, plan.paths);
  std::string where = fmt::format("WHERE epoch <= {}{}\n  AND isNotNull({})\n", up_to_epoch, condition, by);
  if (!sessions.where.empty()) where += fmt::format("  AND {}\n", row_sql(sessions.where, plan.paths));
  std::string sql = select({"toString(source) AS _src", fmt::format("assumeNotNull({}) AS _key", by),
                            "toUnixTimestamp64Milli(event_time) AS _t", "(_t, log_partition, log_offset) AS _at",
                            "message_id AS _id", "user_key AS _u", "toUnixTimestamp64Milli(watermark) AS _wm"},
                           "sluice.events", where);
  sql = select({"*",
                "lagInFrame(toNullable(_t)) OVER (PARTITION BY _src, _key ORDER BY _t ROWS BETWEEN UNBOUNDED PRECEDING AND "
                "UNBOUNDED FOLLOWING) AS _before"},
               sql, "");
  return select({"*", fmt::format("assumeNotNull(max(if(_before IS NULL OR _t - _before > {}, _t, NULL)) OVER (PARTITION BY "
                                  "_src, _key ORDER BY _t RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)) AS _run",
                                  sessions.gap.count())},
                sql, "");
}

std::string state_sql(const Metric& metric, std::optional<TimeMs> watermark) {
  const int64_t lateness = metric.allowed_lateness.count();
  return fmt::format(
      "multiIf({0} < _s._due + {1}, 'filling', _s._w >= _s._due + {1} AND _s._v < _s._due + {1}, 'revised', "
      "'final') AS state",
      watermark_sql(watermark), lateness);
}

}  // namespace

std::string sessions_sql(const Plan& plan, const Sessions& sessions, uint64_t up_to_epoch, const std::string& condition) {
  const std::string pieces =
      select({"_src", "_key", "_run", fmt::format("intDiv(_t - _run, {}) AS _piece", sessions.max.count()),
              "argMin(_id, _at) AS _first", "min(_at) AS _o", "min(_t) AS _start", "max(_t) AS _end", "count() AS _n",
              "if(countIf(_u != _key) = 0, _key, argMaxIf(_u, _at, _u != _key)) AS _user", "min(_wm) AS _v", "max(_wm) AS _w"},
             runs_sql(plan, sessions, up_to_epoch, condition), "GROUP BY _src, _key, _run, _piece\n");
  return select({"_src AS source", "_key AS key", "_user AS user_key",
                 "lower(hex(MD5(concat(_src, char(31), _key, char(31), _first, char(31), toString(_start))))) AS session_id",
                 "_start AS started_at", "_end AS ended_at", "_n AS events", "_end - _start AS duration_ms", "_o", "_v", "_w",
                 fmt::format("least(max(_end) OVER (PARTITION BY _src, _key, _run) + {}, _run + (_piece + 1) * {}) AS _due",
                             sessions.gap.count() + 1, sessions.max.count())},
                pieces, "");
}

std::string sessions_ranges_query(const Plan& plan, const Metric& metric, const std::vector<Span>& ranges, uint64_t up_to_epoch) {
  const std::string key = fmt::format("assumeNotNull({})", value_sql(metric.sessions->by, plan.paths));
  const std::string condition = "\n  AND " + ranges_condition(key_hash_sql("source", key), ranges);
  const int64_t lateness = metric.allowed_lateness.count();
  return select(
      {"_s.started_at AS window_start", "_s.started_at AS window_end", "CAST(_s.session_id AS Nullable(String)) AS session_id",
       "CAST(_s.duration_ms AS Nullable(Decimal(38, 9))) AS duration_ms",
       "CAST(fromUnixTimestamp64Milli(_s.ended_at, 'UTC') AS Nullable(DateTime64(3, 'UTC'))) AS ended_at", "_s.events AS events",
       "CAST(_s.key AS Nullable(String)) AS key", "CAST(_s.source AS Nullable(String)) AS source",
       "CAST(_s.user_key AS Nullable(String)) AS user_key", fmt::format("toUInt8(_s._w >= _s._due + {}) AS any_late", lateness),
       fmt::format("toUInt8(_s._v < _s._due + {}) AS any_on_time", lateness), "_s._due AS due"},
      "(\n" + sessions_sql(plan, *metric.sessions, up_to_epoch, condition) + ") AS _s", "");
}

std::string sessions_list_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch) {
  const std::string hash = key_hash_sql("_src", "_key");
  const std::string runs = runs_sql(plan, *metric.sessions, up_to_epoch, "");
  const std::string ranges =
      select({"0 AS _part", fmt::format("{0} - positiveModulo({0}, toInt64({1})) AS _a", hash, kRangeSize),
              fmt::format("if(_a = {}, {}, _a + {}) AS _b", kLargest - kRangeSize + 1, kLargest, kRangeSize),
              "toUInt64(count()) AS _rows"},
             runs, "GROUP BY _a, _b\n");
  const int64_t ground = 2 * metric.sessions->gap.count() + 1 + metric.allowed_lateness.count();
  const std::string newest =
      fmt::format("coalesce((SELECT maxOrNull(toUnixTimestamp64Milli(watermark)) FROM sluice.events WHERE epoch <= {}), {}) - {}",
                  up_to_epoch, kStoredMinusInfinityMs, ground);
  const std::string end =
      fmt::format("SELECT 1 AS _part, toInt64({}) AS _a, toInt64({}) AS _b, toUInt64(0) AS _rows\n", kEndOfRanges, newest);
  std::string open = select({"_src", "_key", "_run", "max(_t) AS _last"}, runs,
                            fmt::format("GROUP BY _src, _key, _run\nHAVING _last > {}\n", newest));
  open = select({"2 AS _part", hash + " AS _a", "_end.1 AS _b", "_run", "_end.2 AS _which",
                 "arrayJoin([(_run, toUInt64(0)), (_last, toUInt64(1))]) AS _end"},
                open, "");
  open = "SELECT _part, _a, _b, _run * 2 + toInt64(_which) AS _order, toUInt64(0) AS _rows FROM (\n" + open + ")\n";
  return fmt::format(
      "SELECT _a AS window_start, _b AS window_end, _rows AS rows FROM (\nSELECT _part, _a, _b, toInt64(0) AS _order, _rows FROM "
      "(\n{})\nUNION ALL\nSELECT _part, _a, _b, toInt64(0) AS _order, _rows FROM (\n{})\nUNION ALL\n{})\n"
      "ORDER BY _part, _a, _order\n",
      ranges, end, open);
}

std::string sessions_definition_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch,
                                      std::optional<TimeMs> watermark) {
  return select(
      {"_s.session_id AS session_id", "_s.source AS source", "_s.key AS key", "_s.user_key AS user_key",
       "fromUnixTimestamp64Milli(_s.started_at, 'UTC') AS started_at", "fromUnixTimestamp64Milli(_s.ended_at, 'UTC') AS ended_at",
       "_s.events AS events", "_s.duration_ms AS duration_ms", state_sql(metric, watermark)},
      "(\n" + sessions_sql(plan, *metric.sessions, up_to_epoch, "") + ") AS _s", "ORDER BY started_at, session_id\n");
}

int64_t key_hash(std::string_view source, std::string_view key) {
  std::string text(source);
  text += '\x1F';
  text += key;
  return std::min(static_cast<int64_t>(xxh64(text)), kLargest - 1);
}

std::string key_hash_sql(const std::string& source, const std::string& key) {
  return fmt::format("least(reinterpretAsInt64(xxHash64(concat({}, char(31), {}))), {})", source, key, kLargest - 1);
}

Span range_of(int64_t key_hash) {
  const int64_t start = floor_div(key_hash, kRangeSize) * kRangeSize;
  return {time_ms(start), time_ms(start > kLargest - kRangeSize ? kLargest : start + kRangeSize)};
}

std::string ranges_condition(const std::string& hash, const std::vector<Span>& ranges) {
  std::string single, out;
  for (const Span& range : ranges) {
    if (to_ms(range.end) - 1 == to_ms(range.start)) {
      single += fmt::format("{}{}", single.empty() ? "" : ", ", to_ms(range.start));
    } else {
      out += fmt::format("{}({} >= {} AND {} < {})", out.empty() ? "" : " OR ", hash, to_ms(range.start), hash, to_ms(range.end));
    }
  }
  if (!single.empty()) out += fmt::format("{}{} IN ({})", out.empty() ? "" : " OR ", hash, single);
  return "(" + out + ")";
}

std::string session_id(std::string_view source, std::string_view key, std::string_view message_id, TimeMs first) {
  return md5_hex(fmt::format("{}\x1F{}\x1F{}\x1F{}", source, key, message_id, to_ms(first)));
}

std::vector<std::string> session_columns(const std::string& table) {
  const auto text = [&](const char* name) { return fmt::format("assumeNotNull({0}.{1}) AS {1}", table, name); };
  return {text("session_id"),
          text("source"),
          text("key"),
          text("user_key"),
          table + ".window_start AS started_at",
          text("ended_at"),
          table + ".events AS events",
          fmt::format("toInt64(assumeNotNull({}.duration_ms)) AS duration_ms", table)};
}

}  // namespace sluice::plan::clickhouse
