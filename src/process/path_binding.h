// path_binding.h - the values of a plan's paths in the event being folded.
//
// Use     bind(event) once per event; values() is what plan::Row::paths wants, one per path of the plan, null when absent.
// Cost    Per scalar of the event a comparison, or a look-up where it follows another one than last time; only what the last event had is
//         cleared.
// Bounds  kPathsSeenMax different paths of events are remembered, then all are forgotten.
// Lives   The event must outlive its values().
#pragma once

#include <span>
#include <string>
#include <vector>

#include "event/event.h"
#include "plan/plan.h"
#include "process/word_index.h"

namespace sluice::process {

class PathBinding {
 public:
  static constexpr size_t kPathsSeenMax = 10'000;

  explicit PathBinding(const plan::Plan& plan) : values_(plan.paths.size(), nullptr) {
    for (uint32_t i = 0; i < plan.paths.size(); ++i) index_.emplace(plan.paths[i], i);
  }
  void bind(const event::EventView& event) {
    for (const uint32_t slot : bound_) values_[slot] = nullptr;
    bound_.clear();
    if (index_.empty()) return;
    for (const event::ScalarView& scalar : event.scalars) {
      const uint32_t slot = slot_of(scalar.path);
      if (slot == kUnread) continue;
      values_[slot] = &scalar;
      bound_.push_back(slot);
    }
  }
  std::span<const event::ScalarView* const> values() const { return values_; }

 private:
  static constexpr uint32_t kUnread = UINT32_MAX;

  uint32_t slot_of(std::string_view path) {
    if (seen_.size() >= kPathsSeenMax) {
      seen_.clear();
      slots_.clear();
    }
    const uint32_t number = seen_.number_of(path);
    if (number == slots_.size()) {
      const auto it = index_.find(path);
      slots_.push_back(it == index_.end() ? kUnread : it->second);
    }
    return slots_[number];
  }

  absl::flat_hash_map<std::string, uint32_t, TextHash, std::equal_to<>> index_;
  std::vector<const event::ScalarView*> values_;
  WordIndex seen_;
  std::vector<uint32_t> slots_;  // by number of a path that was seen: index into values_, or kUnread
  std::vector<uint32_t> bound_;  // those that are not null
};

}  // namespace sluice::process
