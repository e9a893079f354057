// The pipeline as a whole, where a text test cannot look: intervals, crashes at every file call, a store that lost rows.
#include "harness/rig.h"

#include <gtest/gtest.h>

#include "base/rfc3339.h"
#include "os/self.h"

namespace sluice::harness {
namespace {

std::unique_ptr<EngineStore> store;

class RigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (store) return;
    Result<std::unique_ptr<EngineStore>> opened = EngineStore::open();
    if (!opened) GTEST_SKIP() << "THE PIPELINE IS NOT TESTED: " << opened.error().message;
    store = std::move(*opened);
  }
  static Rig::Project project(std::string_view metrics) {
    return {{"sluice.yaml", "version: 1\nname: test\nsources:\n  - {name: site}\n"},
            {"metrics/m.yaml", "version: 1\nmetrics:\n" + std::string(metrics)}};
  }
  static std::string text(const Result<std::string>& reply) { return reply ? *reply : reply.error().message; }
  // One event at that time of 2026-03-28, arriving then.
  static void send(Rig& rig, const std::string& id, const std::string& time, const std::string& arrives) {
    rig.set_clock(parse_rfc3339("2026-03-28T" + arrives + "Z")->time);
    const net::Response reply =
        rig.send("site", R"({"event":"x","message_id":")" + id + R"(","timestamp":"2026-03-28T)" + time + R"(Z"})");
    ASSERT_EQ(reply.status, 200) << reply.body;
  }
  static void settle(Rig& rig) {
    const Status settled = rig.settle();
    ASSERT_TRUE(settled) << settled.error().message;
  }
};

constexpr std::string_view kMinutely =
    "  - name: minutely\n    window: {tumble: 1m}\n    allowed_lateness: 0s\n    measures: {n: count()}\n";

TEST_F(RigTest, a_job_that_waited_for_the_store_does_not_rest_as_long_as_it_waited) {
  Rig rig(*store, {});
  ASSERT_TRUE(rig.open(project(kMinutely)));
  send(rig, "1", "10:00:00", "10:00:00");
  send(rig, "2", "10:05:00", "10:05:00");
  settle(rig);
  send(rig, "3", "10:00:01", "10:05:00");   // late: a job
  ASSERT_TRUE(rig.cut());
  rig.faults().die_after = 0;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(rig.step());   // a quarter of an hour without a store
  rig.faults().die_after.reset();
  settle(rig);
  send(rig, "4", "10:00:02", "10:05:00");
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(rig.step());
  EXPECT_EQ(text(rig.query("SELECT n FROM sluice.minutely ORDER BY window_start", "TabSeparated")), "3\n1\n");
}

const std::string kRows = "SELECT window_start, n, state FROM sluice.minutely ORDER BY window_start";

TEST_F(RigTest, a_store_that_lost_everything_is_filled_again_late_windows_too) {
  Rig rig(*store, {});
  ASSERT_TRUE(rig.open(project(kMinutely)));
  send(rig, "1", "10:00:00", "10:00:00");
  send(rig, "2", "10:05:00", "10:05:00");
  settle(rig);
  send(rig, "3", "10:00:01", "10:05:00");   // late: computed by a job, whose entry in the journal says that it is done
  send(rig, "4", "09:00:00", "10:05:00");
  settle(rig);
  const std::string rows = text(rig.query(kRows, "TabSeparated"));
  const std::string events = text(rig.query("SELECT * FROM sluice.events ORDER BY log_offset", "TabSeparated"));
  ASSERT_EQ(rows,
            "2026-03-28 09:00:00.000\t1\tfinal\n2026-03-28 10:00:00.000\t2\trevised\n2026-03-28 10:05:00.000\t1\tfilling\n");
  ASSERT_TRUE(store->reset());
  ASSERT_TRUE(rig.restart());
  settle(rig);
  EXPECT_EQ(text(rig.query("SELECT * FROM sluice.events ORDER BY log_offset", "TabSeparated")), events);
  EXPECT_EQ(text(rig.query(kRows, "TabSeparated")), rows);
}

