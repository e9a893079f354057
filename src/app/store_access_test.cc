// The store's child as a thread that others ask, and its two clients: over a child that only lives and a server that answers for it.
#include "app/store_access.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "net/running_server_test.h"
#include "os/temp_folder.h"

namespace sluice::app {
namespace {

using Phase = store::SupervisorState::Phase;

class StoreAccessTest : public testing::Test {
 protected:
  // What the supervisor starts; pings are answered by the server of this test.
  void write_program(const std::string& what) {
    std::ofstream(program_) << "#!/bin/sh\n" << what << "\n";
    std::filesystem::permissions(program_, std::filesystem::perms::owner_all);
  }
  void start_child(const std::string& what = "exec sleep 1000") {
    write_program(what);
    store::SupervisorOptions options;
    options.program = program_;
    options.data_directory = folder_.path();
    options.socket_path = socket_;
    child_ = std::make_unique<StoreChild>(real_.ports(), options, [this](const store::SupervisorState& state) {
      const std::lock_guard lock(mutex_);
      phases_.push_back(state.phase);
    });
    thread_ = std::jthread([this] { child_->run(); });
  }
  void TearDown() override {
    if (child_) child_->stop();
    thread_ = {};
  }
  void answer(net::Request request, net::Responder responder) {
    if (request.path == "/ping") return responder.send({200, {}, "Ok.\n"});
    const std::lock_guard lock(mutex_);
    asked_.push_back(request);
    if (hold_) {
      held_.push_back(std::move(responder));
    } else {
      responder.send(reply_);
    }
  }
  void serve() {
    server_ = std::make_unique<net::RunningServer>(
        [this](net::Request q, net::Responder r) { answer(std::move(q), std::move(r)); }, net::ServerOptions{}, socket_);
  }
  void start_ready() {
    serve();
    start_child();
    const Status ready = child_->wait_ready(DurationMs(20'000));
    ASSERT_TRUE(ready) << ready.error().message;
  }
  Result<serve::Reply> ask(StoreQueries& queries, serve::Role role = serve::Role::service) {
    return queries.query({.role = role, .sql = "SELECT 1"});
  }
  // The code that a reply of that kind becomes.
  Code code_of(StoreQueries& queries, int status, const std::string& body) {
    {
      const std::lock_guard lock(mutex_);
      reply_ = {status, {}, body};
    }
    const Result<serve::Reply> reply = ask(queries);
    EXPECT_FALSE(reply) << body;
    return reply ? Code::conflict : reply.error().code;
  }

  os::RealPorts real_;
  os::TempFolder folder_;
  const std::string program_ = folder_.file("program");
  const std::string socket_ = folder_.file("s");
  std::mutex mutex_;  // guards what the server's and the child's threads see
  std::vector<Phase> phases_;
  std::vector<net::Request> asked_;
  net::Response reply_{200, {{"X-ClickHouse-Format", "TabSeparated"}, {"X-ClickHouse-Summary", R"({"read_rows":"12"})"}}, "1\n"};
  bool hold_ = false;
  std::vector<net::Responder> held_;
  std::unique_ptr<net::RunningServer> server_;
  std::unique_ptr<StoreChild> child_;
  std::jthread thread_;
};

TEST_F(StoreAccessTest, who_waits_for_a_child_that_cannot_start_is_told_why) {
  start_child("exit 7");
  ASSERT_TRUE(net::eventually([&] { return child_->state().restarts >= 1; }));
  const Status ready = child_->wait_ready(DurationMs(1));
  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().code, Code::unavailable);
  EXPECT_NE(ready.error().message.find("ended with code 7"), std::string::npos) << ready.error().message;
  EXPECT_FALSE(child_->ready());
}

TEST_F(StoreAccessTest, a_stop_ends_every_wait_for_the_child) {
  start_child("exit 7");
  std::vector<std::optional<Code>> codes(2);
  {
    const std::jthread waits([&] { codes[0] = child_->wait_ready(std::chrono::hours(1)).error().code; });
    const std::jthread fences([&] { codes[1] = child_->fence(std::chrono::hours(1)).error().code; });
    child_->stop();
  }
  EXPECT_EQ(codes, (std::vector<std::optional<Code>>{Code::closed, Code::closed}));
}

TEST_F(StoreAccessTest, a_fence_returns_once_another_child_answers) {
  start_ready();
  const int before = child_->state().pid;
  const Status fenced = child_->fence(DurationMs(20'000));
  ASSERT_TRUE(fenced) << fenced.error().message;
  EXPECT_NE(child_->state().pid, before);
  EXPECT_TRUE(child_->ready());
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(phases_.front(), Phase::starting);
  EXPECT_EQ(phases_.back(), Phase::ready);
}

TEST_F(StoreAccessTest, nothing_is_asked_of_a_child_that_is_not_ready) {
  serve();
  start_child("exit 7");
  StoreQueries queries(real_.ports(), *child_, socket_);
  StoreWarehouse warehouse(real_.ports(), *child_, folder_.path(), socket_);
  EXPECT_EQ(ask(queries).error().code, Code::unavailable);
  EXPECT_EQ(warehouse.query("SELECT 1", "TSV").error().code, Code::unavailable);
  EXPECT_EQ(warehouse.execute("SELECT 1").error().code, Code::unavailable);
  EXPECT_EQ(warehouse.insert({"INSERT INTO t FORMAT RowBinary", "x", 1, "id"}).error().code, Code::unavailable);
  const std::lock_guard lock(mutex_);
  EXPECT_TRUE(asked_.empty());
}

TEST_F(StoreAccessTest, nothing_is_asked_while_the_owner_says_why_not) {
  start_ready();
  StoreQueries queries(real_.ports(), *child_, socket_, [] { return std::string("tables are being made"); });
  const Result<serve::Reply> reply = ask(queries);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::unavailable);
  EXPECT_EQ(reply.error().message, "tables are being made");
  const std::lock_guard lock(mutex_);
  EXPECT_TRUE(asked_.empty());
}

TEST_F(StoreAccessTest, a_person_is_never_asked_for_as_a_writer) {
  start_ready();
  StoreQueries queries(real_.ports(), *child_, socket_);
  const Result<serve::Reply> reply = ask(queries, serve::Role::service);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->body, "1\n");
  EXPECT_EQ(reply->rows_read, 12U);
  EXPECT_EQ(reply->format, "TabSeparated");
  ASSERT_TRUE(ask(queries, serve::Role::reader));
  const std::lock_guard lock(mutex_);
  ASSERT_EQ(asked_.size(), 2U);
  EXPECT_EQ(asked_[0].header("X-Sluice-Role"), "writer");
  EXPECT_EQ(asked_[1].header("X-Sluice-Role"), std::nullopt);
}

TEST_F(StoreAccessTest, what_the_store_refuses_keeps_its_words_and_gets_a_code) {
  start_ready();
  StoreQueries queries(real_.ports(), *child_, socket_);
  EXPECT_EQ(code_of(queries, 500, "Code: 62. DB::Exception: Syntax error\n"), Code::invalid);
  EXPECT_EQ(code_of(queries, 404, "Code: 60. DB::Exception: Unknown table\n"), Code::invalid) << "a wrong name in SQL";
  EXPECT_EQ(code_of(queries, 503, "Code: 202. DB::Exception: Too many\n"), Code::full);
  EXPECT_EQ(code_of(queries, 500, "what is this?"), Code::unavailable);
  EXPECT_EQ(ask(queries).error().message, "what is this?");
}

TEST_F(StoreAccessTest, a_stop_ends_what_is_asked_and_refuses_all_else) {
  start_ready();
  hold_ = true;
  StoreQueries queries(real_.ports(), *child_, socket_);
  std::optional<Code> code;
  {
    const std::jthread asker([&] { code = queries.query({.sql = "SELECT 1", .timeout = std::chrono::hours(1)}).error().code; });
    ASSERT_TRUE(net::eventually([&] {
      const std::lock_guard lock(mutex_);
      return held_.size() == 1;
    }));
    queries.stop();
  }
  EXPECT_EQ(code, Code::closed);
  EXPECT_EQ(ask(queries).error().code, Code::closed);
}

TEST_F(StoreAccessTest, no_more_connections_stay_open_than_may) {
  constexpr size_t kAtOnce = StoreQueries::kIdleMax + 4;
  start_ready();
  hold_ = true;
  StoreQueries queries(real_.ports(), *child_, socket_);
  std::vector<std::jthread> askers;
  for (size_t i = 0; i < kAtOnce; ++i) askers.emplace_back([&] { EXPECT_TRUE(ask(queries)); });
  ASSERT_TRUE(net::eventually([&] {
    const std::lock_guard lock(mutex_);
    return held_.size() == kAtOnce;
  }));
  {
    const std::lock_guard lock(mutex_);
    for (net::Responder& responder : held_) responder.send(reply_);
    hold_ = false;
  }
  askers.clear();
  // The supervisor has one more.
  EXPECT_TRUE(net::eventually([&] { return (*server_)->counters().connections_open <= StoreQueries::kIdleMax + 1; }));
  EXPECT_GE((*server_)->counters().connections_open, StoreQueries::kIdleMax);
}

}  // namespace
}  // namespace sluice::app
