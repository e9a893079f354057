#include "app/control_port.h"

#include <gtest/gtest.h>

#include "event/record.h"
#include "log/sample_submissions.h"
#include "os/temp_folder.h"
#include "serve/page_test_fixture.h"

namespace sluice::app {
namespace {

// One request's other side, without a socket.
class HeldExchange final : public net::Exchange {
 public:
  void send(net::Response response) override { reply = std::move(response); }
  std::shared_ptr<net::Stream> start(net::Response, size_t) override { return std::make_shared<serve::HandStream>(); }
  bool alive() const override { return true; }
  std::optional<net::Response> reply;
};

class StoringSubmitter final : public collect::Submitter {
 public:
  bool submit(event::Submission submission, std::function<void(Result<event::Receipt>)> done) override {
    records += submission.record_count;
    done(event::Receipt{{event::kEmbeddedPartition, event::Offset(0)}, {}});
    return true;
  }
  uint64_t records = 0;
};

class NoActions final : public serve::Actions {
 public:
  Result<std::string> trace_json(const std::string& id) override { return R"({"id":")" + id + "\"}"; }
  Result<std::string> ledger_json() override { return std::string(R"({"balances":true})"); }
  Result<std::string> create_key(const std::string&, const std::string&) override { return std::string("k"); }
  void collect_metrics(serve::MetricsText&) override {}
};

class ControlPortTest : public serve::PageTest {
 protected:
  void SetUp() override {
    log::Options small;
    small.free_bytes_min = 0;
    small.reserve_step_bytes = 64_KiB;
    log_ = std::move(*log::SegmentLog::open(real_.ports().files, paths_.log(), log::sample_data_id(), small));
    keys_ = std::move(*collect::Keys::open(real_.ports(), paths_.keys(), ""));
    collector_ = std::make_unique<collect::Collector>(collect::Collector::Parts{real_.ports(), *keys_, submitter_},
                                                      std::vector<std::string>{"site"}, collect::CollectOptions{});
    web_ = std::make_unique<serve::WebPort>(hub(), store_, actions_, clock_, serve::WebOptions{});
    port_ = std::make_unique<ControlPort>(ControlPort::Parts{
        *web_, store_, *collector_, *log_, [this] { return Proof({real_.ports(), paths_, "id", *log_, store_}); },
        [] { return std::string("hash"); },
        [this]() -> Result<std::string> {
          if (applies_) return std::string("new: clicks");
          return fail(Code::invalid, "metrics/m.yaml:1:1: wrong");
        }});
  }
  std::shared_ptr<HeldExchange> ask(const std::string& method, const std::string& path, const std::string& query = "",
                                    const std::string& body = "") {
    const auto exchange = std::make_shared<HeldExchange>();
    port_->handle(net::Request{method, path, query, {}, body, false, "unix"}, net::Responder(exchange));
    return exchange;
  }
  // What a worker's one step answers.
  net::Response answer(const std::string& method, const std::string& path, const std::string& query = "",
                       const std::string& body = "") {
    const auto exchange = ask(method, path, query, body);
    port_->step(DurationMs(0));
    EXPECT_TRUE(exchange->reply);
    return exchange->reply.value_or(net::Response{0, {}, ""});
  }

  os::RealPorts real_;
  os::TempFolder folder_{os::TempFolder::Place::memory};
  DataPaths paths_{folder_.path()};
  StoringSubmitter submitter_;
  NoActions actions_;
  std::unique_ptr<log::SegmentLog> log_;
  std::unique_ptr<collect::Keys> keys_;
  std::unique_ptr<collect::Collector> collector_;
  bool applies_ = true;
  std::unique_ptr<serve::WebPort> web_;
  std::unique_ptr<ControlPort> port_;
};

TEST_F(ControlPortTest, events_are_sent_without_a_key_and_their_verdicts_are_no_failure_of_the_sender) {
  const auto good = ask("POST", "/api/send", "source=site", R"({"event":"a","message_id":"1"})");
  ASSERT_TRUE(good->reply);
  EXPECT_EQ(good->reply->status, 200);
  const auto bad = ask("POST", "/api/send", "source=site", R"({"event":""})");
  ASSERT_TRUE(bad->reply);
  EXPECT_EQ(bad->reply->status, 200);
  EXPECT_NE(bad->reply->body.find(R"("accepted":0)"), std::string::npos) << bad->reply->body;
  EXPECT_EQ(submitter_.records, 2U) << "the reject is kept, too";
}

TEST_F(ControlPortTest, a_query_goes_to_the_store_as_a_persons_in_the_format_asked_for) {
  store_.answers["reader"] = "1\n";
  const net::Response reply = answer("POST", "/api/query", "format=CSV", "SELECT 1");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "1\n");
  EXPECT_EQ(store_.last("reader").format, "CSV");
  EXPECT_EQ(store_.last("reader").sql, "SELECT 1");
}

TEST_F(ControlPortTest, what_fails_says_by_its_status_whose_turn_it_is) {
  const std::vector<std::pair<Code, int>> cases{
      {Code::invalid, 400}, {Code::not_found, 404}, {Code::full, 429}, {Code::unavailable, 503}};
  for (const auto& [code, status] : cases) {
    store_.failing.insert_or_assign("reader", fail(code, "because"));
    const net::Response reply = answer("POST", "/api/query", "format=CSV", "SELECT 1");
    EXPECT_EQ(reply.status, status);
    EXPECT_NE(reply.body.find("because"), std::string::npos);
  }
}

TEST_F(ControlPortTest, records_of_the_log_are_read_from_a_place_on) {
  event::Event event;
  event.event = "clicked";
  event.message_id = "m";
  std::string record;
  event::encode(event, record);
  ASSERT_TRUE(log_->append({log::submission_of({record, record})}, time_ms(1)));
  const net::Response reply = answer("GET", "/api/log", "from=1&limit=nonsense");
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.body.starts_with(R"({"place":"0:1")")) << reply.body;
}

TEST_F(ControlPortTest, all_else_is_the_web_ports) {
  const auto exchange = ask("GET", "/api/ledger");
  EXPECT_FALSE(exchange->reply);
  ASSERT_TRUE(web_->step(DurationMs(0)));
  EXPECT_EQ(exchange->reply->body, R"({"balances":true})");
}

TEST_F(ControlPortTest, beyond_its_bound_a_command_is_told_to_come_again) {
  std::vector<std::shared_ptr<HeldExchange>> waiting;
  for (size_t i = 0; i < ControlPort::kJobsMax; ++i) waiting.push_back(ask("POST", "/api/query", "format=CSV", "SELECT 1"));
  const auto one_more = ask("POST", "/api/query", "format=CSV", "SELECT 1");
  ASSERT_TRUE(one_more->reply);
  EXPECT_EQ(one_more->reply->status, 503);
  EXPECT_EQ(net::find_header(one_more->reply->headers, "Retry-After"), "1");
  for (const auto& exchange : waiting) EXPECT_FALSE(exchange->reply);
}

TEST_F(ControlPortTest, at_the_end_what_waits_is_answered_and_nothing_more_is_taken) {
  const auto waiting = ask("POST", "/api/query", "format=CSV", "SELECT 1");
  port_->stop();
  ASSERT_TRUE(waiting->reply) << "its connection would hold up the end";
  EXPECT_EQ(waiting->reply->status, 503);
  const auto late = ask("POST", "/api/query", "format=CSV", "SELECT 1");
  ASSERT_TRUE(late->reply);
  EXPECT_EQ(late->reply->status, 503);
  EXPECT_TRUE(store_.asked.empty());
}

}  // namespace
}  // namespace sluice::app
