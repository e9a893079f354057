// rfc3339.h - instants as text.
//
// parse_rfc3339 takes `2026-03-28T14:22:01Z`, `...T14:22:01.123456+02:00`, a space or lower-case `t`/`z` (RFC 3339 5.6), a leap
// second (:60, read as the next second), and the same without a zone (has_zone = false, read as UTC). Digits finer than a
// millisecond are cut toward minus infinity (semantics R2). nullopt: not such a text, or no such day. Years 0000 to 9999.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"

namespace sluice {

struct ParsedTime {
  TimeMs time;
  bool has_zone = true;
};

std::optional<ParsedTime> parse_rfc3339(std::string_view text);
std::string format_rfc3339(TimeMs time);      // 2026-03-28T14:22:01.000Z
std::string format_clickhouse(TimeMs time);   // 2026-03-28 14:22:01.000, as DateTime64(3,'UTC') reads it
std::string format_date(TimeMs time);         // 2026-03-28

}  // namespace sluice
