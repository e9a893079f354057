#include "process/funnel_levels.h"

#include <algorithm>

#include "base/result.h"
#include "process/window_aggregate.h"

namespace sluice::process {
namespace {

plan::StoredValue number(int64_t whole) { return plan::StoredValue::of(plan::Value::of(Decimal::whole(whole))); }

// R8 percentile with p = 0.5: the middle one, of two the smaller.
plan::StoredValue median_of(const absl::btree_map<int64_t, uint64_t>& times, uint64_t count) {
  uint64_t rank = (count + 1) / 2;
  for (const auto& [time, often] : times) {
    if (rank <= often) return number(time);
    rank -= often;
  }
  return {};
}

}  // namespace

uint32_t FunnelLevels::steps_of(const plan::Row& row, plan::Evaluator& evaluator) const {
  uint32_t found = 0;
  for (size_t i = 0; i < steps(); ++i) {
    if (evaluator.passes(metric_->funnel->steps[i].where, row)) found |= 1U << i;
  }
  return found;
}

Hash128 FunnelLevels::dimensions_of(const plan::Row& row, plan::Evaluator& evaluator) {
  dimensions_.resize(metric_->dimensions.size() - 1);
  text_.clear();
  ByteWriter to(text_);
  for (size_t i = 0; i < dimensions_.size(); ++i) {
    const plan::Value value = evaluator.evaluate(metric_->dimensions[i].value, row);
    to.u8(value.is_null() ? 0 : 1);
    dimensions_[i].reset();
    if (value.is_null()) continue;
    to.text(value.text);
    dimensions_[i] = std::string(value.text);
  }
  return hash128(text_);
}

// An entry of another window is nothing but that: it changes no level in this one.
bool FunnelLevels::matters(const Moment& moment, const WindowKey& window) {
  return moment.steps != 1 || moment.at < window.first;
}

void FunnelLevels::add(const plan::Row& row, bool future, TimeMs watermark, event::Epoch epoch, plan::Evaluator& evaluator) {
  Moment moment;
  moment.at = row.event_time;
  moment.steps = steps_of(row, evaluator);
  if (moment.steps == 0) return;
  const plan::Value key = evaluator.evaluate(metric_->funnel->by, row);
  if (key.is_null()) return;
  const Hash128 hashed = hash128(key.text);
  see(row, future);
  close_windows(watermark);  // what is late for a window must not be among the moments that it counts
  plan::windows_reaching(metric_->window, metric_->due_after, row.event_time, spans_);
  std::optional<uint32_t> slot;
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
    const WindowKey at{window.end, window.start};
    if (!matters(moment, at)) continue;
    if (!slot) {
      slot = slot_of(hashed);
      if ((moment.steps & 1U) != 0) moment.group = dimensions_of(row, evaluator);
    }
    ++moment.windows;
    join(at, windows_[at], *slot, moment);
  }
  if (!slot) return;
  remember(*slot, moment);
  bound_memory(epoch);
}

uint32_t FunnelLevels::slot_of(const Hash128& key) {
  const auto [it, fresh] = index_.try_emplace(key, 0);
  if (!fresh) return it->second;
  if (free_slots_.empty()) {
    it->second = static_cast<uint32_t>(keys_.size());
    keys_.emplace_back();
  } else {
    it->second = free_slots_.back();
    free_slots_.pop_back();
  }
  keys_[it->second].key = key;
  keys_[it->second].used = true;
  return it->second;
}

// Moments are a set: one that is there already was counted into the same windows, since none becomes live later.
void FunnelLevels::remember(uint32_t slot, Moment moment) {
  std::vector<Moment>& moments = keys_[slot].moments;
  auto at = moments.end();
  while (at != moments.begin() && std::prev(at)->at > moment.at) --at;
  for (auto same = at; same != moments.begin() && std::prev(same)->at == moment.at; --same) {
    if (std::prev(same)->steps == moment.steps && std::prev(same)->group == moment.group) return;
  }
  moments.insert(at, moment);
  ++moments_;
}

