#include "process/job_stage.h"

namespace sluice::process {
namespace {

// not_found: the sink has not created the metric's table yet.
bool passes_by_itself(Code code) { return code == Code::unavailable || code == Code::unknown || code == Code::not_found; }

}  // namespace

Result<JobStage::Step> JobStage::step(std::optional<JobTask> next, std::optional<JobReport>& report) {
  if (!current_) {
    if (!next) return Step::idle;
    current_ = std::move(next);
    waited_ = false;
  } else {
    SLUICE_ASSERT(!next, "one job at a time");
  }
  JobReport done;
  std::optional<Error> error;
  if (current_->adopt) {
    Result<std::string> stored = runner_.stored(*current_->plan, current_->definition(), current_->folded_from, *current_->adopt);
    if (stored) {
      done.stored = std::move(stored).value();
    } else {
      error = stored.error();
    }
  } else if (current_->list) {
    Result<std::vector<plan::Span>> listed = runner_.list(*current_->plan, current_->definition(),
                                                          current_->entry.restates ? current_->table : "", current_->entry.up_to);
    if (listed) {
      done.listed = std::move(listed).value();
    } else {
      error = listed.error();
    }
  } else {
    Result<JobResult> result = runner_.run(*current_->plan, current_->definition(), current_->table, current_->entry);
    if (result) {
      changed_(*current_, std::move(result).value());
    } else {
      error = result.error();
    }
  }
  if (error && passes_by_itself(error->code)) {
    waiting_for_ = error->message;
    waited_ = true;
    return Step::waiting;
  }
  // Too many groups, or a query that the engine refuses: this metric stops, the others go on.
  if (error) done.stopped = error->message;
  waiting_for_.clear();
  done.waited = waited_;
  done.task = std::move(*current_);
  current_.reset();
  report = std::move(done);
  return Step::worked;
}

}  // namespace sluice::process
