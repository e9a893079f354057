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

}  // namespace
}  // namespace sluice::harness

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const int code = RUN_ALL_TESTS();
  sluice::harness::store.reset();
  sluice::os::exit_now(code);
}
