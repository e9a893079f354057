// session_windows.h - the operator of a metric over sessions: windows hold sessions by their start (semantics R1, R7, R8).
//
// State   Runs that can still change (session_runs.h). Per live window what closed sessions come to, in accumulators, and which sessions
//         are open: these are added for the moment of an emission and taken out again.
// Cold    What a cold run may change is left to jobs: its windows are evicted, closed ones dirtied. Over the budget the sessions that
//         close first are taken for closed; an event for one of them later makes its windows cold.
// Batch   With latency batch it holds no runs: every event dirties what it may change.
// Cost    Per event one look-up of its key and of its session's windows; per emission the open sessions of touched windows.
// The rest metric_operator.h.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <memory>
#include <utility>
#include <vector>

#include "process/metric_operator.h"
#include "process/session_runs.h"

namespace sluice::process {

class SessionWindows final : public MetricOperator {
 public:
  static constexpr size_t kItemBytes = 48;  // a kept value in a set or map, with its overhead
  static constexpr size_t kGroupBytes = 288;  // a group without them
  static constexpr size_t kOpenBytes = 32;  // an open session in a window

  SessionWindows(const plan::Metric& metric, OperatorBounds bounds, TimeMs born_after);

  void add(const plan::Row& row, bool future, TimeMs watermark, event::Epoch epoch, plan::Evaluator& evaluator) override;
  void emit(TimeMs watermark, event::Epoch epoch, bool touched_too, std::vector<plan::MetricRow>& into) override;
  bool has_touched() const override { return !touched_.empty(); }
  std::optional<TimeMs> next_close() const override;
  void listed(const std::vector<plan::Span>& windows) override { known_.insert(windows.begin(), windows.end()); }
  size_t groups() const override { return groups_; }
  size_t items() const override { return items_; }
  size_t state_bytes() const override;
  void save(ByteWriter& to) const override;
  void load(ByteReader& from) override;
  const SessionRuns& runs() const { return runs_; }

 private:
  using WindowKey = std::pair<TimeMs, TimeMs>;  // (end, start)
  using Open = std::pair<uint32_t, int64_t>;  // slot and start of a session, ms
  struct Group {
    plan::Group dimensions;
    std::vector<Accumulator> measures;  // of its closed sessions
    uint64_t closed = 0;
    absl::flat_hash_set<Open> open;
    bool shown = false;  // a row of it was emitted
  };
  struct LiveWindow {
    absl::flat_hash_map<Hash128, std::unique_ptr<Group>> groups;
    absl::flat_hash_map<Open, Hash128> open;  // in which group
    size_t items = 0;
  };
  struct Closing;

  bool batch() const { return metric_->latency == plan::Metric::Latency::batch; }
  void know(TimeMs at);
  // The live windows of a session's start that are open to a change at that watermark; the others are dirty.
  template <class Each>
  void each_live(TimeMs start, TimeMs watermark, event::Epoch epoch, Each each);
  void place(const Open& open, TimeMs watermark, event::Epoch epoch);
  void take_out(const Open& open, TimeMs watermark, event::Epoch epoch);
  void put(const WindowKey& at, const Open& open, const Hash128& name);
  void take(const WindowKey& at, LiveWindow& window, const Open& open);
  void chill(TimeMs from, TimeMs to, TimeMs watermark, event::Epoch epoch);
  void forget(const plan::Span& span);
  void close(uint32_t slot, const Piece& piece);
  Hash128 name_group(const plan::Row& session);
  Group& group_of(LiveWindow& window, const Hash128& name);
  void emit_group(const WindowKey& at, LiveWindow& window, const Hash128& name, TimeMs watermark,
                  std::vector<plan::MetricRow>& into);
  void close_windows(TimeMs watermark, event::Epoch epoch, std::vector<plan::MetricRow>& into);
  void bound_memory(event::Epoch epoch);
  plan::Row session_row(uint32_t slot, const Piece& piece);

  SessionRuns runs_;
  absl::btree_map<WindowKey, LiveWindow> windows_;
  absl::btree_set<std::pair<WindowKey, Hash128>> touched_;
  absl::btree_set<plan::Span> known_;  // that any event ever lay in
  DurationMs longest_;  // of a window
  plan::Span cell_{TimeMs::max(), TimeMs::min()};  // events in here lie in windows that are known
  size_t groups_ = 0, items_ = 0, open_ = 0;
  plan::Evaluator evaluator_;
  // Scratch.
  std::vector<plan::Span> spans_;
  std::string id_, name_;
  plan::Group dimensions_;
  plan::SessionColumns columns_;
  bool reads_id_ = false;
};

}  // namespace sluice::process
