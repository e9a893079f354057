#include "serve/boards.h"

#include <algorithm>

#include "base/rfc3339.h"
#include "serve/json_out.h"

namespace sluice::serve {
namespace {

std::string value_text(const plan::StoredValue& value) {
  switch (value.kind) {
    case plan::Value::Kind::number: return value.number.to_text();
    case plan::Value::Kind::text: return value.text;
    case plan::Value::Kind::time: return format_clickhouse(value.time);
    case plan::Value::Kind::top: return plan::top_text(value.top);
    case plan::Value::Kind::boolean: return value.number.raw != 0 ? "true" : "false";
    case plan::Value::Kind::null: break;
  }
  return {};
}

std::optional<std::string> shown_value(const plan::StoredValue& value) {
  if (value.kind == plan::Value::Kind::null) return std::nullopt;
  return value_text(value);
}

// Every series panel gets the same share of the memory for points.
size_t points_share(const PanelList& list, const BoardsOptions& options) {
  const auto series = std::count_if(list.panels().begin(), list.panels().end(),
                                    [](const PanelEntry& entry) { return entry.panel->kind == plan::Panel::Kind::timeseries; });
  return std::clamp<size_t>(options.points_total_max / std::max<size_t>(1, static_cast<size_t>(series)), 1,
                            options.points_panel_max);
}

}  // namespace

DurationMs query_interval(DurationMs last_duration, size_t watched, const BoardsOptions& options) {
  return std::max(options.interval_min,
                  last_duration * options.interval_factor * static_cast<int64_t>(std::max<size_t>(1, watched)));
}

Boards::Boards(std::shared_ptr<const Project> project, BoardsOptions options)
    : project_(std::move(project)),
      options_(options),
      list_(*project_->plan),
      points_panel_max_(points_share(list_, options)),
      newest_(project_->plan->metrics.size(), kMinusInfinity),
      newest_known_(project_->plan->metrics.size(), false),
      queries_(list_.queries().size()),
      series_(list_.panels().size()),
      tables_(list_.panels().size()),
      stats_(list_.panels().size()) {
  for (size_t i = 0; i < list_.panels().size(); ++i) {
    const PanelEntry& entry = list_.panels()[i];
    if (entry.panel->kind != plan::Panel::Kind::timeseries) continue;
    series_[i] = std::make_unique<SeriesBoard>(entry.metric->allowed_lateness, points_panel_max_);
  }
}

void Boards::watch(uint32_t panel) { ++queries_[list_.panels()[panel].query].watchers; }

void Boards::unwatch(uint32_t panel, os::MonotonicTime now) {
  QueryState& state = queries_[list_.panels()[panel].query];
  SLUICE_ASSERT(state.watchers > 0, "a panel is unwatched as often as it was watched");
  if (--state.watchers == 0) state.unwatched_since = now;
}

void Boards::expire(os::MonotonicTime now) {
  for (size_t q = 0; q < queries_.size(); ++q) {
    QueryState& state = queries_[q];
    if (state.watchers > 0 || state.running || !state.ready || now - state.unwatched_since < options_.keep_unwatched) continue;
    state.ready = false;
    state.answer = {};
    for (const uint32_t panel : list_.queries()[q].panels) {
      if (series_[panel]) series_[panel]->clear();
      tables_[panel] = {};
      stats_[panel].clear();
    }
  }
}

std::vector<BoardChange> Boards::commit(const Committed& committed) {
  begun_ = true;
  // A job's rows come from another thread and may be overtaken by the next epoch: time never goes back here.
  if (committed.epoch >= now_.epoch) now_ = {committed.epoch, committed.watermark, committed.clock};
  std::vector<PendingChange> changes(project_->plan->metrics.size());
  for (const MetricChange& change : committed.metrics) {
    newest_[change.metric] = std::max(newest_[change.metric], change.newest);
    if (is_watched(change.metric)) changes[change.metric] = {std::make_shared<const MetricChange>(change), committed.clock};
    for (size_t q = 0; q < queries_.size(); ++q) {
      const SharedQuery& query = list_.queries()[q];
      if (query.metric == change.metric && query.kind != SharedQuery::Kind::view && change.events_changed)
        queries_[q].changed = true;
    }
  }
  std::vector<BoardChange> out;
  for (size_t q = 0; q < queries_.size(); ++q) {
    QueryState& state = queries_[q];
    const SharedQuery& query = list_.queries()[q];
    if (query.kind == SharedQuery::Kind::view) {
      if (changes[query.metric].change) keep_or_apply(q, changes[query.metric]);
    }
    if (!state.ready || (query.kind != SharedQuery::Kind::view && state.changed)) continue;
    const TimeMs before = std::exchange(state.as_of, now_).watermark;
    if (query.kind == SharedQuery::Kind::over && !state_moves(query, state, before)) continue;
    collect(q, out);
  }
  return out;
}

// An answer that stays as it is changes its state only when the watermark passes its window's due time.
bool Boards::state_moves(const SharedQuery& query, const QueryState& state, TimeMs before) const {
  const TimeMs due = state.answer.window.end + project_->plan->metrics[query.metric].allowed_lateness;
  return before < due && state.as_of.watermark >= due;
}

bool Boards::is_watched(uint32_t metric) const {
  for (size_t q = 0; q < queries_.size(); ++q) {
    const QueryState& state = queries_[q];
    if (list_.queries()[q].metric == metric && (state.ready || state.running)) return true;
  }
  return false;
}

void Boards::keep_or_apply(size_t q, const PendingChange& change) {
  QueryState& state = queries_[q];
  if (state.running) {
    state.pending_rows += change.change->rows.size() + 1;
    if (state.pending_rows > options_.pending_rows_max) {
      state.pending.clear();  // the load is asked for again when this one ends
      state.changed = true;
    } else {
      state.pending.push_back(change);
    }
  }
  if (state.ready) {
    slide(q);
    apply_view(q, change);
  }
}

// The feed's newest event moves the end of every panel of the metric.
void Boards::slide(size_t q) {
  const SharedQuery& query = list_.queries()[q];
  QueryState& state = queries_[q];
  if (newest_[query.metric] == kMinusInfinity) return;
  state.empty = false;
  const plan::Span over = over_span(project_->plan->metrics[query.metric], newest_[query.metric], query.over);
  // A load that was cut begins later than D before the end; it stays so until the end has moved that far.
  state.over = {std::max(state.over.start, over.start), over.end};
  for (const uint32_t panel : query.panels) series_[panel]->set_over(state.over);
}

void Boards::apply_view(size_t q, const PendingChange& change) {
  const SharedQuery& query = list_.queries()[q];
  const plan::Metric& metric = project_->plan->metrics[query.metric];
  for (const plan::MetricRow& row : change.change->rows) {
    std::vector<plan::StoredValue> values;
    if (!row.removed) values = plan::visible_values(metric, row.stored, evaluator_);
    for (const uint32_t panel : query.panels) {
      const PanelEntry& entry = list_.panels()[panel];
      const plan::Group key = panel_key(entry, row.dimensions);
      if (row.removed) {
        series_[panel]->remove(key, row.window);
        continue;
      }
      Point point;
      point.value = shown_value(values[entry.panel->measures.front()]);
      point.state = row.state;
      point.as_of = change.change->as_of;
      series_[panel]->put(key, row.window, std::move(point));
    }
  }
  for (const plan::Revision& revision : change.change->revisions) {
    for (const uint32_t panel : query.panels) {
      const PanelEntry& entry = list_.panels()[panel];
      if (metric.measures[entry.panel->measures.front()].name != revision.measure) continue;
      series_[panel]->revise(panel_key(entry, revision.dimensions), revision.window,
                             {change.at, revision.old_value, revision.new_value, plan::cause_name(revision.cause)});
    }
  }
}

size_t Boards::watched_computed() const {
  size_t n = 0;
  for (size_t q = 0; q < queries_.size(); ++q) {
    if (list_.queries()[q].kind != SharedQuery::Kind::view && queries_[q].watchers > 0) ++n;
  }
  return n;
}

os::MonotonicTime Boards::due_at(size_t q) const {
  const QueryState& state = queries_[q];
  if (!state.ready && !state.failed) return os::MonotonicTime::min();  // a viewer waits: at once
  return state.last_end + query_interval(state.last_duration, watched_computed(), options_);
}

bool Boards::wanted(size_t q) const {
  const QueryState& state = queries_[q];
  return begun_ && state.watchers > 0 && !state.running && (!state.ready || state.changed);
}

std::optional<BoardTask> Boards::next_task(os::MonotonicTime now) {
  std::optional<size_t> best;
  for (size_t q = 0; q < queries_.size(); ++q) {
    if (!wanted(q) || due_at(q) > now) continue;
    if (!best || due_at(q) < due_at(*best)) best = q;
  }
  if (!best) return std::nullopt;
  return start_task(*best);
}

std::optional<os::MonotonicTime> Boards::next_due() const {
  std::optional<os::MonotonicTime> next;
  for (size_t q = 0; q < queries_.size(); ++q) {
    if (wanted(q) && (!next || due_at(q) < *next)) next = due_at(q);
  }
  return next;
}

std::optional<BoardTask> Boards::task_for(uint32_t panel) {
  const uint32_t q = list_.panels()[panel].query;
  if (!begun_ || queries_[q].running) return std::nullopt;
  return start_task(q);
}

BoardTask Boards::start_task(size_t q) {
  QueryState& state = queries_[q];
  state.running = true;
  state.changed = false;
  state.pending.clear();
  state.pending_rows = 0;
  const uint32_t metric = list_.queries()[q].metric;
  BoardTask task;
  task.query = static_cast<uint32_t>(q);
  task.as_of = now_;
  if (newest_known_[metric]) task.newest = newest_[metric];
  task.rows_max = points_panel_max_;
  task.timeout = options_.query_timeout;
  return task;
}

std::vector<BoardChange> Boards::finish(const BoardTask& task, Result<Loaded> loaded, os::MonotonicTime now) {
  QueryState& state = queries_[task.query];
  state.running = false;
  state.last_end = now;
  std::vector<BoardChange> out;
  state.failed = !loaded;
  if (!loaded) {
    state.changed = true;
    return out;
  }
  state.last_duration = loaded->took;
  if (state.watchers == 0) state.unwatched_since = now;
  const uint32_t metric = list_.queries()[task.query].metric;
  newest_[metric] = std::max(newest_[metric], loaded->newest);
  newest_known_[metric] = true;
  install(task, std::move(loaded).value());
  collect(task.query, out);
  return out;
}

void Boards::install(const BoardTask& task, Loaded loaded) {
  const SharedQuery& query = list_.queries()[task.query];
  QueryState& state = queries_[task.query];
  if (!state.ready) state.born = now_.epoch;
  state.ready = true;
  // As long as nothing was stored since, the answer is also that of the newest epoch.
  state.as_of = query.kind == SharedQuery::Kind::view || !state.changed ? now_ : task.as_of;
  state.empty = loaded.newest == kMinusInfinity;
  state.over = loaded.over;
  if (query.kind == SharedQuery::Kind::over) {
    state.answer = OverAnswer{};
    state.answer.window = loaded.over;
    state.answer.empty = state.empty;
    state.answer.groups = loaded.groups;
    state.answer.computed_at = loaded.computed_at;
    state.answer.took = loaded.took;
    for (LoadedRow& row : loaded.rows) {
      state.answer.rows.push_back({std::move(row.key), std::move(row.values), row.any_late, row.any_on_time});
    }
    return;
  }
  for (const uint32_t panel : query.panels) install_series(panel, query, state, loaded);
  if (query.kind != SharedQuery::Kind::view) return;
  slide(task.query);
  for (const PendingChange& change : std::exchange(state.pending, {})) apply_view(task.query, change);
}

void Boards::install_series(uint32_t panel, const SharedQuery& query, const QueryState& state, const Loaded& loaded) {
  const PanelEntry& entry = list_.panels()[panel];
  SeriesBoard& board = *series_[panel];
  const uint32_t measure = entry.panel->measures.front();
  if (!state.empty) board.set_over(loaded.over);
  board.begin_replace();
  for (const LoadedRow& row : loaded.rows) {
    Point point;
    point.value = row.values[measure];
    point.computed = query.kind == SharedQuery::Kind::series;
    point.any_late = row.any_late;
    point.any_on_time = row.any_on_time;
    point.state = !point.computed ? row.state
                                  : plan::state_of(row.window.end, entry.metric->allowed_lateness, state.as_of.watermark,
                                                   row.any_late, row.any_on_time);
    if (point.computed) point.as_of = state.as_of.epoch;
    board.put(panel_key(entry, row.key), row.window, std::move(point));
  }
  board.end_replace();
  for (const LoadedRevision& r : loaded.revisions) {
    if (r.measure != entry.metric->measures[measure].name) continue;
    board.revise(panel_key(entry, r.key), r.window, {r.at, r.old_value, r.new_value, r.cause});
  }
}

void Boards::collect(size_t q, std::vector<BoardChange>& out) {
  const QueryState& state = queries_[q];
  for (const uint32_t panel : list_.queries()[q].panels) {
    const PanelEntry& entry = list_.panels()[panel];
    if (series_[panel]) {
      if (list_.queries()[q].kind == SharedQuery::Kind::series) series_[panel]->advance(state.as_of.watermark);
      if (auto change = series_[panel]->take_change()) out.push_back({panel, change->whole, wrap(panel, change->data)});
    } else if (entry.panel->kind == plan::Panel::Kind::stat) {
      std::string data = stat_data(entry, state.answer, state.as_of.watermark);
      if (data == stats_[panel]) continue;
      const bool whole = stats_[panel].empty();
      out.push_back({panel, whole, wrap(panel, data)});
      stats_[panel] = std::move(data);
    } else {
      ShownTable table = table_rows(entry, state.answer, state.as_of.watermark);
      const bool whole = tables_[panel].head.empty();
      const auto patch = whole ? table_data(table) : table_patch(tables_[panel], table);
      if (patch) out.push_back({panel, whole, wrap(panel, *patch)});
      tables_[panel] = std::move(table);
    }
  }
}

std::string Boards::snapshot_json(uint32_t panel) const {
  const QueryState& state = queries_[list_.panels()[panel].query];
  if (!state.ready) return wrap(panel, "null");
  if (series_[panel]) return wrap(panel, series_[panel]->data());
  if (list_.panels()[panel].panel->kind == plan::Panel::Kind::stat) return wrap(panel, stats_[panel]);
  return wrap(panel, table_data(tables_[panel]));
}

std::string Boards::wrap(uint32_t panel, std::string_view data) const {
  const QueryState& state = queries_[list_.panels()[panel].query];
  const AsOf& as_of = state.ready ? state.as_of : now_;
  JsonOut out;
  out.object([&] {
    out.key("panel").text(list_.panels()[panel].id);
    out.key("epoch").count(as_of.epoch.value);
    out.key("as_of").time(as_of.clock);
    out.key("watermark").time_or_null(as_of.watermark);
    out.key("data").raw(data);
  });
  return out.take();
}

bool Boards::ready(uint32_t panel) const { return queries_[list_.panels()[panel].query].ready; }

bool Boards::complete_since(uint32_t panel, event::Epoch epoch) const {
  const QueryState& state = queries_[list_.panels()[panel].query];
  return state.ready && state.born <= epoch && epoch <= now_.epoch;
}

plan::Group Boards::panel_key(const PanelEntry& entry, const plan::Group& kept) const {
  plan::Group key;
  for (const uint32_t position : entry.key_positions) key.push_back(kept[position]);
  return key;
}

ShownPanel Boards::shown(uint32_t panel) const {
  const PanelEntry& entry = list_.panels()[panel];
  const QueryState& state = queries_[entry.query];
  ShownPanel shown;
  shown.entry = &entry;
  shown.query = &list_.queries()[entry.query];
  shown.as_of = state.as_of;
  shown.over = state.over;
  shown.empty = state.empty;
  if (series_[panel]) {
    shown.over.start = std::max(shown.over.start, series_[panel]->start());
    for (const auto& [key, series] : series_[panel]->series()) {
      for (const auto& [window, point] : series.points)
        shown.points.push_back({window, key, {point.value}, point.state, point.as_of});
    }
    return shown;
  }
  for (const OverRow& row : state.answer.rows) {
    ShownPoint point{state.over,
                     panel_key(entry, row.key),
                     {},
                     over_state(state.answer, row, entry.metric->allowed_lateness, state.as_of.watermark),
                     state.as_of.epoch};
    for (const uint32_t measure : entry.panel->measures) point.values.push_back(row.values[measure]);
    shown.points.push_back(std::move(point));
  }
  return shown;
}

}  // namespace sluice::serve
