// path_binding.h - the values of a plan's paths in the event being folded.
//
// Use     bind(event) once per event; values() is what plan::Row::paths wants, one per path of the plan, null when absent.
// Cost    One look-up per scalar of the event; only what the last event had is cleared.
// Lives   The event must outlive its values().
#pragma once

#include <absl/container/flat_hash_map.h>

#include <span>
#include <string>
#include <vector>

#include "event/event.h"
#include "plan/plan.h"
#include "process/event_block.h"

namespace sluice::process {

class PathBinding {
 public:
  explicit PathBinding(const plan::Plan& plan) : values_(plan.paths.size(), nullptr) {
    for (uint32_t i = 0; i < plan.paths.size(); ++i) index_.emplace(plan.paths[i], i);
  }
  void bind(const event::EventView& event) {
    for (const uint32_t slot : bound_) values_[slot] = nullptr;
    bound_.clear();
    if (index_.empty()) return;
    for (const event::ScalarView& scalar : event.scalars) {
      const auto it = index_.find(scalar.path);
      if (it == index_.end()) continue;
      values_[it->second] = &scalar;
      bound_.push_back(it->second);
    }
  }
  std::span<const event::ScalarView* const> values() const { return values_; }

 private:
  absl::flat_hash_map<std::string, uint32_t, TextHash, std::equal_to<>> index_;
  std::vector<const event::ScalarView*> values_;
  std::vector<uint32_t> bound_;  // those that are not null
};

}  // namespace sluice::process
