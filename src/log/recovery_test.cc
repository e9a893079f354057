#include <gtest/gtest.h>

#include "log/sample_submissions.h"
#include "log/segment_log.h"
#include "os/faulty_files.h"
#include "os/temp_folder.h"

namespace sluice::log {
namespace {

Options tiny() {
  Options options;
  options.segment_bytes_max = 700;
  options.reserve_step_bytes = 256;
  options.free_bytes_min = 0;
  options.index_spacing_bytes = 64;
  options.codec = Codec::none;
  return options;
}

class RecoveryTest : public testing::Test {
 protected:
  Result<std::unique_ptr<SegmentLog>> open() { return SegmentLog::open(files_, path_, sample_data_id(), tiny()); }
  std::string path_of(Offset segment) { return os::join(path_, segment_name(segment)); }
  std::string content(const std::string& path) { return *real_->read_all(path, 1 << 20); }
  void overwrite(const std::string& path, std::string_view bytes) { ASSERT_TRUE(real_->replace(path, bytes)); }
  uint64_t count(SegmentLog& log) {
    const auto reader = log.reader();
    uint64_t records = 0;
    for (Offset at = log.begin();;) {
      const auto frame = reader->read(at);
      EXPECT_TRUE(frame) << frame.error().message;
      if (!frame || !*frame) return records;
      records += (*frame)->records.size();
      at = (*frame)->end();
    }
  }

  os::TempFolder folder_{os::TempFolder::Place::memory};
  std::string path_ = folder_.file("log");
  std::unique_ptr<os::Files> real_ = os::real_files();
  os::FaultyFiles files_{*real_};
};

TEST_F(RecoveryTest, a_last_frame_torn_at_any_byte_is_cut_and_reported) {
  uint64_t whole = 0, before = 0;
  {
    const auto log = *open();
    ASSERT_TRUE(log->append(one("first"), time_ms(1)));
    before = log->size_bytes();
    ASSERT_TRUE(log->append(one("second, the one that tears"), time_ms(2)));
    whole = log->size_bytes();
  }
  const std::string good = content(path_of(Offset(0)));
  for (uint64_t kept = before; kept < whole; ++kept) {
    SCOPED_TRACE(kept);
    std::string torn = good;  // what follows the torn byte was reserved and reads as zeros
    std::fill(torn.begin() + static_cast<std::ptrdiff_t>(kept), torn.end(), '\0');
    const bool changed = torn != good;
    for (const std::string& bytes : {torn, good.substr(0, kept)}) {
      overwrite(path_of(Offset(0)), bytes);
      const auto log = open();
      ASSERT_TRUE(log) << log.error().message;
      ASSERT_TRUE(changed);
      EXPECT_EQ((*log)->synced_end(), Offset(1));
      EXPECT_FALSE((*log)->recovery().read_only);
      EXPECT_EQ((*log)->recovery().bytes_cut, bytes.find_last_not_of('\0') + 1 - before);
      EXPECT_EQ((*log)->recovery().reason.empty(), (*log)->recovery().bytes_cut == 0);
      EXPECT_EQ((*log)->last_received_at(), time_ms(1));
      ASSERT_TRUE((*log)->append(one("instead"), time_ms(3)));
      EXPECT_EQ(count(**log), 2U);
    }
  }
}

TEST_F(RecoveryTest, the_cut_is_synced_before_anything_else_happens) {
  {
    const auto log = *open();
    ASSERT_TRUE(log->append(one("first"), time_ms(1)));
    files_.tear_write(1, 80);
    ASSERT_FALSE(log->append(one("torn in the middle of its record"), time_ms(1)));
  }
  ASSERT_TRUE(open());
  ASSERT_TRUE(files_.lose_unsynced());  // power fails right after the start
  const auto log = *open();
  EXPECT_EQ(log->recovery().bytes_cut, 0U) << "it stays cut";
  EXPECT_EQ(count(*log), 1U);
}

TEST_F(RecoveryTest, a_failing_sync_at_the_start_refuses_to_open) {
  {
    const auto log = *open();
    ASSERT_TRUE(log->append(one("first"), time_ms(1)));
  }
  files_.fail_data_sync(1);
  const auto log = open();
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, Code::io);
}

TEST_F(RecoveryTest, a_flipped_bit_before_a_later_frame_opens_read_only_up_to_it) {
  std::vector<uint64_t> ends;
  {
    const auto log = *open();
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(log->append(one("record " + std::to_string(i)), time_ms(i)));
      ends.push_back(log->size_bytes());
    }
  }
  const std::string good = content(path_of(Offset(0)));
  for (uint64_t at = 0; at < ends[2]; ++at) {
    SCOPED_TRACE(at);
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    overwrite(path_of(Offset(0)), bad);
    const auto log = open();
    ASSERT_TRUE(log) << log.error().message;
    const uint64_t frames = at < ends[0] ? 0 : at < ends[1] ? 1 : 2;
    EXPECT_TRUE((*log)->recovery().read_only);
    EXPECT_FALSE((*log)->recovery().reason.empty());
    EXPECT_EQ((*log)->recovery().bytes_cut, 0U);
    EXPECT_EQ((*log)->synced_end(), Offset(frames));
    EXPECT_EQ(count(**log), frames);
    const auto refused = (*log)->append(one("x"), time_ms(9));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::corrupt);
    EXPECT_EQ(content(path_of(Offset(0))), bad) << "nothing is touched";
  }
}

