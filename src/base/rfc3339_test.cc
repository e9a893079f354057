#include "base/rfc3339.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

struct Case {
  const char* text;
  int64_t ms;
  bool has_zone;
};

// Milliseconds from `date -u -d ... +%s%3N`, finer digits cut by hand.
constexpr Case kCases[] = {
    {"1970-01-01T00:00:00Z", 0, true},
    {"2026-03-28T14:22:01Z", 1774707721000, true},
    {"2026-03-28t14:22:01z", 1774707721000, true},
    {"2026-03-28 14:22:01", 1774707721000, false},
    {"2026-03-28T14:22:01.5Z", 1774707721500, true},
    {"2026-03-28T14:22:01.1239999Z", 1774707721123, true},
    {"2026-03-28T16:22:01+02:00", 1774707721000, true},
    {"2026-03-28T09:52:01-04:30", 1774707721000, true},
    {"2026-03-28T14:22:01-00:00", 1774707721000, true},
    {"2012-12-07T08:26:46-08:00", 1354897606000, true},
    {"1969-12-31T23:59:59.9999Z", -1, true},
    {"1900-01-01T00:00:00Z", -2208988800000, true},
    {"2000-02-29T00:00:00Z", 951782400000, true},
    {"2016-12-31T23:59:60Z", 1483228800000, true},
    {"0000-01-01T00:00:00Z", -62167219200000, true},
    {"9999-12-31T23:59:59Z", 253402300799000, true},
};

TEST(Rfc3339, these_texts_are_those_instants) {
  for (const Case& c : kCases) {
    const auto parsed = parse_rfc3339(c.text);
    ASSERT_TRUE(parsed) << c.text;
    EXPECT_EQ(to_ms(parsed->time), c.ms) << c.text;
    EXPECT_EQ(parsed->has_zone, c.has_zone) << c.text;
  }
}

TEST(Rfc3339, everything_else_is_no_time) {
  for (const char* text : {"",
                           "2026",
                           "2026-03-28",
                           "2026-03-28T14:22",
                           "2026-03-28T14:22:01.",
                           "2026-03-28T14:22:01.Z",
                           "2026-03-28T14:22:01Zx",
                           "2026-02-29T00:00:00Z",
                           "1900-02-29T00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2026-04-31T00:00:00Z",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T00:60:00Z",
                           "2026-01-01T00:00:61Z",
                           "2026-01-01T00:00:00+24:00",
                           "2026-01-01T00:00:00+01:60",
                           "2026-01-01T00:00:00+0100",
                           "2026-01-01T00:00:00+1:00",
                           "2026/01/01T00:00:00Z",
                           "2026-01-01_00:00:00Z",
                           "+2026-01-01T00:00:00Z",
                           "-001-01-01T00:00:00Z",
                           " 2026-01-01T00:00:00Z",
                           "2026-1-01T00:00:00Z",
                           "1774707721000",
                           "now",
                           "20260101T000000Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Rfc3339, instants_are_printed_in_three_ways) {
  const TimeMs time = time_ms(1774707721007);
  EXPECT_EQ(format_rfc3339(time), "2026-03-28T14:22:01.007Z");
  EXPECT_EQ(format_clickhouse(time), "2026-03-28 14:22:01.007");
  EXPECT_EQ(format_date(time), "2026-03-28");
  EXPECT_EQ(format_rfc3339(time_ms(-1)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_date(time_ms(-86'400'001)), "1969-12-30");
}

TEST(Rfc3339, what_is_printed_reads_back) {
  for (int64_t ms = -62167219200000; ms < 253402300800000; ms += 86'399'999'777) {
    const auto parsed = parse_rfc3339(format_rfc3339(time_ms(ms)));
    ASSERT_TRUE(parsed);
    ASSERT_EQ(to_ms(parsed->time), ms);
  }
}

}  // namespace
}  // namespace sluice
