// scalars.h - what single texts of YAML mean: names, durations, sizes, addresses.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"

namespace sluice::plan {

bool is_name(std::string_view text);                                // [a-z][a-z0-9_]{0,62}
std::optional<DurationMs> parse_duration(std::string_view text);    // 250ms 10s 15m 24h 7d; whole, below 1,000,000 days
std::optional<uint64_t> parse_size(std::string_view text);          // 512MiB 20GiB; units B KiB MiB GiB TiB
bool is_address(std::string_view text);                             // HOST:PORT, [::1]:8080; port 0 to 65535
std::string duration_text(DurationMs duration);                     // the largest unit that divides it: 7d, 90s

}  // namespace sluice::plan
