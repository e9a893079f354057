#include "app/proof.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "event/record.h"
#include "log/sample_submissions.h"
#include "os/ports.h"
#include "os/temp_folder.h"

namespace sluice::app {
namespace {

constexpr int64_t kMinute = 1'774'706'400'000;  // 2026-03-28T14:00:00Z
constexpr const char* kId = "0102030405060708090a0b0c0d0e0f10";  // of log::sample_data_id()

// A store that answers each of the proof's queries by the table that it begins with.
class ToldStore final : public serve::Queries {
 public:
  Result<serve::Reply> query(const serve::Query& query) override {
    if (away) return fail(Code::unavailable, "away");
    for (const auto& [part, body] : answers) {
      if (query.sql.find(part) != std::string::npos) return serve::Reply{body, "", 0};
    }
    return serve::Reply{};
  }
  std::vector<std::pair<std::string, std::string>> answers;
  bool away = false;
};

class ProofTest : public testing::Test {
 protected:
  void SetUp() override {
    log::Options small;
    small.free_bytes_min = 0;
    small.reserve_step_bytes = 64_KiB;
    log_ = std::move(*log::SegmentLog::open(files(), paths_.log(), log::sample_data_id(), small));
  }
  os::Files& files() { return real_.ports().files; }
  static std::string event_of(const std::string& id) {
    event::Event event;
    event.event = "clicked";
    event.message_id = id;
    event.properties = R"({"a":1})";
    std::string record;
    event::encode(event, record);
    return record;
  }
  static std::string reject_of(const std::string& id) {
    event::Reject reject;
    reject.reason = "timestamp_invalid";
    reject.path = "$.timestamp";
    reject.raw = "{}";
    reject.message_id = id;
    std::string record;
    event::encode(reject, record);
    return record;
  }
  // A frame of one request; `received` is what its manifest says, or its number of records.
  void append(const std::vector<std::string>& records, std::optional<uint32_t> received = {}) {
    event::Submission submission = log::submission_of(records);
    submission.manifest.received = received.value_or(submission.record_count);
    ASSERT_TRUE(log_->append({submission}, time_ms(kMinute)));
  }
  // An epoch of the frames up to `to`, with so many rows in events and quarantine; committed unless told otherwise.
  void epoch(uint64_t number, uint64_t to, uint64_t events, uint64_t quarantine, bool committed = true) {
    Result<process::Journal::Opened> cuts = process::Journal::open(files(), paths_.process() + "/cuts", kId);
    ASSERT_TRUE(cuts) << cuts.error().message;
    process::CutEntry cut;
    cut.epoch = event::Epoch(number);
    cut.to = {{event::kEmbeddedPartition, event::Offset(to)}};
    cut.plan = std::string(64, '0');
    ASSERT_TRUE(cuts->journal->append(cut));
    if (!committed) return;
    Result<process::Journal::Opened> marks = process::Journal::open(files(), paths_.marks(), kId);
    ASSERT_TRUE(marks) << marks.error().message;
    process::CommitEntry mark;
    mark.epoch = event::Epoch(number);
    mark.rows = {events, quarantine};
    ASSERT_TRUE(marks->journal->append(mark));
  }
  Proof proof() { return Proof({real_.ports(), paths_, kId, *log_, store_}); }
  quality::LedgerReport ledger() {
    Result<quality::LedgerReport> report = proof().ledger();
    EXPECT_TRUE(report) << report.error().message;
    return report ? *report : quality::LedgerReport{};
  }

