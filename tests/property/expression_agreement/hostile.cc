#include "hostile.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/rfc3339.h"

namespace sluice::agreement {
namespace {

constexpr int64_t kFirstMs = -2'177'452'800'000;  // 1901-01-01
constexpr int64_t kLastMs = 4'102'444'799'999;    // 2099-12-31T23:59:59.999

const std::vector<std::string>& texts() {
  static const std::vector<std::string> kTexts{
      "",     "a",   "A",    "b",      "ab",   "aB",   "abc",    "true", "false", "null",    "0",      "12.5",   "-1",   "1e3",
      "ä",    "Ä",   "aäb",  "ß",      "İ",    "ﬁ",    "日本",   "🎈",   "a🎈b",  "e\u0301", "\u200b", "\ufeff", " ",    " a ",
      "a\nb", "\n",  "a\tb", "a\r\nb", "'",    "a'b",  "\"",     "`",    "\\",    "a\\b",    "\\n",    "\\%",    "%",    "_",
      "100%", "a_b", "a%b",  "a\\_b",  "\x7f", "\x01", "x\x0by", "{}",   "[1]",   ";",       "--",     "/*",     "${a}", "NULL"};
  return kTexts;
}

const std::vector<std::string>& numbers() {
  static const std::vector<std::string> kNumbers{"0",
                                                 "1",
                                                 "-1",
                                                 "2",
                                                 "3",
                                                 "-3",
                                                 "7",
                                                 "0.5",
                                                 "-0.5",
                                                 "0.000000001",
                                                 "-0.000000001",
                                                 "0.000000002",
                                                 "0.000000005",
                                                 "0.333333333",
                                                 "1.5",
                                                 "2.5",
                                                 "-2.5",
                                                 "0.1",
                                                 "999999999.999999999",
                                                 "-999999999.999999999",
                                                 "1000000000",
                                                 "-1000000000",
                                                 "1000000000.000000001",
                                                 "999999999",
                                                 "31622.776601683",
                                                 "31622.776601684",
                                                 "999999999999999999.999999999",
                                                 "-999999999999999999.999999999",
                                                 "123456789012345678.123456789",
                                                 "5",
                                                 "10",
                                                 "100",
                                                 "0.000031623",
                                                 "0.0000158115"};
  return kNumbers;
}

std::string hex_text(const std::string& text) { return "unhex('" + hex(text) + "')"; }
std::string instant_sql(int64_t ms) { return fmt::format("fromUnixTimestamp64Milli(toInt64({}), 'UTC')", ms); }

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

// Half of the patterns are made from a text that occurs, so that some match.
std::string pattern_of(Random& random, const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    const std::string point = text.substr(i, end - i);
    const bool escaped = point == "%" || point == "_" || point == "\\";
    out += random.one_in(3) ? "_" : random.one_in(6) ? "%" : escaped ? "\\" + point : point;
    i = end;
  }
  return out;
}

std::string random_pattern(Random& random) {
  static const std::vector<std::string> kParts{"%",    "%",  "_",  "a", "b", "A", "ä",    "\\%", "\\_",
                                               "\\\\", "\n", "🎈", " ", "'", ".", "true", "[",   "1"};
  if (random.one_in(2)) return pattern_of(random, random_text(random));
  std::string out;
  for (uint64_t n = random.below(5); n > 0; --n) out += random.of(kParts);
  return out;
}

}  // namespace

const std::vector<Path>& paths() {
  static const std::vector<Path> kPaths{{"properties.a", "properties.a"},
                                        {"properties.b", "properties.b"},
                                        {"properties.n", "properties.n"},
                                        {"properties.m", "properties.m"},
                                        {"properties.cart.total", "properties.cart.total"},
                                        {"properties['a key']", "properties.a key"},
                                        {"properties['dot.ted']", "properties.dot\\.ted"},
                                        {"properties['back\\slash']['q''uote']", "properties.back\\\\slash.q'uote"},
                                        {"properties['']", "properties."},
                                        {"context.bot", "context.bot"},
                                        {"context['ä🎈']", "context.ä🎈"}};
  return kPaths;
}

std::string random_text(Random& random) {
  if (!random.one_in(8)) return random.of(texts());
  return random.of(texts()) + random.of(texts());
}

Decimal random_number(Random& random) {
  if (!random.one_in(4)) return *Decimal::from_json(random.of(numbers()));
  // Any digits, any size below 10^18.
  int128 raw = static_cast<int128>(random.bits() >> 1);
  for (uint64_t n = random.below(4); n > 0; --n) raw *= 1000;
  raw %= static_cast<int128>(Decimal::kOne) * Decimal::kOne * Decimal::kOne;
  return Decimal{random.one_in(2) ? raw : -raw};
}

