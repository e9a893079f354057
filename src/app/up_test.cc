// Starts that are refused, and ends that must not wait for anyone.
#include "app/up.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "app/running_up_test.h"

namespace sluice::app {
namespace {

constexpr DurationMs kEndsWithin{5'000};
const net::Headers kDemo = {{"Authorization", "Bearer demo"}};

class UpTest : public testing::Test {
 protected:
  // A start that is refused; what it said.
  Error refused(const UpSetup& setup) {
    const Result<std::unique_ptr<Up>> up = Up::start(up_.ports(), setup);
    EXPECT_FALSE(up);
    return up ? Error{Code::invalid, "it started"} : up.error();
  }
  // Events of their own names, acknowledged.
  void send(size_t events) {
    std::string body;
    for (; events > 0; --events) body += R"({"event":"clicked","message_id":")" + std::to_string(sent_++) + "\"}\n";
    const net::Response reply = up_.post(up_.addresses().collect, "/v1/events", body, kDemo);
    ASSERT_EQ(reply.status, 200) << reply.body;
  }
  bool all_stored() {
    return up_.eventually([&] { return up_.value("SELECT count() FROM sluice.events") == std::to_string(sent_); });
  }

  RunningUp up_;
  size_t sent_ = 0;
};

TEST_F(UpTest, a_project_with_mistakes_is_refused_before_there_is_any_data) {
  UpSetup setup = up_.setup();
  ASSERT_TRUE(up_.ports().files.replace(setup.project + "/metrics/more.yaml", "version: 1\nmetrcs: []\n"));
  const Error error = refused(setup);
  EXPECT_EQ(error.code, Code::invalid);
  EXPECT_NE(error.message.find("metrics/more.yaml:2:1"), std::string::npos) << error.message;
  EXPECT_FALSE(up_.ports().files.exists(setup.data));
}

TEST_F(UpTest, a_listener_that_there_is_not_is_named) {
  UpSetup setup = up_.setup();
  setup.listen = {"wep=127.0.0.1:0"};
  EXPECT_EQ(refused(setup).code, Code::invalid);
  setup.listen = {"web=nowhere"};
  const Error error = refused(setup);
  EXPECT_NE(error.message.find("listener web"), std::string::npos) << error.message;
}

TEST_F(UpTest, an_address_or_a_data_directory_that_is_taken_is_a_conflict) {
  ASSERT_NO_FATAL_FAILURE(up_.start());
  UpSetup setup = up_.setup();
  setup.lock_wait = DurationMs(0);
  Error error = refused(setup);
  EXPECT_EQ(error.code, Code::conflict);
  EXPECT_NE(error.message.find("is in use by another sluice"), std::string::npos) << error.message;

  setup.data = up_.folder() + "/other";
  setup.listen = {"web=" + up_.addresses().web.substr(std::string_view("http://").size())};
  error = refused(setup);
  EXPECT_EQ(error.code, Code::conflict);
  EXPECT_NE(error.message.find("listener web"), std::string::npos) << error.message;
}

TEST_F(UpTest, run_lasts_until_a_stop_is_requested) {
  UpSetup setup = up_.setup();
  setup.store_program = "/bin/false";  // not what this is about
  Result<std::unique_ptr<Up>> up = Up::start(up_.ports(), setup);
  ASSERT_TRUE(up) << up.error().message;
  std::atomic<bool> ended{false};
  std::jthread runs([&] {
    (*up)->run();
    ended = true;
  });
  EXPECT_EQ(up_.get((*up)->addresses().web, "/api/project").status, 200);
  EXPECT_FALSE(ended);
  os::request_stop();
  runs.join();
  EXPECT_TRUE(ended);
  EXPECT_EQ(up_.get((*up)->addresses().web, "/api/project").status, 0) << "nobody listens any more";
}

TEST_F(UpTest, one_that_is_dropped_without_a_stop_ends_in_order_and_loses_nothing) {
  ASSERT_NO_FATAL_FAILURE(up_.start());
  send(20);
  {
    const std::unique_ptr<Up> dropped = up_.take();
  }
  ASSERT_NO_FATAL_FAILURE(up_.start());
  EXPECT_TRUE(all_stored());
}

TEST_F(UpTest, metrics_say_what_each_definition_keeps) {
  ASSERT_NO_FATAL_FAILURE(up_.start());
  send(100);
  ASSERT_TRUE(all_stored());
  std::string metrics;
  const auto sample = [&](const std::string& name) -> std::optional<uint64_t> {
    const size_t line = metrics.find("\nsluice_definition_" + name + "{definition=\"clicks\",version=\"");
    if (line == std::string::npos) return std::nullopt;
    return std::stoull(metrics.substr(metrics.find(' ', line)));
  };
  ASSERT_TRUE(up_.eventually([&] {
    metrics = up_.get(up_.addresses().web, "/metrics").body;
    return sample("keys").value_or(0) > 0;
  }));
  for (const char* name : {"items", "bytes", "windows_dirty", "evictions_total"}) EXPECT_TRUE(sample(name)) << name;
  EXPECT_GE(sample("bytes_per_key"), 256U) << "a group without values takes as much";
}

TEST_F(UpTest, a_stop_does_not_wait_for_statements_that_run_or_wait) {
  ASSERT_NO_FATAL_FAILURE(up_.start());
  for (int i = 0; i < 4; ++i) send(500);
  ASSERT_TRUE(all_stored());
  const std::string endless =
      "SELECT count() FROM sluice.events AS a CROSS JOIN sluice.events AS b CROSS JOIN sluice.events AS c WHERE "
      "length(concat(a.message_id, b.message_id, c.message_id)) > 3";
  std::vector<std::jthread> askers;
  for (int i = 0; i < 8; ++i) askers.emplace_back([&] { EXPECT_NE(up_.post(up_.addresses().sql, "/", endless).status, 200); });
  for (int i = 0; i < 4; ++i)
    askers.emplace_back([&] { EXPECT_NE(up_.post(up_.addresses().web, "/api/sql", endless).status, 200); });
  for (int i = 0; i < 3; ++i)
    askers.emplace_back([&] { EXPECT_NE(up_.post(up_.control().unix_path, "/api/query", endless).status, 200); });
  ASSERT_TRUE(up_.eventually([&] {
    const std::string metrics = up_.get(up_.addresses().web, "/metrics").body;
    return metrics.find("sluice_requests_total{listener=\"control\"} 3") != std::string::npos;
  }));
  EXPECT_LT(up_.stop(), kEndsWithin);
}

TEST_F(UpTest, a_stop_does_not_wait_for_a_store_that_hangs_and_what_was_acknowledged_is_stored_at_the_next_start) {
  ASSERT_NO_FATAL_FAILURE(up_.start());
  send(10);
  ASSERT_TRUE(all_stored());
  ASSERT_EQ(::kill(up_.store_pids().back(), SIGSTOP), 0);
  send(10);
  EXPECT_LT(up_.stop(), kEndsWithin + DurationMs(500));
  ASSERT_NO_FATAL_FAILURE(up_.start());
  EXPECT_TRUE(all_stored());
}

TEST_F(UpTest, events_are_taken_while_no_store_can_start_and_a_stop_does_not_wait_for_one) {
  UpSetup setup = up_.setup();
  setup.store_program = "/bin/false";
  Result<std::unique_ptr<Up>> up = Up::start(up_.ports(), setup);
  ASSERT_TRUE(up) << up.error().message;
  EXPECT_EQ(up_.post((*up)->addresses().collect, "/v1/events", R"({"event":"clicked","message_id":"0"})", kDemo).status, 200);
  EXPECT_EQ(up_.post((*up)->addresses().sql, "/", "SELECT 1").status, 503);
  const auto began = std::chrono::steady_clock::now();
  (*up)->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - began, kEndsWithin);
  up->reset();
  sent_ = 1;
  ASSERT_NO_FATAL_FAILURE(up_.start());
  EXPECT_TRUE(all_stored());
}

}  // namespace
}  // namespace sluice::app
