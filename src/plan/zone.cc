#include "plan/zone.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/units.h"

namespace sluice::plan {
namespace {

constexpr int64_t kDay = 86'400, kHour = 3600;
constexpr int64_t kFarthest = int64_t{1} << 60;  // of a change from 1970, in seconds: further than RFC 8536 has them

// Days since 1970-01-01.
int64_t days_of(int64_t year, int64_t month, int64_t day) {
  using std::chrono::sys_days;
  return sys_days(std::chrono::year(static_cast<int>(year)) / std::chrono::month(static_cast<unsigned>(month)) /
                  std::chrono::day(static_cast<unsigned>(day)))
      .time_since_epoch()
      .count();
}
int64_t year_of(int64_t seconds) {
  const std::chrono::sys_days day(std::chrono::days(static_cast<int>(floor_div(seconds, kDay))));
  return static_cast<int>(std::chrono::year_month_day(day).year());
}

class BigEndian {
 public:
  explicit BigEndian(std::string_view bytes) : bytes_(bytes) {}
  int64_t number(size_t width) {
    if (width > bytes_.size()) {
      failed_ = true;
      return 0;
    }
    uint64_t value = static_cast<uint8_t>(bytes_[0]) >= 0x80 ? ~uint64_t{0} : 0;  // the sign, extended
    for (size_t i = 0; i < width; ++i) value = value << 8 | static_cast<uint8_t>(bytes_[i]);
    bytes_.remove_prefix(width);
    return static_cast<int64_t>(value);
  }
  std::string_view raw(uint64_t size) {
    if (size > bytes_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  bool failed() const { return failed_; }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

struct Counts {
  char version = 0;
  uint64_t utc = 0, standard = 0, leaps = 0, times = 0, types = 0, letters = 0;
};

std::optional<Counts> read_header(BigEndian& from) {
  if (from.raw(4) != "TZif") return std::nullopt;
  Counts c;
  const std::string_view version = from.raw(16);  // and what is reserved
  if (from.failed()) return std::nullopt;
  c.version = version[0];
  for (uint64_t* n : {&c.utc, &c.standard, &c.leaps, &c.times, &c.types, &c.letters}) {
    const int64_t value = from.number(4);
    if (value < 0 || value > static_cast<int64_t>(kZoneBytesMax)) return std::nullopt;
    *n = static_cast<uint64_t>(value);
  }
  return from.failed() ? std::nullopt : std::optional(c);
}

// When one half of a year's rule begins: Mm.w.d, Jn or n, at so many seconds of local time after that day's midnight.
struct RuleDay {
  enum class Form : uint8_t { month, julian, day };
  Form form = Form::month;
  int64_t month = 0, week = 0, day = 0, seconds = 2 * kHour;

  int64_t local(int64_t year) const {
    const int64_t january = days_of(year, 1, 1);
    if (form == Form::day) return (january + day) * kDay + seconds;
    // Jn counts from 1 and never counts 29 February.
    if (form == Form::julian) {
      const int64_t leap = days_of(year, 3, 1) - january - 59;
      return (january + day - 1 + (day >= 60 ? leap : 0)) * kDay + seconds;
    }
    const int64_t first = days_of(year, month, 1), weekday = floor_mod(first + 4, 7);  // 1970-01-01 was a Thursday, 4
    int64_t at = first + floor_mod(day - weekday, 7) + (week - 1) * 7;
    const int64_t next = month == 12 ? days_of(year + 1, 1, 1) : days_of(year, month + 1, 1);
    while (at >= next) at -= 7;  // week 5 is the last
    return at * kDay + seconds;
  }
};
struct Rule {
  int64_t standard = 0, summer = 0;  // offsets
  std::optional<RuleDay> begins, ends;   // summer time; none: standard time for ever
};

class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : text_(text) {}

  std::optional<Rule> read() {
    Rule rule;
    if (!name() || !time(rule.standard)) return std::nullopt;
    rule.standard = -rule.standard;  // POSIX counts west of Greenwich
    if (text_.empty()) return rule;
    rule.summer = rule.standard + kHour;
    if (!name()) return std::nullopt;
    if (!text_.empty() && text_[0] != ',') {
      if (!time(rule.summer)) return std::nullopt;
      rule.summer = -rule.summer;
    }
    rule.begins = day();
    rule.ends = day();
    if (!rule.begins || !rule.ends || !text_.empty()) return std::nullopt;
    return rule;
  }

 private:
  bool take(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool name() {
    const bool quoted = take('<');
    size_t n = 0;
    const auto letter = [&](char c) { return quoted ? c != '>' : (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    while (n < text_.size() && letter(text_[n])) ++n;
    text_.remove_prefix(n);
    return n >= 3 && (!quoted || take('>'));
  }
  bool whole(int64_t& value, int64_t most) {
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc() || value < 0 || value > most) return false;
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    return true;
  }
  // [+-]hh[:mm[:ss]], up to a week (RFC 8536 3.3.1).
  bool time(int64_t& seconds) {
    const bool negative = take('-');
    if (!negative) take('+');
    int64_t hours = 0, minutes = 0, rest = 0;
    if (!whole(hours, 167)) return false;
    if (take(':') && (!whole(minutes, 59) || (take(':') && !whole(rest, 59)))) return false;
    seconds = hours * kHour + minutes * 60 + rest;
    if (negative) seconds = -seconds;
    return true;
  }
  std::optional<RuleDay> day() {
    RuleDay rule;
    if (!take(',')) return std::nullopt;
    if (take('M')) {
      if (!whole(rule.month, 12) || !take('.') || !whole(rule.week, 5) || !take('.') || !whole(rule.day, 6)) return std::nullopt;
      if (rule.month < 1 || rule.week < 1) return std::nullopt;
    } else {
      rule.form = take('J') ? RuleDay::Form::julian : RuleDay::Form::day;
      if (!whole(rule.day, 365) || (rule.form == RuleDay::Form::julian && rule.day < 1)) return std::nullopt;
    }
    if (take('/') && !time(rule.seconds)) return std::nullopt;
    return rule;
  }

  std::string_view text_;
};

// What the rule says after the last change of the table.
void append_rule(const Rule& rule, int until_year, std::vector<OffsetChange>& changes) {
  const int64_t last = changes.back().at;
  if (!rule.begins) {
    if (last == OffsetChange::kBeginning) changes.back().offset = rule.standard;
    return;
  }
  // Tables begin in the 19th century, or with the universe.
  if (last >= days_of(until_year + 1, 1, 1) * kDay) return;
  const int64_t first_year = std::max<int64_t>(1900, last < 0 ? 1900 : year_of(last));
  for (int64_t year = first_year; year <= until_year; ++year) {
    OffsetChange begins{rule.begins->local(year) - rule.standard, rule.summer};
    OffsetChange ends{rule.ends->local(year) - rule.summer, rule.standard};
    if (ends.at < begins.at) std::swap(begins, ends);
    for (const OffsetChange& change : {begins, ends}) {
      if (change.at > changes.back().at) changes.push_back(change);
    }
  }
}

}  // namespace

std::optional<std::vector<OffsetChange>> read_zone(std::string_view bytes, int until_year) {
  if (bytes.size() > kZoneBytesMax) return std::nullopt;
  BigEndian from(bytes);
  const std::optional<Counts> old = read_header(from);
  if (!old || old->version < '2') return std::nullopt;  // 32-bit times alone end in 2037 and have no rule
  from.raw(old->times * 5 + old->types * 6 + old->letters + old->leaps * 8 + old->standard + old->utc);
  const std::optional<Counts> counts = read_header(from);
  if (!counts || counts->leaps != 0 || counts->types == 0) return std::nullopt;
  std::vector<int64_t> times(counts->times);
  for (int64_t& time : times) time = from.number(8);
  const std::string_view kinds = from.raw(counts->times);
  std::vector<int64_t> offsets(counts->types);
  for (int64_t& offset : offsets) {
    offset = from.number(4);
    from.raw(2);  // summer time or not, and where its name is
  }
  from.raw(counts->letters + counts->standard + counts->utc);
  if (from.failed() || from.raw(1) != "\n") return std::nullopt;

  std::vector<OffsetChange> changes{{OffsetChange::kBeginning, offsets[0]}};
  for (size_t i = 0; i < times.size(); ++i) {
    const auto kind = static_cast<uint8_t>(kinds[i]);
    if (kind >= offsets.size() || (i > 0 && times[i] <= times[i - 1]) || times[i] < -kFarthest || times[i] > kFarthest)
      return std::nullopt;
    changes.push_back({times[i], offsets[kind]});
  }
  std::string rule_text;
  for (std::string_view c = from.raw(1); c != "\n"; c = from.raw(1)) {
    if (from.failed()) return std::nullopt;
    rule_text += c;
  }
  if (rule_text.empty()) return changes;
  const std::optional<Rule> rule = RuleReader(rule_text).read();
  if (!rule) return std::nullopt;
  append_rule(*rule, until_year, changes);
  return changes;
}

bool is_zone_name(std::string_view name) {
  constexpr size_t kNameMax = 64;
  if (name.empty() || name.size() > kNameMax || name == "localtime" || name == "posixrules") return false;
  char before = '/';
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '+' && c != '-' && c != '/') return false;
    if (before == '/' && !letter) return false;
    before = c;
  }
  return before != '/';
}

}  // namespace sluice::plan
