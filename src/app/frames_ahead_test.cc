#include "app/frames_ahead.h"

#include <gtest/gtest.h>

#include "log/sample_submissions.h"
#include "os/temp_folder.h"

namespace sluice::app {
namespace {

constexpr size_t kAll = 1'000;

class FramesAheadTest : public testing::Test {
 protected:
  // One frame of records that the edge counted as `received` of that source.
  void append(const std::vector<std::string>& records, uint32_t received, int64_t at, const std::string& source = "site") {
    event::Submission submission = log::submission_of(records, source);
    submission.manifest.received = received;
    ASSERT_TRUE(log_->append({submission}, time_ms(at)));
  }
  static log::Options small() {
    log::Options options;
    options.free_bytes_min = 0;
    options.reserve_step_bytes = 64_KiB;
    return options;
  }

  os::TempFolder folder_{os::TempFolder::Place::memory};
  std::unique_ptr<os::Files> files_ = os::real_files();
  std::unique_ptr<log::SegmentLog> log_ =
      std::move(*log::SegmentLog::open(*files_, folder_.file("log"), log::sample_data_id(), small()));
};

TEST_F(FramesAheadTest, what_waits_is_counted_from_manifests_and_records_and_leaves_with_its_frame) {
  PendingFrames pending(*log_);
  append({"a", "b"}, 2, 1'000);
  append({"c"}, 5, 2'000);  // a wrong manifest is not corrected away
  ASSERT_TRUE(pending.advance(event::Offset(0), kAll));
  EXPECT_EQ(pending.totals().received, 7U);
  EXPECT_EQ(pending.totals().pending, 3U);
  EXPECT_EQ(pending.oldest(), time_ms(1'000));

  ASSERT_TRUE(pending.advance(event::Offset(2), kAll));
  EXPECT_EQ(pending.totals().received, 5U);
  EXPECT_EQ(pending.totals().pending, 1U);
  EXPECT_EQ(pending.oldest(), time_ms(2'000));

  ASSERT_TRUE(pending.advance(event::Offset(3), kAll));
  EXPECT_EQ(pending.totals(), event::LedgerCounts{});
  EXPECT_EQ(pending.oldest(), std::nullopt);
}

TEST_F(FramesAheadTest, frames_that_are_committed_before_they_were_read_are_never_read) {
  PendingFrames pending(*log_);
  append({"a", "b"}, 2, 1'000);
  append({"c"}, 1, 2'000);
  ASSERT_TRUE(pending.advance(event::Offset(2), kAll));
  EXPECT_EQ(pending.totals().pending, 1U);
  EXPECT_EQ(pending.read_to(), event::Offset(3));
}

TEST_F(FramesAheadTest, one_look_reads_no_more_frames_than_it_may) {
  PendingFrames pending(*log_);
  for (int64_t i = 0; i < 5; ++i) append({"x"}, 1, i);
  ASSERT_TRUE(pending.advance(event::Offset(0), 2));
  EXPECT_EQ(pending.totals().pending, 2U);
  ASSERT_TRUE(pending.advance(event::Offset(0), 2));
  ASSERT_TRUE(pending.advance(event::Offset(0), 2));
  EXPECT_EQ(pending.totals().pending, 5U);
}

TEST_F(FramesAheadTest, a_frame_counts_for_the_source_of_each_request_and_the_minute_of_its_arrival) {
  const std::vector<event::Submission> two{log::submission_of({"a"}, "site"), log::submission_of({"b", "c"}, "shop")};
  ASSERT_TRUE(log_->append(two, time_ms(125'000)));
  append({"d"}, 1, 180'000);
  PerMinute counts;
  ASSERT_TRUE(visit_frames(*log_, event::Offset(0), [&](const event::Frame& frame) {
    count_frame(frame, counts);
    return true;
  }));
  ASSERT_EQ(counts.size(), 3U);
  EXPECT_EQ((counts[{"site", time_ms(120'000)}].pending), 1U);
  EXPECT_EQ((counts[{"shop", time_ms(120'000)}].received), 2U);
  EXPECT_EQ((counts[{"site", time_ms(180'000)}].received), 1U);
}

TEST_F(FramesAheadTest, a_visit_begins_with_the_frame_that_holds_the_place_and_ends_when_told) {
  append({"a", "b"}, 2, 1);
  append({"c"}, 1, 2);
  append({"d"}, 1, 3);
  std::vector<uint64_t> firsts;
  ASSERT_TRUE(visit_frames(*log_, event::Offset(1), [&](const event::Frame& frame) {
    firsts.push_back(frame.first.value);
    return firsts.size() < 2;
  }));
  EXPECT_EQ(firsts, (std::vector<uint64_t>{0, 2}));
}

}  // namespace
}  // namespace sluice::app
