#include "app/frames_ahead.h"

namespace sluice::app {

void count_frame(const event::Frame& frame, PerMinute& into) {
  for (const event::FrameRequest& request : frame.requests) {
    event::LedgerCounts& counts = into[{request.manifest.source, event::minute_of(frame.received_at)}];
    counts.received += request.manifest.received;
    counts.pending += request.record_count;
  }
}

Status visit_frames(log::SegmentLog& log, event::Offset from, const std::function<bool(const event::Frame&)>& visit) {
  const std::unique_ptr<log::LogReader> reader = log.reader();
  event::Offset next = std::max(from, log.begin());
  const event::Offset end = log.synced_end();
  while (next < end) {
    const std::optional<event::Frame> frame = SLUICE_TRY(reader->read(next));
    if (!frame) break;
    next = frame->end();
    if (!visit(*frame)) break;
  }
  return ok();
}

Status PendingFrames::advance(event::Offset committed_to, size_t frames_max) {
  if (next_ < committed_to) next_ = committed_to;
  for (size_t i = 0; i < frames_max; ++i) {
    const std::optional<event::Frame> frame = SLUICE_TRY(reader_->read(next_));
    if (!frame) break;
    PerMinute counted;
    count_frame(*frame, counted);
    Waiting waiting{frame->end(), frame->received_at, {}};
    for (const auto& [key, counts] : counted) waiting.counts += counts;
    totals_ += waiting.counts;
    next_ = frame->end();
    waiting_.push_back(waiting);
  }
  while (!waiting_.empty() && waiting_.front().end <= committed_to) {
    totals_.received -= waiting_.front().counts.received;
    totals_.pending -= waiting_.front().counts.pending;
    waiting_.pop_front();
  }
  return ok();
}

std::optional<TimeMs> PendingFrames::oldest() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front().received_at;
}

}  // namespace sluice::app
