#include "process/window_aggregate.h"

#include <algorithm>

#include "base/result.h"

namespace sluice::process {

void save_group(ByteWriter& to, const plan::Group& group) {
  to.varint(group.size());
  for (const auto& value : group) {
    to.u8(value ? 1 : 0);
    if (value) to.text(*value);
  }
}

plan::Group load_group(ByteReader& from) {
  plan::Group group;
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    if (from.u8() == 0) {
      group.emplace_back();
    } else {
      group.emplace_back(std::string(from.text()));
    }
  }
  return group;
}

void WindowAggregate::add(const plan::Row& row, bool future, TimeMs watermark, event::Epoch epoch, plan::Evaluator& evaluator) {
  if (!evaluator.passes(metric_->where, row)) return;
  see(row, future);
  spans_.clear();
  plan::windows_of(metric_->window, row.event_time, spans_);
  bool keyed = false;
  size_t prefix = 0;
  for (const plan::Span& window : spans_) {
    if (watermark >= metric_->closes(window)) {  // late: the window is closed
      cold_.dirty(window, epoch);
      continue;
    }
    if (cold_.open_cold(window)) {
      cold_.dirty(window, epoch);
      cold_.await_close(window);
      continue;
    }
    if (!keyed) {
      keyed = true;
      dimensions_.resize(metric_->dimensions.size());
      key_.clear();
      ByteWriter to(key_);
      for (size_t i = 0; i < metric_->dimensions.size(); ++i) {
        const plan::Value value = evaluator.evaluate(metric_->dimensions[i].value, row);
        to.u8(value.is_null() ? 0 : 1);
        if (value.is_null()) {
          dimensions_[i].reset();
        } else {
          to.text(value.text);
          dimensions_[i] = std::string(value.text);
        }
      }
      prefix = key_.size();
    }
    key_.resize(prefix);
    ByteWriter to(key_);
    to.i64(to_ms(window.start));
    to.i64(to_ms(window.end));
    add_to_group(group_of(window, hash128(key_)), row, evaluator);
  }
  bound_memory(epoch);
}

uint32_t WindowAggregate::group_of(const plan::Span& window, const Hash128& key) {
  if (const auto it = index_.find(key); it != index_.end()) return it->second;
  uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  GroupState& group = slots_[slot];
  group.window = window;
  group.dimensions = dimensions_;
  group.measures = std::vector<Accumulator>(metric_->measures.size());
  group.key = key;
  group.touched = false;
  group.used = true;
  index_.emplace(key, slot);
  windows_[{window.end, window.start}].groups.push_back(slot);
  return slot;
}

void WindowAggregate::add_to_group(uint32_t slot, const plan::Row& row, plan::Evaluator& evaluator) {
  GroupState& group = slots_[slot];
  size_t grown = 0;
  for (size_t i = 0; i < metric_->measures.size(); ++i) {
    const plan::Measure& measure = metric_->measures[i];
    if (measure.kind == plan::MeasureKind::derived || !evaluator.passes(measure.where, row)) continue;
    Accumulator& accumulator = group.measures[i];
    const size_t before = accumulator.items();
    accumulator.add(measure, measure.argument.empty() ? plan::Value::null() : evaluator.evaluate(measure.argument, row),
                    Moment{row.event_time, row.place});
    grown += accumulator.items() - before;
  }
  if (grown > 0) {
    items_ += grown;
    windows_[{group.window.end, group.window.start}].items += grown;
  }
  if (!group.touched) {
    group.touched = true;
    touched_.push_back(slot);
  }
}

plan::MetricRow WindowAggregate::row_of(const GroupState& group, TimeMs watermark) const {
  plan::MetricRow row;
  row.window = group.window;
  row.dimensions = group.dimensions;
  for (size_t i = 0; i < metric_->measures.size(); ++i) group.measures[i].result(metric_->measures[i], row.stored);
  row.state = plan::state_of(metric_->due(group.window), metric_->allowed_lateness, watermark, false, true);
  return row;
}

void WindowAggregate::emit(TimeMs watermark, event::Epoch epoch, bool touched_too, std::vector<plan::MetricRow>& into) {
  bool closed = false;
  const DurationMs closes_after = metric_->due_after + metric_->allowed_lateness;
  while (!windows_.empty() && windows_.begin()->first.first + closes_after <= watermark) {
    const LiveWindow& window = windows_.begin()->second;
    for (const uint32_t slot : window.groups) into.push_back(row_of(slots_[slot], watermark));
    forget(window);
    windows_.erase(windows_.begin());
    closed = true;
  }
  if (closed) drop_forgotten_touches();
  cold_.close(watermark, closes_after, epoch);
  if (!touched_too) return;
  for (const uint32_t slot : touched_) {
    GroupState& group = slots_[slot];
    group.touched = false;
    into.push_back(row_of(group, watermark));
  }
  touched_.clear();
}

void WindowAggregate::forget(const LiveWindow& window) {
  for (const uint32_t slot : window.groups) {
    GroupState& group = slots_[slot];
    index_.erase(group.key);
    group = GroupState{};
    free_slots_.push_back(slot);
  }
  items_ -= window.items;
}

// Slots are given out again: what was touched of a forgotten window must not name them any longer.
void WindowAggregate::drop_forgotten_touches() {
  std::erase_if(touched_, [&](uint32_t slot) { return !slots_[slot].used; });
}

void WindowAggregate::bound_memory(event::Epoch epoch) {
  while (index_.size() > bounds_.groups_max || state_bytes() > bounds_.state_bytes_max) {
    auto largest = windows_.begin();
    const auto weight = [](const LiveWindow& w) { return w.groups.size() * kGroupBytes + w.items * kItemBytes; };
    for (auto it = windows_.begin(); it != windows_.end(); ++it) {
      if (weight(it->second) > weight(largest->second)) largest = it;
    }
    SLUICE_ASSERT(largest != windows_.end(), "groups without a window");
    const plan::Span window{largest->first.second, largest->first.first};
    forget(largest->second);
    drop_forgotten_touches();
    windows_.erase(largest);
    evict(window, epoch);
  }
}

std::optional<TimeMs> WindowAggregate::next_close() const {
  return closes_next(windows_.empty() ? std::nullopt : std::optional(windows_.begin()->first.first));
}

void WindowAggregate::save(ByteWriter& to) const {
  cold_.save(to);
  to.varint(index_.size());
  for (const GroupState& group : slots_) {
    if (!group.used) continue;
    to.i64(to_ms(group.window.start));
    to.i64(to_ms(group.window.end));
    to.fixed(group.key);
    to.u8(group.touched ? 1 : 0);
    save_group(to, group.dimensions);
    for (const Accumulator& accumulator : group.measures) accumulator.save(to);
  }
}

void WindowAggregate::load(ByteReader& from) {
  cold_.load(from);
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const TimeMs start = time_ms(from.i64());
    const plan::Span window{start, time_ms(from.i64())};
    const auto key = from.fixed<Hash128>();
    const bool touched = from.u8() != 0;
    dimensions_ = load_group(from);
    const uint32_t slot = group_of(window, key);
    GroupState& group = slots_[slot];
    LiveWindow& live = windows_[{window.end, window.start}];
    for (Accumulator& accumulator : group.measures) {
      accumulator.load(from);
      items_ += accumulator.items();
      live.items += accumulator.items();
    }
    if (touched) {
      group.touched = true;
      touched_.push_back(slot);
    }
  }
}

}  // namespace sluice::process
