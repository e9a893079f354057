#include "process/cold_windows.h"

#include <gtest/gtest.h>

namespace sluice::process {
namespace {

using event::Epoch;
constexpr plan::Span window(int64_t n) { return {time_ms(n * 100), time_ms(n * 100 + 100)}; }
constexpr Epoch kAny{UINT64_MAX};

TEST(ColdWindowsTest, dirty_windows_are_due_newest_first_and_only_what_the_job_will_see) {
  ColdWindows cold;
  cold.dirty(window(1), Epoch(5));
  cold.dirty(window(3), Epoch(7));
  cold.dirty(window(2), Epoch(6));
  EXPECT_EQ(cold.due(kAny, 2), (std::vector<plan::Span>{window(3), window(2)}));
  EXPECT_EQ(cold.due(Epoch(6), 10), (std::vector<plan::Span>{window(2), window(1)}));
  EXPECT_TRUE(cold.due(Epoch(4), 10).empty());
  EXPECT_EQ(cold.dirty_count(), 3U) << "asking changes nothing";
}

TEST(ColdWindowsTest, a_window_dirtied_after_the_jobs_epoch_stays_dirty) {
  ColdWindows cold;
  cold.dirty(window(1), Epoch(5));
  cold.dirty(window(2), Epoch(5));
  const std::vector<plan::Span> job = cold.due(Epoch(5), 10);
  cold.dirty(window(2), Epoch(6));
  cold.started(job, Epoch(5));
  EXPECT_EQ(cold.due(kAny, 10), std::vector<plan::Span>{window(2)});
}

TEST(ColdWindowsTest, an_older_reason_does_not_hide_a_newer_one) {
  ColdWindows cold;
  cold.dirty(window(1), Epoch(6));
  cold.dirty(window(1), Epoch(3));  // a list of stored windows that comes late
  cold.started({window(1)}, Epoch(5));
  EXPECT_EQ(cold.dirty_count(), 1U);
}

TEST(ColdWindowsTest, a_job_that_gave_up_gives_its_windows_back) {
  ColdWindows cold;
  cold.dirty(window(1), Epoch(5));
  cold.started({window(1)}, Epoch(5));
  EXPECT_EQ(cold.dirty_count(), 0U);
  cold.not_done({window(1)}, Epoch(5));
  EXPECT_EQ(cold.due(Epoch(5), 10), std::vector<plan::Span>{window(1)});
}

TEST(ColdWindowsTest, what_began_before_the_operators_birth_or_was_evicted_is_cold_while_open) {
  ColdWindows cold(time_ms(200));
  EXPECT_TRUE(cold.open_cold(window(1)));
  EXPECT_TRUE(cold.open_cold(window(2))) << "an event at exactly that instant may be stored";
  EXPECT_FALSE(cold.open_cold(window(3)));
  cold.evict(window(3));
  EXPECT_TRUE(cold.open_cold(window(3)));
  EXPECT_FALSE(ColdWindows().open_cold(window(-1000)));
}

TEST(ColdWindowsTest, the_closing_of_an_open_cold_window_makes_it_dirty_once) {
  ColdWindows cold;
  EXPECT_EQ(cold.first_awaited_end(), std::nullopt);
  cold.evict(window(1));
  cold.await_close(window(1));
  cold.await_close(window(1));
  cold.await_close(window(4));
  EXPECT_EQ(cold.first_awaited_end(), time_ms(200));
  cold.close(time_ms(299), DurationMs(100), Epoch(8));
  EXPECT_EQ(cold.dirty_count(), 0U);
  cold.close(time_ms(300), DurationMs(100), Epoch(9));
  EXPECT_EQ(cold.due(Epoch(9), 10), std::vector<plan::Span>{window(1)});
  EXPECT_TRUE(cold.due(Epoch(8), 10).empty()) << "a job that does not see the closing would leave it filling";
  EXPECT_FALSE(cold.open_cold(window(1)));
  cold.started({window(1)}, Epoch(9));
  cold.close(time_ms(400), DurationMs(100), Epoch(10));
  EXPECT_EQ(cold.dirty_count(), 0U);
  EXPECT_EQ(cold.first_awaited_end(), time_ms(500));
}

TEST(ColdWindowsTest, what_is_saved_is_what_is_loaded) {
  ColdWindows cold(time_ms(-500));
  cold.dirty(window(-9), Epoch(3));
  cold.dirty(window(7), Epoch(4));
  cold.evict(window(8));
  cold.await_close(window(8));
  std::string bytes, again;
  ByteWriter to(bytes);
  cold.save(to);
  ColdWindows other;
  ByteReader from(bytes);
  other.load(from);
  ASSERT_FALSE(from.failed());
  EXPECT_TRUE(from.at_end());
  ByteWriter to_again(again);
  other.save(to_again);
  EXPECT_EQ(bytes, again);
  EXPECT_TRUE(other.open_cold(window(8)));
  EXPECT_TRUE(other.open_cold(window(-5)));
  EXPECT_EQ(other.due(kAny, 10), cold.due(kAny, 10));
}

TEST(ColdWindows, a_window_that_is_dirtied_in_every_epoch_is_computed_all_the_same) {
  ColdWindows cold;
  const plan::Span window{time_ms(0), time_ms(10)};
  for (uint64_t epoch = 1; epoch <= 5; ++epoch) cold.dirty(window, event::Epoch(epoch));
  const event::Epoch committed(3);   // two epochs are always under way
  ASSERT_EQ(cold.due(committed, 9), std::vector<plan::Span>{window});
  cold.started({window}, committed);
  EXPECT_TRUE(cold.due(committed, 9).empty()) << "what came up to the job is computed";
  EXPECT_EQ(cold.dirty_count(), 1U) << "what came after it is not";
  cold.dirty(window, event::Epoch(6));
  EXPECT_EQ(cold.due(event::Epoch(4), 9), std::vector<plan::Span>{window});
  cold.started({window}, event::Epoch(6));
  EXPECT_EQ(cold.dirty_count(), 0U);
}

TEST(ColdWindows, only_what_went_cold_meanwhile_stays_dirty) {
  const plan::Span before{time_ms(0), time_ms(10)}, closed{time_ms(10), time_ms(20)}, evicted{time_ms(20), time_ms(30)};
  ColdWindows cold;
  cold.dirty(before, event::Epoch(1));
  const ColdWindows then = cold;
  cold.dirty(closed, event::Epoch(2));
  cold.evict(evicted);
  cold.dirty(evicted, event::Epoch(2));
  cold.await_close(evicted);
  cold.keep_dirty_of(then);
  EXPECT_EQ(cold.due(event::Epoch(9), 9), (std::vector<plan::Span>{evicted, before}));
  EXPECT_TRUE(cold.open_cold(evicted));
}

TEST(ColdWindows, dirty_windows_of_others_keep_their_oldest_and_newest_epoch) {
  const plan::Span window{time_ms(0), time_ms(10)};
  ColdWindows cold, others;
  cold.dirty(window, event::Epoch(5));
  others.dirty(window, event::Epoch(3));
  others.dirty(window, event::Epoch(8));
  cold.add_dirty(others);
  EXPECT_EQ(cold.due(event::Epoch(3), 9), std::vector<plan::Span>{window});
  cold.started({window}, event::Epoch(7));
  EXPECT_EQ(cold.dirty_count(), 1U) << "the others saw epoch 8";
}

}  // namespace
}  // namespace sluice::process