TEST_F(RigTest, a_store_that_lost_its_newest_epochs_is_filled_from_before_them) {
  RigOptions options;
  options.processor.checkpoint_interval = DurationMs(0);
  Rig rig(*store, options);
  ASSERT_TRUE(rig.open(project(kMinutely)));
  send(rig, "1", "10:00:00", "10:00:00");
  send(rig, "2", "10:05:00", "10:05:00");
  settle(rig);
  const std::string newest = text(rig.query("SELECT max(epoch) FROM sluice.events", "TabSeparated"));
  send(rig, "3", "10:00:01", "10:05:00");
  settle(rig);
  const std::string rows = text(rig.query(kRows, "TabSeparated"));
  ASSERT_TRUE(rows.starts_with("2026-03-28 10:00:00.000\t2\trevised\n")) << rows;
  // As after a restore of the store from a copy made before event 3.
  for (const std::string table : {"events", "minutely"}) {
    const std::string name =
        table == "events" ? "events" : text(rig.query("SELECT table_name FROM sluice.definitions FINAL", "TabSeparatedRaw"));
    const Result<std::string> gone = rig.query("ALTER TABLE sluice." + name.substr(0, name.find('\n')) +
                                                   " DELETE WHERE epoch > " + newest + " SETTINGS mutations_sync = 2",
                                               "Null");
    ASSERT_TRUE(gone) << gone.error().message;
  }
  const std::string old_rows = text(rig.query(kRows, "TabSeparated"));
  ASSERT_TRUE(old_rows.starts_with("2026-03-28 10:00:00.000\t1\tfinal\n")) << old_rows;
  ASSERT_TRUE(rig.restart());
  settle(rig);
  EXPECT_EQ(text(rig.query("SELECT count(), uniqExact(message_id) FROM sluice.events", "TabSeparated")), "3\t3\n");
  EXPECT_EQ(text(rig.query(kRows, "TabSeparated")), rows);
}

TEST_F(RigTest, an_epoch_that_is_there_in_part_stops_the_pipeline_and_is_named) {
  Rig rig(*store, {});
  ASSERT_TRUE(rig.open(project(kMinutely)));
  rig.set_clock(parse_rfc3339("2026-03-28T10:00:00Z")->time);
  ASSERT_EQ(rig.send("site", R"([{"event":"x","message_id":"1"},{"event":"x","message_id":"2"}])").status, 200);
  settle(rig);
  ASSERT_TRUE(rig.query("ALTER TABLE sluice.events DELETE WHERE message_id = '1' SETTINGS mutations_sync = 2", "Null"));
  const Status restarted = rig.restart();
  ASSERT_FALSE(restarted);
  EXPECT_EQ(restarted.error().code, Code::corrupt);
  EXPECT_NE(restarted.error().message.find("epoch 1 of sluice.events: 1 rows, 2 were acknowledged"), std::string::npos)
      << restarted.error().message;
}

// Every change of a file in the life of a small history is the last before a power cut, once.
TEST_F(RigTest, the_power_may_go_at_any_change_of_a_file) {
  RigOptions options;
  options.processor.checkpoint_interval = DurationMs(0);
  options.processor.fold.ids.open_max = 2;
  options.processor.fold.ids.merge_fan_in = 2;
  uint64_t before = 0, changes = 0;
  std::string rows, events;
  const std::string kEvents = "SELECT message_id, watermark, user_key FROM sluice.events ORDER BY log_offset";
  {
    Rig rig(*store, options);
    ASSERT_TRUE(rig.open(project(kMinutely)));
    before = rig.files().changes();
    for (int i = 0; i < 4; ++i) {
      send(rig, std::to_string(i), i % 3 == 2 ? "10:00:00" : "10:0" + std::to_string(i) + ":00", "10:05:0" + std::to_string(i));
      settle(rig);
    }
    changes = rig.files().changes() - before;
    rows = text(rig.query(kRows, "TabSeparated"));
    events = text(rig.query(kEvents, "TabSeparated"));
  }
  ASSERT_GT(changes, 50U);
  for (uint64_t at = 0; at < changes; ++at) {
    Rig rig(*store, options);
    ASSERT_TRUE(rig.open(project(kMinutely)));
    for (int i = 0; i < 4; ++i) {
      const std::string time = i % 3 == 2 ? "10:00:00" : "10:0" + std::to_string(i) + ":00";
      send(rig, std::to_string(i), time, "10:05:0" + std::to_string(i));
      const uint64_t done = rig.files().changes() - before;
      if (at >= done) rig.power_cut_after(at - done);
      if (rig.settle()) {
        rig.files().heal();
        continue;
      }
      const Status restarted = rig.restart();
      ASSERT_TRUE(restarted) << "at " << at << ": " << restarted.error().message;
      settle(rig);
    }
    ASSERT_EQ(text(rig.query(kEvents, "TabSeparated")), events) << "at " << at;
    ASSERT_EQ(text(rig.query(kRows, "TabSeparated")), rows) << "at " << at;
  }
}

