// batch_windows.h - the operator of a metric with `latency: batch`: it keeps no state of groups, jobs compute all of its windows.
//
// Promise Every window with events is cold: an event makes it dirty, and so does its closing. When jobs run is decided by
//         process/schedule.cc (kBatchEvery). Rows are those of the same metric on the stream, later.
// Cost    Per event: `where` and the window's place among the dirty ones.
// The rest metric_operator.h.
#pragma once

#include <vector>

#include "process/metric_operator.h"

namespace sluice::process {

class BatchWindows final : public MetricOperator {
 public:
  using MetricOperator::MetricOperator;

  void add(const plan::Row& row, bool future, TimeMs watermark, event::Epoch epoch, plan::Evaluator& evaluator) override;
  void emit(TimeMs watermark, event::Epoch epoch, bool touched_too, std::vector<plan::MetricRow>& into) override;
  bool has_touched() const override { return false; }
  std::optional<TimeMs> next_close() const override { return closes_next(std::nullopt); }
  size_t groups() const override { return 0; }
  size_t items() const override { return 0; }
  size_t state_bytes() const override { return 0; }
  void save(ByteWriter& to) const override { cold_.save(to); }
  void load(ByteReader& from) override { cold_.load(from); }

 private:
  std::vector<plan::Span> spans_;  // scratch of add()
};

}  // namespace sluice::process
