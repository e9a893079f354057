#include "process/batch_windows.h"

namespace sluice::process {

void BatchWindows::add(const plan::Row& row, bool future, TimeMs watermark, event::Epoch epoch, plan::Evaluator& evaluator) {
  if (!evaluator.passes(metric_->where, row)) return;
  see(row, future);
  spans_.clear();
  plan::windows_of(metric_->window, row.event_time, spans_);
  for (const plan::Span& window : spans_) {
    cold_.dirty(window, epoch);
    if (watermark < metric_->closes(window)) cold_.await_close(window);
  }
}

void BatchWindows::emit(TimeMs watermark, event::Epoch epoch, bool, std::vector<plan::MetricRow>&) {
  cold_.close(watermark, metric_->due_after + metric_->allowed_lateness, epoch);
}

}  // namespace sluice::process
