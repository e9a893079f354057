#include "serve/sql_port.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "net/server.h"
#include "os/temp_folder.h"

namespace sluice::serve {
namespace {

using std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{20};

// A store child of our own making behind the real port, both over real sockets.
class SqlPortTest : public ::testing::Test {
 protected:
  void start(SqlOptions options = {}) {
    options.socket_path = folder_.file("s");
    child_ = listen({}, options.socket_path, [this](net::Request request, net::Responder responder) {
      seen_ = request;
      ++asked_;
      answer_(std::move(request), std::move(responder));
    });
    port_ = std::make_unique<SqlPort>(ports_, options, [this] { return std::string(away_ ? "it restarts" : ""); });
    server_ = listen({"127.0.0.1", 0}, "", [this](net::Request request, net::Responder responder) {
      port_->handle(std::move(request), std::move(responder));
    });
    threads_.emplace_back([this] { port_->run_worker(); });
  }
  void TearDown() override {
    if (server_) server_->stop();
    if (port_) port_->stop();
    if (child_) child_->stop();
    for (std::thread& thread : threads_) thread.join();
  }
  std::unique_ptr<net::Server> listen(const os::Endpoint& endpoint, const std::string& path, net::Handler handler) {
    net::ServerOptions options;
    options.drain_timeout = DurationMs(200);
    Result<std::unique_ptr<net::Server>> server = net::Server::listen(ports_, endpoint, path, options, std::move(handler));
    EXPECT_TRUE(server) << server.error().message;
    threads_.emplace_back([raw = server->get()] { raw->run(0); });
    return std::move(*server);
  }
  net::Response ask(net::ClientRequest request) {
    const auto client = net::Client::to(ports_, {server_->bound(), ""});
    Result<net::Response> response = client->send(request, 64_MiB);
    EXPECT_TRUE(response) << response.error().message;
    return response ? std::move(*response) : net::Response{};
  }
  net::Response ask(const std::string& sql, net::Headers headers = {}, std::string target = "/") {
    net::ClientRequest request;
    request.body = sql;
    request.headers = std::move(headers);
    request.target = std::move(target);
    return ask(request);
  }