void FunnelLevels::join(const WindowKey& at, LiveWindow& window, uint32_t slot, const Moment& moment) {
  const auto [member, fresh] = window.members.try_emplace(slot);
  if (fresh) ++members_;
  if (!member->second.stale) {
    member->second.stale = true;
    stale_.emplace_back(at, slot);
  }
  if ((moment.steps & 1U) == 0 || moment.at >= at.first) return;
  const auto [group, fresh_group] = window.group_index.try_emplace(moment.group, static_cast<uint32_t>(window.groups.size()));
  if (!fresh_group) return;
  window.groups.emplace_back();
  window.groups.back().dimensions = dimensions_;
  window.groups.back().steps.resize(steps());
  ++groups_;
}

// Everything that came since the last time is counted, once per key and window.
void FunnelLevels::settle() {
  for (const auto& [at, slot] : std::exchange(stale_, {})) {
    LiveWindow& window = windows_.at(at);
    settle_member(at, window, slot, window.members.at(slot), true);
  }
}

void FunnelLevels::settle_member(const WindowKey& at, LiveWindow& window, uint32_t slot, Member& member, bool touched) {
  for (const Chain& chain : member.chains) count(window, chain, false);
  member.chains = chains_of(at, window, keys_[slot]);
  member.stale = false;
  for (const Chain& chain : member.chains) {
    count(window, chain, true);
    if (touched) touch(at, window, chain.group);
  }
}

// The nested running maximum: start[k] is the latest entry from which the first k + 1 steps were reached so far.
std::vector<FunnelLevels::Chain> FunnelLevels::chains_of(const WindowKey& at, const LiveWindow& window,
                                                         const KeyState& key) const {
  const plan::Funnel& funnel = *metric_->funnel;
  const auto [end, begin] = at;
  const auto first = std::lower_bound(key.moments.begin(), key.moments.end(), begin,
                                      [](const Moment& moment, TimeMs time) { return moment.at < time; });
  const auto last = std::find_if(first, key.moments.end(), [&](const Moment& m) { return m.at >= end + funnel.within; });
  const auto is_entry = [&, end = end](const Moment& moment) { return (moment.steps & 1U) != 0 && moment.at < end; };
  std::vector<Hash128> groups;
  for (auto it = first; it != last; ++it) {
    if (is_entry(*it) && std::find(groups.begin(), groups.end(), it->group) == groups.end()) groups.push_back(it->group);
  }
  std::vector<Chain> chains;
  std::vector<std::optional<TimeMs>> start(steps());
  for (const Hash128& group : groups) {
    Chain chain;
    chain.group = window.group_index.at(group);
    std::fill(start.begin(), start.end(), std::nullopt);
    for (auto it = first; it != last;) {
      uint32_t here = 0;  // equal times count as ordered, so they are one moment
      bool entry = false;
      const TimeMs now = it->at;
      for (; it != last && it->at == now; ++it) {
        here |= it->steps;
        entry |= is_entry(*it) && it->group == group;
      }
      const auto reach = [&](size_t step) {
        if ((here >> step & 1U) == 0 || !start[step - 1] || now - *start[step - 1] > funnel.within) return;
        start[step] = start[step - 1];
        if (chain.times.size() < step) chain.times.push_back((now - *start[step]).count());
      };
      if (funnel.strict) {
        for (size_t step = steps() - 1; step > 0; --step) reach(step);
        if (entry) start[0] = now;
      } else {
        if (entry) start[0] = now;
        for (size_t step = 1; step < steps(); ++step) reach(step);
      }
    }
    chains.push_back(std::move(chain));
  }
  return chains;
}

void FunnelLevels::count(LiveWindow& window, const Chain& chain, bool add) {
  GroupState& group = window.groups[chain.group];
  const uint64_t one = add ? 1 : UINT64_MAX;
  group.steps[0].people += one;
  for (size_t i = 0; i < chain.times.size(); ++i) {
    Step& step = group.steps[i + 1];
    step.people += one;
    const auto it = step.times.try_emplace(chain.times[i], 0).first;
    if (it->second == 0) {
      ++times_;
      ++window.times;
    }
    it->second += one;
    if (it->second > 0) continue;
    step.times.erase(it);
    --times_;
    --window.times;
  }
}

