#include "log/committer.h"

#include <gtest/gtest.h>

#include <thread>

#include "log/sample_submissions.h"
#include "os/faulty_files.h"
#include "os/temp_folder.h"

namespace sluice::log {
namespace {

class HandClock final : public os::Clock {
 public:
  TimeMs wall() override { return time_ms(wall_ms.load()); }
  os::MonotonicTime monotonic() override { return os::MonotonicTime(DurationMs(monotonic_ms.load())); }
  void sleep_for(DurationMs duration) override { monotonic_ms += duration.count(); }
  int64_t thread_cpu_us() override { return 0; }

  std::atomic<int64_t> wall_ms{1000};
  std::atomic<int64_t> monotonic_ms{0};
};

class CommitterTest : public testing::Test {
 protected:
  void SetUp() override { start({}); }
  void start(CommitterOptions options, Options log_options = {}) {
    committer_.reset();
    log_.reset();
    log_options.free_bytes_min = 0;
    log_options.reserve_step_bytes = 64_KiB;
    log_ = std::move(*SegmentLog::open(files_, folder_.file("log"), sample_data_id(), log_options));
    committer_ = std::make_unique<Committer>(*log_, clock_, options);
  }
  // Offers; the answer lands in answers_ under `name`.
  Status offer(const std::string& name, event::Submission submission) {
    Pending pending{std::move(submission), [this, name](Result<event::Receipt> receipt) {
                      order_.push_back(name);
                      answers_.insert_or_assign(name, std::move(receipt));
                    }};
    return committer_->offer(pending);
  }
  bool answered(const std::string& name) const { return answers_.contains(name); }
  const event::Receipt& receipt(const std::string& name) { return *answers_.at(name); }
  Progress step() { return committer_->step(DurationMs(0)); }

