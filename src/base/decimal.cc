#include "base/decimal.h"

#include <array>

namespace sluice {
namespace {

constexpr int128 pow10(int n) {
  int128 p = 1;
  for (int i = 0; i < n; ++i) p *= 10;
  return p;
}
constexpr int128 kEdgeLimit = pow10(18 + Decimal::kScale);     // R8: |x| < 10^18
constexpr int128 kFactorLimit = pow10(9 + Decimal::kScale);    // R0: operands of * and / below 10^9
constexpr int128 kDerivedLimit = pow10(29 + Decimal::kScale);  // R8: NULL from 10^29 on

uint128 magnitude(int128 v) { return v < 0 ? -static_cast<uint128>(v) : static_cast<uint128>(v); }
int128 with_sign(uint128 m, bool negative) { return negative ? -static_cast<int128>(m) : static_cast<int128>(m); }

std::optional<Decimal> bounded(int128 raw) {
  if (raw >= kDerivedLimit || raw <= -kDerivedLimit) return std::nullopt;
  return Decimal{raw};
}

// round(n / d), half away from zero; d > 0.
int128 divide_rounded(int128 n, int128 d) {
  const uint128 m = magnitude(n), den = static_cast<uint128>(d);
  uint128 q = m / den;
  const uint128 r = m % den;
  if (r >= den - r) ++q;
  return with_sign(q, n < 0);
}

// 256-bit unsigned, four 64-bit limbs, least significant first. Only what derived measures need.
struct Wide {
  std::array<uint64_t, 4> limb{};
};

Wide multiply(uint128 a, uint128 b) {
  const std::array<uint64_t, 2> x{static_cast<uint64_t>(a), static_cast<uint64_t>(a >> 64)};
  const std::array<uint64_t, 2> y{static_cast<uint64_t>(b), static_cast<uint64_t>(b >> 64)};
  Wide w;
  for (size_t i = 0; i < 2; ++i) {
    uint128 carry = 0;
    for (size_t j = 0; j < 2; ++j) {
      const uint128 t = static_cast<uint128>(x[i]) * y[j] + w.limb[i + j] + carry;
      w.limb[i + j] = static_cast<uint64_t>(t);
      carry = t >> 64;
    }
    w.limb[i + 2] = static_cast<uint64_t>(carry);
  }
  return w;
}

// round(w / d), half up; nullopt when the quotient reaches 2^127. Shift and subtract: derived measures are read rarely.
std::optional<uint128> divide_rounded(const Wide& w, uint128 d) {
  uint128 q = 0, r = 0;
  for (int bit = 255; bit >= 0; --bit) {
    const bool top = (r >> 127) != 0;
    r = (r << 1) | ((w.limb[static_cast<size_t>(bit) / 64] >> (bit % 64)) & 1U);
    if (q >> 126) return std::nullopt;
    q <<= 1;
    if (top || r >= d) {
      r -= d;
      q |= 1;
    }
  }
  if (r >= d - r) ++q;
  return q;
}

bool digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<Decimal> Decimal::from_json(std::string_view text) {
  size_t i = 0;
  const bool negative = i < text.size() && text[i] == '-';
  if (negative) ++i;
  const size_t int_begin = i;
  while (i < text.size() && digit(text[i])) ++i;
  const std::string_view integer = text.substr(int_begin, i - int_begin);
  if (integer.empty() || (integer.size() > 1 && integer[0] == '0')) return std::nullopt;
  std::string_view fraction;
  if (i < text.size() && text[i] == '.') {
    const size_t begin = ++i;
    while (i < text.size() && digit(text[i])) ++i;
    fraction = text.substr(begin, i - begin);
    if (fraction.empty()) return std::nullopt;
  }
  int64_t exponent = 0;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    bool exponent_negative = false;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) exponent_negative = text[i++] == '-';
    if (i == text.size() || !digit(text[i])) return std::nullopt;
    for (; i < text.size() && digit(text[i]); ++i) {
      if (exponent < 1'000'000'000) exponent = exponent * 10 + (text[i] - '0');
    }
    if (exponent_negative) exponent = -exponent;
  }
  if (i != text.size()) return std::nullopt;

