#include "serve/ranking.h"

#include <string_view>

namespace sluice::serve {
namespace {

constexpr int kWholeDigitsMax = 24;

}  // namespace

int128 rank_of(const std::optional<std::string>& value) {
  if (!value) return 0;
  std::string_view text = *value;
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  const std::string_view fraction = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
  if (whole.empty() || whole.find_first_not_of("0123456789") != std::string_view::npos ||
      fraction.find_first_not_of("0123456789") != std::string_view::npos) {
    return Decimal::kOne;  // no number: such series are ranked by their number of points
  }
  int128 raw = 0;
  if (whole.size() > kWholeDigitsMax) {
    raw = 1;
    for (int i = 0; i < kWholeDigitsMax; ++i) raw *= 10;
  } else {
    for (const char c : whole) raw = raw * 10 + (c - '0');
  }
  for (size_t i = 0; i < Decimal::kScale; ++i) raw = raw * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  return negative ? -raw : raw;
}

bool ranks_before(const std::optional<std::string>& a, const std::optional<std::string>& b) {
  if (!a || !b) return a.has_value() && !b.has_value();
  const int128 x = rank_of(a);
  const int128 y = rank_of(b);
  return x != y ? x > y : *a > *b;
}

}  // namespace sluice::serve
