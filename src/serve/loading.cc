#include "serve/loading.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/rfc3339.h"
#include "base/tab_separated.h"
#include "plan/clickhouse.h"
#include "plan/clickhouse_measure.h"

namespace sluice::serve {
namespace {

using Cells = std::vector<std::optional<std::string>>;
namespace sql = plan::clickhouse;

std::string instant(TimeMs t) { return fmt::format("fromUnixTimestamp64Milli({}, 'UTC')", to_ms(t)); }

Error odd_reply(std::string_view what) {
  return fail(Code::corrupt,
              fmt::format("the store's reply to the query of {} is not what was asked for; see the SQL by \"How do you "
                          "know?\" and run it on the SQL port",
                          what));
}

// Everything an over or series query gives, a topk as a text that read_rows() takes.
std::string all_columns(const plan::Metric& metric) {
  std::string replaced;
  for (const plan::Measure& m : metric.measures) {
    if (m.kind != plan::MeasureKind::topk) continue;
    const std::string name = sql::quote_name(sql::stored_name(m.name));
    replaced += fmt::format("{}{} AS {}", replaced.empty() ? "" : ", ", sql::top_cell(name), name);
  }
  return replaced.empty() ? "*" : fmt::format("* REPLACE ({})", replaced);
}

std::string view_sql(const plan::Metric& metric, plan::Span over, size_t limit) {
  std::string columns = "toUnixTimestamp64Milli(window_start), toUnixTimestamp64Milli(window_end)";
  for (const plan::Dimension& d : metric.dimensions) columns += ", " + sql::quote_name(d.name);
  for (const plan::Measure& m : metric.measures) {
    const std::string name = sql::quote_name(m.name);
    columns += ", " + (m.kind == plan::MeasureKind::topk ? sql::top_cell(name) : name);
  }
  return fmt::format(
      "SELECT {}, state\nFROM sluice.{}\nWHERE window_end > {} AND window_end <= {}\nORDER BY window_end DESC LIMIT {}", columns,
      sql::quote_name(metric.name), instant(over.start), instant(over.end), limit);
}

// Of each point the newest revision.
std::string revisions_sql(const plan::Metric& metric, plan::Span over, size_t limit) {
  std::string dimensions;
  for (size_t i = 1; i <= metric.dimensions.size(); ++i) dimensions += fmt::format("dimensions[{}], ", i);
  return fmt::format(
      "SELECT toUnixTimestamp64Milli(window_start), toUnixTimestamp64Milli(window_end), {}measure, old, new, cause, "
      "toUnixTimestamp64Milli(at)\nFROM sluice.revisions FINAL\nWHERE metric = {} AND metric_version = {} AND window_end > {} "
      "AND "
      "window_end <= {}\nORDER BY window_end DESC, at DESC, job DESC LIMIT 1 BY window_start, window_end, group_key, measure "
      "LIMIT {}",
      dimensions, sql::quote_text(metric.name), sql::quote_text(metric.version), instant(over.start), instant(over.end), limit);
}

// Reads cells of one row from the left.
class RowCells {
 public:
  explicit RowCells(Cells& cells) : cells_(cells) {}
  std::optional<std::string> next() { return at_ < cells_.size() ? std::move(cells_[at_++]) : bad(); }
  TimeMs time() {
    const auto cell = next();
    const auto n = cell ? parse_signed(*cell) : std::nullopt;
    if (!n) bad();
    return time_ms(n.value_or(0));
  }
  uint64_t count() {
    const auto cell = next();
    const auto n = cell ? parse_unsigned(*cell) : std::nullopt;
    if (!n) bad();
    return n.value_or(0);
  }
  std::string text() { return next().value_or(std::string()); }
  std::optional<std::string> top() {  // as the page writes it
    const auto cell = next();
    const auto values = cell ? sql::read_top_cell(*cell) : std::nullopt;
    return values ? plan::top_text(*values) : bad();
  }
  bool whole() const { return !failed_ && at_ == cells_.size(); }

