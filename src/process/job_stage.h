// job_stage.h - one recomputation at a time, beside the live path.
//
// The processor journals a job and hands it over; this stage runs it against the store, hands what changed to the live feed, and
// reports. While the store is away the task is kept and tried again.
// Threads One; step() blocks while the store works.   Lives  Plans named by tasks outlive the stage (the processor keeps them).
#pragma once

#include <functional>
#include <optional>
#include <variant>

#include "process/job.h"

namespace sluice::process {

// `list`: no entry yet; every stored window of the metric is wanted. `adopt`: stored events are wanted, those of its epochs; where its
// up_to is 0, of as many epochs behind `after` and before `folded_from` as make a part. Otherwise the journaled job.
struct JobTask {
  const plan::Plan* plan = nullptr;
  uint32_t metric = 0;  // index into plan->metrics
  std::string table;
  bool list = false;
  JobEntry entry;  // list: only metric, version, up_to and restates are set
  std::optional<AdoptedEntry> adopt;
  Epoch folded_from;  // adopt: of the operator
  const plan::Metric& definition() const { return plan->metrics[metric]; }
};

// What reaches the processor from its two neighbours.
struct CommittedReport {
  Epoch epoch;
};
struct JobReport {
  JobTask task;
  std::vector<plan::Span> listed;  // of a list
  std::string stored;  // of adopt: the events; task.adopt says which
  std::string stopped;  // not empty: the metric must stop, and why
  bool waited = false;  // for a store that was away: how long it took says nothing about the job
};
using Report = std::variant<CommittedReport, JobReport>;

class JobStage {
 public:
  enum class Step { idle, worked, waiting };
  using Changed = std::function<void(const JobTask&, JobResult)>;
  JobStage(Warehouse& warehouse, Changed changed) : runner_(warehouse), changed_(std::move(changed)) {}

  // `report` is filled when a task ended.
  Result<Step> step(std::optional<JobTask> next, std::optional<JobReport>& report);
  bool busy() const { return current_.has_value(); }
  const std::string& waiting_for() const { return waiting_for_; }

 private:
  JobRunner runner_;
  const Changed changed_;
  std::optional<JobTask> current_;
  bool waited_ = false;
  std::string waiting_for_;
};

}  // namespace sluice::process
