// example_event.h - one event that a metric of the project counts: for the command that the page shows before the first event.
//
// Promise The event is made from a metric's `where` and then judged by it, sent by the first source (the one whose key people have):
//         what is returned passes. Properties that the metric's dimensions and measures read are in it.
// Bounds  kExampleMetricsMax metrics are tried: it is asked on a net thread. kExamplePathsMax properties, nested at most
//         kExampleDepthMax deep; more are left out before the event is judged.
// Errors  None: a `where` that this cannot meet (like, arithmetic, times, the ids that arrival gives) leaves its metric out.
#pragma once

#include <optional>
#include <string>

#include "plan/plan.h"

namespace sluice::serve {

inline constexpr size_t kExampleMetricsMax = 20;
inline constexpr size_t kExamplePathsMax = 64;
inline constexpr size_t kExampleDepthMax = 16;

// JSON in the native dialect, for the first metric that has one: in the order in which dashboards show them, then by name.
std::optional<std::string> example_event(const plan::Plan& plan);

}  // namespace sluice::serve