 private:
  std::optional<std::string> bad() {
    failed_ = true;
    return std::nullopt;
  }
  Cells& cells_;
  size_t at_ = 0;
  bool failed_ = false;
};

void read_group(RowCells& cells, size_t dimensions, const std::vector<plan::Measure>& measures, LoadedRow& row) {
  for (size_t i = 0; i < dimensions; ++i) row.key.push_back(cells.next());
  for (const plan::Measure& measure : measures)
    row.values.push_back(measure.kind == plan::MeasureKind::topk ? cells.top() : cells.next());
}

plan::State state_of_text(std::string_view text) {
  if (text == plan::state_name(plan::State::final)) return plan::State::final;
  return text == plan::state_name(plan::State::revised) ? plan::State::revised : plan::State::filling;
}

const std::string& first_measure(const plan::Metric& metric) {
  return std::min_element(metric.measures.begin(), metric.measures.end(),
                          [](const plan::Measure& a, const plan::Measure& b) { return a.written < b.written; })
      ->name;
}

enum class Shape { view, series, over, over_counted };

Result<std::vector<LoadedRow>> read_rows(std::string_view reply, const plan::Metric& metric, size_t kept, Shape shape,
                                         uint64_t* groups) {
  std::vector<LoadedRow> rows;
  TabSeparatedReader reader(reply);
  Cells cells;
  while (reader.next(cells)) {
    RowCells row_cells(cells);
    LoadedRow row;
    if (shape == Shape::view || shape == Shape::series) {
      row.window.start = row_cells.time();
      row.window.end = row_cells.time();
    }
    read_group(row_cells, kept, metric.measures, row);
    if (shape == Shape::view) {
      row.state = state_of_text(row_cells.text());
    } else {
      row.any_late = row_cells.count() != 0;
      row.any_on_time = row_cells.count() != 0;
    }
    if (shape == Shape::over_counted) *groups = row_cells.count();
    if (!row_cells.whole()) return odd_reply(metric.name);
    rows.push_back(std::move(row));
  }
  if (reader.failed()) return odd_reply(metric.name);
  return rows;
}

Result<std::vector<LoadedRevision>> read_revisions(std::string_view reply, const plan::Metric& metric) {
  std::vector<LoadedRevision> revisions;
  TabSeparatedReader reader(reply);
  Cells cells;
  while (reader.next(cells)) {
    RowCells row(cells);
    LoadedRevision r;
    r.window.start = row.time();
    r.window.end = row.time();
    for (size_t i = 0; i < metric.dimensions.size(); ++i) r.key.push_back(row.next());
    r.measure = row.text();
    r.old_value = row.text();
    r.new_value = row.text();
    r.cause = row.text();
    r.at = row.time();
    if (!row.whole()) return odd_reply("sluice.revisions");
    revisions.push_back(std::move(r));
  }
  if (reader.failed()) return odd_reply("sluice.revisions");
  return revisions;
}

Result<TimeMs> read_newest(std::string_view reply, const plan::Metric& metric) {
  TabSeparatedReader reader(reply);
  Cells cells;
  if (!reader.next(cells)) {
    if (reader.failed()) return odd_reply(metric.name);
    return kMinusInfinity;
  }
  if (cells.size() != 1) return odd_reply(metric.name);
  if (!cells[0]) return kMinusInfinity;
  const auto ms = parse_signed(*cells[0]);
  if (!ms) return odd_reply(metric.name);
  return time_ms(*ms);
}

// The oldest window of a reply that was cut by LIMIT may lack groups: it goes, and `over` begins after it.
void drop_cut_window(std::vector<LoadedRow>& rows, size_t rows_max, plan::Span& over) {
  if (rows.size() <= rows_max) return;
  const TimeMs oldest = rows.back().window.end;
  std::erase_if(rows, [&](const LoadedRow& row) { return row.window.end == oldest; });
  over.start = oldest;
}

struct Asker {
  Queries& queries;
  DurationMs timeout;
  Result<std::string> operator()(const std::string& text) const {
    Query query;
    query.sql = text;
    query.timeout = timeout;
    Reply reply = SLUICE_TRY(queries.query(query));
    return std::move(reply.body);
  }
};

Status load_view(const Asker& ask, const plan::Metric& metric, const BoardTask& task, Loaded& into) {
  const std::string reply = SLUICE_TRY(ask(view_sql(metric, into.over, task.rows_max + 1)));
  into.rows = SLUICE_TRY(read_rows(reply, metric, metric.dimensions.size(), Shape::view, nullptr));
  drop_cut_window(into.rows, task.rows_max, into.over);
  const std::string revised = SLUICE_TRY(ask(revisions_sql(metric, into.over, task.rows_max)));
  into.revisions = SLUICE_TRY(read_revisions(revised, metric));
  return ok();
}

}  // namespace

plan::Span over_span(const plan::Metric& metric, TimeMs newest, DurationMs over) {
  std::vector<plan::Span> windows;
  plan::windows_of(metric.window, newest, windows);
  TimeMs end = newest;
  for (const plan::Span& window : windows) end = std::max(end, window.end);
  return {end - over, end};
}

std::string query_sql(const Project& project, const SharedQuery& query, plan::Span over, event::Epoch epoch) {
  const plan::Metric& metric = project.plan->metrics[query.metric];
  if (query.kind == SharedQuery::Kind::over) return sql::over_query(*project.plan, metric, over, query.kept, epoch.value);
  return sql::series_query(*project.plan, metric, over, query.kept, epoch.value);
}

std::string shown_view_sql(const plan::Metric& metric, plan::Span over) {
  return fmt::format("SELECT *\nFROM sluice.{}\nWHERE window_end > '{}' AND window_end <= '{}'\nORDER BY window_end",
                     sql::quote_name(metric.name), format_clickhouse(over.start), format_clickhouse(over.end));
}

Result<Loaded> load(const Project& project, const SharedQuery& query, const BoardTask& task, Queries& queries, os::Clock& clock) {
  const plan::Metric& metric = project.plan->metrics[query.metric];
  const Asker ask{queries, task.timeout};
  const os::MonotonicTime began = clock.monotonic();
  Loaded loaded;
  if (task.newest) {
    loaded.newest = *task.newest;
  } else {
    const std::string reply = SLUICE_TRY(ask(sql::newest_event_query(*project.plan, metric, task.as_of.epoch.value)));
    loaded.newest = SLUICE_TRY(read_newest(reply, metric));
  }
  if (loaded.newest != kMinusInfinity) {
    loaded.over = over_span(metric, loaded.newest, query.over);
    if (query.kind == SharedQuery::Kind::view) {
      SLUICE_CHECK(load_view(ask, metric, task, loaded));
    } else if (query.kind == SharedQuery::Kind::series) {
      const std::string reply =
          SLUICE_TRY(ask(fmt::format("SELECT {} FROM (\n{}\n) ORDER BY window_end DESC LIMIT {}", all_columns(metric),
                                     query_sql(project, query, loaded.over, task.as_of.epoch), task.rows_max + 1)));
      loaded.rows = SLUICE_TRY(read_rows(reply, metric, query.kept.size(), Shape::series, nullptr));
      drop_cut_window(loaded.rows, task.rows_max, loaded.over);
    } else {
      // Which groups a reply of bounded size holds must be the same each time: the largest.
      const std::string reply =
          SLUICE_TRY(ask(fmt::format("SELECT {}, count() OVER () FROM (\n{}\n) ORDER BY {} DESC NULLS LAST LIMIT {}",
                                     all_columns(metric), query_sql(project, query, loaded.over, task.as_of.epoch),
                                     sql::quote_name(sql::stored_name(first_measure(metric))), kAnswerRowsMax)));
      loaded.rows = SLUICE_TRY(read_rows(reply, metric, query.kept.size(), Shape::over_counted, &loaded.groups));
    }
  }
  loaded.computed_at = clock.wall();
  loaded.took = std::chrono::duration_cast<DurationMs>(clock.monotonic() - began);
  return loaded;
}

std::string recomputation_sql(const Project& project, const Recomputation& what) {
  const plan::Metric& metric = project.plan->metrics[what.metric];
  const std::string query = what.kind == SharedQuery::Kind::over
                                ? sql::over_query(*project.plan, metric, what.window, what.kept, what.epoch.value)
                                : sql::series_query(*project.plan, metric, what.window, what.kept, what.epoch.value);
  const std::string columns = all_columns(metric);
  if (!what.key || what.kept.empty()) return columns == "*" ? query : fmt::format("SELECT {} FROM (\n{}\n)", columns, query);
  std::string filter;
  for (size_t i = 0; i < what.kept.size(); ++i) {
    const std::string name = sql::quote_name(sql::stored_name(metric.dimensions[what.kept[i]].name));
    const auto& value = (*what.key)[i];
    filter += (i == 0 ? "" : " AND ") + (value ? name + " = " + sql::quote_text(*value) : name + " IS NULL");
  }
  return fmt::format("SELECT {} FROM (\n{}\n) WHERE {}", columns, query, filter);
}

Result<std::vector<LoadedRow>> recompute(const Project& project, const Recomputation& what, const std::string& text,
                                         Queries& queries, DurationMs timeout) {
  const std::string reply = SLUICE_TRY((Asker{queries, timeout}(text)));
  return read_rows(reply, project.plan->metrics[what.metric], what.kept.size(),
                   what.kind == SharedQuery::Kind::over ? Shape::over : Shape::series, nullptr);
}

Result<event::Epoch> row_epoch(const std::string& table, plan::Span window, const plan::Group& dimensions, Queries& queries,
                               DurationMs timeout) {
  const std::string text = fmt::format(
      "SELECT epoch FROM sluice.{} FINAL WHERE window_start = {} AND window_end = {} AND group_key = {}", sql::quote_name(table),
      instant(window.start), instant(window.end), sql::quote_text(sql::group_key(dimensions)));
  const std::string reply = SLUICE_TRY((Asker{queries, timeout}(text)));
  TabSeparatedReader reader(reply);
  Cells cells;
  if (!reader.next(cells)) return event::Epoch(0);
  const auto epoch = cells.size() == 1 && cells[0] ? parse_unsigned(*cells[0]) : std::nullopt;
  if (!epoch) return odd_reply(table);
  return event::Epoch(*epoch);
}

}  // namespace sluice::serve
