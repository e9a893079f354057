// edge_test_fixture.h - a whole edge for tests: a clock that stands still, counted entropy, a log that keeps what it is given.
#pragma once

#include <gtest/gtest.h>

#include <span>
#include <variant>

#include "base/bytes.h"
#include "base/rfc3339.h"
#include "collect/collector.h"
#include "event/record.h"
#include "os/ports.h"
#include "os/temp_folder.h"

namespace sluice::collect {

class StillClock : public os::Clock {
 public:
  TimeMs wall() override { return now; }
  os::MonotonicTime monotonic() override { return {}; }
  void sleep_for(DurationMs) override {}
  int64_t thread_cpu_us() override { return 0; }
  TimeMs now = parse_rfc3339("2026-03-28T14:22:10Z")->time;
};

class CountedEntropy : public os::Entropy {
 public:
  void fill(std::span<std::byte> out) override {
    ++calls;
    for (std::byte& b : out) b = static_cast<std::byte>(calls);
  }
  uint8_t calls = 0;
};

// What a log would hold, decoded again.
struct Kept {
  event::Submission submission;
  std::vector<event::RecordView> records;

  explicit Kept(event::Submission taken) : submission(std::move(taken)) {
    ByteReader from(submission.records);
    while (!from.at_end() && !from.failed()) {
      event::RecordView record;
      const Status decoded = event::decode(from.text(), record);
      EXPECT_TRUE(decoded) << decoded.error().message;
      records.push_back(std::move(record));
    }
    EXPECT_FALSE(from.failed());
    EXPECT_EQ(records.size(), submission.record_count);
    EXPECT_EQ(submission.manifest.received, submission.record_count);
    EXPECT_EQ(submission.manifest.accepted + submission.manifest.rejected, submission.manifest.received);
  }
  Kept(const Kept&) = delete;
  const event::EventView& event(size_t i) const { return std::get<event::EventView>(records.at(i)); }
  const event::RejectView& reject(size_t i) const { return std::get<event::RejectView>(records.at(i)); }
};

class KeepingSubmitter : public Submitter {
 public:
  bool submit(event::Submission submission, std::function<void(Result<event::Receipt>)> done) override {
    if (full) return false;
    kept.push_back(std::make_unique<Kept>(std::move(submission)));
    waiting.push_back(std::move(done));
    if (!hold) answer_all();
    return true;
  }
  void answer_all() {
    for (auto& done : std::exchange(waiting, {})) {
      if (error) {
        done(*error);
      } else {
        done(event::Receipt{{event::PartitionId(0), event::Offset(next)}, {}});
        next += 1;
      }
    }
  }
  std::vector<std::unique_ptr<Kept>> kept;
  std::vector<std::function<void(Result<event::Receipt>)>> waiting;
  bool full = false, hold = false;
  std::optional<Error> error;
  uint64_t next = 1234;
};

class EdgeTest : public ::testing::Test {
 protected:
  void SetUp() override { build({}); }
  void build(CollectOptions options) {
    auto opened = Keys::open(ports, folder.file("keys"), "site");
    ASSERT_TRUE(opened) << opened.error().message;
    keys = std::move(*opened);
    collector =
        std::make_unique<Collector>(Collector::Parts{ports, *keys, log}, std::vector<std::string>{"site", "shop"}, options);
  }
  net::Response send(net::Request request) {
    std::optional<net::Response> answer;
    collector->answer(request, [&](net::Response response) {
      EXPECT_FALSE(answer.has_value()) << "answered twice";
      answer = std::move(response);
    });
    EXPECT_TRUE(answer.has_value());
    return answer.value_or(net::Response{});
  }
  // A native request with the demo key.
  net::Response post(std::string body, net::Headers headers = {}) {
    headers.emplace_back("Authorization", "Bearer demo");
    return send(net::Request{"POST", "/v1/events", "", std::move(headers), std::move(body), false, "127.0.0.1"});
  }
  net::Response post_to(std::string path, std::string body, net::Headers headers = {{"Authorization", "Basic ZGVtbzo="}}) {
    return send(net::Request{"POST", std::move(path), "", std::move(headers), std::move(body), false, "127.0.0.1"});
  }
  const Kept& last() const { return *log.kept.back(); }
  const event::EventView& only_event() const {
    EXPECT_EQ(last().records.size(), 1U);
    return last().event(0);
  }
  const event::RejectView& only_reject() const {
    EXPECT_EQ(last().records.size(), 1U);
    return last().reject(0);
  }

  os::TempFolder folder;
  StillClock clock;
  CountedEntropy entropy;
  os::RealPorts real;
  os::Ports ports{clock, real.ports().files, entropy, real.ports().processes, real.ports().sockets};
  KeepingSubmitter log;
  std::unique_ptr<Keys> keys;
  std::unique_ptr<Collector> collector;
};

inline std::string scalars_text(const event::EventView& event) {
  std::string out;
  for (const auto& scalar : event.scalars) {
    out += std::string(scalar.path) + "=" + std::string(scalar.text);
    if (scalar.number) out += "#" + scalar.number->to_text();
    out += ";";
  }
  return out;
}

inline std::string flags_text(const event::EventView& event) {
  std::string out;
  for (const auto name : event::flag_names(event.flags)) out += (out.empty() ? "" : ",") + std::string(name);
  return out;
}

}  // namespace sluice::collect
