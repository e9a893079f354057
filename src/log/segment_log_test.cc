#include "log/segment_log.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "log/sample_submissions.h"
#include "os/faulty_files.h"
#include "os/temp_folder.h"

namespace sluice::log {
namespace {

Options small() {
  Options options;
  options.segment_bytes_max = 4000;
  options.reserve_step_bytes = 1024;
  options.free_bytes_min = 0;
  options.index_spacing_bytes = 256;
  options.codec = Codec::none;
  return options;
}

class SegmentLogTest : public testing::Test {
 protected:
  std::unique_ptr<SegmentLog> open(Options options = small(), event::DataId id = sample_data_id()) {
    auto log = SegmentLog::open(files_, folder_.file("log"), id, options);
    EXPECT_TRUE(log) << log.error().message;
    return std::move(*log);
  }
  static std::vector<std::string> records_from(LogReader& reader, Offset from) {
    std::vector<std::string> records;
    while (true) {
      auto frame = reader.read(from);
      EXPECT_TRUE(frame) << frame.error().message;
      if (!frame || !*frame) return records;
      for (size_t i = static_cast<size_t>(from.value - (*frame)->first.value); i < (*frame)->records.size(); ++i) {
        records.emplace_back((*frame)->record(i));
      }
      from = (*frame)->end();
    }
  }
  std::vector<os::Entry> segments() { return *real_->list(folder_.file("log")); }

