// funnel_levels.h - the operator of a funnel: how far each key came in each live entry window (semantics R9).
//
// State   Per key the moments at which it met a step, as long as a live window reaches them: their set decides everything, so the
//         order in which they come does not matter. Per window and key the steps reached and the times to convert; per window and
//         dimensions how many people reached each step, and their times as counted values.
// Cost    Per event: the steps' conditions, one look-up for the key and one per entry window. Per epoch and changed (key, window):
//         one pass over its moments, for each of the key's dimension values.
// Bounds  metric_operator.h; items are moments, keys in windows and different times. The largest window goes cold first.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>

#include <utility>
#include <vector>

#include "base/hash.h"
#include "process/metric_operator.h"

namespace sluice::process {

class FunnelLevels final : public MetricOperator {
 public:
  static constexpr size_t kKeyBytes = 96;  // a key without its moments
  static constexpr size_t kMomentBytes = 48;  // of 32, in a vector that doubles
  static constexpr size_t kMemberBytes = 128;  // a key in a window, with the one chain that it usually has
  static constexpr size_t kTimeBytes = 40;  // a different time to convert, counted
  static constexpr size_t kGroupBytes = 256;  // a row

  using MetricOperator::MetricOperator;

  void add(const plan::Row& row, bool future, TimeMs watermark, event::Epoch epoch, plan::Evaluator& evaluator) override;
  void emit(TimeMs watermark, event::Epoch epoch, bool touched_too, std::vector<plan::MetricRow>& into) override;
  bool has_touched() const override { return !stale_.empty() || !touched_.empty(); }
  std::optional<TimeMs> next_close() const override;
  size_t groups() const override { return groups_ * steps(); }
  size_t items() const override { return moments_ + members_ + times_; }
  size_t state_bytes() const override;
  size_t keys() const override { return index_.size(); }
  void save(ByteWriter& to) const override;
  void load(ByteReader& from) override;

 private:
  using WindowKey = std::pair<TimeMs, TimeMs>;  // (end, start)
  struct Moment {
    TimeMs at{};
    Hash128 group{};  // of the dimensions, when it is an entry
    uint32_t steps = 0;  // bit i: it is step i + 1
    uint32_t windows = 0;  // live ones that reach it
  };
  struct KeyState {
    Hash128 key;
    std::vector<Moment> moments;  // by time
    bool used = false;
  };
  struct Chain {  // what a key contributes to a group: step 1, and a time for each further step that it reached
    uint32_t group = 0;
    std::vector<int64_t> times;
  };
  struct Member {
    std::vector<Chain> chains;
    bool stale = false;
  };
  struct Step {
    uint64_t people = 0;
    absl::btree_map<int64_t, uint64_t> times;
  };
  struct GroupState {
    plan::Group dimensions;
    std::vector<Step> steps;
    bool touched = false;
  };
  struct LiveWindow {
    std::vector<GroupState> groups;
    absl::flat_hash_map<Hash128, uint32_t> group_index;
    absl::flat_hash_map<uint32_t, Member> members;  // by slot of the key
    size_t times = 0;
  };

  size_t steps() const { return metric_->funnel->steps.size(); }
  uint32_t steps_of(const plan::Row& row, plan::Evaluator& evaluator) const;
  Hash128 dimensions_of(const plan::Row& row, plan::Evaluator& evaluator);
  static bool matters(const Moment& moment, const WindowKey& window);
  uint32_t slot_of(const Hash128& key);
  void remember(uint32_t slot, Moment moment);
  void join(const WindowKey& at, LiveWindow& window, uint32_t slot, const Moment& moment);
  void close_windows(TimeMs watermark);
  void settle();
  void settle_member(const WindowKey& at, LiveWindow& window, uint32_t slot, Member& member, bool touch);
  std::vector<Chain> chains_of(const WindowKey& at, const LiveWindow& window, const KeyState& key) const;
  void count(LiveWindow& window, const Chain& chain, bool add);
  void touch(const WindowKey& at, LiveWindow& window, uint32_t group);
  void rows_of(const WindowKey& at, const GroupState& group, TimeMs watermark, std::vector<plan::MetricRow>& into) const;
  void forget(const WindowKey& at, const LiveWindow& window);
  void drop_forgotten();
  void bound_memory(event::Epoch epoch);

  absl::flat_hash_map<Hash128, uint32_t> index_;
  std::vector<KeyState> keys_;
  std::vector<uint32_t> free_slots_;
  absl::btree_map<WindowKey, LiveWindow> windows_;
  std::vector<std::pair<WindowKey, uint32_t>> stale_;  // key slots
  std::vector<std::pair<WindowKey, uint32_t>> touched_;  // groups
  std::vector<plan::MetricRow> closing_;  // of windows that closed in the middle of an epoch
  size_t moments_ = 0;
  size_t members_ = 0;
  size_t times_ = 0;
  size_t groups_ = 0;
  // Scratch of add().
  std::vector<plan::Span> spans_;
  std::string text_;
  plan::Group dimensions_;
};

}  // namespace sluice::process
