#include "process/processor.h"

#include <fmt/format.h>

#include "base/rfc3339.h"

namespace sluice::process {
Result<Processor::Step> Processor::step(os::MonotonicTime now) {
  if (checkpointing_since_) last_checkpoint_took_ += now - *std::exchange(checkpointing_since_, std::nullopt);
  SLUICE_CHECK(take_reports());
  SLUICE_CHECK(publish_checkpoint(now));
  if (!flush_outbox()) return Step::waiting;
  if (status_.replaying) return replay(now);
  SLUICE_CHECK(use_wanted_plan());
  if (!gathering_since_ && adopt_read_) SLUICE_CHECK(take_adopted());
  if (!gathering_since_ && fold_->may_swap()) SLUICE_CHECK(swap());
  drop_tables();
  forget_plans();
  SLUICE_CHECK(schedule_job(now));
  const Step step = SLUICE_TRY(gather(now));
  note_status();
  return step;
}

bool Processor::settled() const {
  return !status_.replaying && outbox_.empty() && uncommitted_.empty() && rows_.records == 0 && !held_ && !pending_checkpoint_ &&
         checkpointed_ == folded_;
}

bool Processor::over_bounds() const {
  return uncommitted_.size() >= setup_.options.uncommitted_epochs_max ||
         uncommitted_bytes_ >= setup_.options.uncommitted_bytes_max;
}

bool Processor::flush_outbox() {
  while (!outbox_.empty()) {
    const size_t bytes = outbox_.front().bytes();
    std::optional<Delivery> back = setup_.deliveries.try_push(std::move(outbox_.front()), bytes);
    if (back) {
      outbox_.front() = std::move(*back);
      return false;
    }
    outbox_.pop_front();
  }
  return true;
}

Status Processor::take_reports() {
  while (std::optional<Report> report = setup_.reports.try_pop()) {
    if (const auto* done = std::get_if<CommittedReport>(&*report)) {
      committed(done->epoch);
    } else {
      SLUICE_CHECK(job_ended(std::get<JobReport>(std::move(*report))));
    }
  }
  return ok();
}

void Processor::committed(Epoch epoch) {
  SLUICE_ASSERT(!uncommitted_.empty() && uncommitted_.front().epoch == epoch, "the sink commits in order");
  const Uncommitted& done = uncommitted_.front();
  committed_ = epoch;
  committed_watermark_ = done.watermark;
  status_.committed_to = done.to;
  uncommitted_bytes_ -= done.bytes;
  uncommitted_.pop_front();
}

void Processor::deliver(EpochRows rows, bool again) {
  rows.to = next_;
  const size_t bytes = rows.bytes();
  uncommitted_.push_back({rows.epoch, next_, rows.watermark, bytes});
  uncommitted_bytes_ += bytes;
  status_.records += rows.records;
  Delivery delivery;
  delivery.rows = std::move(rows);
  delivery.again = again;
  outbox_.push_back(std::move(delivery));
  flush_outbox();
}

// Folds frames as they come; the epoch's end is decided here and journaled before anything of it leaves.
Result<Processor::Step> Processor::gather(os::MonotonicTime now) {
  if (over_bounds()) return Step::waiting;
  bool worked = false;
  while (!cut_is_due(now, true)) {
    if (!held_) {
      if (draining_) break;
      held_ = SLUICE_TRY(setup_.log.next(next_));
      if (!held_) break;
    }
    const std::string date = format_date(held_->received_at);
    if (gathering_since_ && date != gathered_date_) {  // an epoch never spans two arrival dates
      SLUICE_CHECK(cut(now));
      return Step::worked;
    }
    if (!gathering_since_) {
      gathering_since_ = now;
      gathered_date_ = date;
      rows_ = EpochRows{};
      rows_.epoch = folded_.next();
    }
    SLUICE_CHECK(fold_->fold(*held_, rows_));
    next_ = held_->end();
    gathered_bytes_ += held_->payload.size();
    held_.reset();
    worked = true;
  }
  if (gathering_since_ && (cut_is_due(now, held_.has_value()) || draining_)) {
    SLUICE_CHECK(cut(now));
    return Step::worked;
  }
  if (!gathering_since_ && !draining_ && now - last_idle_cut_ >= setup_.options.idle_cut_interval) {
    const std::optional<ClockReading> reading = setup_.log.clock_reading();
    if (reading && reading->end == next_ && fold_->due_at(reading->clock)) {
      last_idle_cut_ = now;
      rows_ = EpochRows{};
      rows_.epoch = folded_.next();
      SLUICE_CHECK(cut(now));
      return Step::worked;
    }
  }
  SLUICE_CHECK(checkpoint(now));
  return worked ? Step::worked : Step::idle;
}

bool Processor::cut_is_due(os::MonotonicTime now, bool more) const {
  if (!gathering_since_) return false;
  const ProcessorOptions& o = setup_.options;
  if (more && (rows_.records >= o.cut_records_max || gathered_bytes_ >= o.cut_bytes_max)) return true;
  const bool busy = uncommitted_.size() >= 2;
  return now - *gathering_since_ >= (busy ? o.cut_interval_busy : o.cut_interval);
}

Status Processor::cut(os::MonotonicTime now) {
  CutEntry entry;
  entry.epoch = rows_.epoch;
  entry.from[event::kEmbeddedPartition] = from_;
  entry.to[event::kEmbeddedPartition] = next_;
  entry.plan = plan_hash_;
  // *now* may step to the clock only where no frame with a smaller arrival clock can still come.
  if (!held_) {
    const std::optional<ClockReading> reading = setup_.log.clock_reading();
    if (reading && reading->end == next_) entry.clock = reading->clock;
  }
  SLUICE_CHECK(journal_->append(entry));
  fold_->finish(entry.clock, rows_);
  folded_ = entry.epoch;
  from_ = next_;
  gathering_since_.reset();
  gathered_bytes_ = 0;
  records_since_checkpoint_ += rows_.records;
  EpochRows done = std::move(rows_);
  rows_ = EpochRows{};
  deliver(std::move(done), false);
  return checkpoint(now);
}

// State after the newest folded epoch; it is published when the commit marks have caught up.
Status Processor::checkpoint(os::MonotonicTime now) {
  const ProcessorOptions& o = setup_.options;
  if (pending_checkpoint_ || folded_ == checkpointed_ || gathering_since_ || folded_.value == 0) return ok();
  const auto since = now - last_checkpoint_;
  const bool due = since >= o.checkpoint_interval || records_since_checkpoint_ >= o.checkpoint_records;
  if (!draining_ && (!due || since < last_checkpoint_took_ * o.checkpoint_rest)) return ok();
  Checkpoint next;
  next.epoch = folded_;
  next.position[event::kEmbeddedPartition] = next_;
  next.plan = plan_hash_;
  next.next_job = next_job_;
  next.running = running_;
  next.snapshot = SLUICE_TRY(fold_->snapshot());
  pending_checkpoint_ = std::move(next);
  last_checkpoint_ = now;
  last_checkpoint_took_ = {};
  checkpointing_since_ = now;
  records_since_checkpoint_ = 0;
  return ok();
}

Status Processor::publish_checkpoint(os::MonotonicTime now) {
  if (!pending_checkpoint_ || committed_ < pending_checkpoint_->epoch) return ok();
  checkpointing_since_ = now;
  SLUICE_CHECK(checkpoints_.publish(*pending_checkpoint_));
  checkpointed_ = pending_checkpoint_->epoch;
  keep(*pending_checkpoint_);
  pending_checkpoint_.reset();
  status_.oldest_checkpoint = kept_.front().begins;
  SLUICE_CHECK(journal_->forget(kept_.front().epoch, setup_.log.begin()));
  status_.journal_begins = journal_->first_epoch();
  std::vector<std::string> files;
  for (const KeptCheckpoint& kept : kept_) files.push_back(kept.files);
  return fold_->release(files);
}

void Processor::keep(const Checkpoint& checkpoint) {
  kept_.push_back({checkpoint.epoch, event::embedded_offset(checkpoint.position), Fold::files_of(checkpoint.snapshot)});
  if (kept_.size() > Checkpoints::kKept) kept_.pop_front();
}

void Processor::note_status() {
  status_.folded = folded_;
  status_.committed = committed_;
  status_.folded_to = next_;
  if (uncommitted_.empty() && rows_.records == 0) status_.committed_to = from_;
  status_.now = fold_->clock().now();
  status_.watermark = fold_->clock().watermark();
  status_.uncommitted_epochs = uncommitted_.size();
  status_.state_bytes = fold_->memory_bytes();
  status_.totals = fold_->totals();
  status_.dirty_windows = status_.resting_windows = status_.evictions = status_.adopting = 0;
  status_.shown = fold_->shown().hash;
  status_.progress.clear();
  status_.definitions.clear();
  for (const Fold::Operator& op : fold_->operators()) {
    const MetricOperator& state = *op.state;
    status_.definitions.push_back({state.metric().name, state.metric().version, state.keys(), state.items(), state.state_bytes(),
                                   state.cold().dirty_count(), state.evictions()});
    const bool rests =
        op.batch() && op.complete() && op.state->cold().due(op.batch_up_to, 1).empty() && status_.now < op.next_batch;
    (rests ? status_.resting_windows : status_.dirty_windows) += op.state->cold().dirty_count();
    status_.evictions += op.state->evictions();
    status_.adopting += op.adopting && !stopped(op) ? 1 : 0;
    if (op.plan != &fold_->plan()) continue;  // about to be replaced: what replaces it has progress
    const plan::Metric& metric = op.state->metric();
    MetricProgress progress{metric.name, fold_->shown_index(metric.name), op.first_windows - op.unfinished.size(),
                            op.first_windows, ""};
    if (const auto why = stopped_.find({metric.name, metric.version}); why != stopped_.end()) progress.stopped = why->second;
    status_.progress.push_back(std::move(progress));
  }
}

}  // namespace sluice::process
