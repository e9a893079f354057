// The three threads of the pipeline over a real log and journal and a store that counts: what ends a generation, and what begins the next.
#include "app/pipeline.h"

#include <gtest/gtest.h>

#include <thread>

#include "app/project_files.h"
#include "log/sample_submissions.h"
#include "os/faulty_files.h"
#include "os/ports.h"
#include "os/temp_folder.h"
#include "process/fake_warehouse.h"

namespace sluice::app {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);

const std::vector<plan::SourceFile> kProject = {
    {"sluice.yaml", "version: 1\nname: t\nsources:\n  - {name: site}\n"},
    {"metrics/m.yaml",
     "version: 1\nmetrics:\n  - name: clicks\n    question: How many?\n    window: {tumble: 1h}\n    measures: {n: count()}\n"}};

// One store behind the connections of sink and jobs. Jobs ask it for rows that it has not: they find nothing to recompute.
class Store {
 public:
  class Connection final : public process::Warehouse {
   public:
    explicit Connection(Store& store) : store_(store) {}
    Status insert(const process::Insert& insert) override {
      const std::lock_guard lock(store_.mutex_);
      if (store_.fake_.away) return fail(Code::unavailable, "away");
      store_.fake_.epoch = epoch_of(insert.query_id);
      return store_.fake_.insert(insert);
    }
    Status execute(const std::string& statement) override {
      const std::lock_guard lock(store_.mutex_);
      return store_.fake_.execute(statement);
    }
    Result<std::string> query(const std::string& statement, std::string_view format) override {
      const std::lock_guard lock(store_.mutex_);
      return store_.fake_.query(statement, format);
    }
    Status fence() override { return ok(); }
    Status sync() override { return ok(); }

   private:
    // sluice-<data>-<table>-<epoch>-<attempt>
    static uint64_t epoch_of(const std::string& query_id) {
      const size_t attempt = query_id.rfind('-');
      const size_t epoch = query_id.rfind('-', attempt - 1);
      return query_id == "sluice-identity" ? 0 : std::stoull(query_id.substr(epoch + 1, attempt - epoch - 1));
    }
    Store& store_;
  };

  void set_away(bool away) {
    const std::lock_guard lock(mutex_);
    fake_.away = away;
  }
  uint64_t events() {
    const std::lock_guard lock(mutex_);
    uint64_t rows = 0;
    for (const auto& [epoch, n] : fake_.held["events"]) rows += n;
    return rows;
  }
  // The newest epoch's events go, or there is one more of them.
  void lose_newest() {
    const std::lock_guard lock(mutex_);
    fake_.held["events"].erase(std::prev(fake_.held["events"].end()));
  }
  void double_newest() {
    const std::lock_guard lock(mutex_);
    ++std::prev(fake_.held["events"].end())->second;
  }

 private:
  std::mutex mutex_;
  process::FakeWarehouse fake_;
};

class PipelineTest : public testing::Test {
 protected:
  void SetUp() override {
    plan_ = std::move(*compile_project(kProject));
    ASSERT_TRUE(files_.make_directories(paths_.process()));
    ASSERT_TRUE(keep_plan(files_, paths_.plans(), plan_->hash, kProject));
    log::Options small;
    small.free_bytes_min = 0;
    small.reserve_step_bytes = 64_KiB;
    log_ = std::move(*log::SegmentLog::open(*real_files_, paths_.log(), log::sample_data_id(), small));
    committer_ = std::make_unique<log::Committer>(*log_, real_.ports().clock, log::CommitterOptions{});
    feed_ = std::make_unique<Feed>(
        [this](const serve::Committed& committed) {
          const std::lock_guard lock(mutex_);
          published_ = committed.totals.stored;
        },
        event::Offset(0), plan_);
    make_pipeline();
  }
  void make_pipeline() {
    process::ProcessorOptions options;
    options.cut_interval = DurationMs(5);
    const os::Ports& real = real_.ports();
    pipeline_ = std::make_unique<Pipeline>(
        Pipeline::Parts{os::Ports{real.clock, files_, real.entropy, real.processes, real.sockets}, paths_,
                        log::sample_data_id().text(), *log_, *committer_, plan_->hash,
                        [this] { return std::make_unique<Store::Connection>(store_); }, [this] { return incarnation_.load(); },
                        [this](const std::string&, const std::vector<std::string>& tables) {
                          const std::lock_guard lock(mutex_);
                          tables_ = tables.size();
                        },
                        *feed_,
                        [this](const std::string& what, const std::string&) {
                          const std::lock_guard lock(mutex_);
                          said_.push_back(what);
                        },
                        options});
  }
  void TearDown() override {
    pipeline_->stop();
    thread_ = {};
  }

  void start() {
    thread_ = std::jthread([this] { pipeline_->run(); });
  }
  // Frame after frame of one event each.
  void append(uint64_t events) {
    for (; events > 0; --events) {
      event::Event event;
      event.event = "clicked";
      event.message_id = "m" + std::to_string(++sent_);
      std::string record;
      event::encode(event, record);
      ASSERT_TRUE(log_->append(log::one(record), real_.ports().clock.wall()));
    }
    pipeline_->ring();
  }
  static bool eventually(const std::function<bool()>& condition) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::sleep_for(DurationMs(2));
    }
    return true;
  }
  bool has_ended() {
    pipeline_->drain();
    thread_ = {};
    return true;
  }
  bool said(const std::string& what) {
    const std::lock_guard lock(mutex_);
    return std::find(said_.begin(), said_.end(), what) != said_.end();
  }
  uint64_t published() {
    const std::lock_guard lock(mutex_);
    return published_;
  }

  os::RealPorts real_;
  os::TempFolder folder_{os::TempFolder::Place::memory};
  std::unique_ptr<os::Files> real_files_ = os::real_files();
  os::FaultyFiles files_{*real_files_};  // of journals, checkpoints and state; the log has its own
  DataPaths paths_{folder_.path()};
  Store store_;
  std::atomic<uint64_t> incarnation_{0};
  std::shared_ptr<const plan::Plan> plan_;
  std::unique_ptr<log::SegmentLog> log_;
  std::unique_ptr<log::Committer> committer_;
  std::unique_ptr<Feed> feed_;
  std::mutex mutex_;  // guards what the pipeline's threads tell
  std::vector<std::string> said_;
  uint64_t published_ = 0;
  size_t tables_ = 0;
  uint64_t sent_ = 0;
  std::unique_ptr<Pipeline> pipeline_;
  std::jthread thread_;
};