  os::TempFolder folder_;
  std::unique_ptr<os::Files> real_ = os::real_files();
  os::FaultyFiles files_{*real_};
  HandClock clock_;
  std::map<std::string, Result<event::Receipt>> answers_;
  std::vector<std::string> order_;
  std::unique_ptr<SegmentLog> log_;
  std::unique_ptr<Committer> committer_;
};

TEST_F(CommitterTest, a_frame_is_closed_five_milliseconds_after_its_first_submission) {
  EXPECT_EQ(step(), Progress::idle);
  ASSERT_TRUE(offer("a", submission_of({"1", "2"})));
  EXPECT_EQ(step(), Progress::idle);
  clock_.monotonic_ms = 4;
  ASSERT_TRUE(offer("b", submission_of({"3"})));
  EXPECT_EQ(step(), Progress::idle);
  EXPECT_FALSE(answered("a"));
  clock_.monotonic_ms = 5;
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_EQ(receipt("a").first, (event::Place{kPartition, Offset(0)}));
  EXPECT_EQ(receipt("b").first, (event::Place{kPartition, Offset(2)}));
  EXPECT_EQ(receipt("a").received_at, time_ms(1000));
  EXPECT_EQ(order_, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(committer_->counts().frames, 1U);
  EXPECT_EQ(committer_->counts().records, 3U);
  EXPECT_EQ(step(), Progress::idle);
}

TEST_F(CommitterTest, the_wait_counts_from_the_offer_not_from_when_the_disk_had_time) {
  ASSERT_TRUE(offer("a", submission_of({"1"})));
  clock_.monotonic_ms = 5;  // the committer was busy
  EXPECT_EQ(step(), Progress::worked);
}

TEST_F(CommitterTest, a_frame_is_closed_at_one_mebibyte_at_once) {
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(offer(std::to_string(i), submission_of({noise(400 * 1024)})));
  EXPECT_EQ(step(), Progress::idle);
  ASSERT_TRUE(offer("2", submission_of({noise(400 * 1024)})));
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_EQ(order_, (std::vector<std::string>{"0", "1", "2"}));
}

TEST_F(CommitterTest, what_waits_already_goes_with_the_frame_up_to_four_mebibytes) {
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(offer(std::to_string(i), submission_of({noise(400 * 1024)})));
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_EQ(order_.size(), 11U) << "the eleventh passes 4 MiB";
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_EQ(order_.size(), 22U);
  EXPECT_EQ(step(), Progress::worked) << "1.2 MiB are enough";
  EXPECT_EQ(order_.size(), 25U);
}

TEST_F(CommitterTest, a_frame_is_closed_at_its_number_of_submissions) {
  start({.frame_requests_max = 3});
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(offer(std::to_string(i), submission_of({"x"})));
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_EQ(order_.size(), 3U);
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_EQ(order_.size(), 6U);
  EXPECT_EQ(step(), Progress::idle);
}

TEST_F(CommitterTest, a_submission_is_never_split_and_a_frame_never_beyond_its_bound) {
  const size_t ten = 10_MiB;
  ASSERT_TRUE(offer("small", submission_of({"x"})));
  ASSERT_TRUE(offer("ten", submission_of({noise(ten)})));
  ASSERT_TRUE(offer("another ten", submission_of({noise(ten)})));
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_EQ(order_, (std::vector<std::string>{"small", "ten"}));
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_EQ(order_.size(), 3U);

  start({.frame_bytes_target = event::kFrameBytesMax, .frame_bytes_max = event::kFrameBytesMax});
  ASSERT_TRUE(offer("one", submission_of({noise(ten)})));
  ASSERT_TRUE(offer("two", submission_of({noise(ten)})));
  EXPECT_EQ(step(), Progress::worked) << "two is held, so one is due";
  EXPECT_TRUE(answered("one"));
  EXPECT_FALSE(answered("two"));
  committer_->close();
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_TRUE(answered("two"));
}

TEST_F(CommitterTest, a_request_larger_than_a_frame_is_refused_and_comes_back) {
  const std::string record = noise(event::kFrameBytesMax);
  bool called = false;
  Pending pending{submission_of({record}), [&](Result<event::Receipt>) { called = true; }};
  const Status refused = committer_->offer(pending);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::invalid);
  EXPECT_FALSE(called);
  EXPECT_EQ(pending.submission.record_count, 1U) << "untouched";
  EXPECT_TRUE(offer("largest", submission_of({noise(event::kFrameBytesMax - 100)})));
}

TEST_F(CommitterTest, a_full_queue_gives_the_submission_back) {
  start({.queue = {.items_max = 2, .bytes_max = 1_MiB}});
  ASSERT_TRUE(offer("a", submission_of({"1"})));
  ASSERT_TRUE(offer("b", submission_of({"1"})));
  Pending pending{submission_of({"c"}), [](Result<event::Receipt>) {}};
  EXPECT_EQ(committer_->offer(pending).error().code, Code::full);
  EXPECT_EQ(pending.submission.record_count, 1U);
  EXPECT_EQ(committer_->counts().refused_full, 1U);
  clock_.monotonic_ms = 5;
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_TRUE(committer_->offer(pending));

  start({.queue = {.items_max = 100, .bytes_max = 10'000}});
  ASSERT_TRUE(offer("d", submission_of({noise(9000)})));
  EXPECT_EQ(offer("e", submission_of({noise(2000)})).error().code, Code::full) << "bytes are bounded too";
}

TEST_F(CommitterTest, a_request_without_records_is_answered_and_leaves_no_frame) {
  ASSERT_TRUE(offer("empty", submission_of({})));
  clock_.monotonic_ms = 5;
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_EQ(receipt("empty").first.offset, Offset(0));
  EXPECT_EQ(log_->size_bytes(), 0U);
  ASSERT_TRUE(offer("a", submission_of({"1"})));
  ASSERT_TRUE(offer("empty again", submission_of({})));
  ASSERT_TRUE(offer("b", submission_of({"2"})));
  clock_.monotonic_ms = 10;
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_EQ(receipt("b").first.offset, Offset(1));
}

TEST_F(CommitterTest, closing_commits_what_waits_and_then_is_finished) {
  ASSERT_TRUE(offer("a", submission_of({"1"})));
  committer_->close();
  EXPECT_EQ(offer("b", submission_of({"2"})).error().code, Code::closed);
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_TRUE(answers_.at("a"));
  EXPECT_EQ(step(), Progress::finished);
  EXPECT_FALSE(answered("b"));
}

TEST_F(CommitterTest, a_failed_sync_acknowledges_nothing_ever_again) {
  ASSERT_TRUE(offer("a", submission_of({"1"})));
  ASSERT_TRUE(offer("b", submission_of({"2"})));
  files_.fail_data_sync(2);  // the first is the new segment's
  clock_.monotonic_ms = 5;
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_EQ(answers_.at("a").error().code, Code::io);
  EXPECT_EQ(answers_.at("b").error().code, Code::io);
  EXPECT_EQ(offer("c", submission_of({"3"})).error().code, Code::io);
  EXPECT_EQ(committer_->counts().failed, 2U);
  EXPECT_FALSE(committer_->closing());
}

TEST_F(CommitterTest, a_full_disk_is_said_and_passes) {
  files_.limit_room(10);
  ASSERT_TRUE(offer("a", submission_of({noise(1000)})));
  clock_.monotonic_ms = 5;
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_EQ(answers_.at("a").error().code, Code::full);
  files_.limit_room(std::nullopt);
  ASSERT_TRUE(offer("a", submission_of({noise(1000)})));
  clock_.monotonic_ms = 10;
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_TRUE(answers_.at("a"));
}

TEST_F(CommitterTest, no_later_frame_is_older_than_a_clock_that_was_read) {
  clock_.wall_ms = 5000;
  const auto reading = committer_->clock_reading();
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->time, time_ms(5000));
  EXPECT_EQ(reading->synced_end, Offset(0));
  clock_.wall_ms = 4000;  // somebody set the clock back
  ASSERT_TRUE(offer("a", submission_of({"1"})));
  clock_.monotonic_ms = 5;
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_EQ(receipt("a").received_at, time_ms(5000));
  EXPECT_EQ(committer_->clock_reading()->time, time_ms(5000)) << "and no reading goes back either";
  EXPECT_EQ(committer_->clock_reading()->synced_end, Offset(1));
}

TEST_F(CommitterTest, the_newest_journaled_clock_holds_over_a_restart) {
  committer_->not_before(time_ms(9000));
  committer_->not_before(time_ms(8000));
  ASSERT_TRUE(offer("a", submission_of({"1"})));
  clock_.monotonic_ms = 5;
  EXPECT_EQ(step(), Progress::worked);
  EXPECT_EQ(receipt("a").received_at, time_ms(9000));
}

// Looks at the committer from inside its sync, as another thread might.
class LookingFiles final : public os::Files {
 public:
  explicit LookingFiles(os::Files& inner) : inner_(inner) {}
  std::function<void()> during_sync;

  class LookingFile final : public os::File {
   public:
    LookingFile(LookingFiles& files, std::unique_ptr<os::File> inner) : files_(files), inner_(std::move(inner)) {}
    Result<std::string> read_at(uint64_t offset, size_t size) const override { return inner_->read_at(offset, size); }
    Status write_at(uint64_t offset, std::string_view bytes) override { return inner_->write_at(offset, bytes); }
    Status data_sync() override {
      if (files_.during_sync) files_.during_sync();
      return inner_->data_sync();
    }
    Status preallocate(uint64_t size) override { return inner_->preallocate(size); }
    Status truncate(uint64_t size) override { return inner_->truncate(size); }
    Status drop_cache() override { return inner_->drop_cache(); }
    Result<uint64_t> size() const override { return inner_->size(); }

   private:
    LookingFiles& files_;
    std::unique_ptr<os::File> inner_;
  };

  Result<std::unique_ptr<os::File>> open(const std::string& path, os::OpenMode mode) override {
    return std::unique_ptr<os::File>(std::make_unique<LookingFile>(*this, SLUICE_TRY(inner_.open(path, mode))));
  }
  Result<std::vector<os::Entry>> list(const std::string& directory) override { return inner_.list(directory); }
  Status make_directories(const std::string& path) override { return inner_.make_directories(path); }
  Status rename(const std::string& from, const std::string& to) override { return inner_.rename(from, to); }
  Status remove(const std::string& path) override { return inner_.remove(path); }
  Status remove_tree(const std::string& path) override { return inner_.remove_tree(path); }
  Status sync_directory(const std::string& path) override { return inner_.sync_directory(path); }
  Status sync_file_system(const std::string& path) override { return inner_.sync_file_system(path); }
  bool exists(const std::string& path) override { return inner_.exists(path); }
  Result<uint64_t> free_bytes(const std::string& path) override { return inner_.free_bytes(path); }
  Result<std::unique_ptr<os::Lock>> lock(const std::string& path) override { return inner_.lock(path); }

 private:
  os::Files& inner_;
};

TEST_F(CommitterTest, while_a_frame_waits_for_its_sync_no_clock_can_be_read) {
  LookingFiles looking(*real_);
  const auto log = *SegmentLog::open(looking, folder_.file("other"), sample_data_id(), {.free_bytes_min = 0});
  Committer committer(*log, clock_, {});
  int looked = 0;
  looking.during_sync = [&] {
    ++looked;
    EXPECT_TRUE(committer.closing());
    EXPECT_FALSE(committer.clock_reading());
    EXPECT_EQ(log->synced_end(), Offset(0));
  };
  Pending pending{submission_of({"1"}), [&](Result<event::Receipt> receipt) {
                    EXPECT_TRUE(receipt);
                    EXPECT_EQ(log->synced_end(), Offset(1));
                  }};
  ASSERT_TRUE(committer.offer(pending));
  clock_.monotonic_ms = 5;
  EXPECT_EQ(committer.step(DurationMs(0)), Progress::worked);
  EXPECT_EQ(looked, 2) << "the new segment's and the frame's";
  EXPECT_TRUE(committer.clock_reading());
}

TEST_F(CommitterTest, threads_offer_read_clocks_and_lose_nothing) {
  const auto real_clock = os::real_clock();
  Committer committer(*log_, *real_clock, {.frame_wait = DurationMs(1)});
  constexpr int kThreads = 3, kEach = 300;
  std::atomic<int> acked{0};
  std::jthread appender([&] {
    while (committer.step(DurationMs(20)) != Progress::finished) {
    }
  });
  std::atomic<bool> done{false};
  std::atomic<bool> seen{false};
  std::vector<ClockReading> readings;
  std::jthread watcher([&] {
    while (!done) {
      if (const auto reading = committer.clock_reading(); reading && readings.size() < 10'000) readings.push_back(*reading);
      seen = !readings.empty();
      std::this_thread::yield();
    }
  });
  while (!seen) std::this_thread::yield();  // nothing is closing yet, so the first look gives a reading
  {
    std::vector<std::jthread> clients;
    for (int t = 0; t < kThreads; ++t) {
      clients.emplace_back([&] {
        for (int i = 0; i < kEach; ++i) {
          Pending pending{submission_of({"x", "y"}), [&](Result<event::Receipt> receipt) { acked += receipt ? 1 : 0; }};
          while (!committer.offer(pending)) std::this_thread::yield();
        }
      });
    }
  }
  committer.close();
  appender.join();
  done = true;
  watcher.join();
  EXPECT_EQ(acked, kThreads * kEach);
  EXPECT_EQ(log_->synced_end(), Offset(2 * kThreads * kEach));
  ASSERT_FALSE(readings.empty());
  const auto reader = log_->reader();
  for (size_t i = 0; i < readings.size(); i += 1 + readings.size() / 500) {
    const auto frame = reader->read(readings[i].synced_end);
    ASSERT_TRUE(frame);
    if (!*frame) break;
    EXPECT_GE((*frame)->received_at, readings[i].time) << "frames behind a reading are not older";
  }
}

}  // namespace
}  // namespace sluice::log
