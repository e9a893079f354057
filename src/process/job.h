// job.h - a recomputation of cold windows from `events` by the SQL printed from the plan (design 6, Live and cold windows).
//
// Promise run() computes the windows of a JobEntry over `events WHERE epoch <= E`, writes what it changes of published values to
//         `revisions`, then, when that is acknowledged, the rows with version 2E + 1, then returns what changed. Repeating a job with
//         its own E is harmless. list() finds every window of a metric that has events; stored()
//         brings back what an operator adopts.
// Bounds  Windows are computed in slices, halved while a reply is too large (Code::full); one window beyond kWindowGroupsMax groups
//         stops its metric with a reason.
// Errors  Code::unavailable, Code::unknown: the store is away, run it again. Code::full: the metric must stop. Others: a bug or damage.
// Threads One; blocks while the store works.   Lives  Warehouse and Plan outlive it.
#pragma once

#include <vector>

#include "plan/metric_row.h"
#include "process/journal.h"
#include "process/warehouse.h"

namespace sluice::process {

struct JobResult {
  std::vector<plan::MetricRow> rows;  // changed, new and removed (tombstones)
  std::vector<plan::Revision> revisions;  // empty for a first computation
};

class JobRunner {
 public:
  static constexpr size_t kSliceWindows = 1024;
  static constexpr size_t kSliceRanges = 16;  // of sessions' keys: at most a sixteenth of them at a time
  static constexpr size_t kWindowGroupsMax = 1'000'000;
  static constexpr size_t kRowsKeptMax = 50'000;  // handed to the live feed; beyond it viewers get a fresh snapshot

  explicit JobRunner(Warehouse& warehouse) : warehouse_(warehouse) {}
  Result<JobResult> run(const plan::Plan& plan, const plan::Metric& metric, const std::string& table, const JobEntry& job);
  // With `table`, whose rows were computed of other rows of a dimension, its windows too.
  Result<std::vector<plan::Span>> list(const plan::Plan& plan, const plan::Metric& metric, const std::string& table, Epoch up_to);
  // The events of that part (adoption.h); a part without an end gets one: up_to, and whether it is the last before `folded_from`.
  Result<std::string> stored(const plan::Plan& plan, const plan::Metric& metric, Epoch folded_from, AdoptedEntry& part);

 private:
  struct Target {
    const plan::Plan& plan;
    const plan::Metric& metric;
    const std::string& table;
    const JobEntry& job;
  };
  Status run_slice(const Target& target, const std::vector<plan::Span>& windows, JobResult& result);
  Result<std::vector<plan::MetricRow>> compute(const Target& target, const std::vector<plan::Span>& windows);
  struct Published {
    plan::MetricRow row;
    Epoch epoch;
  };
  Result<std::vector<Published>> published(const Target& target, const std::vector<plan::Span>& windows);
  // Code::unavailable until the tables of the dimensions that the metric joins are as full as their files.
  Status await_dimensions(const plan::Plan& plan, const plan::Metric& metric);
  Status write(const Target& target, const std::vector<plan::MetricRow>& rows, const std::vector<plan::Revision>& revisions);

  Warehouse& warehouse_;
  plan::Evaluator evaluator_;
};

// A visible value as the page and `revisions` write it; "" for NULL.
std::string value_text(const plan::StoredValue& value);

}  // namespace sluice::process