void FunnelLevels::touch(const WindowKey& at, LiveWindow& window, uint32_t group) {
  if (window.groups[group].touched) return;
  window.groups[group].touched = true;
  touched_.emplace_back(at, group);
}

void FunnelLevels::rows_of(const WindowKey& at, const GroupState& group, TimeMs watermark,
                           std::vector<plan::MetricRow>& into) const {
  const plan::Span window{at.second, at.first};
  for (size_t i = 0; i < group.steps.size(); ++i) {
    const Step& step = group.steps[i];
    plan::MetricRow row;
    row.window = window;
    row.dimensions = group.dimensions;
    row.dimensions.emplace_back(std::to_string(i + 1));
    row.stored.push_back(i == 0 ? number(0) : median_of(step.times, step.people));
    row.stored.push_back(number(static_cast<int64_t>(step.people)));
    row.state = plan::state_of(metric_->due(window), metric_->allowed_lateness, watermark, false, true);
    into.push_back(std::move(row));
  }
}

void FunnelLevels::close_windows(TimeMs watermark) {
  const DurationMs closes_after = metric_->due_after + metric_->allowed_lateness;
  const auto closes = [&] { return !windows_.empty() && windows_.begin()->first.first + closes_after <= watermark; };
  if (!closes()) return;
  settle();
  do {
    const auto window = windows_.begin();
    for (const GroupState& group : window->second.groups) rows_of(window->first, group, watermark, closing_);
    forget(window->first, window->second);
    windows_.erase(window);
  } while (closes());
  drop_forgotten();
}

void FunnelLevels::emit(TimeMs watermark, event::Epoch epoch, bool touched_too, std::vector<plan::MetricRow>& into) {
  settle();
  bound_memory(epoch);
  close_windows(watermark);
  for (plan::MetricRow& row : closing_) into.push_back(std::move(row));
  closing_.clear();
  cold_.close(watermark, metric_->due_after + metric_->allowed_lateness, epoch);
  if (!touched_too) return;
  for (const auto& [at, group] : touched_) {
    GroupState& state = windows_.at(at).groups[group];
    state.touched = false;
    rows_of(at, state, watermark, into);
  }
  touched_.clear();
}

// Takes the window from the moments that it reached; what no window needs any longer goes.
void FunnelLevels::forget(const WindowKey& at, const LiveWindow& window) {
  const auto [end, begin] = at;
  for (const auto& [slot, member] : window.members) {
    KeyState& key = keys_[slot];
    const size_t before = key.moments.size();
    std::erase_if(key.moments, [&, end = end, begin = begin](Moment& moment) {
      return moment.at >= begin && moment.at < end + metric_->due_after && matters(moment, at) && --moment.windows == 0;
    });
    moments_ -= before - key.moments.size();
    if (!key.moments.empty()) continue;
    index_.erase(key.key);
    key = KeyState{};
    free_slots_.push_back(slot);
  }
  members_ -= window.members.size();
  times_ -= window.times;
  groups_ -= window.groups.size();
}

void FunnelLevels::drop_forgotten() {
  const auto gone = [&](const auto& item) { return !windows_.contains(item.first); };
  std::erase_if(stale_, gone);
  std::erase_if(touched_, gone);
}

size_t FunnelLevels::state_bytes() const {
  return index_.size() * kKeyBytes + moments_ * kMomentBytes + members_ * kMemberBytes + times_ * kTimeBytes +
         groups() * kGroupBytes;
}