TEST_F(RecoveryTest, a_flipped_bit_in_the_very_last_frame_cannot_be_told_from_a_torn_write) {
  {
    const auto log = *open();
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(log->append(one("record"), time_ms(i)));
  }
  std::string bytes = content(path_of(Offset(0)));
  const size_t last = bytes.find_last_not_of('\0');
  bytes[last] = static_cast<char>(bytes[last] ^ 1);
  overwrite(path_of(Offset(0)), bytes);
  const auto log = *open();
  EXPECT_EQ(log->synced_end(), Offset(1));
  EXPECT_GT(log->recovery().bytes_cut, 0U);
}

TEST_F(RecoveryTest, a_frame_of_a_newer_release_refuses_to_open_and_is_not_cut) {
  {
    const auto log = *open();
    ASSERT_TRUE(log->append(one("first"), time_ms(1)));
  }
  std::string bytes = content(path_of(Offset(0)));
  bytes[4] = 2;
  const uint32_t crc = crc32c(std::string_view(bytes).substr(0, 60));
  std::memcpy(bytes.data() + 60, &crc, sizeof crc);
  overwrite(path_of(Offset(0)), bytes);
  const auto log = open();
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, Code::invalid);
  EXPECT_EQ(content(path_of(Offset(0))), bytes);
}

class ManySegments : public RecoveryTest {
 protected:
  void SetUp() override {
    const auto log = *open();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(log->append(one(std::string(100, 'x') + std::to_string(i)), time_ms(i)));
    const std::vector<os::Entry> entries = *real_->list(path_);
    for (const os::Entry& entry : entries) segments_.push_back(*segment_of(entry.name));
    ASSERT_GE(segments_.size(), 5U);
  }
  std::vector<Offset> segments_;
};

TEST_F(ManySegments, a_damaged_first_frame_of_an_older_segment_opens_read_only_up_to_it) {
  std::string bytes = content(path_of(segments_[2]));
  bytes[10] = static_cast<char>(bytes[10] ^ 1);
  overwrite(path_of(segments_[2]), bytes);
  const auto log = *open();
  EXPECT_TRUE(log->recovery().read_only);
  EXPECT_EQ(log->synced_end(), segments_[2]);
  EXPECT_EQ(count(*log), segments_[2].value);
}

TEST_F(ManySegments, damage_inside_an_older_segment_is_found_by_its_reader_and_not_skipped) {
  std::string bytes = content(path_of(segments_[1]));
  bytes[bytes.size() - 1] = static_cast<char>(bytes[bytes.size() - 1] ^ 1);
  overwrite(path_of(segments_[1]), bytes);
  const auto log = *open();
  const auto reader = log->reader();
  Offset at(0);
  Result<std::optional<event::Frame>> frame = reader->read(at);
  while (frame && *frame) {
    at = (*frame)->end();
    frame = reader->read(at);
  }
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().code, Code::corrupt);
  EXPECT_EQ(at.value, segments_[2].value - 1);
}

