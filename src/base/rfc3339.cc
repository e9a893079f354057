#include "base/rfc3339.h"

#include <fmt/format.h>

namespace sluice {
namespace {

// Reads exactly n digits at `at`; -1 when they are not there.
int digits(std::string_view s, size_t at, size_t n) {
  if (at + n > s.size()) return -1;
  int v = 0;
  for (size_t i = at; i < at + n; ++i) {
    if (s[i] < '0' || s[i] > '9') return -1;
    v = v * 10 + (s[i] - '0');
  }
  return v;
}

bool is_at(std::string_view s, size_t at, std::string_view any_of) {
  return at < s.size() && any_of.find(s[at]) != std::string_view::npos;
}

struct Parts {
  int year, month, day, hour, minute, second, ms;
};

Parts parts_of(TimeMs time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return Parts{static_cast<int>(date.year()),
               static_cast<int>(static_cast<unsigned>(date.month())),
               static_cast<int>(static_cast<unsigned>(date.day())),
               static_cast<int>(clock.hours().count()),
               static_cast<int>(clock.minutes().count()),
               static_cast<int>(clock.seconds().count()),
               static_cast<int>(clock.subseconds().count())};
}

}  // namespace

std::optional<ParsedTime> parse_rfc3339(std::string_view s) {
  const int year = digits(s, 0, 4), month = digits(s, 5, 2), day = digits(s, 8, 2);
  const int hour = digits(s, 11, 2), minute = digits(s, 14, 2), second = digits(s, 17, 2);
  if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0) return std::nullopt;
  if (!is_at(s, 4, "-") || !is_at(s, 7, "-") || !is_at(s, 10, "Tt ") || !is_at(s, 13, ":") || !is_at(s, 16, ":"))
    return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  size_t at = 19;
  int64_t ms = 0;
  if (is_at(s, at, ".")) {
    const size_t begin = ++at;
    for (; at < s.size() && s[at] >= '0' && s[at] <= '9'; ++at) {
      if (at - begin < 3) ms = ms * 10 + (s[at] - '0');
    }
    if (at == begin) return std::nullopt;
    for (size_t n = at - begin; n < 3; ++n) ms *= 10;
  }
  int64_t offset_minutes = 0;
  const bool has_zone = at < s.size();
  if (is_at(s, at, "Zz")) {
    ++at;
  } else if (is_at(s, at, "+-")) {
    const int h = digits(s, at + 1, 2), m = digits(s, at + 4, 2);
    if (h < 0 || h > 23 || m < 0 || m > 59 || !is_at(s, at + 3, ":")) return std::nullopt;
    offset_minutes = (s[at] == '-' ? -1 : 1) * (h * 60 + m);
    at += 6;
  }
  if (at != s.size()) return std::nullopt;
  const int64_t seconds =
      std::chrono::sys_days(date).time_since_epoch().count() * int64_t{86400} + hour * 3600 + minute * 60 + second;
  return ParsedTime{time_ms((seconds - offset_minutes * 60) * 1000 + ms), has_zone};
}

std::string format_rfc3339(TimeMs time) {
  const Parts p = parts_of(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", p.year, p.month, p.day, p.hour, p.minute, p.second, p.ms);
}

std::string format_clickhouse(TimeMs time) {
  const Parts p = parts_of(time);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}", p.year, p.month, p.day, p.hour, p.minute, p.second, p.ms);
}

std::string format_date(TimeMs time) {
  const Parts p = parts_of(time);
  return fmt::format("{:04}-{:02}-{:02}", p.year, p.month, p.day);
}

}  // namespace sluice
