#include "serve/boards.h"

#include <algorithm>

#include "serve/json_out.h"

namespace sluice::serve {
namespace {

// Every panel that holds points gets the same share of the memory for them.
size_t points_share(const PanelList& list, const BoardsOptions& options) {
  const auto holds_points = [](const PanelEntry& entry) {
    using Kind = plan::Panel::Kind;
    return entry.panel->kind == Kind::timeseries || entry.panel->kind == Kind::band || entry.panel->kind == Kind::retention;
  };
  const auto sharing = std::count_if(list.panels().begin(), list.panels().end(), holds_points);
  return std::clamp<size_t>(options.points_total_max / std::max<size_t>(1, static_cast<size_t>(sharing)), 1,
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
      changes_(project_->plan->metrics.size(), 0),
      queries_(list_.queries().size()) {
  for (const PanelEntry& entry : list_.panels()) boards_.push_back(make_panel_board(entry, points_panel_max_));
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
    state.answer.reset();
    for (const uint32_t panel : list_.queries()[q].panels) boards_[panel]->clear();
  }
}

std::vector<BoardChange> Boards::commit(const Committed& committed) {
  begun_ = true;
  // A job's rows come from another thread and may be overtaken by the next epoch: time never goes back here.
  if (committed.epoch >= now_.epoch) now_ = {committed.epoch, committed.watermark, committed.clock};
  std::vector<PendingChange> changes(project_->plan->metrics.size());
  for (const MetricChange& change : committed.metrics) {
    newest_[change.metric] = std::max(newest_[change.metric], change.newest);
    ++changes_[change.metric];
    if (is_watched(change.metric)) changes[change.metric] = {std::make_shared<const MetricChange>(change), committed.clock};
    for (size_t q = 0; q < queries_.size(); ++q) {
      const SharedQuery& query = list_.queries()[q];
      if (query.metric != change.metric || query.kind == SharedQuery::Kind::view) continue;
      // Sessions are rows that others made: also their states count.
      const bool rows = query.kind == SharedQuery::Kind::sessions && !change.rows.empty();
      if (change.events_changed || rows) queries_[q].changed = true;
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
  const TimeMs closes = project_->plan->metrics[query.metric].closes(state.answer->window);
  return before < closes && state.as_of.watermark >= closes;
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
  for (const uint32_t panel : query.panels) boards_[panel]->slide(state.over);
}

void Boards::apply_view(size_t q, const PendingChange& change) {
  const SharedQuery& query = list_.queries()[q];
  const plan::Metric& metric = project_->plan->metrics[query.metric];
  ViewChange view{*change.change, {}, change.at};
  for (const plan::MetricRow& row : change.change->rows) {
    view.values.emplace_back();
    if (!row.removed) view.values.back() = plan::visible_values(metric, row.stored, evaluator_);
  }
  for (const uint32_t panel : query.panels) boards_[panel]->apply(view);
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
  if (query.kind == SharedQuery::Kind::over) state.answer = over_answer_of(loaded);
  for (const uint32_t panel : query.panels) boards_[panel]->install({query, loaded, state.answer, state.as_of});
  if (query.kind != SharedQuery::Kind::view) return;
  slide(task.query);
  for (const PendingChange& change : std::exchange(state.pending, {})) apply_view(task.query, change);
}

void Boards::collect(size_t q, std::vector<BoardChange>& out) {
  const QueryState& state = queries_[q];
  for (const uint32_t panel : list_.queries()[q].panels) {
    boards_[panel]->advance(state.as_of.watermark);
    if (const auto change = boards_[panel]->take_change()) out.push_back({panel, change->whole, wrap(panel, change->data)});
  }
}

std::string Boards::snapshot_json(uint32_t panel) const {
  const QueryState& state = queries_[list_.panels()[panel].query];
  if (!state.ready) return wrap(panel, "null");
  return wrap(panel, boards_[panel]->data());
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

ShownPanel Boards::shown(uint32_t panel) const {
  const PanelEntry& entry = list_.panels()[panel];
  const QueryState& state = queries_[entry.query];
  ShownPanel shown;
  shown.entry = &entry;
  shown.query = &list_.queries()[entry.query];
  shown.as_of = state.as_of;
  shown.over = state.over;
  shown.empty = state.empty;
  if (const auto start = boards_[panel]->start()) shown.over.start = std::max(shown.over.start, *start);
  shown.points = boards_[panel]->points();
  return shown;
}

ShownPanel Boards::ranged(uint32_t panel, const PanelRange& range, std::vector<std::string>& unknown, BoardTask& task) const {
  const PanelEntry& entry = list_.panels()[panel];
  auto query = std::make_shared<SharedQuery>(list_.queries()[entry.query]);
  query->panels = {panel};
  query->over = range.over.value_or(query->over);
  query->filters = filters_of(*entry.metric, range, unknown);
  task.as_of = now_;
  if (newest_known_[entry.panel->metric]) task.newest = newest_[entry.panel->metric];
  if (range.until) task.range = plan::Span{*range.until - query->over, *range.until};
  task.timeout = options_.query_timeout;
  ShownPanel shown;
  shown.project = project_;
  shown.entry = &entry;
  shown.query = query.get();
  shown.own_query = std::move(query);
  shown.as_of = now_;
  return shown;
}

void fill_ranged(RangedPanel& panel, const Loaded& loaded, size_t points_max) {
  ShownPanel& shown = panel.shown;
  const std::unique_ptr<PanelBoard> board = make_panel_board(*shown.entry, points_max);
  const bool over = shown.query->kind == SharedQuery::Kind::over;
  board->install({*shown.query, loaded, over ? over_answer_of(loaded) : nullptr, shown.as_of});
  shown.over = loaded.over;
  if (const auto start = board->start()) shown.over.start = std::max(shown.over.start, *start);
  shown.empty = loaded.newest == kMinusInfinity;
  shown.points = board->points();
  panel.data = board->data();
  panel.took = loaded.took;
  panel.filling = std::any_of(shown.points.begin(), shown.points.end(),
                              [](const ShownPoint& point) { return point.state == plan::State::filling; });
}

}  // namespace sluice::serve
