// The whole program under load from many threads at once, while its store is killed, while it is stopped, and while it starts.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "app/running_up_test.h"

namespace sluice::app {
namespace {

const net::Headers kDemo = {{"Authorization", "Bearer demo"}};

// What one batch holds. Its lines tell which event is which, so all counts follow from the number of acknowledged batches.
struct Batch {
  static constexpr uint64_t kFresh = 16, kLate = 2, kRepeated = 2, kBad = 2;
  static constexpr uint64_t kIds = kFresh + kLate;
  static constexpr uint64_t kReceived = kIds + kRepeated + kBad;

  // Of the nth batch of a sender of a load.
  static std::string body(size_t load, size_t sender, size_t n_of_sender) {
    std::string text;
    const std::string prefix = std::to_string(load) + "-" + std::to_string(sender) + "-" + std::to_string(n_of_sender) + "-";
    const auto line = [&](size_t n, const std::string& time) {
      text += R"({"event":"clicked","message_id":")" + prefix + std::to_string(n) + R"(","user_id":"u)" + std::to_string(n) +
              "\"" + time + R"(,"properties":{"page":"/p)" + std::to_string(n % 5) + R"(","weight":)" + std::to_string(n) +
              ".5}}\n";
    };
    for (size_t n = 0; n < kFresh; ++n) line(n, "");
    // Late, some batches to a window.
    const size_t window = n_of_sender / 8;
    const std::string minute = fmt::format("2026-01-{:02}T{:02}:{:02}", 1 + sender, window / 60 % 24, window % 60);
    for (size_t n = 0; n < kLate; ++n) line(kFresh + n, fmt::format(R"(,"timestamp":"{}:0{}Z")", minute, n));
    for (size_t n = 0; n < kRepeated; ++n) line(n, "");
    text += R"({"event":"clicked","timestamp":"yesterday"})"
            "\n";
    text += R"({"event":)"
            "\n";
    return text;
  }
};

// Threads that use a running program in every way there is, until told to end.
class Load {
 public:
  Load(RunningUp& up, size_t number) : up_(up), number_(number) {
    for (size_t sender = 0; sender < kSenders; ++sender) start([this, sender] { send(sender); });
    start([this] { query(); });
    for (int viewer = 0; viewer < 2; ++viewer) start([this] { watch(); });
    start([this] { browse(); });
    start([this] { command(); });
  }
  // Ends what runs, after the replies under way.
  ~Load() { end(); }
  void end() {
    ending_ = true;
    threads_.clear();
  }

  struct Counts {
    uint64_t batches = 0;     // acknowledged
    uint64_t doubtful = 0;    // sent, and no reply came
    uint64_t refused = 0;     // requests with a wrong key
    uint64_t statements = 0;  // answered with rows
    uint64_t messages = 0;    // of event streams
    uint64_t pages = 0;       // answers of the web port
    uint64_t commands = 0;    // over the control socket
    uint64_t keys = 0;
  };
  Counts counts() const { return {batches_, doubtful_, refused_, statements_, messages_, pages_, commands_, keys_}; }

 private:
  static constexpr size_t kSenders = 2;

  void start(std::function<void()> once) {
    threads_.emplace_back([this, once = std::move(once)] {
      while (!ending_) once();
    });
  }
  void pause() { std::this_thread::sleep_for(DurationMs(10)); }

  // One batch until it is acknowledged.
  void send(size_t sender) {
    const size_t n = sent_[sender]++;
    const std::string body = Batch::body(number_, sender, n);
    for (;;) {
      const int status = up_.post(up_.addresses().collect, "/v1/events", body, kDemo).status;
      if (status == 200) {
        ++batches_;
        break;
      }
      if (status == 0) ++doubtful_;
      else EXPECT_TRUE(status == 429 || status == 503) << status;
      if (ending_) return;
      pause();
    }
    if (n % 8 == 0 && up_.post(up_.addresses().collect, "/v1/events", body, {{"Authorization", "Bearer no"}}).status == 401)
      ++refused_;
  }

  void query() {
    for (const char* sql :
         {"SELECT count() FROM sluice.events", "SELECT page, sum(clicks) FROM sluice.clicks GROUP BY page",
          "SELECT * FROM sluice.clicks ORDER BY window_start, page FORMAT JSON", "SELEKT", "SELECT * FROM file('/etc/passwd')",
          "SELECT a.message_id FROM sluice.events AS a CROSS JOIN (SELECT 1 FROM sluice.events LIMIT 300) AS b"}) {
      const net::Response reply = up_.post(up_.addresses().sql, "/", sql);
      if (reply.status == 200) ++statements_;
      EXPECT_TRUE(reply.status != 200 || std::string_view(sql).find("file(") == std::string_view::npos);
      if (ending_) return;
    }
  }

