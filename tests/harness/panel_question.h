// panel_question.h - what a panel asks of a definition, as a question of a text test: SQL that no view gives.
//
// Format  over METRIC FROM TO [by DIMENSION,...] [where DIMENSION=VALUE]... · series METRIC FROM TO [by ...] [where ...]
//         dropped FUNNEL FROM TO STEP [by DIMENSION=VALUE] [where DIMENSION=VALUE]...   FROM and TO in RFC 3339; VALUE \N is NULL
// Errors  Code::invalid: another form, no such definition or dimension.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "plan/plan.h"

namespace sluice::harness {

Result<std::string> panel_sql(const plan::Plan& plan, std::string_view word, std::string_view rest);

}  // namespace sluice::harness
