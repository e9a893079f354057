// log_door.h - the log as its two neighbours see it: the edge's Submitter and the processor's LogSource, over one log and committer.
//
// Lives   Log and Committer outlive both.
#pragma once

#include <memory>

#include "collect/submit.h"
#include "log/committer.h"
#include "process/log_source.h"

namespace sluice::app {

class LogSubmitter final : public collect::Submitter {
 public:
  explicit LogSubmitter(log::Committer& committer) : committer_(committer) {}
  bool submit(event::Submission submission, std::function<void(Result<event::Receipt>)> done) override;

 private:
  log::Committer& committer_;
};

class LogFrames final : public process::LogSource {
 public:
  LogFrames(log::SegmentLog& log, log::Committer& committer) : log_(log), committer_(committer), reader_(log.reader()) {}
  Result<std::optional<event::Frame>> next(event::Offset from) override;
  event::Offset begin() override { return log_.begin(); }
  event::Offset end() override { return log_.synced_end(); }
  std::optional<process::ClockReading> clock_reading() override;

 private:
  log::SegmentLog& log_;
  log::Committer& committer_;
  std::unique_ptr<log::LogReader> reader_;
};

}  // namespace sluice::app
