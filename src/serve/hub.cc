#include "serve/hub.h"

#include <algorithm>

#include "serve/json_out.h"

namespace sluice::serve {
namespace {

std::string watermark_json(const Committed& committed) {
  JsonOut out;
  out.object([&] {
    out.key("epoch").count(committed.epoch.value);
    out.key("as_of").time(committed.clock);
    out.key("watermark").time_or_null(committed.watermark);
    out.key("behind_ms");
    if (committed.watermark == kMinusInfinity) {
      out.raw("null");
    } else {
      out.number((committed.clock - committed.watermark).count());
    }
    out.key("sources").array([&] {
      for (const SourceWatermark& source : committed.sources) {
        out.object([&] {
          out.key("name").text(source.source);
          out.key("watermark").time_or_null(source.watermark);
          out.key("active").boolean(source.active);
        });
      }
    });
  });
  return out.take();
}

std::string ledger_json(const event::LedgerCounts& totals, int64_t missing) {
  JsonOut out;
  out.object([&] {
    out.key("received").count(totals.received);
    out.key("stored").count(totals.stored);
    out.key("quarantined").count(totals.quarantined);
    out.key("duplicate").count(totals.duplicate);
    out.key("pending").count(totals.pending);
    out.key("missing").number(missing);
    out.key("balances").boolean(missing == 0);
  });
  return out.take();
}

int64_t missing_of(const event::LedgerCounts& totals) {
  return static_cast<int64_t>(totals.received) -
         static_cast<int64_t>(totals.stored + totals.quarantined + totals.duplicate + totals.pending);
}

}  // namespace

Hub::Hub(std::shared_ptr<const Project> project, Queries& queries, os::Clock& clock, HubOptions options)
    : queries_(queries),
      clock_(clock),
      options_(options),
      boards_(std::make_shared<Boards>(std::move(project), options.boards)),
      ranges_(options.ranges_max, options.ranges_bytes_max) {}

std::shared_ptr<const Project> Hub::project() const {
  const std::lock_guard lock(mutex_);
  return boards_->project();
}

void Hub::replace(std::shared_ptr<const Project> project) {
  auto boards = std::make_shared<Boards>(std::move(project), options_.boards);
  std::vector<std::shared_ptr<Subscriber>> all;
  {
    const std::lock_guard lock(mutex_);
    all = subscribers_;
    for (const auto& subscriber : all) forget(subscriber);
    boards_ = std::move(boards);
    ring_.clear();
    ring_bytes_ = 0;
    ring_lost_ = event::Epoch(UINT64_MAX);  // until the first commit
    tables_.clear();
    progress_.clear();
    ranges_.clear();
  }
  for (const auto& subscriber : all) end_stream(*subscriber->stream, "definitions");
}

Message Hub::message(std::string_view event, std::string_view data) const { return sse_message(event, boards_->epoch(), data); }

void Hub::commit(Committed committed) {
  Pumping pumping;
  bool look = false;
  {
    const std::lock_guard lock(mutex_);
    // Of another plan: its metrics are not those of these boards.
    if (committed.plan != boards_->project()->plan->hash) {
      committed.metrics.clear();
      committed.progress.clear();
    }
    if (boards_->epoch() == event::Epoch(0)) ring_lost_ = committed.epoch;
    const std::vector<BoardChange> changes = boards_->commit(committed);
    offer_changes(changes, pumping);
    offer_feeds(committed, pumping);
    const bool overtaken = committed.epoch < boards_->epoch();
    if (std::string json = watermark_json(committed); !overtaken && json != watermark_json_) {
      watermark_json_ = std::move(json);
      offer_all(message("watermark", watermark_json_), pumping);
    }
    if (!ledger_published_ && !overtaken) offer_ledger(committed.totals, missing_of(committed.totals), pumping);
    offer_progress(committed.progress, pumping);
    look = boards_->next_due().has_value();
  }
  if (look) (void)wake_.try_push(Unit{}, 1);
  pump(pumping);
}

void Hub::offer_feeds(const Committed& committed, Pumping& pumping) {
  if (const auto json = event_feed_.take(committed.newest, committed.more_events, clock_.monotonic())) {
    const Message news = message("events", *json);
    for (const auto& subscriber : subscribers_) {
      if (subscriber->events) offer(subscriber, news, pumping);
    }
  }
  if (committed.rejects.empty() && committed.more_rejects == 0) return;
  const Message news = message("quarantine", rejects_json(committed.rejects, committed.more_rejects));
  for (const auto& subscriber : subscribers_) {
    if (subscriber->quarantine) offer(subscriber, news, pumping);
  }
}

void Hub::offer_progress(const std::vector<Progress>& progress, Pumping& pumping) {
  for (const Progress& p : progress) {
    const auto at = std::find_if(progress_.begin(), progress_.end(), [&](const Progress& q) { return q.metric == p.metric; });
    if (at != progress_.end() && *at == p) continue;
    const bool finished = p.done >= p.total;
    if (at != progress_.end()) progress_.erase(at);
    if (!finished) progress_.push_back(p);
    JsonOut out;
    out.object([&] {
      out.key("metric").text(boards_->project()->plan->metrics[p.metric].name);
      out.key("done").count(p.done);
      out.key("total").count(p.total);
      if (finished) out.key("finished").boolean(true);
    });
    offer_all(message("progress", out.take()), pumping);
  }
}

void Hub::publish_ledger(const event::LedgerCounts& totals, int64_t missing) {
  Pumping pumping;
  {
    const std::lock_guard lock(mutex_);
    ledger_published_ = true;
    offer_ledger(totals, missing, pumping);
  }
  pump(pumping);
}

void Hub::offer_ledger(const event::LedgerCounts& totals, int64_t missing, Pumping& pumping) {
  std::string json = ledger_json(totals, missing);
  if (json == ledger_json_) return;
  ledger_json_ = std::move(json);
  offer_all(message("ledger", ledger_json_), pumping);
}

void Hub::publish_health(const Health& health) {
  Pumping pumping;
  {
    const std::lock_guard lock(mutex_);
    health_ = health;
    std::string json = health_json(health);
    if (json == status_json_) return;
    status_json_ = std::move(json);
    offer_all(message("status", status_json_), pumping);
  }
  pump(pumping);
}

void Hub::publish_definition_error(const std::optional<DefinitionError>& error) {
  Pumping pumping;
  {
    const std::lock_guard lock(mutex_);
    std::string json = error ? definition_error_json(*error) : "null";
    if (json == now_.definition_error) return;
    now_.definition_error = std::move(json);
    offer_all(message("definition_error", now_.definition_error), pumping);
  }
  pump(pumping);
}

void Hub::publish_notes(std::vector<std::string> notes) {
  Pumping pumping;
  {
    const std::lock_guard lock(mutex_);
    if (notes == now_.notes) return;
    now_.notes = std::move(notes);
    offer_all(message("notes", notes_json(now_.notes)), pumping);
  }
  pump(pumping);
}

void Hub::publish_tables(std::vector<std::string> tables) {
  const std::lock_guard lock(mutex_);
  tables_ = std::move(tables);
}

std::optional<Hub::Running> Hub::next_query() {
  std::optional<BoardTask> task = boards_->next_task(clock_.monotonic());
  if (!task) return std::nullopt;
  return Running{boards_, std::move(*task)};
}

bool Hub::step(DurationMs wait) {
  std::optional<Running> next;
  DurationMs nap{};
  {
    const std::lock_guard lock(mutex_);
    next = next_query();
    if (!next) nap = until_due(wait);
  }
  if (!next) {
    if (nap > DurationMs(0)) (void)wake_.pop_for(nap);
    const std::lock_guard lock(mutex_);
    next = next_query();
  }
  if (!next) return false;
  run(*next);
  return true;
}

DurationMs Hub::until_due(DurationMs wait) const {
  const auto due = boards_->next_due();
  if (!due) return wait;
  const os::MonotonicTime now = clock_.monotonic();
  if (*due <= now) return DurationMs(0);
  return std::min(wait, std::chrono::duration_cast<DurationMs>(*due - now) + DurationMs(1));
}

void Hub::run(const Running& running) {
  const auto& [boards, task] = running;
  Result<Loaded> loaded = load(*boards->project(), boards->list().queries()[task.query], task, queries_, clock_);
  Pumping pumping;
  {
    const std::lock_guard lock(mutex_);
    ++counters_.queries;
    if (loaded) {
      counters_.query_time += loaded->took;
    } else {
      ++counters_.queries_failed;
    }
    const std::vector<BoardChange> changes = boards->finish(task, std::move(loaded), clock_.monotonic());
    if (boards == boards_) offer_changes(changes, pumping);
  }
  pump(pumping);
}

ProjectNow Hub::now() const {
  const std::lock_guard lock(mutex_);
  ProjectNow now = now_;
  now.progress = progress_;
  return now;
}

Health Hub::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

HubCounters Hub::counters() const {
  const std::lock_guard lock(mutex_);
  HubCounters counters = counters_;
  counters.subscribers = subscribers_.size();
  return counters;
}

Result<ShownPanel> Hub::shown(std::string_view panel_id) const {
  const std::lock_guard lock(mutex_);
  const auto panel = boards_->list().find(panel_id);
  if (!panel) return fail(Code::not_found, "there is no panel of that id; GET /api/project lists them");
  if (!boards_->ready(*panel)) return fail(Code::unavailable, "this panel is being computed; ask again in a second");
  ShownPanel shown = boards_->shown(*panel);
  shown.boards = boards_;
  shown.project = boards_->project();
  if (shown.query->metric < tables_.size()) shown.table = tables_[shown.query->metric];
  return shown;
}

Result<ShownPanel> Hub::shown_or_compute(std::string_view panel_id, const PanelRange& range) {
  if (!range.as_shown()) {
    const std::shared_ptr<const RangedPanel> panel = SLUICE_TRY(ranged(panel_id, range));
    return panel->shown;
  }
  std::optional<Running> missing;
  {
    const std::lock_guard lock(mutex_);
    const auto panel = boards_->list().find(panel_id);
    if (panel && !boards_->ready(*panel)) {
      if (std::optional<BoardTask> task = boards_->task_for(*panel)) missing = Running{boards_, std::move(*task)};
    }
  }
  if (missing) run(*missing);
  return shown(panel_id);
}

Result<std::shared_ptr<const RangedPanel>> Hub::ranged(std::string_view panel_id, const PanelRange& range) {
  const std::string key = range_key(panel_id, range);
  auto out = std::make_shared<RangedPanel>();
  BoardTask task;
  {
    const std::lock_guard lock(mutex_);
    const auto panel = boards_->list().find(panel_id);
    if (!panel) return fail(Code::not_found, "there is no panel `" + std::string(panel_id) + "`; GET /api/project lists them");
    if (!boards_->begun())
      return fail(Code::unavailable, "nothing is known yet: the server is starting; try again in a few seconds");
    const uint32_t metric = boards_->list().panels()[*panel].panel->metric;
    out->changes = boards_->changes(metric);
    if (const auto kept = ranges_.find(key)) {
      const bool same = kept->changes == out->changes && !kept->filling;
      if (same || clock_.monotonic() - kept->ended < query_interval(kept->took, 1, options_.boards)) return kept;
    }
    out->shown = boards_->ranged(*panel, range, out->unfiltered, task);
    out->shown.boards = boards_;
    if (metric < tables_.size()) out->shown.table = tables_[metric];
  }
  task.rows_max = options_.range_points_max;
  const ShownPanel& shown = out->shown;
  Result<Loaded> loaded = load(*shown.project, *shown.query, task, queries_, clock_);
  {
    const std::lock_guard lock(mutex_);
    ++counters_.queries;
    if (!loaded) ++counters_.queries_failed;
    if (loaded) counters_.query_time += loaded->took;
  }
  if (!loaded) return loaded.error();
  fill_ranged(*out, *loaded, options_.range_points_max);
  out->ended = clock_.monotonic();
  const std::lock_guard lock(mutex_);
  if (shown.boards == boards_) ranges_.put(key, out);
  return std::shared_ptr<const RangedPanel>(out);
}

}  // namespace sluice::serve
