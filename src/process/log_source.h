// log_source.h - what the processor asks of a log: frames in order, and a clock that no later frame can contradict.
//
// Promise next(): the frame that starts at `from`, only when it is synced; nullopt at the synced end. clock_reading(): an instant T and
//         the synced end, such that every frame after that end will have received_at >= T; nullopt while a closed frame still waits
//         for its sync (semantics, top: *now*).
// Threads One at a time; the log may be appended to by another.
#pragma once

#include <optional>

#include "base/result.h"
#include "event/batch.h"

namespace sluice::process {

struct ClockReading {
  TimeMs clock{};
  event::Offset end;
};

class LogSource {
 public:
  virtual ~LogSource() = default;
  virtual Result<std::optional<event::Frame>> next(event::Offset from) = 0;
  virtual event::Offset begin() = 0;
  virtual event::Offset end() = 0;  // synced
  virtual std::optional<ClockReading> clock_reading() = 0;
};

}  // namespace sluice::process
