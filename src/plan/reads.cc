#include "plan/reads.h"

#include <set>

namespace sluice::plan {

std::vector<const Expression*> event_expressions(const Metric& metric) {
  if (metric.sessions) {  // all others read its sessions
    std::vector<const Expression*> of_sessions{&metric.sessions->by};
    if (!metric.sessions->where.empty()) of_sessions.push_back(&metric.sessions->where);
    return of_sessions;
  }
  std::vector<const Expression*> all{&metric.where};
  for (const Dimension& dimension : metric.dimensions) all.push_back(&dimension.value);
  for (const Measure& measure : metric.measures) {
    if (measure.kind != MeasureKind::derived) all.push_back(&measure.argument);
    all.push_back(&measure.where);
  }
  if (metric.funnel) {
    all.push_back(&metric.funnel->by);
    for (const FunnelStep& step : metric.funnel->steps) all.push_back(&step.where);
  }
  if (metric.cohorts) all.insert(all.end(), {&metric.cohorts->by, &metric.cohorts->start, &metric.cohorts->back});
  std::erase_if(all, [](const Expression* expression) { return expression->empty(); });
  return all;
}

Reads reads_of(const Plan& plan, const Metric& metric) {
  std::set<Name> names;
  std::set<uint32_t> paths;
  std::vector<const Expression*> all = event_expressions(metric);
  for (const NamedJoin& named : metric.joins) all.push_back(&plan.joins[named.join].on);
  for (const Expression* expression : all) {
    for (const Node& node : expression->nodes) {
      if (node.op == Op::name) names.insert(static_cast<Name>(node.index));
      if (node.op == Op::path_text || node.op == Op::path_number) paths.insert(node.index);
    }
  }
  names.erase(Name::event_time);
  names.erase(Name::received_at);
  return {{names.begin(), names.end()}, {paths.begin(), paths.end()}};
}

}  // namespace sluice::plan
