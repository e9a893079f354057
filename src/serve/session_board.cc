#include "serve/session_board.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/rfc3339.h"
#include "plan/clickhouse_expression.h"
#include "serve/person.h"

namespace sluice::serve {
namespace {

namespace sql = plan::clickhouse;

constexpr DurationMs kTimeout{30'000};
constexpr size_t kIdDigits = 32;

std::string instant(TimeMs t) { return fmt::format("fromUnixTimestamp64Milli(toInt64({}), 'UTC')", to_ms(t)); }

constexpr std::string_view kColumns =
    "session_id, source, key, user_key, toUnixTimestamp64Milli(started_at), toUnixTimestamp64Milli(ended_at), events, "
    "duration_ms, "
    "state";

plan::State state_of_text(std::string_view text) {
  if (text == plan::state_name(plan::State::final)) return plan::State::final;
  return text == plan::state_name(plan::State::revised) ? plan::State::revised : plan::State::filling;
}

}  // namespace

std::string newest_sessions_sql(const plan::Metric& metric, plan::Span over) {
  return fmt::format(
      "SELECT {}, count() OVER () FROM sluice.{}\nWHERE started_at >= {} AND started_at < {}\nORDER BY started_at DESC, "
      "session_id "
      "LIMIT {}",
      kColumns, sql::quote_name(metric.name), instant(over.start), instant(over.end), kSessionsShown);
}

std::string shown_sessions_sql(const plan::Metric& metric, plan::Span over) {
  return fmt::format(
      "SELECT *\nFROM sluice.{}\nWHERE started_at >= '{}' AND started_at < '{}'\nORDER BY started_at DESC, session_id",
      sql::quote_name(metric.name), format_clickhouse(over.start), format_clickhouse(over.end));
}

std::string computed_sessions_sql(const Project& project, uint32_t metric, plan::Span over, event::Epoch epoch) {
  return fmt::format(
      "SELECT *\nFROM (\n{})\nWHERE started_at >= {} AND started_at < {}\nORDER BY started_at DESC, session_id\nLIMIT {}\n",
      sql::definition_query(*project.plan, project.plan->metrics[metric], epoch.value, std::nullopt), instant(over.start),
      instant(over.end), kSessionsShown);
}

Result<std::vector<LoadedRow>> read_session_rows(std::string_view reply, const plan::Metric& metric, uint64_t* all) {
  std::vector<LoadedRow> rows;
  TabSeparatedReader reader(reply);
  ReplyCells cells;
  while (reader.next(cells)) {
    ReplyRow row(cells);
    LoadedRow loaded;
    loaded.key.push_back(row.next());
    for (int i = 0; i < 3; ++i) loaded.values.push_back(row.next());
    if (all != nullptr) {
      loaded.window.start = row.time();
      loaded.window.end = row.time();
    } else {
      const std::optional<ParsedTime> started = parse_rfc3339(row.text()), ended = parse_rfc3339(row.text());
      if (!started || !ended) return odd_reply(metric.name);
      loaded.window = {started->time, ended->time};
    }
    for (int i = 0; i < 2; ++i) loaded.values.push_back(row.next());
    loaded.state = state_of_text(row.text());
    if (all != nullptr) *all = row.count();
    if (!row.whole()) return odd_reply(metric.name);
    rows.push_back(std::move(loaded));
  }
  if (reader.failed()) return odd_reply(metric.name);
  return rows;
}

Status load_sessions(const Asker& ask, const plan::Metric& metric, Loaded& into) {
  const std::string reply = SLUICE_TRY(ask(newest_sessions_sql(metric, into.over)));
  into.rows = SLUICE_TRY(read_session_rows(reply, metric, &into.groups));
  return ok();
}

void write_session(JsonOut& out, const LoadedRow& row) {
  out.object([&] {
    out.key("session_id").text_or_null(row.key.front());
    out.key("source").text_or_null(row.values[0]);
    out.key("key").text_or_null(row.values[1]);
    out.key("user_key").text_or_null(row.values[2]);
    out.key("started_at").time(row.window.start);
    out.key("ended_at").time(row.window.end);
    out.key("events").text_or_null(row.values[3]);
    out.key("duration_ms").text_or_null(row.values[4]);
    out.key("state").text(plan::state_name(row.state));
  });
}

void SessionBoard::clear() { *this = SessionBoard(); }

void SessionBoard::install(const PanelAnswer& answer) {
  over_ = answer.loaded.newest == kMinusInfinity ? plan::Span{} : answer.loaded.over;
  all_ = answer.loaded.groups;
  rows_ = answer.loaded.rows;
  as_of_ = answer.as_of.epoch;
}

std::string SessionBoard::data() const {
  JsonOut out;
  out.object([&] {
    write_span(out, over_ == plan::Span{} ? std::nullopt : std::optional(over_));
    out.key("rows").array([&] {
      for (const LoadedRow& row : rows_) write_session(out, row);
    });
    out.key("more").count(std::max<uint64_t>(all_, rows_.size()) - rows_.size());
  });
  return out.take();
}

std::optional<PanelChange> SessionBoard::take_change() { return whole_if_changed(data(), sent_); }

std::vector<ShownPoint> SessionBoard::points() const {
  std::vector<ShownPoint> points;
  for (const LoadedRow& row : rows_) points.push_back({row.window, row.key, row.values, row.state, as_of_});
  return points;
}

Result<std::string> session_events_json(const Project& project, Queries& queries, std::string_view name, std::string_view id) {
  const auto& metrics = project.plan->metrics;
  const auto metric = std::find_if(metrics.begin(), metrics.end(), [&](const plan::Metric& m) {
    return m.name == name && m.kind == plan::Metric::Kind::sessions;
  });
  if (metric == metrics.end())
    return fail(Code::not_found, "the project has no sessions of that name; /api/project lists its definitions");
  if (id.size() != kIdDigits || id.find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return fail(Code::invalid, "a session is asked for by ?id=SESSION_ID, 32 hex digits");
  const Asker ask{queries, kTimeout};
  uint64_t all = 0;
  const std::string found = SLUICE_TRY(ask(fmt::format(
      "SELECT {}, count() OVER () FROM sluice.{} WHERE session_id = '{}' LIMIT 1", kColumns, sql::quote_name(metric->name), id)));
  const std::vector<LoadedRow> sessions = SLUICE_TRY(read_session_rows(found, *metric, &all));
  if (sessions.empty()) return std::string(R"({"session":null,"rows":[],"more":0})");
  const LoadedRow& session = sessions.front();
  // Two sessions of one key never share an instant, so that its events are those of the key in its time.
  std::string where =
      fmt::format("WHERE source = {} AND {} = {} AND event_time >= {} AND event_time <= {}",
                  sql::quote_text(session.values[0].value_or("")), sql::value_sql(metric->sessions->by, project.plan->paths),
                  sql::quote_text(session.values[1].value_or("")), instant(session.window.start), instant(session.window.end));
  if (!metric->sessions->where.empty()) where += " AND " + sql::row_sql(metric->sessions->where, project.plan->paths);
  const std::string reply =
      SLUICE_TRY(ask(fmt::format("SELECT {} FROM sluice.events {} ORDER BY event_time, log_partition, log_offset LIMIT {}",
                                 event_columns(), where, kSessionEventsMax)));
  const uint64_t counted = parse_unsigned(session.values[3].value_or("")).value_or(0);
  TabSeparatedReader reader(reply);
  ReplyCells cells;
  uint64_t rows = 0;
  bool odd = false;
  JsonOut out;
  out.object([&] {
    out.key("session");
    write_session(out, session);
    out.key("rows").array([&] {
      while (reader.next(cells)) {
        ReplyRow row(cells);
        write_event_row(out, row);
        odd = odd || !row.whole();
        ++rows;
      }
    });
    out.key("more").count(std::max(counted, rows) - rows);
  });
  if (odd || reader.failed()) return odd_reply(metric->name);
  return out.take();
}

}  // namespace sluice::serve
