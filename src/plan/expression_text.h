// expression_text.h - a typed expression in the language of definitions again, for people: parentheses only where they are needed.
//
// Promise What is printed compiles to the same expression where a condition or a text is asked for. A path that is a number outside
//         arithmetic is written number(p), one that is compared with another path text(p).
#pragma once

#include <string>

#include "plan/plan.h"

namespace sluice::plan {

// `metric` names the measures of a derived one.
std::string expression_text(const Expression& expression, const Plan& plan, const Metric& metric);
// `event = 'a'` -> as in YAML: count(), sum(properties.lines), percentile(properties.ms, 0.99), a / b.
std::string measure_text(const Measure& measure, const Plan& plan, const Metric& metric);

}  // namespace sluice::plan
