// decimal.h - Decimal(38,9): the one number type of definitions and rows (semantics R8).
//
// Shape   value = raw / 10^9, |raw| < 10^38.
// Promise Exact. Every rounding to 9 digits is half up, away from zero (R0).
// Bounds  from_json keeps |x| < 10^18, so that a sum of fewer than 10^11 such values cannot leave the type.
// Errors  std::nullopt is NULL: not a number, out of bounds, division by zero.
// Source  semantics R0 (arithmetic), R8 (edge typing, derived measures); facts/engines.md R1 to R4.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

struct Decimal {
  static constexpr int kScale = 9;
  static constexpr int64_t kOne = 1'000'000'000;
  int128 raw = 0;

  constexpr auto operator<=>(const Decimal&) const = default;
  static constexpr Decimal whole(int64_t n) { return Decimal{static_cast<int128>(n) * kOne}; }

  // The exact decimal of a JSON number's text (sign, digits, fraction, exponent), rounded to 9 digits; nullopt when the
  // text is no JSON number or its rounded absolute value reaches 10^18. O(length), any exponent, no allocation.
  static std::optional<Decimal> from_json(std::string_view text);
  // Plain text: no exponent, no trailing zeros, "0" for zero: "-12.5", "1000".
  std::string to_text() const;
  void append_text(std::string& out) const;
};

// Row expressions (R0): + and - are exact; * and / take operands below 10^9 in absolute value, else NULL.
std::optional<Decimal> row_add(Decimal a, Decimal b);
std::optional<Decimal> row_subtract(Decimal a, Decimal b);
std::optional<Decimal> row_multiply(Decimal a, Decimal b);
std::optional<Decimal> row_divide(Decimal a, Decimal b);

// Derived measures (R8): 256-bit intermediates, each * and / rounded, NULL on division by zero or from 10^29 on.
std::optional<Decimal> derived_add(Decimal a, Decimal b);
std::optional<Decimal> derived_subtract(Decimal a, Decimal b);
std::optional<Decimal> derived_multiply(Decimal a, Decimal b);
std::optional<Decimal> derived_divide(Decimal a, Decimal b);

// sum / count, rounded (R8 avg). count > 0.
Decimal average(Decimal sum, uint64_t count);

}  // namespace sluice