void FunnelLevels::bound_memory(event::Epoch epoch) {
  while (groups() > bounds_.groups_max || state_bytes() > bounds_.state_bytes_max) {
    SLUICE_ASSERT(!windows_.empty(), "state without a window");
    const auto weight = [&](const LiveWindow& w) {
      return w.members.size() * kMemberBytes + w.times * kTimeBytes + w.groups.size() * steps() * kGroupBytes;
    };
    auto largest = windows_.begin();
    for (auto it = windows_.begin(); it != windows_.end(); ++it) {
      if (weight(it->second) > weight(largest->second)) largest = it;
    }
    const plan::Span window{largest->first.second, largest->first.first};
    forget(largest->first, largest->second);
    windows_.erase(largest);
    drop_forgotten();
    evict(window, epoch);
  }
}

std::optional<TimeMs> FunnelLevels::next_close() const {
  return closes_next(windows_.empty() ? std::nullopt : std::optional(windows_.begin()->first.first));
}

// Moments decide what the windows count, so that alone is saved of these: which are live, their groups, what was not emitted yet.
void FunnelLevels::save(ByteWriter& to) const {
  SLUICE_ASSERT(stale_.empty() && closing_.empty(), "a checkpoint stands between two epochs");
  cold_.save(to);
  to.varint(windows_.size());
  for (const auto& [at, window] : windows_) {
    to.i64(to_ms(at.second));
    to.i64(to_ms(at.first));
    std::vector<const Hash128*> hashes(window.groups.size());
    for (const auto& [hash, group] : window.group_index) hashes[group] = &hash;
    to.varint(window.groups.size());
    for (size_t i = 0; i < window.groups.size(); ++i) {
      to.fixed(*hashes[i]);
      save_group(to, window.groups[i].dimensions);
    }
  }
  to.varint(index_.size());
  for (const KeyState& key : keys_) {
    if (!key.used) continue;
    to.fixed(key.key);
    to.varint(key.moments.size());
    for (const Moment& moment : key.moments) {
      to.i64(to_ms(moment.at));
      to.varint(moment.steps);
      if ((moment.steps & 1U) != 0) to.fixed(moment.group);
    }
  }
  to.varint(touched_.size());
  for (const auto& [at, group] : touched_) {
    to.i64(to_ms(at.second));
    to.i64(to_ms(at.first));
    to.varint(group);
  }
}

void FunnelLevels::load(ByteReader& from) {
  cold_.load(from);
  const auto window_key = [&] {
    const TimeMs start = time_ms(from.i64());
    return WindowKey{time_ms(from.i64()), start};
  };
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    LiveWindow& window = windows_[window_key()];
    for (uint64_t m = from.varint(); m > 0 && !from.failed(); --m) {
      window.group_index.emplace(from.fixed<Hash128>(), static_cast<uint32_t>(window.groups.size()));
      window.groups.emplace_back();
      window.groups.back().dimensions = load_group(from);
      window.groups.back().steps.resize(steps());
      ++groups_;
    }
  }
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const uint32_t slot = slot_of(from.fixed<Hash128>());
    for (uint64_t m = from.varint(); m > 0 && !from.failed(); --m) {
      Moment moment;
      moment.at = time_ms(from.i64());
      moment.steps = static_cast<uint32_t>(from.varint());
      if ((moment.steps & 1U) != 0) moment.group = from.fixed<Hash128>();
      plan::windows_reaching(metric_->window, metric_->due_after, moment.at, spans_);
      for (const plan::Span& span : spans_) {
        const auto window = windows_.find({span.end, span.start});
        if (window == windows_.end() || !matters(moment, window->first)) continue;
        ++moment.windows;
        if (window->second.members.try_emplace(slot).second) ++members_;
      }
      keys_[slot].moments.push_back(moment);
      ++moments_;
    }
  }
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const WindowKey at = window_key();
    const uint64_t group = from.varint();
    const auto window = windows_.find(at);
    if (window != windows_.end() && group < window->second.groups.size()) touch(at, window->second, static_cast<uint32_t>(group));
  }
  if (from.failed()) return;
  for (auto& [at, window] : windows_) {
    for (auto& [slot, member] : window.members) settle_member(at, window, slot, member, false);
  }
}

}  // namespace sluice::process