  os::RealPorts real_;
  os::Ports ports_ = real_.ports();
  os::TempFolder folder_;
  net::Handler answer_ = [](net::Request, net::Responder responder) {
    responder.send({200, {{"X-ClickHouse-Format", "TSV"}}, "1\n"});
  };
  net::Request seen_;
  std::atomic<int> asked_ = 0;
  std::atomic<bool> away_ = false;
  std::unique_ptr<net::Server> child_;
  std::unique_ptr<SqlPort> port_;
  std::unique_ptr<net::Server> server_;
  std::vector<std::thread> threads_;
};

TEST_F(SqlPortTest, a_statement_reaches_the_child_as_a_readers_whatever_it_says_of_itself) {
  start();
  const net::Response response = ask(
      "SELECT 1",
      {{"X-Sluice-Role", "writer"}, {"X-Sluice-Rows", "3"}, {"X-ClickHouse-Database", "sluice"}, {"Authorization", "Basic eDp5"}},
      "/?query_id=a%20b&param_x=1");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "1\n");
  EXPECT_EQ(net::find_header(response.headers, "X-ClickHouse-Format"), "TSV");
  EXPECT_EQ(seen_.body, "SELECT 1");
  EXPECT_EQ(seen_.query, "query_id=a%20b&param_x=1");
  EXPECT_EQ(seen_.header("X-ClickHouse-Database"), "sluice");
  EXPECT_EQ(seen_.header("Authorization"), std::nullopt);
  EXPECT_EQ(seen_.header("X-Sluice-Rows"), std::nullopt);
  size_t roles = 0;
  for (const auto& [name, value] : seen_.headers) {
    if (name == "X-Sluice-Role") {
      ++roles;
      EXPECT_EQ(value, "reader");
    }
  }
  EXPECT_EQ(roles, 1U);
}

TEST_F(SqlPortTest, foreign_hosts_and_origins_are_refused_before_the_child) {
  SqlOptions options;
  options.host_names = {"bi.example"};
  start(options);
  EXPECT_EQ(ask("SELECT 1", {{"Host", "evil.example"}}).status, 403);
  EXPECT_EQ(ask("SELECT 1", {{"Origin", "http://evil.example"}}).status, 403);
  EXPECT_EQ(asked_, 0);
  const net::Response refused = ask("SELECT 1", {{"Host", "evil.example"}});
  EXPECT_EQ(net::find_header(refused.headers, "X-ClickHouse-Exception-Code"), "497");
  EXPECT_TRUE(refused.body.starts_with("Code: 497. DB::Exception: ")) << refused.body;
  EXPECT_EQ(ask("SELECT 1", {{"Host", "bi.example:8123"}}).status, 200);
}

TEST_F(SqlPortTest, a_configured_password_must_be_given_in_one_of_three_ways) {
  SqlOptions options;
  options.user = "ana";
  options.password = "s3cret";
  start(options);
  EXPECT_EQ(ask("SELECT 1").status, 401);
  EXPECT_EQ(ask("SELECT 1", {}, "/?user=ana&password=wrong").status, 401);
  EXPECT_EQ(ask("SELECT 1", {}, "/?user=bob&password=s3cret").status, 401);
  EXPECT_EQ(asked_, 0);
  EXPECT_EQ(ask("SELECT 1", {}, "/?user=ana&password=s3cret").status, 200);
  EXPECT_EQ(ask("SELECT 1", {{"Authorization", "Basic YW5hOnMzY3JldA=="}}).status, 200);
  EXPECT_EQ(ask("SELECT 1", {{"X-ClickHouse-User", "ana"}, {"X-ClickHouse-Key", "s3cret"}}).status, 200);
}

TEST_F(SqlPortTest, a_store_that_is_away_is_said_as_clickhouse_says_it) {
  start();
  away_ = true;
  const net::Response response = ask("SELECT 1");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(net::find_header(response.headers, "X-ClickHouse-Exception-Code"), "210");
  EXPECT_NE(response.body.find("it restarts"), std::string::npos);
  away_ = false;
  child_->stop();  // and one that is lost in between
  const auto deadline = steady_clock::now() + kPatience;
  while (ports_.sockets.connect_unix(folder_.file("s")) && steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(ask("SELECT 1").status, 503);
}

TEST_F(SqlPortTest, a_stop_ends_the_statement_that_runs_and_refuses_those_that_wait) {
  std::vector<net::Responder> held;
  answer_ = [&](net::Request, net::Responder responder) { held.push_back(std::move(responder)); };
  start();
  std::vector<net::Response> replies(2);
  std::vector<std::thread> askers;
  for (net::Response& reply : replies) askers.emplace_back([&] { reply = ask("SELECT 1"); });
  const auto deadline = steady_clock::now() + kPatience;
  while ((asked_ < 1 || server_->counters().requests < 2) && steady_clock::now() < deadline) std::this_thread::yield();
  port_->stop();
  for (std::thread& asker : askers) asker.join();
  for (const net::Response& reply : replies) {
    EXPECT_EQ(reply.status, 503);
    EXPECT_NE(reply.body.find("The program is stopping"), std::string::npos) << reply.body;
  }
  EXPECT_EQ(asked_, 1);
}

TEST_F(SqlPortTest, long_replies_stream_and_a_cut_reply_stays_cut) {
  const std::string piece(1_MiB, 'x');
  std::vector<std::thread> writers;
  std::atomic<bool> cut = false;
  answer_ = [&](net::Request, net::Responder responder) {
    writers.emplace_back([&, stream = responder.start({200, {}, {}}, 64_MiB)] {
      for (int i = 0; i < 20; ++i) EXPECT_TRUE(stream->write_within(piece, DurationMs(20'000)));
      if (cut) stream->abort();
      else stream->close();
    });
  };
  start();
  EXPECT_EQ(ask("SELECT long").body.size(), 20 * piece.size());
  cut = true;
  const auto client = net::Client::to(ports_, {server_->bound(), ""});
  net::ClientRequest request;
  request.body = "SELECT long";
  EXPECT_FALSE(client->send(request, 64_MiB));
  for (std::thread& writer : writers) writer.join();
}

TEST_F(SqlPortTest, a_client_that_leaves_takes_its_statement_with_it) {
  std::optional<net::Responder> held;
  std::mutex mutex;
  answer_ = [&](net::Request, net::Responder responder) {
    const std::lock_guard lock(mutex);
    held.emplace(std::move(responder));
  };
  start();
  const auto client = net::Client::to(ports_, {server_->bound(), ""});
  net::ClientRequest request;
  request.body = "SELECT slow";
  request.timeout = DurationMs(300);
  EXPECT_FALSE(client->send(request, 1_MiB));  // gives up and closes
  const auto deadline = steady_clock::now() + kPatience;
  const auto alive = [&] {
    const std::lock_guard lock(mutex);
    return !held || held->alive();
  };
  while (alive() && steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_FALSE(alive());  // the child sees it too
}

TEST_F(SqlPortTest, beyond_its_queue_it_answers_503) {
  std::vector<net::Responder> held;
  std::mutex mutex;
  answer_ = [&](net::Request, net::Responder responder) {
    const std::lock_guard lock(mutex);
    held.push_back(std::move(responder));
  };
  start();
  std::vector<std::thread> askers;
  std::atomic<size_t> full = 0;
  std::atomic<size_t> answered = 0;
  constexpr size_t kAskers = SqlPort::kWaitingMax + 20;
  for (size_t i = 0; i < kAskers; ++i) {
    askers.emplace_back([&] {
      full += ask("SELECT 1").status == 503 ? 1 : 0;
      ++answered;
    });
  }
  // One waits at the child, kWaitingMax in the queue; the rest is told at once. Then the child answers everything.
  const auto deadline = steady_clock::now() + kPatience;
  while (full < kAskers - SqlPort::kWaitingMax - 1 && steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(full, kAskers - SqlPort::kWaitingMax - 1);
  while (answered < kAskers && steady_clock::now() < deadline) {
    std::vector<net::Responder> now;
    {
      const std::lock_guard lock(mutex);
      now.swap(held);
    }
    for (net::Responder& responder : now) responder.send({200, {}, "1\n"});
    std::this_thread::yield();
  }
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(full, kAskers - SqlPort::kWaitingMax - 1);
}

TEST_F(SqlPortTest, pings_and_heads_do_not_trouble_the_child) {
  start();
  net::ClientRequest request;
  request.method = "GET";
  request.target = "/ping";
  EXPECT_EQ(ask(request).body, "Ok.\n");
  request.method = "HEAD";
  request.target = "/?query=SELECT+1";
  const net::Response head = ask(request);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(net::find_header(head.headers, "Content-Length"), std::nullopt);
  EXPECT_EQ(asked_, 0);
}

}  // namespace
}  // namespace sluice::serve
