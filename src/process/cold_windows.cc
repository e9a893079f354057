#include "process/cold_windows.h"

namespace sluice::process {

void ColdWindows::close(TimeMs watermark, DurationMs lateness, event::Epoch epoch) {
  while (!awaited_.empty() && awaited_.begin()->first + lateness <= watermark) {
    const plan::Span window{awaited_.begin()->second, awaited_.begin()->first};
    awaited_.erase(awaited_.begin());
    evicted_.erase(window);
    dirty(window, epoch);
  }
}

std::optional<TimeMs> ColdWindows::first_awaited_end() const {
  if (awaited_.empty()) return std::nullopt;
  return awaited_.begin()->first;
}

std::vector<plan::Span> ColdWindows::due(event::Epoch up_to, size_t most) const {
  std::vector<plan::Span> windows;
  for (auto it = dirty_.rbegin(); it != dirty_.rend() && windows.size() < most; ++it) {
    if (it->second.oldest <= up_to) windows.push_back(it->first);
  }
  return windows;
}

void ColdWindows::started(const std::vector<plan::Span>& windows, event::Epoch up_to) {
  for (const plan::Span& window : windows) {
    const auto it = dirty_.find(window);
    if (it == dirty_.end()) continue;
    if (it->second.newest <= up_to) {
      dirty_.erase(it);
    } else {
      it->second.oldest = up_to.next();
    }
  }
}

void ColdWindows::not_done(const std::vector<plan::Span>& windows, event::Epoch up_to) {
  for (const plan::Span& window : windows) dirty(window, up_to);
}

void ColdWindows::add_dirty(const ColdWindows& others) {
  for (const auto& [window, when] : others.dirty_) {
    dirty(window, when.oldest);
    dirty(window, when.newest);
  }
}

void ColdWindows::keep_dirty_of(const ColdWindows& before) {
  absl::btree_map<plan::Span, Dirtied> kept = before.dirty_;
  for (const auto& [end, start] : awaited_) {
    if (before.awaited_.contains({end, start})) continue;
    const auto now = dirty_.find({start, end});
    if (now != dirty_.end()) kept.insert_or_assign(now->first, now->second);
  }
  dirty_ = std::move(kept);
}

void ColdWindows::save(ByteWriter& to) const {
  to.i64(to_ms(born_after_));
  to.varint(dirty_.size());
  for (const auto& [window, when] : dirty_) {
    to.i64(to_ms(window.start));
    to.i64(to_ms(window.end));
    to.u64(when.oldest.value);
    to.u64(when.newest.value);
  }
  save_spans(to, evicted_);
  to.varint(awaited_.size());
  for (const auto& [end, start] : awaited_) {
    to.i64(to_ms(start));
    to.i64(to_ms(end));
  }
}

void ColdWindows::load(ByteReader& from) {
  const auto span = [&] {
    const TimeMs start = time_ms(from.i64());
    return plan::Span{start, time_ms(from.i64())};
  };
  born_after_ = time_ms(from.i64());
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const plan::Span window = span();
    const event::Epoch oldest(from.u64());
    dirty_[window] = {oldest, event::Epoch(from.u64())};
  }
  load_spans(from, evicted_);
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const plan::Span window = span();
    awaited_.insert({window.end, window.start});
  }
}

void save_spans(ByteWriter& to, const absl::btree_set<plan::Span>& spans) {
  to.varint(spans.size());
  for (const plan::Span& span : spans) {
    to.i64(to_ms(span.start));
    to.i64(to_ms(span.end));
  }
}

void load_spans(ByteReader& from, absl::btree_set<plan::Span>& spans) {
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const TimeMs start = time_ms(from.i64());
    spans.insert({start, time_ms(from.i64())});
  }
}

}  // namespace sluice::process
