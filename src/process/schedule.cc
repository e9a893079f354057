// The part of the processor that decides which cold windows are computed again, and when (design 6).
#include "process/processor.h"

namespace sluice::process {

uint64_t Processor::remaining(const Fold::Operator& op) const {
  const plan::Metric& metric = op.state->metric();
  const bool running = running_ && running_->metric == metric.name && running_->version == metric.version;
  return op.state->cold().dirty_count() + (running ? running_->windows.size() : 0);
}

// A metric born over stored events: all their windows are dirty once. Those still open are computed again when they close.
void Processor::apply_listing(const ListedEntry& listed) {
  Fold::Operator* op = fold_->operator_of(listed.metric, listed.version);
  if (op == nullptr) return;
  ColdWindows& cold = op->state->cold();
  const Epoch now = gathering_since_ ? folded_.next() : folded_;
  for (const plan::Span& window : listed.windows) {
    if (!cold.open_cold(window)) continue;  // folded here from its first event on
    // What the watermark has closed is only final in the epoch that closed it: a job over less would leave it filling for ever.
    const bool closed = op->state->metric().closes(window) <= fold_->clock().watermark();
    cold.dirty(window, closed ? now : listed.up_to);
    if (!closed) cold.await_close(window);
  }
  op->listed = true;
  first_[listed.metric] = {listed.windows.size(), listed.windows.empty(), ""};
}

void Processor::give_back(const JobEntry& job) {
  if (Fold::Operator* op = fold_->operator_of(job.metric, job.version)) op->state->cold().not_done(job.windows, job.up_to);
}

bool Processor::stopped(const std::string& metric) const {
  const auto known = first_.find(metric);
  return known != first_.end() && !known->second.stopped.empty();
}

Status Processor::job_ended(JobReport report) {
  const os::MonotonicTime started = job_started_;
  if (report.task.list) {
    listing_ = false;
    if (!report.stopped.empty()) {
      first_[report.task.entry.metric].stopped = report.stopped;
      return ok();
    }
    const JobEntry& asked = report.task.entry;
    const ListedEntry listed{asked.metric, asked.version, asked.up_to, std::move(report.listed)};
    SLUICE_CHECK(journal_->append(listed));
    apply_listing(listed);
    return ok();
  }
  SLUICE_ASSERT(running_ && running_->job == report.task.entry.job, "one job at a time");
  SLUICE_CHECK(journal_->append(JobDoneEntry{running_->job, !report.stopped.empty()}));
  FirstComputation& first = first_[running_->metric];
  first.stopped = report.stopped;
  if (!report.stopped.empty()) give_back(*running_);
  const bool was_first = running_->first;
  running_.reset();
  running_sent_ = false;
  ++status_.jobs_done;
  for (const Fold::Operator& op : fold_->operators()) {
    if (op.state->metric().name == report.task.entry.metric && !first.done && remaining(op) == 0) first.done = true;
  }
  // Live inserts must not starve: a job rests twice as long as it ran. First computations are waited for, so they do not; nor does a
  // job after a store that was away for hours.
  const bool rests = !was_first && !report.waited;
  next_job_at_ = rests ? last_step_ + setup_.options.job_rest * (last_step_ - started) : last_step_;
  return ok();
}

Status Processor::schedule_job(os::MonotonicTime now) {
  last_step_ = now;
  if (listing_ || committed_.value == 0 || draining_) return ok();
  const auto task_for = [&](uint32_t metric) {
    JobTask task;
    task.plan = &fold_->plan();
    task.metric = metric;
    task.table = fold_->operators()[metric].table;
    return task;
  };
  if (running_) {
    if (running_sent_ || committed_ < running_->up_to) return ok();
    for (uint32_t i = 0; i < fold_->operators().size(); ++i) {
      const plan::Metric& metric = fold_->plan().metrics[i];
      if (metric.name != running_->metric || metric.version != running_->version) continue;
      JobTask task = task_for(i);
      task.entry = *running_;
      job_started_ = now;
      running_sent_ = !setup_.tasks.try_push(std::move(task), 1).has_value();
      return ok();
    }
    SLUICE_CHECK(journal_->append(JobDoneEntry{running_->job, false}));  // its definition is gone, so nobody reads its windows
    running_.reset();
    return ok();
  }
  for (uint32_t i = 0; i < fold_->operators().size(); ++i) {
    const plan::Metric& metric = fold_->plan().metrics[i];
    if (fold_->operators()[i].listed || stopped(metric.name)) continue;
    if (committed_ < Epoch(fold_->operators()[i].birth.value - 1))
      return ok();  // the events before its birth are not all there yet
    JobTask task = task_for(i);
    task.list = true;
    task.entry.metric = metric.name;
    task.entry.version = metric.version;
    task.entry.up_to = committed_;
    listing_ = !setup_.tasks.try_push(std::move(task), 1).has_value();
    return ok();
  }
  if (now < next_job_at_) return ok();
  for (size_t k = 0; k < fold_->operators().size(); ++k) {
    const auto i = static_cast<uint32_t>((last_job_metric_ + 1 + k) % fold_->operators().size());
    const MetricOperator& op = *fold_->operators()[i].state;
    if (!stopped(op.metric().name) && !op.cold().due(committed_, 1).empty()) return start_job(i, now);
  }
  return ok();
}

Status Processor::start_job(uint32_t metric, os::MonotonicTime now) {
  Fold::Operator& op = fold_->operators()[metric];
  const auto first = first_.find(op.state->metric().name);
  JobEntry entry;
  entry.job = next_job_;
  entry.metric = op.state->metric().name;
  entry.version = op.state->metric().version;
  entry.windows = op.state->cold().due(committed_, setup_.options.job_windows_max);
  entry.up_to = committed_;
  entry.watermark = committed_watermark_;
  entry.clock = fold_->clock().now();
  entry.first = first != first_.end() && !first->second.done;
  SLUICE_CHECK(journal_->append(entry));
  next_job_ = next_job_.next();
  op.state->cold().started(entry.windows, entry.up_to);
  last_job_metric_ = metric;
  running_ = std::move(entry);
  return schedule_job(now);
}

}  // namespace sluice::process