TEST_F(ManySegments, a_missing_segment_is_a_hole_that_its_reader_reports) {
  ASSERT_TRUE(real_->remove(path_of(segments_[1])));
  const auto log = *open();
  const auto reader = log->reader();
  EXPECT_TRUE(*reader->read(Offset(segments_[1].value - 1)));
  const auto hole = reader->read(segments_[1]);
  ASSERT_FALSE(hole);
  EXPECT_EQ(hole.error().code, Code::corrupt);
  EXPECT_TRUE(*reader->read(segments_[2]));
}

TEST_F(ManySegments, a_missing_or_shortened_segment_before_a_blank_one_is_damage) {
  const auto scan_end = Offset(20);
  overwrite(path_of(scan_end), std::string(256, '\0'));  // what a roll made right before a crash
  {
    const auto log = *open();
    EXPECT_FALSE(log->recovery().read_only) << log->recovery().reason;
    EXPECT_EQ(log->synced_end(), scan_end);
    EXPECT_EQ(log->last_received_at(), time_ms(19)) << "from the segment before the blank one";
    ASSERT_TRUE(log->append(one("goes on"), time_ms(1)));
    EXPECT_EQ(count(*log), 21U);
  }
  EXPECT_EQ(count(**open()), 21U);
  overwrite(path_of(Offset(21)), std::string(256, '\0'));
  std::string last = content(path_of(segments_.back()));
  last.resize(last.find_last_not_of('\0'));
  overwrite(path_of(segments_.back()), last);
  const auto log = *open();
  EXPECT_TRUE(log->recovery().read_only) << "the blank segment's name proves that more had been synced";
  EXPECT_LT(log->synced_end(), Offset(21));
}

TEST_F(ManySegments, strange_files_beside_the_segments_are_left_alone) {
  overwrite(os::join(path_, "note.txt"), "mine");
  overwrite(os::join(path_, "1.log"), "short name");
  EXPECT_EQ(count(**open()), 20U);
  EXPECT_EQ(content(os::join(path_, "note.txt")), "mine");
}

// The disk stops after every possible number of changes, and what was not synced is lost: acknowledged frames are all there, in
// order, and the log goes on. The names of new files are kept by FaultyFiles, so both ends of a roll are met with and without.
TEST_F(RecoveryTest, a_crash_at_every_call_loses_nothing_that_was_acknowledged) {
  for (const bool lose : {false, true}) {
    for (uint64_t crash_at = 0;; ++crash_at) {
      SCOPED_TRACE(std::to_string(crash_at) + (lose ? ", unsynced lost" : ", unsynced kept"));
      ASSERT_TRUE(real_->remove_tree(path_));
      files_.heal();
      files_.stop_after(crash_at);
      uint64_t acked = 0, tried = 0;
      if (auto log = open()) {
        for (; tried < 12; ++tried) {
          if (!(*log)->append(one(std::string(150, 'x') + std::to_string(tried)), time_ms(static_cast<int64_t>(tried)))) break;
          ++acked;
        }
      }
      files_.heal();
      if (lose) {
        ASSERT_TRUE(files_.lose_unsynced());
      }
      const auto log = open();
      ASSERT_TRUE(log) << log.error().message;
      ASSERT_FALSE((*log)->recovery().read_only) << (*log)->recovery().reason;
      ASSERT_GE((*log)->synced_end().value, acked);
      ASSERT_LE((*log)->synced_end().value, acked + 1) << "the one in flight may have made it";
      const auto reader = (*log)->reader();
      for (uint64_t i = 0; i < acked; ++i) {
        const auto frame = reader->read(Offset(i));
        ASSERT_TRUE(frame && *frame);
        ASSERT_EQ((*frame)->record(0), std::string(150, 'x') + std::to_string(i));
      }
      ASSERT_TRUE((*log)->append(one("after"), time_ms(100)));
      ASSERT_EQ(count(**log), (*log)->synced_end().value);
      if (acked == 12) break;
    }
  }
}

}  // namespace
}  // namespace sluice::log
