#include "serve/verify.h"

#include <algorithm>
#include <map>

#include "base/rfc3339.h"
#include "serve/answer_board.h"
#include "serve/session_board.h"

namespace sluice::serve {
namespace {

constexpr DurationMs kTimeout{60'000};

Error not_shown() { return fail(Code::not_found, "the panel shows no such row or point now; reload the page"); }

Error wrong_key(const plan::Panel& panel) {
  using Kind = plan::Panel::Kind;
  if (panel.kind == Kind::band) return fail(Code::invalid, "`key` must be [the measure's name]");
  if (panel.kind == Kind::retention) return fail(Code::invalid, "`key` must be left out or [the period as a text]");
  if (panel.kind == Kind::sessions) return fail(Code::invalid, "`key` must be left out or [the session's id]");
  if (panel.kind == Kind::top) return fail(Code::invalid, "`key` must be left out or [the value]");
  return fail(Code::invalid, "`key` must have one element for each of the panel's " + std::to_string(panel.dimensions.size()) +
                                 " dimensions, in its order");
}

// The panel's key in the order of the query's kept dimensions.
plan::Group kept_key(const ShownPanel& shown, const plan::Group& key) {
  plan::Group kept(shown.query->kept.size());
  for (size_t i = 0; i < shown.entry->key_positions.size(); ++i) kept[shown.entry->key_positions[i]] = key[i];
  return kept;
}

// The measure that a series is of.
uint32_t measure_of(const ShownPanel& shown, const plan::Group& key) {
  const plan::Panel& panel = *shown.entry->panel;
  if (panel.kind == plan::Panel::Kind::band) {
    for (const uint32_t measure : panel.measures) {
      if (shown.entry->metric->measures[measure].name == key.front()) return measure;
    }
  }
  return panel.measures.front();
}

Recomputation recomputation_of(const ShownPanel& shown, const plan::Group& key) {
  Recomputation what;
  what.metric = shown.query->metric;
  what.kept = shown.query->kept;
  what.filters = shown.query->filters;
  if (!what.kept.empty()) what.key = kept_key(shown, key);
  what.window = shown.over;
  what.epoch = shown.as_of.epoch;
  return what;
}

// One point: a stat, a table's row, a funnel's group, or a bucket of a series.
Result<Verified> verify_point(Queries& queries, const ShownPanel& shown, const ShownPoint& point) {
  const plan::Metric& metric = *shown.entry->metric;
  const plan::Panel& panel = *shown.entry->panel;
  Recomputation what = recomputation_of(shown, point.key);
  what.window = point.window;
  what.epoch = point.as_of;
  // Read from the view, which does not say as of which epoch a row was written: its table does.
  if (what.epoch == event::Epoch(0)) {
    if (!shown.table.empty()) {
      const plan::Group group = what.kept.empty() ? plan::Group{} : kept_key(shown, point.key);
      what.epoch = SLUICE_TRY(row_epoch(shown.table, point.window, group, queries, kTimeout));
    }
    if (what.epoch == event::Epoch(0)) what.epoch = shown.as_of.epoch;
  }
  Verified verified;
  verified.epoch = what.epoch;
  verified.sql = recomputation_sql(*shown.project, what);
  const std::vector<LoadedRow> rows = SLUICE_TRY(recompute(*shown.project, what, verified.sql, queries, kTimeout));
  if (metric.funnel) {
    for (size_t i = 0; i < point.values.size(); ++i) {
      VerifiedCell cell{metric.funnel->steps[i / 2].name + (i % 2 == 0 ? ".people" : ".median_ms"), point.values[i],
                        std::nullopt};
      if (!rows.empty()) cell.computed = rows.front().values[i];
      verified.cells.push_back(std::move(cell));
    }
    return verified;
  }
  const bool band = panel.kind == plan::Panel::Kind::band;
  for (size_t i = 0; i < point.values.size(); ++i) {
    const uint32_t measure = band ? measure_of(shown, point.key) : panel.measures[i];
    VerifiedCell cell{metric.measures[measure].name, point.values[i], std::nullopt};
    if (!rows.empty()) cell.computed = rows.front().values[measure];
    verified.cells.push_back(std::move(cell));
  }
  return verified;
}

// Every bucket of one series at once.
Result<Verified> verify_series(Queries& queries, const ShownPanel& shown, const plan::Group& key) {
  Recomputation what = recomputation_of(shown, key);
  what.kind = SharedQuery::Kind::series;
  const uint32_t measure = measure_of(shown, key);
  Verified verified;
  verified.epoch = what.epoch;
  verified.sql = recomputation_sql(*shown.project, what);
  std::map<plan::Span, VerifiedCell> cells;
  for (const ShownPoint& point : shown.points) {
    if (point.key == key) cells[point.window] = {format_rfc3339(point.window.start), point.values.front(), std::nullopt};
  }
  if (cells.empty()) return not_shown();
  for (const LoadedRow& row : SLUICE_TRY(recompute(*shown.project, what, verified.sql, queries, kTimeout))) {
    VerifiedCell& cell = cells[row.window];
    cell.name = format_rfc3339(row.window.start);
    cell.computed = row.values[measure];
  }
  // Newest first: it is the one that `shown` and `computed` are of.
  for (auto at = cells.rbegin(); at != cells.rend(); ++at) verified.cells.push_back(std::move(at->second));
  return verified;
}

// Every value shown, and those that should be; with a key that one.
Result<Verified> verify_top(Queries& queries, os::Clock& clock, const ShownPanel& shown, const std::optional<plan::Group>& key) {
  BoardTask task;
  task.as_of = shown.as_of;
  task.newest = shown.over.end;
  task.range = shown.over;
  task.timeout = kTimeout;
  Verified verified;
  verified.epoch = shown.as_of.epoch;
  verified.sql = query_sql(*shown.project, *shown.query, shown.over, shown.as_of.epoch);
  const Loaded loaded = SLUICE_TRY(load(*shown.project, *shown.query, task, queries, clock));
  std::vector<TopRow> rows = top_rows(*shown.entry, *over_answer_of(loaded));
  std::map<plan::Group, VerifiedCell> cells;
  std::vector<plan::Group> order;
  for (const ShownPoint& point : shown.points) {
    cells[point.key] = {point.key.front().value_or("(none)"), point.values.front(), std::nullopt};
    order.push_back(point.key);
  }
  rows.resize(std::min<size_t>(rows.size(), shown.entry->panel->limit));
  for (TopRow& row : rows) {
    const auto [cell, is_new] = cells.try_emplace(row.key, VerifiedCell{row.key.front().value_or("(none)"), std::nullopt, {}});
    if (is_new) order.push_back(row.key);
    cell->second.computed = std::move(row.value);
  }
  for (const plan::Group& one : order) {
    if (!key || one == *key) verified.cells.push_back(cells.at(one));
  }
  if (verified.cells.empty()) return not_shown();
  return verified;
}

// Cells of all cohorts, of one, or one cell.
Result<Verified> verify_retention(Queries& queries, const ShownPanel& shown, const VerifyWanted& wanted) {
  const Recomputation what = recomputation_of(shown, {});
  Verified verified;
  verified.epoch = what.epoch;
  verified.sql = recomputation_sql(*shown.project, what);
  const auto is_wanted = [&](plan::Span window, const plan::Group& period) {
    return (!wanted.window_start || window.start == *wanted.window_start) && (!wanted.key || period == *wanted.key);
  };
  std::map<plan::Span, VerifiedCell> cells;
  const auto cell_of = [&](plan::Span window, const plan::Group& period) -> VerifiedCell& {
    VerifiedCell& cell = cells[window];
    cell.name = format_date(window.start) + " period " + period.front().value_or("");
    return cell;
  };
  for (const ShownPoint& point : shown.points) {
    if (is_wanted(point.window, point.key)) cell_of(point.window, point.key).shown = point.values.front();
  }
  if (cells.empty()) return not_shown();
  for (const LoadedRow& row : SLUICE_TRY(recompute(*shown.project, what, verified.sql, queries, kTimeout))) {
    if (is_wanted(row.window, row.key)) cell_of(row.window, row.key).computed = row.values.front();
  }
  for (auto& [window, cell] : cells) verified.cells.push_back(std::move(cell));
  return verified;
}

// What a session's row says, one name per column.
std::vector<std::pair<const char*, std::optional<std::string>>> columns_of(
    plan::Span window, const std::vector<std::optional<std::string>>& values) {
  return {{"source", values[0]},
          {"key", values[1]},
          {"user_key", values[2]},
          {"started_at", format_rfc3339(window.start)},
          {"ended_at", format_rfc3339(window.end)},
          {"events", values[3]},
          {"duration_ms", values[4]}};
}
std::string row_text(plan::Span window, const std::vector<std::optional<std::string>>& values) {
  std::string out;
  for (const auto& [name, value] : columns_of(window, values)) out += (out.empty() ? "" : " ") + value.value_or("");
  return out;
}

Result<Verified> verify_sessions(Queries& queries, const ShownPanel& shown, const std::optional<plan::Group>& key) {
  Verified verified;
  verified.epoch = shown.as_of.epoch;
  verified.sql = query_sql(*shown.project, *shown.query, shown.over, shown.as_of.epoch);
  const std::string reply = SLUICE_TRY((Asker{queries, kTimeout}(verified.sql)));
  std::map<plan::Group, LoadedRow> computed;
  for (LoadedRow& row : SLUICE_TRY(read_session_rows(reply, *shown.entry->metric, nullptr))) {
    plan::Group id = row.key;
    computed.emplace(std::move(id), std::move(row));
  }
  for (const ShownPoint& point : shown.points) {
    if (key && point.key != *key) continue;
    const auto found = computed.find(point.key);
    if (!key) {
      VerifiedCell cell{point.key.front().value_or(""), row_text(point.window, point.values), std::nullopt};
      if (found != computed.end()) cell.computed = row_text(found->second.window, found->second.values);
      verified.cells.push_back(std::move(cell));
      if (found != computed.end()) computed.erase(found);
      continue;
    }
    for (auto& [name, value] : columns_of(point.window, point.values)) verified.cells.push_back({name, std::move(value), {}});
    if (found == computed.end()) continue;
    const auto values = columns_of(found->second.window, found->second.values);
    for (size_t i = 0; i < values.size(); ++i) verified.cells[i].computed = values[i].second;
  }
  if (!key) {  // those that should be shown and are not
    for (const auto& [id, row] : computed)
      verified.cells.push_back({id.front().value_or(""), std::nullopt, row_text(row.window, row.values)});
  }
  if (verified.cells.empty()) return not_shown();
  return verified;
}

}  // namespace

Result<Verified> verify(Queries& queries, os::Clock& clock, const ShownPanel& shown, const VerifyWanted& wanted) {
  using Kind = plan::Panel::Kind;
  const plan::Panel& panel = *shown.entry->panel;
  const bool one_word =
      panel.kind == Kind::band || panel.kind == Kind::top || panel.kind == Kind::retention || panel.kind == Kind::sessions;
  const bool optional_key = one_word && panel.kind != Kind::band;
  const plan::Group key = wanted.key.value_or(plan::Group{});
  if (!(optional_key && !wanted.key) && key.size() != (one_word ? 1 : panel.dimensions.size())) return wrong_key(panel);
  if (panel.kind == Kind::top) return verify_top(queries, clock, shown, wanted.key);
  if (panel.kind == Kind::retention) return verify_retention(queries, shown, wanted);
  if (panel.kind == Kind::sessions) return verify_sessions(queries, shown, wanted.key);
  const bool series = panel.kind == Kind::timeseries || panel.kind == Kind::band;
  if (series && !wanted.window_start) return verify_series(queries, shown, key);
  const auto point = std::find_if(shown.points.begin(), shown.points.end(), [&](const ShownPoint& p) {
    return p.key == key && (!wanted.window_start || p.window.start == *wanted.window_start);
  });
  if (point == shown.points.end()) return not_shown();
  return verify_point(queries, shown, *point);
}

}  // namespace sluice::serve
