// like.h - SQL's LIKE as all engines agree on it: % any run, _ one code point, \% \_ \\ themselves; the whole text, bytewise.
//
// Promise `pattern` holds a backslash only before %, _ or \ (the compiler refused others). O(text x pattern) at worst, no memory.
#pragma once

#include <string_view>

namespace sluice::plan {

bool like(std::string_view text, std::string_view pattern);

}  // namespace sluice::plan
