// reads.h - what of an event a definition reads: for who must bring stored events back, and for who says what they cost.
#pragma once

#include <vector>

#include "plan/plan.h"

namespace sluice::plan {

// Every expression over an event that a definition has, empty ones left out; derived measures read no event.
std::vector<const Expression*> event_expressions(const Metric& metric);

struct Reads {
  std::vector<Name> names;  // ascending, without event_time and received_at, which every row has
  std::vector<uint32_t> paths;  // indexes into Plan::paths, ascending
};
// Keys of what it joins included.
Reads reads_of(const Plan& plan, const Metric& metric);

}  // namespace sluice::plan
