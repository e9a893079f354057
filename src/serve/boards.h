// boards.h - what every panel shows, as a plain state machine: commits and query results in, messages' data out.
//
// Promise A view panel is the view's rows at its load with every later change of the feed on top; changes that arrive while the load
//         runs are kept and applied after it. A computed panel (series, over) is the answer of its query at `epoch`; as long as no
//         event that passes `where` was stored since, it is also the answer at the newest epoch, and only its state moves.
// end     of an `over`: the end of the metric's last window that holds the largest event_time among stored events that pass `where`
//         and are not `future`; asked once per metric, then kept up by the feed.
// State   of an over value: semantics R1 with due = end of [end - D, end): filling while the watermark < end + allowed_lateness, then
//         revised if late and timely events met in it, else final.
// Bounds  BoardsOptions. A panel holds its newest points_total_max / (panels sharing that bound) points; `start` then says so.
// Threads None of its own: the hub's mutex guards it. No query and no writing happens here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "os/clock.h"
#include "serve/feed.h"
#include "serve/loading.h"
#include "serve/panel_board.h"
#include "serve/panel_list.h"
#include "serve/panel_range.h"
#include "serve/project.h"

namespace sluice::serve {

struct BoardsOptions {
  size_t points_total_max = 400'000;
  size_t points_panel_max = 50'000;
  size_t pending_rows_max = 100'000;  // of the feed, while a load runs; beyond it the load is repeated
  DurationMs interval_min{5'000};
  int interval_factor = 20;
  DurationMs keep_unwatched{60'000};
  DurationMs query_timeout{60'000};
};

// One message's content, ready to be sent.
struct BoardChange {
  uint32_t panel = 0;
  bool whole = false;  // a snapshot; else a patch
  std::string json;  // {"panel":..,"epoch":..,"as_of":..,"watermark":..,"data":..}
};

// The gap that pacing asks for between two runs of a query.
DurationMs query_interval(DurationMs last_duration, size_t watched, const BoardsOptions& options);

class Boards {
 public:
  Boards(std::shared_ptr<const Project> project, BoardsOptions options);

  const PanelList& list() const { return list_; }
  const std::shared_ptr<const Project>& project() const { return project_; }
  void watch(uint32_t panel);
  void unwatch(uint32_t panel, os::MonotonicTime now);
  // Forgets what nobody has watched for keep_unwatched.
  void expire(os::MonotonicTime now);

  std::vector<BoardChange> commit(const Committed& committed);
  event::Epoch epoch() const { return now_.epoch; }
  TimeMs watermark() const { return now_.watermark; }
  TimeMs clock() const { return now_.clock; }

  // The most urgent query that is due, now marked as running.
  std::optional<BoardTask> next_task(os::MonotonicTime now);
  // The query of one panel, due or not; nullopt: it is running, or nothing was committed yet.
  std::optional<BoardTask> task_for(uint32_t panel);
  // When the next query that is watched and changed may run.
  std::optional<os::MonotonicTime> next_due() const;
  std::vector<BoardChange> finish(const BoardTask& task, Result<Loaded> loaded, os::MonotonicTime now);

  std::string snapshot_json(uint32_t panel) const;  // data null while not computed
  bool ready(uint32_t panel) const;
  // Patches since that epoch are complete for this panel.
  bool complete_since(uint32_t panel, event::Epoch epoch) const;
  ShownPanel shown(uint32_t panel) const;  // ready() panels only

  bool begun() const { return begun_; }
  // How often something of the metric changed.
  uint64_t changes(uint32_t metric) const { return changes_[metric]; }
  // What a panel asks with another range, and the task that answers it; names that the metric does not have go to `unknown`.
  ShownPanel ranged(uint32_t panel, const PanelRange& range, std::vector<std::string>& unknown, BoardTask& task) const;

 private:
  struct QueryState {
    size_t watchers = 0;
    os::MonotonicTime unwatched_since{};
    bool ready = false;
    bool running = false;
    bool changed = false;  // events were stored since `as_of` (or, for a view, the load must be repeated)
    bool failed = false;
    DurationMs last_duration{};
    os::MonotonicTime last_end{};
    AsOf as_of;
    event::Epoch born;  // ready without a gap since then
    std::shared_ptr<const OverAnswer> answer;  // kind over
    plan::Span over;
    bool empty = true;  // no event passes `where`
    std::vector<PendingChange> pending;
    size_t pending_rows = 0;
  };

  bool wanted(size_t query) const;
  os::MonotonicTime due_at(size_t query) const;
  size_t watched_computed() const;
  BoardTask start_task(size_t query);
  bool is_watched(uint32_t metric) const;
  bool state_moves(const SharedQuery& query, const QueryState& state, TimeMs before) const;
  void keep_or_apply(size_t query, const PendingChange& change);
  void apply_view(size_t query, const PendingChange& change);
  void slide(size_t query);
  void install(const BoardTask& task, Loaded loaded);
  void collect(size_t query, std::vector<BoardChange>& out);
  std::string wrap(uint32_t panel, std::string_view data) const;

  const std::shared_ptr<const Project> project_;
  const BoardsOptions options_;
  const PanelList list_;
  const size_t points_panel_max_;
  AsOf now_;
  bool begun_ = false;  // the first commit() came
  std::vector<TimeMs> newest_;  // per metric
  std::vector<bool> newest_known_;
  std::vector<uint64_t> changes_;  // per metric
  std::vector<QueryState> queries_;
  std::vector<std::unique_ptr<PanelBoard>> boards_;  // per panel
  plan::Evaluator evaluator_;
};

// The answer of a ranged panel's query as the panel shows it.
void fill_ranged(RangedPanel& panel, const Loaded& loaded, size_t points_max);

}  // namespace sluice::serve