  // Digits d0 d1 ... stand for 0.d0d1... x 10^point. Keep those down to 10^-9, round by the next one.
  const auto at = [&](size_t k) { return k < integer.size() ? integer[k] : fraction[k - integer.size()]; };
  const size_t total = integer.size() + fraction.size();
  size_t first = 0;
  while (first < total && at(first) == '0') ++first;
  if (first == total) return Decimal{0};
  const int64_t point = static_cast<int64_t>(integer.size()) + exponent;     // power of ten just above digit 0
  const int64_t top = point - static_cast<int64_t>(first);                   // |x| < 10^top
  if (top > 18) return std::nullopt;
  if (top < -kScale) return Decimal{0};                                      // below half of 10^-9 whatever follows
  const int64_t keep = top + kScale;                                         // how many digits from `first` on are kept
  int128 raw = 0;
  for (int64_t k = 0; k < keep; ++k) {
    const size_t index = first + static_cast<size_t>(k);
    raw = raw * 10 + (index < total ? at(index) - '0' : 0);
  }
  const size_t next = first + static_cast<size_t>(keep);
  if (next < total && at(next) >= '5') ++raw;
  if (raw >= kEdgeLimit) return std::nullopt;
  return Decimal{negative ? -raw : raw};
}

void Decimal::append_text(std::string& out) const {
  uint128 m = magnitude(raw);
  if (m == 0) {
    out += '0';
    return;
  }
  std::array<char, 48> buffer;  // 39 digits, point, sign
  size_t end = buffer.size(), begin = end;
  auto fraction = static_cast<uint64_t>(m % static_cast<uint128>(Decimal::kOne));
  m /= static_cast<uint128>(kOne);
  if (fraction != 0) {
    int digits = kScale;
    while (fraction % 10 == 0) {
      fraction /= 10;
      --digits;
    }
    for (; digits > 0; --digits, fraction /= 10) buffer[--begin] = static_cast<char>('0' + fraction % 10);
    buffer[--begin] = '.';
  }
  do {
    buffer[--begin] = static_cast<char>('0' + static_cast<int>(m % 10));
    m /= 10;
  } while (m != 0);
  if (raw < 0) buffer[--begin] = '-';
  out.append(buffer.data() + begin, end - begin);
}

std::string Decimal::to_text() const {
  std::string out;
  append_text(out);
  return out;
}

std::optional<Decimal> row_add(Decimal a, Decimal b) { return derived_add(a, b); }
std::optional<Decimal> row_subtract(Decimal a, Decimal b) { return derived_subtract(a, b); }

std::optional<Decimal> row_multiply(Decimal a, Decimal b) {
  if (magnitude(a.raw) >= static_cast<uint128>(kFactorLimit) || magnitude(b.raw) >= static_cast<uint128>(kFactorLimit))
    return std::nullopt;
  return Decimal{divide_rounded(a.raw * b.raw, Decimal::kOne)};
}

std::optional<Decimal> row_divide(Decimal a, Decimal b) {
  if (magnitude(a.raw) >= static_cast<uint128>(kFactorLimit) || magnitude(b.raw) >= static_cast<uint128>(kFactorLimit) ||
      b.raw == 0) {
    return std::nullopt;
  }
  const int128 q = divide_rounded(a.raw * Decimal::kOne, b.raw < 0 ? -b.raw : b.raw);
  return Decimal{b.raw < 0 ? -q : q};
}

// 2 x 10^38 does not fit 127 bits: the overflow check is needed, not decoration.
std::optional<Decimal> derived_add(Decimal a, Decimal b) {
  int128 sum = 0;
  if (__builtin_add_overflow(a.raw, b.raw, &sum)) return std::nullopt;
  return bounded(sum);
}

std::optional<Decimal> derived_subtract(Decimal a, Decimal b) { return derived_add(a, Decimal{-b.raw}); }

std::optional<Decimal> derived_multiply(Decimal a, Decimal b) {
  const auto q = divide_rounded(multiply(magnitude(a.raw), magnitude(b.raw)), static_cast<uint128>(Decimal::kOne));
  if (!q) return std::nullopt;
  return bounded(with_sign(*q, (a.raw < 0) != (b.raw < 0)));
}

std::optional<Decimal> derived_divide(Decimal a, Decimal b) {
  if (b.raw == 0) return std::nullopt;
  const auto q = divide_rounded(multiply(magnitude(a.raw), static_cast<uint128>(Decimal::kOne)), magnitude(b.raw));
  if (!q) return std::nullopt;
  return bounded(with_sign(*q, (a.raw < 0) != (b.raw < 0)));
}

Decimal average(Decimal sum, uint64_t count) { return Decimal{divide_rounded(sum.raw, static_cast<int128>(count))}; }

}  // namespace sluice