  os::TempFolder folder_{os::TempFolder::Place::memory};
  std::unique_ptr<os::Files> real_ = os::real_files();
  os::FaultyFiles files_{*real_};
};

TEST_F(SegmentLogTest, a_new_log_is_empty) {
  const auto log = open();
  EXPECT_EQ(log->begin(), Offset(0));
  EXPECT_EQ(log->synced_end(), Offset(0));
  EXPECT_EQ(log->last_received_at(), std::nullopt);
  EXPECT_FALSE(*log->reader()->read(Offset(0)));
}

TEST_F(SegmentLogTest, offsets_count_records_and_survive_reopening) {
  {
    const auto log = open();
    const auto first = log->append({submission_of({"a", "b"}), submission_of({"c"}, "shop")}, time_ms(100));
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->first, Offset(0));
    EXPECT_EQ(first->end, Offset(3));
    EXPECT_EQ(log->append(one("d"), time_ms(101))->first, Offset(3));
  }
  const auto log = open();
  EXPECT_EQ(log->recovery().frames, 2U);
  EXPECT_EQ(log->recovery().bytes_cut, 0U);
  EXPECT_EQ(log->synced_end(), Offset(4));
  EXPECT_EQ(log->last_received_at(), time_ms(101));
  EXPECT_EQ(records_from(*log->reader(), Offset(0)), (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(records_from(*log->reader(), Offset(2)), (std::vector<std::string>{"c", "d"}));
}

TEST_F(SegmentLogTest, the_arrival_clock_never_goes_back_also_over_a_restart) {
  {
    const auto log = open();
    EXPECT_EQ(log->append(one("a"), time_ms(500))->received_at, time_ms(500));
    EXPECT_EQ(log->append(one("b"), time_ms(400))->received_at, time_ms(500));
  }
  const auto log = open();
  EXPECT_EQ(log->append(one("c"), time_ms(300))->received_at, time_ms(500));
  EXPECT_EQ(log->append(one("d"), time_ms(501))->received_at, time_ms(501));
}

TEST_F(SegmentLogTest, each_frame_costs_one_sync) {
  const auto log = open();
  ASSERT_TRUE(log->append(one("a"), time_ms(1)));
  const uint64_t before = files_.data_syncs();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(log->append(one("a"), time_ms(1)));
  EXPECT_EQ(files_.data_syncs(), before + 5);
}

TEST_F(SegmentLogTest, files_grow_in_whole_steps_and_roll_at_the_segment_bound) {
  const auto log = open();
  ASSERT_TRUE(log->append(one(noise(100)), time_ms(1)));
  EXPECT_EQ(segments()[0].size, 1024U);
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(log->append(one(noise(900)), time_ms(1)));
  const auto found = segments();
  ASSERT_GT(found.size(), 5U);
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_LE(found[i].size, 4096U);
    EXPECT_EQ(found[i].name.size(), 24U);
    const bool left = i + 1 < found.size();
    EXPECT_EQ(found[i].size % 1024 == 0, !left) << "a segment that was left keeps no reserved room";
  }
  EXPECT_EQ(records_from(*log->reader(), Offset(0)).size(), 41U);
}

TEST_F(SegmentLogTest, a_frame_larger_than_a_segment_has_one_for_itself) {
  const auto log = open();
  for (const size_t size : {10U, 20'000U, 10U, 20'000U}) ASSERT_TRUE(log->append(one(noise(size)), time_ms(1)));
  EXPECT_EQ(segments().size(), 4U);
  const auto again = records_from(*log->reader(), Offset(0));
  ASSERT_EQ(again.size(), 4U);
  EXPECT_EQ(again[3], noise(20'000));
}

TEST_F(SegmentLogTest, the_largest_frame_is_written_and_read) {
  Options options;
  options.free_bytes_min = 0;
  const auto log = open(options);
  const std::string record = noise(event::kFrameBytesMax - 100);
  ASSERT_TRUE(log->append(one(record), time_ms(1)));
  EXPECT_EQ(records_from(*log->reader(), Offset(0))[0], record);
}

TEST_F(SegmentLogTest, another_data_id_refuses_to_open_and_changes_nothing) {
  {
    const auto log = open();
    ASSERT_TRUE(log->append(one("a"), time_ms(1)));
  }
  const auto before = *real_->read_all(folder_.file("log/" + segments()[0].name), 1 << 20);
  const auto other = SegmentLog::open(files_, folder_.file("log"), sample_data_id(77), small());
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::conflict);
  EXPECT_EQ(*real_->read_all(folder_.file("log/" + segments()[0].name), 1 << 20), before);
}

TEST_F(SegmentLogTest, readers_see_only_synced_frames) {
  const auto log = open();
  const auto reader = log->reader();
  ASSERT_TRUE(log->append(one("a"), time_ms(1)));
  files_.fail_data_sync(1);
  EXPECT_EQ(log->append(one("b"), time_ms(1)).error().code, Code::io);
  EXPECT_EQ(log->synced_end(), Offset(1)) << "the frame is in the file, but not promised";
  EXPECT_TRUE(*reader->read(Offset(0)));
  EXPECT_FALSE(*reader->read(Offset(1)));
}

TEST_F(SegmentLogTest, a_failed_sync_poisons_for_ever_and_a_restart_keeps_what_was_acknowledged) {
  {
    const auto log = open();
    ASSERT_TRUE(log->append(one("acked"), time_ms(1)));
    EXPECT_EQ(log->failure(), std::nullopt);
    files_.fail_data_sync(1);
    const auto first = log->append(one("lost"), time_ms(1));
    ASSERT_FALSE(first);
    const uint64_t changes = files_.changes();
    for (int i = 0; i < 3; ++i) {
      const auto later = log->append(one("never tried"), time_ms(1));
      ASSERT_FALSE(later);
      EXPECT_EQ(later.error().code, Code::io);
      EXPECT_EQ(later.error().message, first.error().message);
    }
    EXPECT_EQ(files_.changes(), changes) << "the disk was left alone";
    ASSERT_TRUE(log->failure());
    EXPECT_EQ(records_from(*log->reader(), Offset(0)), std::vector<std::string>{"acked"}) << "reading goes on";
  }
  ASSERT_TRUE(files_.lose_unsynced());
  const auto log = open();
  EXPECT_EQ(records_from(*log->reader(), Offset(0)), std::vector<std::string>{"acked"});
  EXPECT_TRUE(log->append(one("again"), time_ms(1)));
}

TEST_F(SegmentLogTest, a_torn_write_poisons_and_is_cut_at_the_next_start) {
  {
    const auto log = open();
    ASSERT_TRUE(log->append(one("acked"), time_ms(1)));
    files_.tear_write(1, 70);
    EXPECT_EQ(log->append(one("a record longer than that"), time_ms(1)).error().code, Code::io);
    EXPECT_FALSE(log->append(one("b"), time_ms(1)));
  }
  const auto log = open();
  EXPECT_EQ(log->recovery().bytes_cut, 70U);
  EXPECT_FALSE(log->recovery().read_only);
  EXPECT_EQ(records_from(*log->reader(), Offset(0)), std::vector<std::string>{"acked"});
}

TEST_F(SegmentLogTest, a_full_disk_says_full_keeps_every_acked_frame_and_goes_on_when_there_is_room) {
  std::vector<std::string> acked;
  for (uint64_t room = 0; room < 6000; room += 97) {
    const auto log = open();
    files_.limit_room(room);
    int refused = 0;
    for (int i = 0; i < 20; ++i) {
      const std::string record = std::to_string(room) + "/" + std::to_string(i) + noise(400);
      const auto appended = log->append(one(record), time_ms(1));
      if (appended) {
        acked.push_back(record);
      } else {
        EXPECT_EQ(appended.error().code, Code::full) << appended.error().message;
        ++refused;
      }
    }
    EXPECT_GT(refused, 0);
    files_.limit_room(std::nullopt);
    const std::string record = "after " + std::to_string(room);
    ASSERT_TRUE(log->append(one(record), time_ms(1)));
    acked.push_back(record);
    EXPECT_EQ(records_from(*log->reader(), Offset(0)), acked);
  }
  const auto log = open();
  EXPECT_EQ(log->recovery().bytes_cut, 0U);
  EXPECT_EQ(records_from(*log->reader(), Offset(0)), acked);
}

TEST_F(SegmentLogTest, a_reserve_on_the_disk_is_left_to_others) {
  Options options = small();
  options.free_bytes_min = uint64_t{1} << 60;
  const auto log = open(options);
  const auto refused = log->append(one("a"), time_ms(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::full);
  EXPECT_TRUE(segments().empty()) << "nothing is left behind";
}

TEST_F(SegmentLogTest, the_log_is_full_at_its_own_bound_until_old_segments_are_dropped) {
  Options options = small();
  options.bytes_max = 20'000;
  const auto log = open(options);
  Result<Appended> last = log->append(one(noise(900)), time_ms(1));
  while (last) last = log->append(one(noise(900)), time_ms(1));
  EXPECT_EQ(last.error().code, Code::full);
  EXPECT_LE(log->size_bytes(), 20'000U);
  EXPECT_GT(log->size_bytes(), 18'000U);
  ASSERT_TRUE(log->drop_before(Offset(10)));
  EXPECT_TRUE(log->append(one(noise(900)), time_ms(1)));
}

TEST_F(SegmentLogTest, dropping_takes_whole_segments_behind_the_kept_offset_and_never_the_newest) {
  auto log = open();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(log->append(one(std::to_string(i) + noise(900)), time_ms(i)));
  const auto reader = log->reader();
  ASSERT_TRUE(log->drop_before(Offset(10)));
  EXPECT_LE(log->begin(), Offset(10));
  EXPECT_GT(log->begin(), Offset(10 - 4)) << "a segment holds four of these frames";
  const auto dropped = reader->read(Offset(0));
  ASSERT_FALSE(dropped);
  EXPECT_EQ(dropped.error().code, Code::not_found);
  EXPECT_EQ(records_from(*reader, Offset(10)).size(), 10U);
  ASSERT_TRUE(log->drop_before(Offset(1000)));
  EXPECT_EQ(segments().size(), 1U);
  EXPECT_LT(log->begin(), log->synced_end());
  log.reset();
  log = open();
  EXPECT_EQ(log->synced_end(), Offset(20));
  EXPECT_EQ(log->last_received_at(), time_ms(19)) << "the arrival clock survives every retention";
}

TEST_F(SegmentLogTest, retention_by_age_and_by_bytes_stops_at_the_oldest_checkpoint) {
  const auto log = open();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(log->append(one(noise(900)), time_ms(i * 1000)));
  const Retention by_age{.age_max = DurationMs(5000), .bytes_max = 1_GiB};
  ASSERT_TRUE(log->retain(by_age, Offset(0), time_ms(20'000)));
  EXPECT_EQ(log->begin(), Offset(0)) << "a checkpoint still needs it";
  ASSERT_TRUE(log->retain(by_age, Offset(20), time_ms(12'000)));
  EXPECT_EQ(log->begin(), Offset(4))
      << "segments hold 4 frames; the second one's last frame, of 7000, may stay till 12000 is past 8000";
  const Retention by_bytes{.age_max = std::chrono::days(7), .bytes_max = 8000};
  ASSERT_TRUE(log->retain(by_bytes, Offset(20), time_ms(12'000)));
  EXPECT_LE(log->size_bytes(), 8000U);
  EXPECT_EQ(log->begin(), Offset(12));
}

TEST_F(SegmentLogTest, a_reader_beside_the_appender_sees_a_prefix_that_only_grows) {
  const auto log = open();
  constexpr uint64_t kFrames = 400;
  std::jthread appender([&] {
    for (uint64_t i = 0; i < kFrames; ++i) ASSERT_TRUE(log->append(one(std::to_string(i)), time_ms(static_cast<int64_t>(i))));
  });
  const auto reader = log->reader();
  for (Offset next(0); next < Offset(kFrames);) {
    const Offset seen = log->synced_end();
    auto frame = reader->read(next);
    ASSERT_TRUE(frame) << frame.error().message;
    if (!*frame) {
      ASSERT_LE(seen, next);
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ((*frame)->record(0), std::to_string(next.value));
    next = (*frame)->end();
  }
}

TEST_F(SegmentLogTest, readers_beside_retention_see_each_record_right_or_dropped) {
  const auto log = open();
  constexpr uint64_t kFrames = 600;
  std::jthread appender([&] {
    for (uint64_t i = 0; i < kFrames; ++i) ASSERT_TRUE(log->append(one(std::to_string(i) + noise(200)), time_ms(1)));
  });
  std::jthread keeper([&] {
    while (log->synced_end() < Offset(kFrames)) {
      ASSERT_TRUE(log->drop_before(Offset(log->synced_end().value / 2)));
      std::this_thread::yield();
    }
  });
  const auto reader = log->reader();
  std::mt19937 random(9);
  uint64_t right = 0, dropped = 0;
  while (log->synced_end() < Offset(kFrames) || right == 0) {
    const Offset at(random() % kFrames);
    const auto frame = reader->read(at);
    if (!frame) {
      ASSERT_EQ(frame.error().code, Code::not_found) << frame.error().message;
      ++dropped;
    } else if (*frame) {
      ASSERT_EQ((*frame)->record(0), std::to_string(at.value) + noise(200));
      ++right;
    }
  }
  EXPECT_GT(right + dropped, 0U);
}

TEST_F(SegmentLogTest, the_index_stays_within_its_bound_and_forgotten_parts_are_still_found) {
  Options options = small();
  options.index_spacing_bytes = 1;  // one entry per frame
  options.index_entries_max = 30;
  {
    const auto log = open(options);
    for (int i = 0; i < 300; ++i) {
      ASSERT_TRUE(log->append(one(std::to_string(i)), time_ms(1)));
      ASSERT_LE(log->catalog().index_entries(), 30U + 4000 / 80) << "the segment that grows keeps its own";
    }
  }
  const auto log = open(options);
  const auto reader = log->reader();
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    const uint64_t at = random() % 300;
    const auto frame = reader->read(Offset(at));
    ASSERT_TRUE(frame && *frame);
    ASSERT_EQ((*frame)->record(0), std::to_string(at));
    ASSERT_LE(log->catalog().index_entries(), 30U + 4000 / 80);
  }
}

// The log against the plainest model: a vector. Random sizes, clocks, restarts, faults, drops, reads.
TEST_F(SegmentLogTest, random_work_equals_a_vector) {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
    Options options = small();
    options.codec = static_cast<Codec>(below(3));
    options.segment_bytes_max = 500 + below(5000);
    options.reserve_step_bytes = 64 + below(3000);
    options.index_spacing_bytes = 1 + below(2000);
    options.index_entries_max = 4 + below(40);
    ASSERT_TRUE(real_->remove_tree(folder_.file("log")));
    std::vector<std::string> model;
    std::vector<TimeMs> clocks;
    auto log = open(options);
    auto reader = log->reader();
    for (int step = 0; step < 120; ++step) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " step " + std::to_string(step));
      const uint32_t what = below(20);
      if (what < 11) {
        std::vector<event::Submission> submissions;
        std::vector<std::string> added;
        for (uint32_t i = 0; i <= below(3); ++i) {
          std::vector<std::string> records;
          for (uint32_t k = 0; k <= below(4); ++k) records.push_back(noise(below(300), random() | 1));
          added.insert(added.end(), records.begin(), records.end());
          submissions.push_back(submission_of(records));
        }
        if (below(6) == 0) files_.limit_room(below(2000));
        const auto appended = log->append(submissions, time_ms(below(1'000'000)));
        files_.limit_room(std::nullopt);
        if (!appended) {
          ASSERT_EQ(appended.error().code, Code::full);
          continue;
        }
        ASSERT_EQ(appended->first.value, model.size());
        ASSERT_TRUE(clocks.empty() || appended->received_at >= clocks.back());
        for (auto& record : added) {
          model.push_back(std::move(record));
          clocks.push_back(appended->received_at);
        }
      } else if (what < 17) {
        const uint64_t at = below(static_cast<uint32_t>(model.size()) + 3);
        const auto frame = reader->read(Offset(at));
        if (at >= model.size()) {
          ASSERT_TRUE(frame && !*frame);
        } else if (at < log->begin().value) {
          ASSERT_EQ(frame.error().code, Code::not_found);
        } else {
          ASSERT_TRUE(frame && *frame) << frame.error().message;
          ASSERT_LE((*frame)->first.value, at);
          ASSERT_GT((*frame)->end().value, at);
          for (size_t i = 0; i < (*frame)->records.size(); ++i) {
            ASSERT_EQ((*frame)->record(i), model[(*frame)->first.value + i]);
            ASSERT_EQ((*frame)->received_at, clocks[(*frame)->first.value + i]);
          }
        }
      } else if (what == 17) {
        ASSERT_TRUE(log->drop_before(Offset(below(static_cast<uint32_t>(model.size()) + 1))));
      } else {
        const Offset begin = log->begin();
        reader.reset();
        log.reset();
        if (what == 18) {
          ASSERT_TRUE(files_.lose_unsynced());
        }
        log = open(options);
        reader = log->reader();
        ASSERT_FALSE(log->recovery().read_only) << log->recovery().reason;
        ASSERT_EQ(log->begin(), begin);
        ASSERT_EQ(log->synced_end().value, model.size());
        if (!clocks.empty()) {
          ASSERT_EQ(log->last_received_at(), clocks.back());
        }
      }
    }
    const std::vector<std::string> rest(model.begin() + static_cast<std::ptrdiff_t>(log->begin().value), model.end());
    ASSERT_EQ(records_from(*reader, log->begin()), rest) << "seed " << seed;
  }
}

}  // namespace
}  // namespace sluice::log
