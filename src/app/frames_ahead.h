// frames_ahead.h - what waits in the log behind a committed position, counted from its frames (semantics R12, pending).
//
// Promise Each frame is read once and its counts kept; pending is never received minus something.
// Bounds  One small entry per frame behind the committed position.
// Threads One (PendingFrames); the free functions: any.
#pragma once

#include <deque>
#include <functional>
#include <map>

#include "event/batch.h"
#include "event/ledger.h"
#include "event/record.h"
#include "log/segment_log.h"

namespace sluice::app {

using PerMinute = std::map<event::LedgerKey, event::LedgerCounts>;

// Adds `received` (the manifests) and `pending` (the records) of one frame.
void count_frame(const event::Frame& frame, PerMinute& into);
// Every frame from `from` on, in order, until `visit` returns false or the synced end.
Status visit_frames(log::SegmentLog& log, event::Offset from, const std::function<bool(const event::Frame&)>& visit);

class PendingFrames {
 public:
  explicit PendingFrames(log::SegmentLog& log) : reader_(log.reader()) {}
  // Reads what is new, at most `frames_max` frames, and forgets what is committed.
  Status advance(event::Offset committed_to, size_t frames_max);
  event::LedgerCounts totals() const { return totals_; }
  event::Offset read_to() const { return next_; }
  // When the oldest frame that waits arrived; nullopt when none does.
  std::optional<TimeMs> oldest() const;

 private:
  struct Waiting {
    event::Offset end;
    TimeMs received_at{};
    event::LedgerCounts counts;
  };
  std::unique_ptr<log::LogReader> reader_;
  event::Offset next_;
  std::deque<Waiting> waiting_;
  event::LedgerCounts totals_;
};

}  // namespace sluice::app
