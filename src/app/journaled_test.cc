#include "app/journaled.h"

#include <gtest/gtest.h>

#include "os/temp_folder.h"

namespace sluice::app {
namespace {

constexpr const char* kId = "00112233445566778899aabbccddeeff";

class JournaledTest : public testing::Test {
 protected:
  void cut(process::Journal& cuts, uint64_t epoch, uint64_t from, uint64_t to, std::optional<int64_t> clock) {
    process::CutEntry entry;
    entry.epoch = event::Epoch(epoch);
    entry.from = {{event::kEmbeddedPartition, event::Offset(from)}};
    entry.to = {{event::kEmbeddedPartition, event::Offset(to)}};
    if (clock) entry.clock = time_ms(*clock);
    entry.plan = std::string(64, '0');
    ASSERT_TRUE(cuts.append(entry));
  }
  std::unique_ptr<process::Journal> open(const std::string& directory) {
    Result<process::Journal::Opened> opened = process::Journal::open(real_.ports().files, directory, kId);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(opened->journal);
  }

  os::RealPorts real_;
  os::TempFolder folder_{os::TempFolder::Place::memory};
  DataPaths paths_{folder_.path()};
};

TEST_F(JournaledTest, a_data_directory_that_never_ran_says_nothing) {
  const Result<Journaled> journaled = read_journals(real_.ports(), paths_, kId);
  ASSERT_TRUE(journaled) << journaled.error().message;
  EXPECT_EQ(journaled->clock, kMinusInfinity);
  EXPECT_EQ(journaled->committed_to, event::Offset(0));
}

TEST_F(JournaledTest, the_newest_clock_counts_also_of_epochs_that_were_not_committed_the_position_does_not) {
  const auto cuts = open(paths_.process() + "/cuts");
  const auto marks = open(paths_.marks());
  cut(*cuts, 1, 0, 10, 1'000);
  cut(*cuts, 2, 10, 25, std::nullopt);
  cut(*cuts, 3, 25, 40, 3'000);
  for (const uint64_t epoch : {1, 2}) ASSERT_TRUE(marks->append(process::CommitEntry{event::Epoch(epoch), {}}));
  const Result<Journaled> journaled = read_journals(real_.ports(), paths_, kId);
  ASSERT_TRUE(journaled) << journaled.error().message;
  EXPECT_EQ(journaled->clock, time_ms(3'000)) << "no later frame may arrive before it";
  EXPECT_EQ(journaled->committed_to, event::Offset(25));
}

TEST_F(JournaledTest, journals_of_other_data_are_refused) {
  open(paths_.marks());
  EXPECT_FALSE(read_journals(real_.ports(), paths_, std::string(32, 'f')));
}

}  // namespace
}  // namespace sluice::app
