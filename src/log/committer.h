// committer.h - the stage between the edge and the log: many requests, one frame, one sync, then their acks.
//
// Input    offer() from any thread; a bounded queue in bytes and items holds what waits. Full is for the edge to say (429).
// Promise  A submission lies whole in one frame. Completions run in order, in the thread that calls step(), after the frame is
//          synced (receipt) or has failed (error: nothing is acknowledged; after Code::io it may still turn up after a restart).
//          A frame is closed at frame_bytes_target, or frame_wait after its first submission was offered, whichever comes first;
//          what waits in the queue at that moment goes with it, up to frame_bytes_max.
// Clock    received_at of a frame = max(frame before, wall clock, every time that clock_reading() ever gave out or not_before()
//          was told). So no later frame has a smaller arrival clock than one that the processor journaled.
// Errors   of offer: Code::full: wait and retry; Code::invalid: larger than a frame; Code::io, Code::corrupt: the log takes
//          nothing until a restart; Code::closed.
// Threads  step(): one. offer, close, closing, clock_reading, not_before, counts: any.
// Lives    Log and Clock must outlive this. Dropping it drops what waits, uncompleted: close() and step() to the end first.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <vector>

#include "base/bounded_queue.h"
#include "log/segment_log.h"
#include "os/clock.h"

namespace sluice::log {

// Called once, must not block: it hands the answer to the connection's thread.
using Completion = std::move_only_function<void(Result<event::Receipt>)>;

struct Pending {
  event::Submission submission;
  Completion completion;
};

// worked: a frame was committed. idle: nothing is due yet. finished: closed and empty, nothing will come any more.
enum class Progress { worked, idle, finished };

// A moment for an epoch that reaches the synced end (semantics, top): no frame from synced_end on will have
// received_at < time. The processor's *now* becomes the larger of the two.
struct ClockReading {
  TimeMs time{};
  Offset synced_end;
};

struct CommitterCounts {
  uint64_t frames = 0;
  uint64_t submissions = 0;
  uint64_t records = 0;
  uint64_t frame_bytes = 0;        // on disk
  uint64_t refused_full = 0;       // submissions: queue, disk or log full
  uint64_t failed = 0;             // submissions: of frames that could not be stored for another reason
  uint64_t append_us = 0;          // time in append(), most of it waiting for the disk
};

class Committer {
 public:
  Committer(SegmentLog& log, os::Clock& clock, CommitterOptions options);

  // ok: `pending` was taken and will be completed. Otherwise it is untouched and its completion is not called.
  Status offer(Pending& pending);
  // No more offers; step() then commits what waits.
  void close() { queue_.close(); }

  // Collects, and commits one frame when it is due. Waits at most `wait_max` for a first submission, and then at most until the
  // frame is due; 0 never waits.
  Progress step(DurationMs wait_max);

  // A frame is closed and not yet synced.
  bool closing() const { return closing_.load(); }
  // nullopt while closing(): ask again after it.
  std::optional<ClockReading> clock_reading();
  // Frames from now on have received_at >= time: told once at start, the newest journaled clock.
  void not_before(TimeMs time);

  CommitterCounts counts() const;
  size_t waiting_items() const { return queue_.items(); }
  size_t waiting_bytes() const { return queue_.bytes(); }

 private:
  struct Offered {
    Pending pending;
    os::MonotonicTime at;
  };
  void collect(DurationMs wait_max);
  void take(Offered offered);
  bool has_room_for(const Offered& offered) const;
  bool full() const;
  bool due() const;
  DurationMs until_due(DurationMs at_most) const;
  Result<Appended> append();
  void commit();
  void complete(const Result<Appended>& appended);

  SegmentLog& log_;
  os::Clock& clock_;
  const CommitterOptions options_;
  BoundedQueue<Offered> queue_;
  std::atomic<bool> closing_{false};
  std::atomic<int64_t> floor_ms_;
  // The frame that is being filled: submissions_[i] belongs to completions_[i].
  std::vector<event::Submission> submissions_;
  std::vector<Completion> completions_;
  size_t frame_bytes_ = 0;
  os::MonotonicTime first_offered_{};
  std::optional<Offered> held_;  // did not fit any more: the first of the next frame

  std::atomic<uint64_t> frames_{0};
  std::atomic<uint64_t> submissions_done_{0};
  std::atomic<uint64_t> records_{0};
  std::atomic<uint64_t> stored_bytes_{0};
  std::atomic<uint64_t> refused_full_{0};
  std::atomic<uint64_t> failed_{0};
  std::atomic<uint64_t> append_us_{0};
};

}  // namespace sluice::log
