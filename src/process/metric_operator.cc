#include "process/metric_operator.h"

#include "process/batch_windows.h"
#include "process/cohort_returns.h"
#include "process/funnel_levels.h"
#include "process/session_rows.h"
#include "process/session_windows.h"
#include "process/window_aggregate.h"

namespace sluice::process {

std::unique_ptr<MetricOperator> make_operator(const plan::Metric& metric, OperatorBounds bounds, TimeMs born_after) {
  if (metric.kind == plan::Metric::Kind::retention) return std::make_unique<CohortReturns>(metric, bounds, born_after);
  if (metric.kind == plan::Metric::Kind::funnel) return std::make_unique<FunnelLevels>(metric, bounds, born_after);
  if (metric.kind == plan::Metric::Kind::sessions) return std::make_unique<SessionRows>(metric, bounds, born_after);
  if (metric.sessions) return std::make_unique<SessionWindows>(metric, bounds, born_after);
  if (metric.latency == plan::Metric::Latency::batch) return std::make_unique<BatchWindows>(metric, bounds, born_after);
  return std::make_unique<WindowAggregate>(metric, bounds, born_after);
}

}  // namespace sluice::process
