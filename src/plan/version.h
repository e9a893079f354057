// version.h - what a definition means as bytes, so that equal meanings have equal versions.
//
// Promise The bytes name everything by name, never by index, and leave out labels, questions, titles and places in files. They are
//         hashed and stored (tables, journal), so their form never changes within kCanonicalForm.
#pragma once

#include <string>

#include "plan/plan.h"

namespace sluice::plan {

inline constexpr int kCanonicalForm = 1;

// Dimensions and measures of `metric` are sorted already.
std::string metric_version(const Metric& metric, const Plan& plan);
// With the content of dimensions, which no metric's version has.
std::string plan_hash(const Plan& plan);

}  // namespace sluice::plan