std::vector<StoredEvent> random_events(Random& random, size_t count) {
  static const std::vector<std::string> kSources{"site", "app", "ä'\\"}, kEvents{"view", "buy", "Buy", "a\nb", "%"},
      kPeople{"", "u1", "u2", "U1", "ä"};
  std::vector<StoredEvent> events;
  for (size_t i = 0; i < count; ++i) {
    StoredEvent e;
    e.source = random.of(kSources);
    e.event = random.of(kEvents);
    e.message_id = fmt::format("m{}", i);
    e.user_id = random.of(kPeople);
    e.anonymous_id = random.of(kPeople);
    e.stitching_key = !e.anonymous_id.empty() ? e.anonymous_id : !e.user_id.empty() ? e.user_id : e.message_id;
    e.user_key = !e.user_id.empty() ? e.user_id : e.stitching_key;
    e.dialect = random.one_in(2) ? "native" : "segment";
    switch (random.below(4)) {
      case 0: e.event_time = kFirstMs + static_cast<int64_t>(random.below(static_cast<uint64_t>(kLastMs - kFirstMs))); break;
      case 1: e.event_time = static_cast<int64_t>(random.below(8 * 3'600'000)) - 4 * 3'600'000; break;   // around 1970
      case 2:
        e.event_time = (static_cast<int64_t>(random.below(48)) - 24) * 900'000 + static_cast<int64_t>(random.below(3)) - 1;
        break;  // at edges
      default: e.event_time = 1'774'000'000'000 + static_cast<int64_t>(random.below(7'200'000)); break;
    }
    if (!events.empty() && random.one_in(4)) e.event_time = random.of(events).event_time;  // the place breaks the tie
    e.partition = static_cast<uint16_t>(random.below(3));
    e.offset = events.size();
    e.received_at = e.event_time + static_cast<int64_t>(random.below(1000));
    // Also exactly on the due times of quarter-hourly windows.
    const int64_t near = e.event_time + static_cast<int64_t>(random.below(4 * 3'600'000)) - 7'200'000;
    e.watermark = random.one_in(5) ? -2'208'988'800'000 : random.one_in(2) ? near - floor_mod(near, 900'000) : near;
    e.future = random.one_in(20);
    e.epoch = 1 + random.below(5);
    for (const Path& path : paths()) {
      if (random.one_in(3)) continue;
      event::Scalar scalar{path.key, "", std::nullopt};
      if (random.one_in(2)) {
        scalar.number = random_number(random);
        scalar.text = scalar.number->to_text();
      } else {
        scalar.text = path.key == "context.bot" ? (random.one_in(2) ? "true" : "false") : random_text(random);
      }
      e.scalars.emplace(path.key, std::move(scalar));
    }
    events.push_back(std::move(e));
  }
  return events;
}

std::string events_table() {
  return "CREATE TABLE sluice.events (source LowCardinality(String), event LowCardinality(String), message_id String, "
         "event_time DateTime64(3, 'UTC'), received_at DateTime64(3, 'UTC'), user_id String, anonymous_id String, stitching_key "
         "String, "
         "user_key String, texts Map(LowCardinality(String), String), numbers Map(LowCardinality(String), Decimal(38, 9)), "
         "flags Array(LowCardinality(String)), watermark DateTime64(3, 'UTC'), dialect LowCardinality(String), log_partition "
         "UInt16, log_offset UInt64, epoch UInt64) "
         "ENGINE = MergeTree ORDER BY (event, toStartOfHour(event_time), user_key)";
}

std::string insert_events(const std::vector<StoredEvent>& events) {
  std::string sql = "INSERT INTO sluice.events SELECT * FROM (\n";
  for (size_t i = 0; i < events.size(); ++i) {
    const StoredEvent& e = events[i];
    std::string keys, values, number_keys, number_values;
    for (const auto& [key, scalar] : e.scalars) {
      keys += (keys.empty() ? "" : ",") + hex_text(key);
      values += (values.empty() ? "" : ",") + hex_text(scalar.text);
      if (!scalar.number) continue;
      number_keys += (number_keys.empty() ? "" : ",") + hex_text(key);
      number_values += fmt::format("{}toDecimal128('{}', 9)", number_values.empty() ? "" : ",", scalar.number->to_text());
    }
    // Every column has a name: two equal constants without one would be one column.
    sql += fmt::format(
        "{}SELECT {} AS c1, {} AS c2, {} AS c3, {} AS c4, {} AS c5, {} AS c6, {} AS c7, {} AS c8, {} AS c9, CAST(([{}], [{}]), "
        "'Map(String, String)') AS c10, "
        "CAST(([{}], [{}]), 'Map(String, Decimal(38, 9))') AS c11, CAST([{}], 'Array(String)') AS c12, {} AS c13, '{}' AS c14, "
        "{} AS c15, {} AS c16, {} AS c17\n",
        i == 0 ? "" : "UNION ALL ", hex_text(e.source), hex_text(e.event), hex_text(e.message_id), instant_sql(e.event_time),
        instant_sql(e.received_at), hex_text(e.user_id), hex_text(e.anonymous_id), hex_text(e.stitching_key),
        hex_text(e.user_key), keys, values, number_keys, number_values, e.future ? "'future'" : "", instant_sql(e.watermark),
        e.dialect, e.partition, e.offset, e.epoch);
  }
  return sql + ")";
}

std::string literal_text(Random& random) {
  return random.one_in(12) ? (random.one_in(2) ? "true" : "false") : quoted(random_text(random));
}

std::string text_expression(Random& random, int depth) {
  static const std::vector<std::string> kNames{"source",       "event",         "message_id", "user_id",
                                               "anonymous_id", "stitching_key", "user_key",   "dialect"};
  if (depth > 0 && random.one_in(3))
    return fmt::format("{}({})", random.one_in(2) ? "lower" : "upper", text_expression(random, depth - 1));
  switch (random.below(5)) {
    case 0: return random.of(kNames);
    case 1: return random.one_in(3) ? "null" : literal_text(random);
    default: return fmt::format("text({})", random.of(paths()).written);
  }
}

std::string number_expression(Random& random, int depth) {
  static const std::vector<std::string> kOps{"+", "-", "*", "/", "*", "/"};
  if (depth > 0 && !random.one_in(3)) {
    switch (random.below(8)) {
      case 0: return fmt::format("length({})", text_expression(random, depth - 1));
      case 1: return fmt::format("-({})", number_expression(random, depth - 1));
      default: {
        const std::string plain =
            fmt::format("{} {} {}", number_expression(random, depth - 1), random.of(kOps), number_expression(random, depth - 1));
        return random.one_in(3) ? plain : "(" + plain + ")";
      }
    }
  }
  if (random.one_in(12)) return "null";
  if (random.one_in(3)) return random_number(random).to_text();
  return fmt::format("number({})", random.of(paths()).written);
}

std::string time_expression(Random& random) { return random.one_in(2) ? "event_time" : "received_at"; }

std::string condition(Random& random, int depth) {
  static const std::vector<std::string> kCompare{"=", "!=", "<", "<=", ">", ">="};
  if (depth > 0 && random.one_in(2)) {
    const std::string left = condition(random, depth - 1);
    switch (random.below(3)) {
      case 0: return fmt::format("not ({})", left);
      case 1: return fmt::format("({} and {})", left, condition(random, depth - 1));
      default: return fmt::format("({} or {})", left, condition(random, depth - 1));
    }
  }
  const int d = depth > 0 ? depth - 1 : 0;
  switch (random.below(12)) {
    case 0: return random.one_in(3) ? "null" : random.one_in(2) ? "true" : "false";
    case 1:
      return fmt::format("({}) is {}null", random.one_in(2) ? text_expression(random, d) : condition(random, d),
                         random.one_in(2) ? "not " : "");
    case 2: return fmt::format("{} is {}null", number_expression(random, 0), random.one_in(2) ? "not " : "");
    case 3:
      return fmt::format("{} {}like {}", text_expression(random, d), random.one_in(3) ? "not " : "",
                         quoted(random_pattern(random)));
    case 4:
      return fmt::format("{} {}in ({}, {}, {})", text_expression(random, d), random.one_in(2) ? "not " : "", literal_text(random),
                         literal_text(random), literal_text(random));
    case 5:
      return fmt::format("{} {}in ({}, {})", number_expression(random, d), random.one_in(2) ? "not " : "",
                         random_number(random).to_text(), random_number(random).to_text());
    case 6:
      return fmt::format("{} {} '{}'", time_expression(random), random.of(kCompare),
                         format_rfc3339(time_ms(static_cast<int64_t>(random.below(7'200'000)) - 3'600'000)));
    case 7: return fmt::format("{} {} {}", random.of(paths()).written, random.of(kCompare), literal_text(random));
    case 8: return fmt::format("{} {} {}", random.of(paths()).written, random.of(kCompare), random_number(random).to_text());
    case 9: return fmt::format("{} {} {}", number_expression(random, d), random.of(kCompare), number_expression(random, d));
    case 10: return fmt::format("event_time {} received_at", random.of(kCompare));
    default: return fmt::format("{} {} {}", text_expression(random, d), random.of(kCompare), text_expression(random, d));
  }
}

plan::Row row_of(const StoredEvent& event, const std::vector<std::string>& plan_paths, std::vector<event::ScalarView>& views,
                 std::vector<const event::ScalarView*>& slots) {
  views.clear();
  slots.assign(plan_paths.size(), nullptr);
  views.reserve(plan_paths.size());
  for (size_t i = 0; i < plan_paths.size(); ++i) {
    const auto found = event.scalars.find(plan_paths[i]);
    if (found == event.scalars.end()) continue;
    views.push_back({found->second.path, found->second.text, found->second.number});
    slots[i] = &views.back();
  }
  plan::Row row;
  row.source = event.source;
  row.event = event.event;
  row.message_id = event.message_id;
  row.user_id = event.user_id;
  row.anonymous_id = event.anonymous_id;
  row.stitching_key = event.stitching_key;
  row.user_key = event.user_key;
  row.dialect = event.dialect;
  row.event_time = time_ms(event.event_time);
  row.received_at = time_ms(event.received_at);
  row.paths = slots;
  return row;
}

}  // namespace sluice::agreement