  // A tab that is opened and closed after a few messages.
  void watch() {
    net::ClientRequest request;
    request.method = "GET";
    request.target = "/api/live?panels=load.0.0,load.1.0,load.2.0&feeds=events,quarantine";
    request.timeout = RunningUp::kPatience;
    request.wanted = [this] { return !ending_.load(); };
    int left = 12;
    const Status ended = net::Client::to(up_.ports(), RunningUp::address_of(up_.addresses().web))
                             ->stream(
                                 request, [](const net::Response& head) { return head.status == 200; },
                                 [&](std::string_view) {
                                   ++messages_;
                                   return --left > 0;
                                 });
    if (!ended && ended.error().code != Code::closed) pause();
  }

  void browse() {
    const std::string& web = up_.addresses().web;
    for (const char* target : {"/", "/health", "/metrics", "/api/project", "/api/quarantine?limit=5", "/api/trace?id=0-0-0-0",
                               "/api/panels/load.2.0/csv", "/api/panels/load.1.0/explain"}) {
      if (up_.get(web, target).status == 200) ++pages_;
      if (ending_) return;
    }
    if (up_.post(web, "/api/panels/load.0.0/verify", "{}").status == 200) ++pages_;
    if (up_.post(web, "/api/sql", "SELECT count() FROM sluice.quarantine").status == 200) ++pages_;
  }

  void command() {
    const std::string control = up_.control().unix_path;
    if (up_.post(control, "/api/keys", R"({"source":"site","label":"load"})").status == 200) ++keys_;
    for (const char* target :
         {"/api/ledger", "/api/ledger?format=text", "/api/trace?id=0-1-1-1&format=text", "/api/log?limit=50"}) {
      if (up_.get(control, target).status == 200) ++commands_;
      if (ending_) return;
    }
    if (up_.post(control, "/api/query?format=CSV", "SELECT max(epoch) FROM sluice.events").status == 200) ++commands_;
  }

  RunningUp& up_;
  const size_t number_;  // so that each load has its own ids
  std::array<size_t, kSenders> sent_{};  // each its sender's own
  std::atomic<bool> ending_{false};
  std::atomic<uint64_t> batches_{0}, doubtful_{0}, refused_{0}, statements_{0}, messages_{0}, pages_{0}, commands_{0}, keys_{0};
  std::vector<std::jthread> threads_;
};

// Somebody who saves one version of the metric after another while all that goes on: another measure each time, then none, so that old
// plans are dropped while jobs and queries of theirs may still run.
class Editor {
 public:
  explicit Editor(RunningUp& up)
      : up_(up), path_(up.setup().project + "/metrics/clicks.yaml"), original_(*up.ports().files.read_all(path_, 1_MiB)) {
    thread_ = std::jthread([this](const std::stop_token& stop) {
      for (size_t n = 0; !stop.stop_requested(); ++n) edit(stop, n % 4 == 3 ? "" : "more_" + std::to_string(n));
    });
  }
  size_t edits() const { return edits_; }
  void end() {
    thread_.request_stop();
    thread_.join();
  }

 private:
  // Saves it and waits until the page shows it.
  void edit(const std::stop_token& stop, const std::string& measure) {
    const std::string more = measure.empty() ? "" : "      " + measure + ": count()\n";
    EXPECT_TRUE(up_.ports().files.replace(path_, original_ + more));
    const auto shown = [&] {
      const std::string project = up_.get(up_.addresses().web, "/api/project").body;
      return project.find(measure.empty() ? "\"weight\"" : "\"" + measure + "\"") != std::string::npos &&
             (!measure.empty() || project.find("more_") == std::string::npos);
    };
    if (up_.eventually([&] { return stop.stop_requested() || shown(); })) {
      ++edits_;
    } else {
      ADD_FAILURE() << "the page never showed " << measure;
    }
  }

