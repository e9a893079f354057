#include "plan/scalars.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace sluice::plan {
namespace {

bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }

struct Unit {
  std::string_view name;
  int64_t factor;
};
constexpr std::array<Unit, 5> kDurations{{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::array<Unit, 5> kSizes{{{"B", 1}, {"KiB", 1LL << 10}, {"MiB", 1LL << 20}, {"GiB", 1LL << 30}, {"TiB", 1LL << 40}}};
constexpr int64_t kDurationMax = 1'000'000LL * 86'400'000;
constexpr int64_t kSizeMax = 1LL << 60;

std::optional<int64_t> parse_count(std::string_view text, const std::array<Unit, 5>& units, int64_t most) {
  size_t digits = 0;
  while (digits < text.size() && digit(text[digits])) ++digits;
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, count);
  if (digits == 0 || error != std::errc() || end != text.data() + digits) return std::nullopt;
  for (const Unit& unit : units) {
    if (text.substr(digits) != unit.name) continue;
    if (count > most / unit.factor) return std::nullopt;
    return count * unit.factor;
  }
  return std::nullopt;
}

}  // namespace

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 63 || !lower(text[0])) return false;
  for (const char c : text) {
    if (!lower(c) && !digit(c) && c != '_') return false;
  }
  return true;
}

std::optional<DurationMs> parse_duration(std::string_view text) {
  const std::optional<int64_t> ms = parse_count(text, kDurations, kDurationMax);
  if (!ms) return std::nullopt;
  return DurationMs(*ms);
}

std::optional<uint64_t> parse_size(std::string_view text) {
  const std::optional<int64_t> bytes = parse_count(text, kSizes, kSizeMax);
  if (!bytes) return std::nullopt;
  return static_cast<uint64_t>(*bytes);
}

bool is_address(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view host = text.substr(0, colon), port = text.substr(colon + 1);
  if (port.empty() || port.size() > 5) return false;
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number > 65535) return false;
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (!bracketed && host.find(':') != std::string_view::npos) return false;
  return host.find_first_of(" \t\r\n/@") == std::string_view::npos;
}

std::string duration_text(DurationMs duration) {
  if (duration.count() == 0) return "0s";
  for (const Unit& unit : kDurations) {
    if (duration.count() % unit.factor == 0) return fmt::format("{}{}", duration.count() / unit.factor, unit.name);
  }
  return "";
}

}  // namespace sluice::plan
