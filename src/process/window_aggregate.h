// window_aggregate.h - the operator of a metric: groups of live windows, counted as events come (semantics R1, R8).
//
// Promise Live windows are those of which every stored event was folded here; for them rows are exact at every epoch, and final in the
//         epoch in which the watermark closes them. All other windows are handed to ColdWindows, which jobs recompute.
//         What is emitted does not depend on how records were cut into epochs, once all windows are closed and all jobs done.
// Bounds  groups_max open groups and state_bytes_max, counted as items x kItemBytes; beyond them the largest window becomes cold.
// Cost    Per event and metric: `where`, the dimensions, one hash look-up per window, one addition per measure.
// Threads One.   Lives  The Plan must outlive the operator.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>

#include <utility>
#include <vector>

#include "plan/evaluate.h"
#include "plan/metric_row.h"
#include "process/accumulator.h"
#include "process/cold_windows.h"

namespace sluice::process {

struct WindowBounds {
  size_t groups_max = 100'000;
  size_t state_bytes_max = 128 * 1024 * 1024;
};

class WindowAggregate {
 public:
  static constexpr size_t kItemBytes = 48;  // a kept value in a set or map, with its overhead
  static constexpr size_t kGroupBytes = 256;  // a group without them

  WindowAggregate(const plan::Metric& metric, WindowBounds bounds, TimeMs born_after)
      : metric_(&metric), bounds_(bounds), cold_(born_after) {}

  // The same definition in a newer plan (the version is equal; labels and addresses may differ).
  void rebind(const plan::Metric& metric) { metric_ = &metric; }

  // A stored event; `watermark` is the one stored with it, `future` its flag.
  void add(const plan::Row& row, bool future, TimeMs watermark, event::Epoch epoch, plan::Evaluator& evaluator);
  // End of an epoch with that watermark: rows of windows that it closes, and, when `touched_too`, of every group touched since.
  void emit(TimeMs watermark, event::Epoch epoch, bool touched_too, std::vector<plan::MetricRow>& into);
  // Events that passed `where` since the last call: whether any, and the largest event_time among those that are not `future`.
  struct Seen {
    bool any = false;
    TimeMs newest = kMinusInfinity;
  };
  Seen take_seen() { return std::exchange(seen_, Seen{}); }
  bool has_touched() const { return !touched_.empty(); }
  // The watermark at which the next window closes; nullopt when none is open.
  std::optional<TimeMs> next_close() const;

  ColdWindows& cold() { return cold_; }
  const ColdWindows& cold() const { return cold_; }
  const plan::Metric& metric() const { return *metric_; }
  size_t groups() const { return index_.size(); }
  size_t items() const { return items_; }
  size_t state_bytes() const { return index_.size() * kGroupBytes + items_ * kItemBytes; }
  uint64_t evictions() const { return evictions_; }

  void save(ByteWriter& to) const;
  void load(ByteReader& from);

 private:
  struct GroupState {
    plan::Span window;
    plan::Group dimensions;
    std::vector<Accumulator> measures;
    Hash128 key;
    bool touched = false;
    bool used = false;
  };
  struct LiveWindow {
    std::vector<uint32_t> groups;
    size_t items = 0;
  };

  void add_to_group(uint32_t group, const plan::Row& row, plan::Evaluator& evaluator);
  uint32_t group_of(const plan::Span& window, const Hash128& key);
  plan::MetricRow row_of(const GroupState& group, TimeMs watermark) const;
  void forget(const LiveWindow& window);
  void drop_forgotten_touches();
  void bound_memory(event::Epoch epoch);

  const plan::Metric* metric_;
  WindowBounds bounds_;
  ColdWindows cold_;
  absl::flat_hash_map<Hash128, uint32_t> index_;
  std::vector<GroupState> slots_;
  std::vector<uint32_t> free_slots_;
  absl::btree_map<std::pair<TimeMs, TimeMs>, LiveWindow> windows_;  // (end, start)
  std::vector<uint32_t> touched_;
  size_t items_ = 0;
  uint64_t evictions_ = 0;
  Seen seen_;
  // Scratch of add(), kept to avoid allocation.
  std::vector<plan::Span> spans_;
  std::string key_;
  plan::Group dimensions_;
};

void save_group(ByteWriter& to, const plan::Group& group);
plan::Group load_group(ByteReader& from);

}  // namespace sluice::process
