#include "process/watermark.h"

#include <gtest/gtest.h>

namespace sluice::process {
namespace {

constexpr DurationMs operator""_s(unsigned long long n) { return DurationMs(static_cast<int64_t>(n) * 1000); }
constexpr TimeMs at(int64_t seconds) { return time_ms(1'774'700'000'000 + seconds * 1000); }

plan::Source source(const char* name, DurationMs disorder, DurationMs idle) {
  plan::Source s;
  s.name = name;
  s.disorder = disorder;
  s.idle = idle;
  return s;
}

// As the fold does it for one stored event: what W is stored with it.
TimeMs arrives(WatermarkClock& clock, size_t index, TimeMs event_time, TimeMs received_at) {
  clock.advance(received_at);
  const TimeMs stored = clock.watermark();
  clock.moved(index, event_time, received_at);
  return stored;
}

TEST(WatermarkTest, there_is_none_before_the_first_event_whatever_the_clock_says) {
  WatermarkClock clock;
  clock.configure({source("a", 10_s, 60_s)});
  EXPECT_EQ(clock.watermark(), kMinusInfinity);
  clock.advance(at(1'000'000));
  EXPECT_EQ(clock.watermark(), kMinusInfinity);
  EXPECT_EQ(clock.idle_watermark_at(at(2'000'000)), kMinusInfinity);
}

TEST(WatermarkTest, an_event_counts_for_its_time_but_no_more_than_its_arrival_less_disorder) {
  WatermarkClock clock;
  clock.configure({source("a", 10_s, 60_s)});
  EXPECT_EQ(arrives(clock, 0, at(100), at(200)), kMinusInfinity);  // its own W is that before it
  EXPECT_EQ(clock.watermark(), at(90));
  EXPECT_EQ(arrives(clock, 0, at(500), at(201)), at(90));
  EXPECT_EQ(clock.watermark(), at(191));
}

TEST(WatermarkTest, it_never_falls) {
  WatermarkClock clock;
  clock.configure({source("a", 0_s, 60_s), source("b", 0_s, 60_s)});
  arrives(clock, 0, at(100), at(100));
  EXPECT_EQ(clock.watermark(), at(100));
  arrives(clock, 1, at(10), at(100));  // another source, far behind
  EXPECT_EQ(clock.watermark(), at(100));
  arrives(clock, 0, at(50), at(101));
  EXPECT_EQ(clock.watermark(), at(100));
  clock.advance(at(90));  // an older clock says nothing
  EXPECT_EQ(clock.now(), at(101));
}

TEST(WatermarkTest, it_is_the_smallest_of_the_active_sources) {
  WatermarkClock clock;
  clock.configure({source("a", 0_s, 60_s), source("b", 0_s, 30_s)});
  arrives(clock, 1, at(0), at(100));
  arrives(clock, 0, at(100), at(100));
  EXPECT_EQ(clock.watermark(), at(0));
  clock.advance(at(130));  // exactly `idle` after its last event b is still active
  EXPECT_TRUE(clock.active(clock.sources()[1]));
  EXPECT_EQ(clock.watermark(), at(0));
  clock.advance(at(130) + DurationMs(1));
  EXPECT_FALSE(clock.active(clock.sources()[1]));
  EXPECT_EQ(clock.watermark(), at(100));
}

TEST(WatermarkTest, when_none_is_active_it_follows_the_clock_behind_by_the_shortest_idle_and_disorder_of_those_that_had_one) {
  WatermarkClock clock;
  clock.configure({source("a", 10_s, 60_s), source("b", 20_s, 40_s), source("never", 0_s, 1_s)});
  arrives(clock, 0, at(0), at(0));
  arrives(clock, 1, at(0), at(0));
  clock.advance(at(60));
  EXPECT_EQ(clock.watermark(), at(-10));  // a is active still; b, which stood at -20, is not
  clock.advance(at(60) + DurationMs(1));
  EXPECT_EQ(clock.watermark(), at(0) + DurationMs(1));
  EXPECT_EQ(clock.idle_watermark_at(at(100)), at(40));
  EXPECT_EQ(clock.watermark(), at(0) + DurationMs(1)) << "asking changes nothing";
  clock.advance(at(100));
  EXPECT_EQ(clock.watermark(), at(40));
}

TEST(WatermarkTest, a_source_that_comes_back_is_behind_and_does_not_pull_it_back) {
  WatermarkClock clock;
  clock.configure({source("a", 0_s, 10_s)});
  arrives(clock, 0, at(0), at(0));
  EXPECT_EQ(arrives(clock, 0, at(1), at(100)), at(90)) << "history sent after silence is late by design";
  EXPECT_EQ(clock.watermark(), at(90));
  arrives(clock, 0, at(101), at(101));
  EXPECT_EQ(clock.watermark(), at(101));
}

TEST(WatermarkTest, the_stored_one_does_not_depend_on_when_the_clock_was_looked_at) {
  const auto stored = [](bool ticking) {
    WatermarkClock clock;
    clock.configure({source("a", 3_s, 7_s), source("b", 1_s, 20_s)});
    std::vector<TimeMs> all;
    int64_t now = 0;
    for (int64_t i = 0; i < 200; ++i) {
      const int64_t gap = i * i % 23;
      if (ticking) {
        for (int64_t t = 0; t <= gap; ++t) clock.advance(at(now + t));
      }
      now += gap;
      all.push_back(arrives(clock, static_cast<size_t>(i % 3 == 0), at(now - i * 7 % 11), at(now)));
    }
    return all;
  };
  EXPECT_EQ(stored(false), stored(true));
}

TEST(WatermarkTest, a_new_plan_keeps_what_is_known_of_sources_that_stay) {
  WatermarkClock clock;
  clock.configure({source("a", 0_s, 60_s), source("b", 0_s, 60_s)});
  arrives(clock, 0, at(100), at(100));
  arrives(clock, 1, at(50), at(100));
  clock.configure({source("c", 0_s, 60_s), source("a", 0_s, 60_s)});
  EXPECT_EQ(clock.index_of("a"), 1U);
  EXPECT_EQ(clock.index_of("b"), std::nullopt);
  EXPECT_EQ(clock.sources()[1].watermark, at(100));
  arrives(clock, 1, at(110), at(110));
  EXPECT_EQ(clock.watermark(), at(110)) << "b is gone and holds nothing back";
}

TEST(WatermarkTest, what_is_saved_is_what_is_loaded) {
  WatermarkClock clock;
  clock.configure({source("a", 3_s, 7_s), source("b", 1_s, 20_s)});
  arrives(clock, 0, at(-5), at(3));
  std::string bytes;
  ByteWriter to(bytes);
  clock.save(to);
  WatermarkClock other;
  ByteReader from(bytes);
  other.load(from);
  EXPECT_FALSE(from.failed());
  EXPECT_TRUE(from.at_end());
  EXPECT_EQ(arrives(clock, 1, at(7), at(30)), arrives(other, 1, at(7), at(30)));
  EXPECT_EQ(clock.watermark(), other.watermark());
  EXPECT_EQ(clock.now(), other.now());
}

}  // namespace
}  // namespace sluice::process