  os::RealPorts real_;
  os::TempFolder folder_{os::TempFolder::Place::memory};
  DataPaths paths_{folder_.path()};
  ToldStore store_;
  std::unique_ptr<log::SegmentLog> log_;
};

TEST_F(ProofTest, what_waits_in_the_log_is_counted_beside_what_is_stored) {
  append({event_of("a"), event_of("b"), reject_of("r")});
  append({event_of("c")});
  epoch(1, 3, 2, 1);
  const std::string minute = "site\t" + std::to_string(kMinute);
  store_.answers = {{"sluice.ledger", minute + "\t3\t2\t1\t0\t0\t1\n"},
                    {"SELECT source, intDiv", minute + "\t2\t1\n"},
                    {"SELECT epoch", "1\t2\t1\n"}};
  const quality::LedgerReport report = ledger();
  EXPECT_TRUE(report.balances());
  EXPECT_EQ(report.as_of, event::Epoch(1));
  EXPECT_EQ(report.totals.received, 4U);
  EXPECT_EQ(report.totals.stored, 2U);
  EXPECT_EQ(report.totals.pending, 1U);
}

TEST_F(ProofTest, a_row_that_the_store_lost_is_found_in_its_epoch) {
  append({event_of("a"), event_of("b")});
  append({event_of("c")});
  epoch(1, 2, 2, 0);
  epoch(2, 3, 1, 0);
  const std::string minute = "site\t" + std::to_string(kMinute);
  store_.answers = {{"sluice.ledger", minute + "\t3\t3\t0\t0\t0\t2\n"},
                    {"SELECT source, intDiv", minute + "\t2\t0\n"},
                    {"SELECT epoch", "1\t1\t0\n2\t1\t0\n"}};
  const quality::LedgerReport report = ledger();
  EXPECT_FALSE(report.balances());
  ASSERT_EQ(report.epochs.size(), 1U);
  EXPECT_EQ(report.epochs[0].epoch, event::Epoch(1));
  EXPECT_EQ(report.epochs[0].found.events, 1U);
}

TEST_F(ProofTest, a_manifest_that_counted_wrong_is_found_in_its_epoch) {
  append({event_of("a")});
  append({event_of("b")}, 3);
  epoch(1, 1, 1, 0);
  epoch(2, 2, 1, 0);
  const std::string minute = "site\t" + std::to_string(kMinute);
  store_.answers = {{"sluice.ledger", minute + "\t4\t2\t0\t0\t0\t2\n"},
                    {"SELECT source, intDiv", minute + "\t2\t0\n"},
                    {"SELECT epoch", "1\t1\t0\n2\t1\t0\n"}};
  const quality::LedgerReport report = ledger();
  EXPECT_FALSE(report.balances());
  ASSERT_EQ(report.differences.size(), 1U);
  EXPECT_EQ(report.differences[0].kind, quality::Difference::Kind::edge);
  EXPECT_EQ(report.differences[0].epochs, std::vector<event::Epoch>{event::Epoch(2)});
}

TEST_F(ProofTest, a_ledger_without_a_store_is_an_error_and_no_guess) {
  store_.away = true;
  const Result<quality::LedgerReport> report = proof().ledger();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::unavailable);
}

TEST_F(ProofTest, a_trace_finds_events_and_rejects_that_still_wait_also_while_the_store_is_away) {
  append({event_of("a")});
  append({event_of("b"), reject_of("a"), event_of("a")});
  epoch(1, 1, 1, 0);
  store_.away = true;
  Result<quality::Trace> trace = proof().trace("a");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_FALSE(trace->complete);
  ASSERT_EQ(trace->copies.size(), 2U) << "the committed one is the store's to tell";
  EXPECT_EQ(trace->copies[0].place.offset, event::Offset(2));
  EXPECT_EQ(trace->copies[1].place.offset, event::Offset(3));
  EXPECT_EQ(trace->copies[1].event, "clicked");
  EXPECT_EQ(trace->copies[0].verdict, quality::Copy::Verdict::pending);

  trace = proof().trace("x");
  ASSERT_FALSE(trace) << "it may be in the store";
  EXPECT_EQ(trace.error().code, Code::unavailable);
}

TEST_F(ProofTest, a_copy_that_was_committed_meanwhile_is_told_once) {
  append({event_of("a")});
  epoch(1, 1, 1, 0, false);
  const std::string stored = "site\t" + std::to_string(kMinute) + "\t0\t0\t1\t" + std::to_string(kMinute) + "\tclicked\tu\n";
  store_.answers = {{"FROM sluice.events", stored}};
  const Result<quality::Trace> trace = proof().trace("a");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_TRUE(trace->complete);
  ASSERT_EQ(trace->copies.size(), 1U);
  EXPECT_EQ(trace->copies[0].verdict, quality::Copy::Verdict::stored);
}

TEST_F(ProofTest, what_was_never_received_is_an_answer) {
  const Result<quality::Trace> trace = proof().trace("never");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_TRUE(trace->copies.empty());
  EXPECT_TRUE(trace->complete);
}

TEST_F(ProofTest, records_are_listed_from_a_place_on_and_no_more_than_asked_for) {
  append({event_of("a"), reject_of("r"), event_of("c")});
  append({event_of(std::string(500, 'd'))});
  const Result<std::string> lines = log_records(*log_, event::Offset(1), 2);
  ASSERT_TRUE(lines) << lines.error().message;
  const size_t first_end = lines->find('\n');
  const nlohmann::json first = nlohmann::json::parse(lines->substr(0, first_end));
  const nlohmann::json second = nlohmann::json::parse(lines->substr(first_end + 1));
  EXPECT_EQ(first["place"], "0:1");
  EXPECT_EQ(first["kind"], "reject");
  EXPECT_EQ(first["reason"], "timestamp_invalid");
  EXPECT_EQ(second["place"], "0:2");
  EXPECT_EQ(second["properties"]["a"], 1);
  EXPECT_EQ(second["received_at"], "2026-03-28T14:00:00.000Z");
}

TEST_F(ProofTest, a_record_too_long_for_a_line_is_told_by_its_size) {
  event::Event event;
  event.event = "clicked";
  event.message_id = "long";
  event.properties = R"({"a":")" + std::string(70'000, 'x') + R"("})";
  std::string record;
  event::encode(event, record);
  append({record});
  const Result<std::string> lines = log_records(*log_, event::Offset(0), 1);
  ASSERT_TRUE(lines) << lines.error().message;
  const nlohmann::json line = nlohmann::json::parse(*lines);
  EXPECT_EQ(line["bytes"], record.size());
  EXPECT_FALSE(line.contains("properties"));
}

}  // namespace
}  // namespace sluice::app
