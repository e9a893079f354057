#include "log/catalog.h"

#include <algorithm>

namespace sluice::log {

void Catalog::add(Segment segment) {
  const std::lock_guard lock(mutex_);
  SLUICE_ASSERT(segments_.empty() || segments_.back().first < segment.first, "segments come in order");
  entries_ += segment.index.size();
  segments_.push_back(std::move(segment));
  bound_index();
}

void Catalog::opened(Offset end, std::optional<TimeMs> last_received_at) {
  const std::lock_guard lock(mutex_);
  begin_ = segments_.empty() ? end : segments_.front().first;
  last_received_at_ = last_received_at;
  synced_end_.store(end.value);
}

void Catalog::publish(const FrameHeader& header, uint64_t position) {
  const std::lock_guard lock(mutex_);
  SLUICE_ASSERT(header.first == synced_end() && !segments_.empty() && segments_.back().bytes == position, "frames leave no gap");
  Segment& last = segments_.back();
  if (!last.first_received_at) last.first_received_at = header.received_at;
  if (last.index.empty() || position - last.index.back().position >= spacing_bytes_) {
    last.index.push_back({header.first, position});
    ++entries_;
    bound_index();
  }
  last.bytes = position + header.frame_bytes();
  last_received_at_ = header.received_at;
  synced_end_.store(header.end().value);
}

std::optional<Catalog::Spot> Catalog::locate(Offset from) const {
  const std::lock_guard lock(mutex_);
  if (from >= synced_end() || segments_.empty() || from < segments_.front().first) return std::nullopt;
  const auto after = std::ranges::upper_bound(segments_, from, {}, &Segment::first);
  const Segment& segment = *(after - 1);
  Spot spot;
  spot.segment = segment.first;
  spot.segment_end = after == segments_.end() ? synced_end() : std::min(after->first, synced_end());
  spot.segment_bytes = segment.bytes;
  spot.nearest = {segment.first, 0};
  spot.indexed = !segment.index.empty();
  if (const auto entry = std::ranges::upper_bound(segment.index, from, {}, &IndexEntry::offset); entry != segment.index.begin()) {
    spot.nearest = *(entry - 1);
  }
  return spot;
}

void Catalog::learn(Offset segment, std::vector<IndexEntry> index) {
  const std::lock_guard lock(mutex_);
  const auto known = std::ranges::find(segments_, segment, &Segment::first);
  // Gone meanwhile, or learnt by another reader, or still growing.
  if (known == segments_.end() || !known->index.empty() || known + 1 == segments_.end()) return;
  entries_ += index.size();
  known->index = std::move(index);
  bound_index();
}

// The oldest first, since readers mostly want the newest; never the last, which is appended to.
void Catalog::bound_index() {
  for (size_t i = 0; entries_ > entries_max_ && i + 1 < segments_.size(); ++i) {
    entries_ -= segments_[i].index.size();
    std::vector<IndexEntry>().swap(segments_[i].index);
  }
}

bool Catalog::may_go(size_t count, Offset keep_from) const {
  return count + 1 < segments_.size() && segments_[count + 1].first_received_at && segments_[count + 1].first <= keep_from;
}

std::vector<Offset> Catalog::forget_before(Offset keep_from) {
  return forget(Retention{.age_max = DurationMs(0), .bytes_max = 0}, keep_from, TimeMs::max());
}

std::vector<Offset> Catalog::forget(const Retention& retention, Offset keep_from, TimeMs now) {
  const std::lock_guard lock(mutex_);
  uint64_t total = 0;
  for (const Segment& segment : segments_) total += segment.bytes;
  size_t count = 0;
  while (may_go(count, keep_from)) {
    // All frames of a segment arrived no later than the first one of the next.
    const bool old = *segments_[count + 1].first_received_at <= now - retention.age_max;
    if (!old && total <= retention.bytes_max) break;
    total -= segments_[count].bytes;
    ++count;
  }
  std::vector<Offset> gone;
  for (size_t i = 0; i < count; ++i) {
    gone.push_back(segments_[i].first);
    entries_ -= segments_[i].index.size();
  }
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(count));
  if (!segments_.empty()) begin_ = segments_.front().first;
  return gone;
}

Offset Catalog::begin() const {
  const std::lock_guard lock(mutex_);
  return begin_;
}
std::optional<TimeMs> Catalog::last_received_at() const {
  const std::lock_guard lock(mutex_);
  return last_received_at_;
}
uint64_t Catalog::bytes() const {
  const std::lock_guard lock(mutex_);
  uint64_t total = 0;
  for (const Segment& segment : segments_) total += segment.bytes;
  return total;
}
size_t Catalog::index_entries() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}
size_t Catalog::segments() const {
  const std::lock_guard lock(mutex_);
  return segments_.size();
}

}  // namespace sluice::log
