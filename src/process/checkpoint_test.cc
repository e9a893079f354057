#include "process/checkpoint.h"

#include <gtest/gtest.h>

#include "os/faulty_files.h"
#include "os/temp_folder.h"

namespace sluice::process {
namespace {

class CheckpointTest : public ::testing::Test {
 protected:
  static Checkpoint sample(uint64_t epoch) {
    Checkpoint c;
    c.epoch = Epoch(epoch);
    c.position[event::PartitionId(0)] = event::Offset(epoch * 100);
    c.plan = "p" + std::to_string(epoch);
    c.next_job = JobId(epoch + 5);
    if (epoch % 2 == 0)
      c.running = JobEntry{JobId(4), "m", "v", {{time_ms(1), time_ms(2)}}, Epoch(1), time_ms(3), time_ms(4), true};
    c.snapshot = "state of " + std::to_string(epoch);
    return c;
  }
  static void expect_same(const Checkpoint& a, const Checkpoint& b) {
    EXPECT_EQ(a.epoch, b.epoch);
    EXPECT_EQ(a.position, b.position);
    EXPECT_EQ(a.plan, b.plan);
    EXPECT_EQ(a.next_job, b.next_job);
    EXPECT_EQ(a.running, b.running);
    EXPECT_EQ(a.snapshot, b.snapshot);
  }

  os::TempFolder folder{os::TempFolder::Place::memory};
  std::unique_ptr<os::Files> files = os::real_files();
  std::string directory = folder.file("checkpoints");
  Checkpoints checkpoints{*files, directory, "d1"};
};

TEST_F(CheckpointTest, the_newest_is_found_and_three_are_kept) {
  std::vector<std::string> skipped;
  EXPECT_FALSE(*checkpoints.newest(Epoch(UINT64_MAX), skipped)) << "before the first there is none";
  for (const uint64_t epoch : {1, 2, 30, 400, 5000}) ASSERT_TRUE(checkpoints.publish(sample(epoch)));
  const auto newest = checkpoints.newest(Epoch(UINT64_MAX), skipped);
  ASSERT_TRUE(newest && *newest);
  expect_same(**newest, sample(5000));
  const auto kept = checkpoints.kept();
  ASSERT_TRUE(kept);
  ASSERT_EQ(kept->size(), 3U);
  EXPECT_EQ((*kept)[0].epoch, Epoch(30));
  EXPECT_EQ((*kept)[2].epoch, Epoch(5000));
  EXPECT_TRUE(skipped.empty());
}

TEST_F(CheckpointTest, one_that_is_not_too_new_can_be_asked_for_and_later_ones_dropped) {
  for (const uint64_t epoch : {10, 20, 30}) ASSERT_TRUE(checkpoints.publish(sample(epoch)));
  std::vector<std::string> skipped;
  const auto older = checkpoints.newest(Epoch(29), skipped);
  ASSERT_TRUE(older && *older);
  EXPECT_EQ((*older)->epoch, Epoch(20));
  ASSERT_TRUE(checkpoints.drop_after(Epoch(10)));
  EXPECT_EQ((*checkpoints.newest(Epoch(UINT64_MAX), skipped))->epoch, Epoch(10));
  EXPECT_FALSE(*checkpoints.newest(Epoch(9), skipped));
}

TEST_F(CheckpointTest, any_flipped_bit_or_missing_end_makes_it_fall_back_to_the_one_before_and_says_so) {
  ASSERT_TRUE(checkpoints.publish(sample(1)));
  ASSERT_TRUE(checkpoints.publish(sample(2)));
  const std::string path = os::join(directory, "000000000002.checkpoint");
  const std::string whole = *files->read_all(path, 1 << 20);
  const auto falls_back = [&](const std::string& damaged) {
    ASSERT_TRUE(files->replace(path, damaged));
    std::vector<std::string> skipped;
    const auto newest = checkpoints.newest(Epoch(UINT64_MAX), skipped);
    ASSERT_TRUE(newest && *newest);
    expect_same(**newest, sample(1));
    ASSERT_EQ(skipped.size(), 1U);
    EXPECT_NE(skipped[0].find("000000000002.checkpoint"), std::string::npos);
  };
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    falls_back(damaged);
    falls_back(whole.substr(0, at));
  }
}

TEST_F(CheckpointTest, another_data_id_is_skipped_and_said) {
  ASSERT_TRUE(checkpoints.publish(sample(3)));
  Checkpoints other(*files, directory, "d2");
  std::vector<std::string> skipped;
  EXPECT_FALSE(*other.newest(Epoch(UINT64_MAX), skipped));
  ASSERT_EQ(skipped.size(), 1U);
  EXPECT_NE(skipped[0].find("another data id"), std::string::npos);
}

TEST_F(CheckpointTest, a_power_cut_while_it_is_published_leaves_the_old_one_or_the_new_one) {
  for (uint64_t changes = 0; changes < 12; ++changes) {
    os::FaultyFiles faulty(*files);
    const std::string at = folder.file("cut" + std::to_string(changes));
    Checkpoints cut(faulty, at, "d1");
    ASSERT_TRUE(cut.publish(sample(1)));
    faulty.stop_after(changes);
    const Status published = cut.publish(sample(2));
    faulty.heal();
    ASSERT_TRUE(faulty.lose_unsynced());
    std::vector<std::string> skipped;
    const auto newest = cut.newest(Epoch(UINT64_MAX), skipped);
    ASSERT_TRUE(newest && *newest) << changes;
    EXPECT_TRUE(skipped.empty()) << changes;
    if (published) {
      EXPECT_EQ((*newest)->epoch, Epoch(2));
    }
  }
}

}  // namespace
}  // namespace sluice::process