constexpr std::string_view kMinutelySums =
    "  - name: minutely\n    window: {tumble: 1m}\n    allowed_lateness: 0s\n    measures: {n: sum(length(message_id))}\n";

TEST_F(RigTest, a_changed_metric_is_read_as_it_was_until_the_new_one_is_complete) {
  RigOptions options;
  options.processor.job_windows_max = 1;
  Rig rig(*store, options);
  ASSERT_TRUE(rig.open(project(kMinutely)));
  for (int i = 0; i < 5; ++i) send(rig, "id" + std::to_string(i), "10:0" + std::to_string(i) + ":00", "10:05:00");
  settle(rig);
  const std::string values = "SELECT n FROM sluice.minutely ORDER BY window_start";
  ASSERT_EQ(text(rig.query(values, "TabSeparated")), "1\n1\n1\n1\n1\n");
  ASSERT_TRUE(rig.define(project(kMinutelySums)));
  // Five windows, one a job: at every moment all old values or all new ones.
  std::vector<std::string> seen;
  for (int i = 0; i < 200 && (seen.empty() || seen.back() != "3\n3\n3\n3\n3\n"); ++i) {
    ASSERT_TRUE(rig.step());
    if (i == 4) send(rig, "id5", "10:00:30", "10:05:00");   // late: both definitions are told
    const std::string now = text(rig.query(values, "TabSeparated"));
    if (seen.empty() || seen.back() != now) seen.push_back(now);
  }
  settle(rig);
  ASSERT_EQ(text(rig.query(values, "TabSeparated")), "6\n3\n3\n3\n3\n");
  EXPECT_GE(rig.counts().jobs, 6U) << "five windows of the new one, and the late event's";
  for (const std::string& now : seen)
    EXPECT_TRUE(now == "1\n1\n1\n1\n1\n" || now == "2\n1\n1\n1\n1\n" || now.substr(1) == "\n3\n3\n3\n3\n") << now;
}

TEST_F(RigTest, a_change_of_definitions_survives_a_crash_at_every_file_change) {
  const std::string values = "SELECT window_start, n, state FROM sluice.minutely ORDER BY window_start";
  uint64_t changes = 0;
  std::string rows;
  for (uint64_t at = 0; at == 0 || at <= changes; ++at) {
    Rig rig(*store, {});
    ASSERT_TRUE(rig.open(project(kMinutely)));
    for (int i = 0; i < 4; ++i) send(rig, "id" + std::to_string(i), "10:0" + std::to_string(i) + ":00", "10:05:00");
    settle(rig);
    const uint64_t before = rig.files().changes();
    if (at > 0) rig.power_cut_after(at - 1);
    ASSERT_TRUE(rig.define(project(kMinutelySums)));
    const bool settled = rig.settle().has_value();
    if (at == 0) changes = rig.files().changes() - before;
    if (!settled) {
      const Status restarted = rig.restart();
      ASSERT_TRUE(restarted) << "at " << at << ": " << restarted.error().message;
      settle(rig);
    }
    rig.files().heal();
    send(rig, "id4", "10:05:00", "10:07:00");
    settle(rig);
    const std::string now = text(rig.query(values, "TabSeparated"));
    if (at == 0) rows = now;
    ASSERT_EQ(now, rows) << "at " << at;
    ASSERT_EQ(
        text(rig.query("SELECT count() FROM system.tables WHERE database = 'sluice' AND name LIKE 'metric\\_%'", "TabSeparated")),
        "1\n")
        << "at " << at;
  }
  EXPECT_GT(changes, 5U);
  EXPECT_EQ(rows,
            "2026-03-28 10:00:00.000\t3\tfinal\n2026-03-28 10:01:00.000\t3\tfinal\n2026-03-28 10:02:00.000\t3\tfinal\n"
            "2026-03-28 10:03:00.000\t3\tfinal\n2026-03-28 10:05:00.000\t3\tfilling\n");
}

}  // namespace
}  // namespace sluice::harness

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const int code = RUN_ALL_TESTS();
  sluice::harness::store.reset();
  sluice::os::exit_now(code);
}
