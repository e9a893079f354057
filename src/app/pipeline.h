// pipeline.h - the processor, the sink and the job stage on three threads, opened again after whatever ends them.
//
// Promise run() goes on until drain() or stop(). An error of a stage (full disk, a lost store) ends the three, is said, and after
//         retry_after they recover from journal and checkpoint; Code::corrupt and Code::conflict wait for a person (degraded, and said).
//         The log goes on taking events all the while.
// Threads run(): one, which starts the other two. Everything else: any; one mutex guards the status.
// Lives   Everything in Parts outlives it.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>

#include "app/data_directory.h"
#include "app/feed.h"
#include "app/log_door.h"
#include "base/doorbell.h"
#include "process/processor.h"

namespace sluice::app {

struct PipelineStatus {
  bool running = false;  // a generation is open
  std::string stopped_by;  // why none is, or why the sink waits
  bool store_away = false;  // that is the reason, and it passes
  bool hopeless = false;  // only a person can mend it
  process::ProcessorStatus process;
  process::SinkCounters sink;
  uint64_t generations = 0;
  event::Offset oldest_checkpoint;  // the log may be forgotten before it
  int64_t process_cpu_us = 0;
  int64_t sink_cpu_us = 0;
  int64_t jobs_cpu_us = 0;
};

class Pipeline {
 public:
  struct Parts {
    os::Ports ports;
    const DataPaths& paths;
    std::string data_id;
    log::SegmentLog& log;
    log::Committer& committer;
    std::string plan;  // hash of the one to begin with; DATA/plans has it
    std::function<std::unique_ptr<process::Warehouse>()> warehouse;  // a connection each for sink and jobs
    std::function<uint64_t()> store_incarnation;  // another number: another process answers, ask it what it holds
    // The store has tables and views of that plan; before the first commit that was folded with it is published.
    std::function<void(const std::string& plan, const std::vector<std::string>& tables)> shown;
    Feed& feed;
    std::function<void(const std::string& what, const std::string& detail)> say;  // one line per change of state
    process::ProcessorOptions options;
  };
  explicit Pipeline(Parts parts) : parts_(std::move(parts)), wanted_(parts_.plan) {}

  void run();
  // New frames are there, or a neighbour is done.
  void ring() { bell_.ring(); }
  // The project's plan is that one now; DATA/plans has it. It holds from the next epoch on.
  void want(std::string plan);
  // Commits what was taken from the log and makes a checkpoint; run() then returns. stop(): returns as soon as it can.
  void drain();
  void stop();
  PipelineStatus status() const;

 private:
  struct Generation;
  Status open(Generation& generation);
  Error live(Generation& generation);
  void run_sink(Generation& generation);
  Status check_incarnation(Generation& generation);
  void run_jobs(Generation& generation);
  std::string wanted() const;
  void note(const process::Processor& processor);
  void set(const std::function<void(PipelineStatus&)>& change);

  Parts parts_;
  Doorbell bell_;
  std::atomic<bool> draining_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> wants_{false};  // another plan than the processor knows
  mutable std::mutex mutex_;
  PipelineStatus status_;
  std::string wanted_;
};

}  // namespace sluice::app
