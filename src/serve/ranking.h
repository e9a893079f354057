// ranking.h - which value is larger, for "the top twelve": of values as text, exact for decimals.
//
// rank_of gives a decimal's value times 10^9, cut off at 10^24 so that a sum of 10^5 of them fits; 10^9 (one) for what is no number,
// so that such series rank by their number of points; 0 for NULL.
#pragma once

#include <optional>
#include <string>

#include "base/decimal.h"

namespace sluice::serve {

int128 rank_of(const std::optional<std::string>& value);
// Larger first, NULL last, what is no number by text. A strict order of values.
bool ranks_before(const std::optional<std::string>& a, const std::optional<std::string>& b);

}  // namespace sluice::serve
