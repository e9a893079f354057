#include "log/committer.h"

#include <algorithm>

namespace sluice::log {
namespace {

// The count of requests in front of the manifests, one varint.
constexpr size_t kPayloadOverhead = 10;

size_t waiting_size(const Pending& pending) {
  return sizeof(Pending) + pending.submission.records.size() + pending.submission.manifest.source.size();
}

}  // namespace

Committer::Committer(SegmentLog& log, os::Clock& clock, CommitterOptions options)
    : log_(log), clock_(clock), options_(options), queue_(options.queue), floor_ms_(to_ms(kMinusInfinity)) {}

Status Committer::offer(Pending& pending) {
  if (auto failure = log_.failure()) return std::move(*failure);
  if (kPayloadOverhead + payload_bytes_max(pending.submission) > event::kFrameBytesMax) {
    return fail(Code::invalid, "the request's events take more than the " + std::to_string(event::kFrameBytesMax) +
                                   " bytes of a frame of the log; send fewer events per request");
  }
  const size_t bytes = waiting_size(pending);
  auto back = queue_.try_push(Offered{std::move(pending), clock_.monotonic()}, bytes);
  if (!back) return ok();
  pending = std::move(back->pending);
  if (queue_.closed()) return fail(Code::closed, "the log is shutting down; send again after the restart");
  refused_full_.fetch_add(1, std::memory_order_relaxed);
  return fail(Code::full, "more events are waiting for the disk than fit in memory; send again in a second");
}

Progress Committer::step(DurationMs wait_max) {
  collect(wait_max);
  if (submissions_.empty()) return queue_.closed() && queue_.items() == 0 ? Progress::finished : Progress::idle;
  if (!due()) return Progress::idle;
  commit();
  return Progress::worked;
}

void Committer::collect(DurationMs wait_max) {
  if (held_) {
    take(std::move(*held_));
    held_.reset();
  }
  while (!full()) {
    std::optional<Offered> next = queue_.try_pop();
    if (!next && submissions_.empty() && wait_max > DurationMs(0)) next = queue_.pop_for(wait_max);
    if (!next) {
      // One sleep until the frame is full or due, not one per request.
      const DurationMs wait = until_due(wait_max);
      if (submissions_.empty() || wait <= DurationMs(0)) return;
      queue_.wait_for_bytes(options_.frame_bytes_target - frame_bytes_, wait);
      next = queue_.try_pop();
      if (!next) return;
    }
    if (!has_room_for(*next)) {
      held_ = std::move(next);
      return;
    }
    take(std::move(*next));
  }
}

void Committer::take(Offered offered) {
  if (submissions_.empty()) {
    first_offered_ = offered.at;
    frame_bytes_ = kPayloadOverhead;
  }
  frame_bytes_ += payload_bytes_max(offered.pending.submission);
  submissions_.push_back(std::move(offered.pending.submission));
  completions_.push_back(std::move(offered.pending.completion));
}

bool Committer::has_room_for(const Offered& offered) const {
  return submissions_.empty() || frame_bytes_ + payload_bytes_max(offered.pending.submission) <= event::kFrameBytesMax;
}

bool Committer::full() const {
  return !submissions_.empty() &&
         (frame_bytes_ >= options_.frame_bytes_max || submissions_.size() >= options_.frame_requests_max);
}

bool Committer::due() const {
  return frame_bytes_ >= options_.frame_bytes_target || full() || held_.has_value() || queue_.closed() ||
         clock_.monotonic() - first_offered_ >= options_.frame_wait;
}

DurationMs Committer::until_due(DurationMs at_most) const {
  if (submissions_.empty() || due()) return DurationMs(0);
  const auto left = std::chrono::ceil<DurationMs>(first_offered_ + options_.frame_wait - clock_.monotonic());
  return std::min(at_most, left);
}

// closing_ is raised before the clocks are read, and clock_reading() raises the floor before it looks at closing_: so either it
// sees a frame that is being closed, or that frame sees its time.
void Committer::commit() {
  closing_.store(true);
  const os::MonotonicTime begin = clock_.monotonic();
  const Result<Appended> appended = append();
  append_us_.fetch_add(
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(clock_.monotonic() - begin).count()),
      std::memory_order_relaxed);
  closing_.store(false);
  complete(appended);
  submissions_.clear();
  completions_.clear();
  frame_bytes_ = 0;
}

Result<Appended> Committer::append() {
  const TimeMs wall = std::max(clock_.wall(), time_ms(floor_ms_.load()));
  const bool any = std::ranges::any_of(submissions_, [](const event::Submission& s) { return s.record_count > 0; });
  if (any) return log_.append(submissions_, wall);
  // Requests without records, an empty batch: nothing to keep, and everything before them is synced.
  return Appended{log_.synced_end(), log_.synced_end(), std::max(wall, log_.last_received_at().value_or(wall)), 0};
}

void Committer::complete(const Result<Appended>& appended) {
  const uint64_t count = submissions_.size();
  if (!appended) {
    (appended.error().code == Code::full ? refused_full_ : failed_).fetch_add(count, std::memory_order_relaxed);
    for (Completion& completion : completions_) completion(Error(appended.error()));
    return;
  }
  frames_.fetch_add(appended->frame_bytes > 0 ? 1 : 0, std::memory_order_relaxed);
  submissions_done_.fetch_add(count, std::memory_order_relaxed);
  records_.fetch_add(appended->end.value - appended->first.value, std::memory_order_relaxed);
  stored_bytes_.fetch_add(appended->frame_bytes, std::memory_order_relaxed);
  Offset at = appended->first;
  for (size_t i = 0; i < submissions_.size(); ++i) {
    completions_[i](event::Receipt{{kPartition, at}, appended->received_at});
    at = Offset(at.value + submissions_[i].record_count);
  }
}

std::optional<ClockReading> Committer::clock_reading() {
  TimeMs time = std::max(clock_.wall(), log_.last_received_at().value_or(kMinusInfinity));
  time = std::max(time, time_ms(floor_ms_.load()));
  not_before(time);
  if (closing_.load()) return std::nullopt;
  return ClockReading{time, log_.synced_end()};
}

void Committer::not_before(TimeMs time) {
  int64_t floor = floor_ms_.load();
  while (floor < to_ms(time) && !floor_ms_.compare_exchange_weak(floor, to_ms(time))) {
  }
}

CommitterCounts Committer::counts() const {
  return {frames_.load(),       submissions_done_.load(), records_.load(),  stored_bytes_.load(),
          refused_full_.load(), failed_.load(),           append_us_.load()};
}

}  // namespace sluice::log
