// explain.h - a definition as a person reads it: what it counts, from what, when its rows are final, what it keeps in memory.
//
// Promise Everything comes from the typed plan and from the operators' own constants, nothing from the text in the file. The sizes are
//         those that the memory budget counts with.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "plan/plan.h"

namespace sluice::app {

std::string explain_text(const plan::Plan& plan, const plan::Metric& metric);
// SQL that computes the definition from all stored events when it is run, states as of the watermark then. `engine`: clickhouse.
Result<std::string> explain_sql(const plan::Plan& plan, const plan::Metric& metric, std::string_view engine);
// Code::not_found names what there is.
Result<const plan::Metric*> find_definition(const plan::Plan& plan, std::string_view name);

}  // namespace sluice::app
