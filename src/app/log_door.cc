#include "app/log_door.h"

namespace sluice::app {

bool LogSubmitter::submit(event::Submission submission, std::function<void(Result<event::Receipt>)> done) {
  log::Pending pending{std::move(submission), std::move(done)};
  Status taken = committer_.offer(pending);
  if (taken) return true;
  if (taken.error().code == Code::full) return false;
  pending.completion(std::move(taken).error());
  return true;
}

Result<std::optional<event::Frame>> LogFrames::next(event::Offset from) {
  if (from >= log_.synced_end()) return std::optional<event::Frame>();
  std::optional<event::Frame> frame = SLUICE_TRY(reader_->read(from));
  if (frame && frame->first != from) {
    return fail(Code::corrupt, "the log has no frame that begins at " + std::to_string(from.value) + ": was DATA/log exchanged?");
  }
  return frame;
}

std::optional<process::ClockReading> LogFrames::clock_reading() {
  const std::optional<log::ClockReading> reading = committer_.clock_reading();
  if (!reading) return std::nullopt;
  return process::ClockReading{reading->time, reading->synced_end};
}

}  // namespace sluice::app
