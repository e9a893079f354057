#include "app/log_door.h"

#include <gtest/gtest.h>

#include "log/sample_submissions.h"
#include "os/ports.h"
#include "os/temp_folder.h"

namespace sluice::app {
namespace {

class LogDoorTest : public testing::Test {
 protected:
  static log::Options small() {
    log::Options options;
    options.free_bytes_min = 0;
    options.reserve_step_bytes = 64_KiB;
    return options;
  }
  bool submit(const std::string& record) {
    return door_.submit(log::submission_of({record}), [this](Result<event::Receipt> receipt) {
      codes_.push_back(receipt ? std::nullopt : std::optional(receipt.error().code));
    });
  }
  void commit() {
    while (committer_.step(DurationMs(20)) != log::Progress::worked) {
    }
  }

  os::RealPorts real_;
  os::TempFolder folder_{os::TempFolder::Place::memory};
  std::unique_ptr<log::SegmentLog> log_ =
      std::move(*log::SegmentLog::open(real_.ports().files, folder_.file("log"), log::sample_data_id(), small()));
  log::Committer committer_{*log_, real_.ports().clock, {.queue = {.items_max = 2, .bytes_max = 1_MiB}}};
  LogSubmitter door_{committer_};
  std::vector<std::optional<Code>> codes_;  // nullopt: stored
};

TEST_F(LogDoorTest, a_submission_is_answered_once_its_frame_is_synced) {
  EXPECT_TRUE(submit("a"));
  EXPECT_TRUE(codes_.empty());
  commit();
  EXPECT_EQ(codes_, (std::vector<std::optional<Code>>{std::nullopt}));
}

TEST_F(LogDoorTest, a_full_queue_says_so_and_drops_the_answer) {
  EXPECT_TRUE(submit("a"));
  EXPECT_TRUE(submit("b"));
  EXPECT_FALSE(submit("c"));
  commit();
  EXPECT_EQ(codes_.size(), 2U);
}

TEST_F(LogDoorTest, what_the_log_will_never_take_is_answered_at_once_with_the_reason) {
  EXPECT_TRUE(submit(std::string(event::kFrameBytesMax, 'x')));
  committer_.close();
  EXPECT_TRUE(submit("too late"));
  EXPECT_EQ(codes_, (std::vector<std::optional<Code>>{Code::invalid, Code::closed}));
}

TEST_F(LogDoorTest, frames_come_in_order_and_end_at_the_synced_end) {
  ASSERT_TRUE(log_->append({log::submission_of({"a", "b"})}, time_ms(1)));
  ASSERT_TRUE(log_->append(log::one("c"), time_ms(2)));
  LogFrames frames(*log_, committer_);
  EXPECT_EQ((*frames.next(event::Offset(0)))->end(), event::Offset(2));
  EXPECT_EQ((*frames.next(event::Offset(2)))->record(0), "c");
  const Result<std::optional<event::Frame>> none = frames.next(event::Offset(3));
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

TEST_F(LogDoorTest, a_position_in_the_middle_of_a_frame_means_another_log) {
  ASSERT_TRUE(log_->append({log::submission_of({"a", "b"})}, time_ms(1)));
  LogFrames frames(*log_, committer_);
  const Result<std::optional<event::Frame>> odd = frames.next(event::Offset(1));
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().code, Code::corrupt);
  EXPECT_NE(odd.error().message.find("begins at 1"), std::string::npos) << odd.error().message;
}

TEST_F(LogDoorTest, the_clock_is_never_behind_the_newest_frame) {
  const TimeMs ahead = real_.ports().clock.wall() + std::chrono::hours(1);
  ASSERT_TRUE(log_->append(log::one("a"), ahead));
  LogFrames frames(*log_, committer_);
  const std::optional<process::ClockReading> reading = frames.clock_reading();
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->clock, ahead);
  EXPECT_EQ(reading->end, event::Offset(1));
}

}  // namespace
}  // namespace sluice::app