TEST_F(PipelineTest, what_the_log_holds_is_stored_published_and_kept_in_a_checkpoint) {
  append(3);
  start();
  EXPECT_TRUE(eventually([&] { return published() == 3; }));
  append(2);
  EXPECT_TRUE(eventually([&] { return published() == 5; }));
  EXPECT_EQ(tables_, 1U);
  EXPECT_TRUE(pipeline_->status().running);
  EXPECT_EQ(pipeline_->status().generations, 1U);
  has_ended();
  EXPECT_EQ(store_.events(), 5U);
  EXPECT_FALSE(pipeline_->status().running);
  EXPECT_EQ(pipeline_->status().process.committed_to, event::Offset(5));
  EXPECT_FALSE(files_.list(paths_.process() + "/checkpoints")->empty());
}

TEST_F(PipelineTest, a_drain_commits_what_was_taken_and_leaves_the_rest_of_the_log_to_the_next_start) {
  append(50);
  start();
  has_ended();
  EXPECT_TRUE(store_.events() == 0 || store_.events() == 50) << store_.events();
  make_pipeline();
  start();
  EXPECT_TRUE(eventually([&] { return published() == 50; }));
  EXPECT_EQ(store_.events(), 50U);
}

TEST_F(PipelineTest, a_store_that_is_away_at_the_start_is_waited_for_and_said) {
  store_.set_away(true);
  append(4);
  start();
  EXPECT_TRUE(eventually([&] { return pipeline_->status().store_away; }));
  EXPECT_FALSE(pipeline_->status().running);
  EXPECT_FALSE(pipeline_->status().hopeless);
  store_.set_away(false);
  EXPECT_TRUE(eventually([&] { return published() == 4; }));
}

TEST_F(PipelineTest, a_store_that_goes_away_is_waited_for_and_each_event_stored_once) {
  append(1);
  start();
  ASSERT_TRUE(eventually([&] { return published() == 1; }));
  store_.set_away(true);
  append(5);
  EXPECT_TRUE(eventually([&] { return pipeline_->status().store_away; }));
  EXPECT_EQ(pipeline_->status().stopped_by, "away");
  store_.set_away(false);
  EXPECT_TRUE(eventually([&] { return published() == 6; }));
  EXPECT_EQ(store_.events(), 6U);
  EXPECT_EQ(pipeline_->status().generations, 1U) << "only the sink waited";
  EXPECT_TRUE(said("store away"));
  EXPECT_TRUE(said("store back"));
}

TEST_F(PipelineTest, a_disk_that_fails_ends_a_generation_and_the_next_recovers) {
  append(1);
  start();
  ASSERT_TRUE(eventually([&] { return published() == 1; }));
  files_.fail_data_sync(1, "/cuts/");
  append(5);
  EXPECT_TRUE(eventually([&] { return pipeline_->status().generations == 2 && published() == 6; }));
  EXPECT_TRUE(said("processing interrupted"));
  EXPECT_EQ(store_.events(), 6U);
}

TEST_F(PipelineTest, a_mark_that_cannot_be_written_doubles_nothing) {
  append(1);
  start();
  ASSERT_TRUE(eventually([&] { return published() == 1; }));
  files_.fail_data_sync(1, "/marks/");  // the rows are in the store by then
  append(5);
  EXPECT_TRUE(eventually([&] { return pipeline_->status().generations == 2 && published() == 6; }));
  EXPECT_EQ(store_.events(), 6U);
}

TEST_F(PipelineTest, a_store_that_comes_back_without_an_epoch_is_given_it_again) {
  append(3);
  start();
  ASSERT_TRUE(eventually([&] { return published() == 3; }));
  store_.lose_newest();
  ++incarnation_;
  append(1);
  EXPECT_TRUE(eventually([&] { return store_.events() == 4; }));
  EXPECT_TRUE(said("store lost rows"));
}

TEST_F(PipelineTest,
       a_store_that_holds_more_than_was_acknowledged_stops_processing_for_a_person_and_drain_does_not_wait_for_one) {
  append(3);
  start();
  ASSERT_TRUE(eventually([&] { return published() == 3; }));
  store_.double_newest();
  ++incarnation_;
  append(1);
  EXPECT_TRUE(eventually([&] { return pipeline_->status().hopeless; }));
  EXPECT_FALSE(pipeline_->status().running);
  EXPECT_TRUE(said("processing stopped"));
  EXPECT_EQ(store_.events(), 4U) << "the three and the doubled one: nothing more goes into it";
  EXPECT_TRUE(has_ended());
}

TEST_F(PipelineTest, a_stop_does_not_wait_for_a_store_that_is_away) {
  store_.set_away(true);
  append(1);
  start();
  EXPECT_TRUE(eventually([&] { return pipeline_->status().store_away; }));
  pipeline_->stop();
  thread_ = {};
  EXPECT_EQ(store_.events(), 0U);
}

}  // namespace
}  // namespace sluice::app
