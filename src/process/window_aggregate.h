// window_aggregate.h - the operator of a metric: groups of live windows, counted as events come (semantics R1, R8).
//
// Cost    Per event and metric: `where`, the dimensions, one hash look-up per window, one addition per measure.
// The rest metric_operator.h.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>

#include <utility>
#include <vector>

#include "process/accumulator.h"
#include "process/metric_operator.h"

namespace sluice::process {

class WindowAggregate final : public MetricOperator {
 public:
  static constexpr size_t kItemBytes = 48;  // a kept value in a set or map, with its overhead
  static constexpr size_t kGroupBytes = 256;  // a group without them

  using MetricOperator::MetricOperator;

  void add(const plan::Row& row, bool future, TimeMs watermark, event::Epoch epoch, plan::Evaluator& evaluator) override;
  void emit(TimeMs watermark, event::Epoch epoch, bool touched_too, std::vector<plan::MetricRow>& into) override;
  bool has_touched() const override { return !touched_.empty(); }
  std::optional<TimeMs> next_close() const override;
  size_t groups() const override { return index_.size(); }
  size_t items() const override { return items_; }
  size_t state_bytes() const override { return index_.size() * kGroupBytes + items_ * kItemBytes; }
  void save(ByteWriter& to) const override;
  void load(ByteReader& from) override;

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

  absl::flat_hash_map<Hash128, uint32_t> index_;
  std::vector<GroupState> slots_;
  std::vector<uint32_t> free_slots_;
  absl::btree_map<std::pair<TimeMs, TimeMs>, LiveWindow> windows_;  // (end, start)
  std::vector<uint32_t> touched_;
  size_t items_ = 0;
  // Scratch of add(), kept to avoid allocation.
  std::vector<plan::Span> spans_;
  std::string key_;
  plan::Group dimensions_;
};

void save_group(ByteWriter& to, const plan::Group& group);
plan::Group load_group(ByteReader& from);

}  // namespace sluice::process
