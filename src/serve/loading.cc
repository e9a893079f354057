#include "serve/loading.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/rfc3339.h"
#include "base/tab_separated.h"
#include "plan/clickhouse.h"
#include "plan/clickhouse_measure.h"
#include "serve/funnel_answer.h"
#include "serve/reply_row.h"
#include "serve/retention_board.h"
#include "serve/session_board.h"

namespace sluice::serve {
namespace {

namespace sql = plan::clickhouse;

std::string instant(TimeMs t) { return fmt::format("fromUnixTimestamp64Milli({}, 'UTC')", to_ms(t)); }

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

// The rows of a metric's view that a panel shows: windows that end in (start, end]; of a retention those of cohorts whose own period does.
std::string shown_rows_sql(const plan::Metric& metric, plan::Span over, const sql::DimensionFilters& filters,
                           std::string (*instant_sql)(TimeMs)) {
  std::string where = metric.cohorts
                          ? fmt::format("window_start > {} AND window_start <= {}", instant_sql(over.start - metric.window.size),
                                        instant_sql(over.end - metric.window.size))
                          : fmt::format("window_end > {} AND window_end <= {}", instant_sql(over.start), instant_sql(over.end));
  for (const sql::DimensionFilter& filter : filters)
    where += " AND " + sql::filter_sql(sql::quote_name(metric.dimensions[filter.dimension].name), filter);
  return where;
}

std::string view_sql(const plan::Metric& metric, plan::Span over, const sql::DimensionFilters& filters, size_t limit) {
  std::string columns = "toUnixTimestamp64Milli(window_start), toUnixTimestamp64Milli(window_end)";
  for (const plan::Dimension& d : metric.dimensions) columns += ", " + sql::quote_name(d.name);
  for (const plan::Measure& m : metric.measures) {
    const std::string name = sql::quote_name(m.name);
    columns += ", " + (m.kind == plan::MeasureKind::topk ? sql::top_cell(name) : name);
  }
  return fmt::format("SELECT {}, state\nFROM sluice.{}\nWHERE {}\nORDER BY {} DESC LIMIT {}", columns,
                     sql::quote_name(metric.name), shown_rows_sql(metric, over, filters, instant),
                     metric.cohorts ? "window_start" : "window_end", limit);
}

std::string group_sql(const plan::Metric& metric, const std::vector<uint32_t>& kept, const plan::Group& key) {
  std::string where;
  for (size_t i = 0; i < kept.size(); ++i) {
    const std::string name = sql::quote_name(sql::stored_name(metric.dimensions[kept[i]].name));
    where += (i == 0 ? "" : " AND ") + sql::filter_sql(name, {kept[i], key[i]});
  }
  return where;
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

void read_group(ReplyRow& cells, size_t dimensions, const std::vector<plan::Measure>& measures, LoadedRow& row) {
  for (size_t i = 0; i < dimensions; ++i) row.key.push_back(cells.next());
  for (const plan::Measure& measure : measures)
    row.values.push_back(measure.kind == plan::MeasureKind::topk ? cells.top() : cells.next());
}

plan::State state_of_text(std::string_view text) {
  if (text == plan::state_name(plan::State::final)) return plan::State::final;
  return text == plan::state_name(plan::State::revised) ? plan::State::revised : plan::State::filling;
}

enum class Shape { view, series, over, over_counted };

Result<std::vector<LoadedRow>> read_rows(std::string_view reply, const plan::Metric& metric, size_t kept, Shape shape,
                                         uint64_t* groups) {
  std::vector<LoadedRow> rows;
  TabSeparatedReader reader(reply);
  ReplyCells cells;
  while (reader.next(cells)) {
    ReplyRow row_cells(cells);
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
  ReplyCells cells;
  while (reader.next(cells)) {
    ReplyRow row(cells);
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
  ReplyCells cells;
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

// The oldest window of a reply that was cut by LIMIT may lack groups: it goes, and `over` begins after it. Of a retention: its cohort.
void drop_cut_window(const plan::Metric& metric, std::vector<LoadedRow>& rows, size_t rows_max, plan::Span& over) {
  if (rows.size() <= rows_max) return;
  if (metric.cohorts) {
    const TimeMs cut = rows.back().window.start;
    std::erase_if(rows, [&](const LoadedRow& row) { return row.window.start == cut; });
    over.start = cut + metric.window.size;
    return;
  }
  const TimeMs oldest = rows.back().window.end;
  std::erase_if(rows, [&](const LoadedRow& row) { return row.window.end == oldest; });
  over.start = oldest;
}

Status load_view(const Asker& ask, const plan::Metric& metric, const SharedQuery& query, const BoardTask& task, Loaded& into) {
  const std::string reply = SLUICE_TRY(ask(view_sql(metric, into.over, query.filters, task.rows_max + 1)));
  into.rows = SLUICE_TRY(read_rows(reply, metric, metric.dimensions.size(), Shape::view, nullptr));
  drop_cut_window(metric, into.rows, task.rows_max, into.over);
  if (metric.cohorts) return ok();  // a grid shows no revisions
  const std::string revised = SLUICE_TRY(ask(revisions_sql(metric, into.over, task.rows_max)));
  into.revisions = SLUICE_TRY(read_revisions(revised, metric));
  return ok();
}

// Which groups a reply of bounded size holds must be the same each time: the largest.
Status load_over(const Asker& ask, const Project& project, const SharedQuery& query, const BoardTask& task, Loaded& into) {
  const plan::Metric& metric = project.plan->metrics[query.metric];
  const std::string text = query_sql(project, query, into.over, task.as_of.epoch);
  if (metric.funnel) return load_funnel(ask, metric, query, text, into);
  const std::string reply = SLUICE_TRY(
      ask(fmt::format("SELECT {}, count() OVER () FROM (\n{}\n) ORDER BY {} DESC NULLS LAST LIMIT {}", all_columns(metric), text,
                      sql::quote_name(sql::stored_name(metric.measures[query.rank].name)), kAnswerRowsMax)));
  into.rows = SLUICE_TRY(read_rows(reply, metric, query.kept.size(), Shape::over_counted, &into.groups));
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
  if (metric.cohorts) return retention_sql(project, query.metric, over, epoch);
  if (query.kind == SharedQuery::Kind::sessions) return computed_sessions_sql(project, query.metric, over, epoch);
  if (query.kind == SharedQuery::Kind::over)
    return sql::over_query(*project.plan, metric, over, query.kept, epoch.value, query.filters);
  return sql::series_query(*project.plan, metric, over, query.kept, epoch.value, query.filters);
}

std::string shown_view_sql(const plan::Metric& metric, plan::Span over, const sql::DimensionFilters& filters) {
  if (metric.kind == plan::Metric::Kind::sessions) return shown_sessions_sql(metric, over);
  return fmt::format("SELECT *\nFROM sluice.{}\nWHERE {}\nORDER BY window_start, window_end", sql::quote_name(metric.name),
                     shown_rows_sql(metric, over, filters, [](TimeMs t) { return "'" + format_clickhouse(t) + "'"; }));
}

std::string retention_sql(const Project& project, uint32_t metric, plan::Span cohorts, event::Epoch epoch) {
  const DurationMs size = project.plan->metrics[metric].window.size;
  return fmt::format("SELECT *\nFROM (\n{})\nWHERE window_start > {} AND window_start <= {}\nORDER BY window_start, window_end\n",
                     sql::definition_query(*project.plan, project.plan->metrics[metric], epoch.value, std::nullopt),
                     instant(cohorts.start - size), instant(cohorts.end - size));
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
    loaded.over = task.range.value_or(over_span(metric, loaded.newest, query.over));
    if (query.kind == SharedQuery::Kind::view) {
      SLUICE_CHECK(load_view(ask, metric, query, task, loaded));
    } else if (query.kind == SharedQuery::Kind::series) {
      const std::string reply =
          SLUICE_TRY(ask(fmt::format("SELECT {} FROM (\n{}\n) ORDER BY window_end DESC LIMIT {}", all_columns(metric),
                                     query_sql(project, query, loaded.over, task.as_of.epoch), task.rows_max + 1)));
      loaded.rows = SLUICE_TRY(read_rows(reply, metric, query.kept.size(), Shape::series, nullptr));
      drop_cut_window(metric, loaded.rows, task.rows_max, loaded.over);
    } else if (query.kind == SharedQuery::Kind::sessions) {
      SLUICE_CHECK(load_sessions(ask, metric, loaded));
    } else {
      SLUICE_CHECK(load_over(ask, project, query, task, loaded));
    }
  }
  loaded.computed_at = clock.wall();
  loaded.took = std::chrono::duration_cast<DurationMs>(clock.monotonic() - began);
  return loaded;
}

std::string recomputation_sql(const Project& project, const Recomputation& what) {
  const plan::Metric& metric = project.plan->metrics[what.metric];
  if (metric.cohorts) return retention_sql(project, what.metric, what.window, what.epoch);
  const std::string query =
      what.kind == SharedQuery::Kind::over
          ? sql::over_query(*project.plan, metric, what.window, what.kept, what.epoch.value, what.filters)
          : sql::series_query(*project.plan, metric, what.window, what.kept, what.epoch.value, what.filters);
  if (metric.funnel && !what.kept.empty() && what.key)
    return fmt::format("SELECT * FROM (\n{}\n) WHERE {} ORDER BY step", query, group_sql(metric, what.kept, *what.key));
  const std::string columns = metric.funnel ? "*" : all_columns(metric);
  if (!what.key || what.kept.empty()) return columns == "*" ? query : fmt::format("SELECT {} FROM (\n{}\n)", columns, query);
  return fmt::format("SELECT {} FROM (\n{}\n) WHERE {}", columns, query, group_sql(metric, what.kept, *what.key));
}

Result<std::vector<LoadedRow>> recompute(const Project& project, const Recomputation& what, const std::string& text,
                                         Queries& queries, DurationMs timeout) {
  const std::string reply = SLUICE_TRY((Asker{queries, timeout}(text)));
  const plan::Metric& metric = project.plan->metrics[what.metric];
  if (metric.funnel) return read_funnel_rows(reply, metric, what.kept.size(), nullptr);
  if (metric.cohorts) return read_retention_rows(reply, metric);
  return read_rows(reply, metric, what.kept.size(), what.kind == SharedQuery::Kind::over ? Shape::over : Shape::series, nullptr);
}

Result<event::Epoch> row_epoch(const std::string& table, plan::Span window, const plan::Group& dimensions, Queries& queries,
                               DurationMs timeout) {
  const std::string text = fmt::format(
      "SELECT epoch FROM sluice.{} FINAL WHERE window_start = {} AND window_end = {} AND group_key = {}", sql::quote_name(table),
      instant(window.start), instant(window.end), sql::quote_text(sql::group_key(dimensions)));
  const std::string reply = SLUICE_TRY((Asker{queries, timeout}(text)));
  TabSeparatedReader reader(reply);
  ReplyCells cells;
  if (!reader.next(cells)) return event::Epoch(0);
  const auto epoch = cells.size() == 1 && cells[0] ? parse_unsigned(*cells[0]) : std::nullopt;
  if (!epoch) return odd_reply(table);
  return event::Epoch(*epoch);
}

}  // namespace sluice::serve
