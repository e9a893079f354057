#include "process/watermark.h"

#include <algorithm>

namespace sluice::process {

void WatermarkClock::configure(const std::vector<plan::Source>& sources) {
  std::vector<SourceState> next;
  for (const plan::Source& source : sources) {
    SourceState state;
    if (const auto known = index_of(source.name)) state = sources_[*known];
    state.name = source.name;
    state.disorder = source.disorder;
    state.idle = source.idle;
    next.push_back(std::move(state));
  }
  sources_ = std::move(next);
}

std::optional<size_t> WatermarkClock::index_of(std::string_view name) const {
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i].name == name) return i;
  }
  return std::nullopt;
}

bool WatermarkClock::active_at(const SourceState& source, TimeMs now) {
  return source.last_received != kMinusInfinity && now - source.last_received <= source.idle;
}

TimeMs WatermarkClock::watermark_at(TimeMs now) const {
  TimeMs lowest = TimeMs::max();
  DurationMs shortest = DurationMs::max();
  bool any_active = false, any = false;
  for (const SourceState& source : sources_) {
    if (source.last_received == kMinusInfinity) continue;
    any = true;
    shortest = std::min(shortest, source.idle + source.disorder);
    if (!active_at(source, now)) continue;
    any_active = true;
    lowest = std::min(lowest, source.watermark);
  }
  if (any_active) return lowest;
  return any ? now - shortest : kMinusInfinity;
}

TimeMs WatermarkClock::idle_watermark_at(TimeMs now) const { return std::max(watermark_, watermark_at(std::max(now, now_))); }

void WatermarkClock::advance(TimeMs now) {
  if (now <= now_) return;
  now_ = now;
  watermark_ = std::max(watermark_, watermark_at(now_));
}

void WatermarkClock::moved(size_t source, TimeMs event_time, TimeMs received_at) {
  SourceState& state = sources_[source];
  const bool was_active = active(state);
  state.last_received = std::max(state.last_received, received_at);
  const TimeMs w = std::min(event_time, received_at) - state.disorder;
  if (w <= state.watermark && was_active) return;  // neither the minimum nor the set of active sources changed
  state.watermark = std::max(state.watermark, w);
  watermark_ = std::max(watermark_, watermark_at(now_));
}

void WatermarkClock::save(ByteWriter& to) const {
  to.i64(to_ms(now_));
  to.i64(to_ms(watermark_));
  to.varint(sources_.size());
  for (const SourceState& source : sources_) {
    to.text(source.name);
    to.i64(source.disorder.count());
    to.i64(source.idle.count());
    to.i64(to_ms(source.watermark));
    to.i64(to_ms(source.last_received));
  }
}

void WatermarkClock::load(ByteReader& from) {
  now_ = time_ms(from.i64());
  watermark_ = time_ms(from.i64());
  sources_.clear();
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    SourceState source;
    source.name = std::string(from.text());
    source.disorder = DurationMs(from.i64());
    source.idle = DurationMs(from.i64());
    source.watermark = time_ms(from.i64());
    source.last_received = time_ms(from.i64());
    sources_.push_back(std::move(source));
  }
}

}  // namespace sluice::process
