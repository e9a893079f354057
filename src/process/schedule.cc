// The part of the processor that decides which cold windows are computed again, and when (design 6).
#include "process/processor.h"
#include "process/session_rows.h"

namespace sluice::process {
namespace {

JobTask task_of(const Fold::Operator& op) {
  JobTask task;
  task.plan = op.plan;
  task.metric = op.metric;
  task.table = op.table;
  return task;
}

}  // namespace

// A metric born over stored events: all their windows are dirty once. Those still open are computed again when they close.
void Processor::apply_listing(const ListedEntry& listed) {
  Fold::Operator* op = fold_->operator_of(listed.metric, listed.version);
  if (op == nullptr) return;
  op->state->listed(listed.windows);
  ColdWindows& cold = op->state->cold();
  const Epoch now = gathering_since_ ? folded_.next() : folded_;
  if (op->state->metric().kind == plan::Metric::Kind::sessions) {
    for (const plan::Span& range : ranges_of(listed.windows)) {
      cold.dirty(range, now);
      op->unfinished.insert(range);
    }
    op->listed = true;
    op->first_windows = op->unfinished.size();
    return;
  }
  for (const plan::Span& window : listed.windows) {
    if (!cold.open_cold(window)) continue;  // folded here from its first event on
    // What the watermark has closed is only final in the epoch that closed it: a job over less would leave it filling for ever.
    const bool closed = op->state->metric().closes(window) <= fold_->clock().watermark();
    // An event behind the list may have changed sessions of a window that only the list knows.
    cold.dirty(window, closed || op->state->metric().sessions ? now : listed.up_to);
    if (!closed) cold.await_close(window);
    (op->restates ? op->restated : op->unfinished).insert(window);
  }
  op->listed = true;
  op->first_windows = std::max<uint64_t>(op->first_windows, op->unfinished.size());
  op->restates = false;
}

void Processor::finish_first(const JobEntry& job) {
  Fold::Operator* op = fold_->operator_of(job.metric, job.version);
  if (op == nullptr) return;
  for (const plan::Span& window : job.windows) {
    op->unfinished.erase(window);
    op->restated.erase(window);
  }
}

void Processor::give_back(const JobEntry& job) {
  if (Fold::Operator* op = fold_->operator_of(job.metric, job.version)) op->state->cold().not_done(job.windows, job.up_to);
}

bool Processor::stopped(const Fold::Operator& op) const {
  return stopped_.contains({op.state->metric().name, op.state->metric().version});
}

Status Processor::job_ended(JobReport report) {
  const os::MonotonicTime started = job_started_;
  if (report.task.adopt) {
    adopt_read_ = std::move(report);
    return ok();
  }
  if (report.task.list) {
    listing_ = false;
    const JobEntry& asked = report.task.entry;
    if (!report.stopped.empty()) {
      stopped_[{asked.metric, asked.version}] = report.stopped;
      return ok();
    }
    const ListedEntry listed{asked.metric, asked.version, asked.up_to, std::move(report.listed)};
    SLUICE_CHECK(journal_->append(listed));
    apply_listing(listed);
    return ok();
  }
  SLUICE_ASSERT(running_ && running_->job == report.task.entry.job, "one job at a time");
  SLUICE_CHECK(journal_->append(JobDoneEntry{running_->job, !report.stopped.empty()}));
  if (report.stopped.empty()) {
    finish_first(*running_);
  } else {
    stopped_[{running_->metric, running_->version}] = report.stopped;
    give_back(*running_);
  }
  const bool was_first = running_->first;
  running_.reset();
  running_sent_ = false;
  ++status_.jobs_done;
  // Live inserts must not starve: a job rests twice as long as it ran. First computations are waited for, so they do not; nor does a
  // job after a store that was away for hours.
  const bool rests = !was_first && !report.waited;
  next_job_at_ = rests ? last_step_ + setup_.options.job_rest * (last_step_ - started) : last_step_;
  return ok();
}

Status Processor::schedule_job(os::MonotonicTime now) {
  last_step_ = now;
  if (listing_ || adopt_asked_ || committed_.value == 0 || draining_) return ok();
  if (running_) {
    if (running_sent_ || committed_ < running_->up_to) return ok();
    if (const Fold::Operator* op = fold_->operator_of(running_->metric, running_->version)) {
      JobTask task = task_of(*op);
      task.entry = *running_;
      job_started_ = now;
      running_sent_ = !setup_.tasks.try_push(std::move(task), 1).has_value();
      return ok();
    }
    SLUICE_CHECK(journal_->append(JobDoneEntry{running_->job, false}));  // its definition is gone, so nobody reads its windows
    running_.reset();
    return ok();
  }
  std::vector<Fold::Operator>& operators = fold_->operators();
  for (const Fold::Operator& op : operators) {
    if (op.listed || stopped(op)) continue;
    if (committed_ < Epoch(op.folded_from.value - 1)) return ok();  // the events before it are not all there yet
    JobTask task = task_of(op);
    task.list = true;
    task.entry.metric = op.state->metric().name;
    task.entry.version = op.state->metric().version;
    task.entry.up_to = committed_;
    task.entry.restates = op.restates;
    listing_ = !setup_.tasks.try_push(std::move(task), 1).has_value();
    return ok();
  }
  if (now < next_job_at_) return ok();
  for (Fold::Operator& op : operators) {
    if (!op.adopting || !op.complete() || !op.restated.empty() || stopped(op) || committed_ < Epoch(op.folded_from.value - 1))
      continue;
    job_started_ = now;
    ask_to_adopt(op, {op.state->metric().name, op.state->metric().version, op.adopted_since, op.adopted_to, Epoch(0), {}});
    return ok();
  }
  for (size_t k = 0; k < operators.size(); ++k) {
    const size_t i = (last_job_operator_ + 1 + k) % operators.size();
    if (stopped(operators[i]) || operators[i].state->cold().due(committed_, 1).empty()) continue;
    const Epoch up_to = due_up_to(operators[i]);
    if (operators[i].state->cold().due(up_to, 1).empty()) continue;
    last_job_operator_ = i;
    return start_job(operators[i], up_to, now);
  }
  return ok();
}

// What was dirtied up to that epoch is due: all, but of a metric with latency batch only every hour what is dirty then.
Epoch Processor::due_up_to(Fold::Operator& op) {
  if (!op.batch() || !op.complete()) return committed_;
  const TimeMs now = fold_->clock().now();
  if (now >= op.next_batch) {
    op.next_batch = now + setup_.options.batch_every;
    op.batch_up_to = committed_;
  }
  return op.batch_up_to;
}

Status Processor::start_job(Fold::Operator& op, Epoch dirtied_up_to, os::MonotonicTime now) {
  JobEntry entry;
  entry.job = next_job_;
  entry.metric = op.state->metric().name;
  entry.version = op.state->metric().version;
  entry.windows = op.state->cold().due(dirtied_up_to, setup_.options.job_windows_max);
  entry.up_to = committed_;
  entry.watermark = committed_watermark_;
  entry.clock = fold_->clock().now();
  entry.first =
      std::any_of(entry.windows.begin(), entry.windows.end(), [&](const plan::Span& w) { return op.unfinished.contains(w); });
  // One job has one cause.
  entry.restates = !entry.first && !entry.windows.empty() && op.restated.contains(entry.windows.front());
  std::erase_if(entry.windows, [&](const plan::Span& w) { return !entry.first && op.restated.contains(w) != entry.restates; });
  SLUICE_CHECK(journal_->append(entry));
  next_job_ = next_job_.next();
  op.state->cold().started(entry.windows, entry.up_to);
  running_ = std::move(entry);
  return schedule_job(now);
}

bool Processor::ask_to_adopt(Fold::Operator& op, const AdoptedEntry& part) {
  JobTask task = task_of(op);
  task.folded_from = op.folded_from;
  task.adopt = part;
  adopt_asked_ = !setup_.tasks.try_push(std::move(task), 1).has_value();
  return adopt_asked_;
}

// What reads and folds them keeps live events waiting, as a job does.
Status Processor::take_adopted() {
  const JobReport read = *std::exchange(adopt_read_, std::nullopt);
  adopt_asked_ = false;
  AdoptedEntry part = *read.task.adopt;
  if (!read.stopped.empty()) part.end = AdoptedEntry::End::given_up;
  SLUICE_CHECK(journal_->append(part));
  SLUICE_CHECK(fold_->adopt(part, read.stored, folded_));
  status_.adopted += part.end == AdoptedEntry::End::takes_over ? 1 : 0;
  next_job_at_ = read.waited ? last_step_ : last_step_ + setup_.options.job_rest * (last_step_ - job_started_);
  return ok();
}

Result<bool> Processor::replay_adopted(const AdoptedEntry& entry) {
  Fold::Operator* op = fold_->operator_of(entry.metric, entry.version);
  const bool asks = op != nullptr && op->adopting && entry.end != AdoptedEntry::End::given_up;
  if (asks && !adopt_read_) {
    if (!adopt_asked_ && committed_ >= entry.up_to) ask_to_adopt(*op, entry);
    return false;
  }
  std::string stored;
  if (asks) {
    const JobReport read = *std::exchange(adopt_read_, std::nullopt);
    adopt_asked_ = false;
    if (!read.stopped.empty())
      return fail(Code::unavailable, "stored events that a definition adopted cannot be read again: " + read.stopped);
    stored = read.stored;
  }
  SLUICE_CHECK(fold_->adopt(entry, stored, folded_));
  return true;
}

}  // namespace sluice::process
