#include <gtest/gtest.h>

#include "plan/plan.h"
#include "plan/scalars.h"

namespace sluice::plan {
namespace {

constexpr int64_t kHour = 3'600'000, kDay = 24 * kHour;

std::string windows(Window::Kind kind, int64_t size, int64_t step, int64_t offset, int64_t at) {
  const Window window{kind, DurationMs(size), DurationMs(step), DurationMs(offset)};
  std::vector<Span> spans{Span{time_ms(0), time_ms(1)}};  // what was in it is gone
  windows_of(window, time_ms(at), spans);
  std::string out;
  for (const Span& s : spans) out += "[" + std::to_string(to_ms(s.start)) + "," + std::to_string(to_ms(s.end)) + ")";
  return out;
}

TEST(Windows, a_tumbling_window_contains_its_start_and_not_its_end) {
  EXPECT_EQ(windows(Window::Kind::tumble, 10, 10, 0, 0), "[0,10)");
  EXPECT_EQ(windows(Window::Kind::tumble, 10, 10, 0, 9), "[0,10)");
  EXPECT_EQ(windows(Window::Kind::tumble, 10, 10, 0, 10), "[10,20)");
}

TEST(Windows, windows_are_whole_before_1970) {
  EXPECT_EQ(windows(Window::Kind::tumble, 10, 10, 0, -1), "[-10,0)");
  EXPECT_EQ(windows(Window::Kind::tumble, 10, 10, 0, -10), "[-10,0)");
  EXPECT_EQ(windows(Window::Kind::tumble, 10, 10, 0, -11), "[-20,-10)");
  EXPECT_EQ(windows(Window::Kind::hop, 10, 5, 0, -1), "[-10,0)[-5,5)");
  EXPECT_EQ(windows(Window::Kind::cumulate, 10, 5, 0, -1), "[-10,0)");
  EXPECT_EQ(windows(Window::Kind::cumulate, 10, 5, 0, -6), "[-10,-5)[-10,0)");
}

TEST(Windows, weeks_with_an_offset_of_four_days_begin_on_monday) {
  // 2026-03-28 is a Saturday; its week begins on Monday the 23rd.
  const int64_t saturday = 1'774'656'000'000, monday = saturday - 5 * kDay;
  EXPECT_EQ(windows(Window::Kind::tumble, 7 * kDay, 7 * kDay, 4 * kDay, saturday + kHour),
            "[" + std::to_string(monday) + "," + std::to_string(monday + 7 * kDay) + ")");
}

TEST(Windows, hops_give_every_window_that_contains_the_instant_oldest_first) {
  EXPECT_EQ(windows(Window::Kind::hop, 60, 15, 0, 100), "[45,105)[60,120)[75,135)[90,150)");
  EXPECT_EQ(windows(Window::Kind::hop, 60, 15, 0, 45), "[0,60)[15,75)[30,90)[45,105)");
  EXPECT_EQ(windows(Window::Kind::hop, 60, 60, 0, 45), "[0,60)");
  EXPECT_EQ(windows(Window::Kind::hop, 20, 10, 7, 6), "[-13,7)[-3,17)");
}

TEST(Windows, cumulating_windows_grow_by_a_step_and_begin_again) {
  EXPECT_EQ(windows(Window::Kind::cumulate, 30, 10, 0, 0), "[0,10)[0,20)[0,30)");
  EXPECT_EQ(windows(Window::Kind::cumulate, 30, 10, 0, 10), "[0,20)[0,30)");
  EXPECT_EQ(windows(Window::Kind::cumulate, 30, 10, 0, 29), "[0,30)");
  EXPECT_EQ(windows(Window::Kind::cumulate, 30, 10, 0, 30), "[30,40)[30,50)[30,60)");
  EXPECT_EQ(windows(Window::Kind::cumulate, 30, 10, 5, 4), "[-25,5)");
}

TEST(Scalars, durations_are_whole_with_one_unit) {
  EXPECT_EQ(parse_duration("250ms")->count(), 250);
  EXPECT_EQ(parse_duration("10s")->count(), 10'000);
  EXPECT_EQ(parse_duration("15m")->count(), 900'000);
  EXPECT_EQ(parse_duration("0h")->count(), 0);
  EXPECT_EQ(parse_duration("7d")->count(), 7 * kDay);
  for (const char* wrong : {"", "d", "1", "1.5h", "-1h", "1 h", "1H", "1h30m", "1w", "99999999999999999999d", "1000001d"})
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  EXPECT_EQ(duration_text(DurationMs(90'000)), "90s");
  EXPECT_EQ(duration_text(DurationMs(7 * kDay)), "7d");
  EXPECT_EQ(duration_text(DurationMs(1'500)), "1500ms");
  EXPECT_EQ(duration_text(DurationMs(0)), "0s");
}

TEST(Scalars, sizes_and_addresses) {
  EXPECT_EQ(parse_size("64MiB"), 64U << 20);
  EXPECT_EQ(parse_size("7B"), 7U);
  for (const char* wrong : {"", "5", "5MB", "1.5GiB", "9999999TiB"}) EXPECT_FALSE(parse_size(wrong)) << wrong;
  for (const char* right : {"127.0.0.1:0", "localhost:65535", "[::1]:8080", "0.0.0.0:80"})
    EXPECT_TRUE(is_address(right)) << right;
  for (const char* wrong : {"", ":80", "h:", "h:65536", "h:-1", "::1:80", "h", "h:8a", "http://h:80"})
    EXPECT_FALSE(is_address(wrong)) << wrong;
}

}  // namespace
}  // namespace sluice::plan