  RunningUp& up_;
  const std::string path_;
  const std::string original_;
  std::atomic<size_t> edits_{0};
  std::jthread thread_;
};

// All that came is stored: nothing waits in the log any more.
bool settled(RunningUp& up) {
  return up.eventually([&] {
    const nlohmann::json ledger = up.ledger();
    return ledger.is_object() && ledger["totals"]["pending"] == 0 && ledger["totals"]["received"] != 0;
  });
}

class UpLoadTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(up_.start()); }
  void wait_for_batches(const Load& load, uint64_t batches) {
    ASSERT_TRUE(up_.eventually([&] { return load.counts().batches >= batches; })) << load.counts().batches;
  }
  // The stored rows against what the senders were told.
  void expect_all_stored_once(const Load::Counts& sent) {
    ASSERT_TRUE(settled(up_));
    const nlohmann::json ledger = up_.ledger();
    EXPECT_EQ(ledger["balances"], true) << ledger.dump(1);
    EXPECT_EQ(ledger["missing"], 0);
    EXPECT_EQ(ledger["surplus"], 0);
    const uint64_t stored = ledger["totals"]["in_store"]["events"], received = ledger["totals"]["received"];
    EXPECT_EQ(up_.value("SELECT uniqExact(message_id) FROM sluice.events"), std::to_string(stored));
    // A batch without a reply may have come or not; one that was sent again has its ids once.
    EXPECT_GE(stored, sent.batches * Batch::kIds);
    EXPECT_LE(stored, (sent.batches + sent.doubtful) * Batch::kIds);
    EXPECT_GE(received, sent.batches * Batch::kReceived);
    EXPECT_LE(received, (sent.batches + sent.doubtful) * Batch::kReceived);
    const uint64_t quarantined = ledger["totals"]["in_store"]["quarantine"];
    EXPECT_EQ(quarantined * Batch::kReceived, received * Batch::kBad);
  }

  RunningUp up_;
};

TEST_F(UpLoadTest, nothing_is_lost_or_doubled_while_everyone_asks_and_the_store_is_killed) {
  ASSERT_TRUE(up_.eventually([&] { return up_.ready(); }));
  Load load(up_, 0);
  Editor editor(up_);
  for (uint64_t kills = 0; kills < 2; ++kills) {
    ASSERT_NO_FATAL_FAILURE(wait_for_batches(load, load.counts().batches + 25));
    ASSERT_EQ(up_.store_pids().size(), kills + 1) << "nobody else ended the store";
    ASSERT_NO_FATAL_FAILURE(up_.kill_store());
    ASSERT_NO_FATAL_FAILURE(wait_for_batches(load, load.counts().batches + 5));  // events are taken all the while
    ASSERT_TRUE(up_.eventually([&] { return up_.store_pids().size() > kills + 1 && !up_.value("SELECT 1").empty(); }));
  }
  const auto everything_was_used = [&] {
    const Load::Counts now = load.counts();
    return now.refused > 0 && now.statements > 10 && now.messages > 50 && now.pages > 20 && now.commands > 5 && now.keys > 1;
  };
  EXPECT_TRUE(up_.eventually(everything_was_used));
  EXPECT_TRUE(up_.eventually([&] { return editor.edits() >= 3; }));
  editor.end();
  load.end();
  EXPECT_EQ(load.counts().doubtful, 0U);
  expect_all_stored_once(load.counts());
  EXPECT_TRUE(up_.eventually([&] { return up_.ready(); }));
  EXPECT_LT(up_.stop(), DurationMs(5'000));
}

TEST_F(UpLoadTest, a_stop_under_load_ends_in_time_and_keeps_what_was_acknowledged) {
  Load load(up_, 0);
  wait_for_batches(load, 20);
  EXPECT_LT(up_.stop(), DurationMs(5'000));
  load.end();
  ASSERT_NO_FATAL_FAILURE(up_.start());
  expect_all_stored_once(load.counts());
}

TEST_F(UpLoadTest, a_stop_during_a_start_ends_in_time_whatever_had_begun) {
  Load::Counts sent;
  size_t number = 0;
  for (const int wait : {0, 3, 10, 30, 60, 100, 150, 200, 300, 400, 500, 700}) {
    Load load(up_, number++);
    std::this_thread::sleep_for(DurationMs(wait));  // not to be right: each moment of a start is as good
    EXPECT_LT(up_.stop(), DurationMs(5'000)) << wait;
    load.end();
    sent.batches += load.counts().batches;
    sent.doubtful += load.counts().doubtful;
    ASSERT_NO_FATAL_FAILURE(up_.start());
  }
  expect_all_stored_once(sent);
}

}  // namespace
}  // namespace sluice::app
