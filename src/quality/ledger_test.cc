// Each imbalance that semantics R12 can show, with numbers put there by hand.
#include "quality/ledger.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::quality {
namespace {

using event::Epoch;
using event::LedgerKey;

const LedgerKey kFirst{"site", time_ms(1'774'707'720'000)};   // 2026-03-28T14:22Z
const LedgerKey kSecond{"site", time_ms(1'774'707'780'000)};

event::LedgerCounts counts(uint64_t received, uint64_t stored, uint64_t quarantined, uint64_t duplicate, uint64_t pending = 0) {
  event::LedgerCounts c;
  c.received = received;
  c.stored = stored;
  c.quarantined = quarantined;
  c.duplicate = duplicate;
  c.pending = pending;
  return c;
}

// 1,000 in the first minute (epoch 7), 110 in the second (epoch 8), 5 more wait.
LedgerInput sound() {
  LedgerInput input;
  input.as_of = Epoch(8);
  input.folded = {{kFirst, counts(1000, 990, 4, 6)}, {kSecond, counts(110, 100, 0, 10)}};
  input.waiting = {{kSecond, counts(5, 0, 0, 0, 5)}};
  input.stored = {{kFirst, {990, 4}}, {kSecond, {100, 0}}};
  input.marks = {{Epoch(7), {990, 4}}, {Epoch(8), {100, 0}}};
  input.stored_by_epoch = {{Epoch(7), {990, 4}}, {Epoch(8), {100, 0}}};
  return input;
}

TEST(Ledger, three_counts_that_agree_balance) {
  const LedgerReport report = make_report(sound());
  EXPECT_TRUE(report.balances());
  EXPECT_EQ(exit_code(report), 0);
  EXPECT_EQ(summary(report), "1,115 received = 1,090 stored + 4 quarantined + 16 duplicates + 5 pending, 0 missing");
  EXPECT_EQ(table_text(report).find("does not balance"), std::string::npos);
  EXPECT_TRUE(unbalanced_at_the_edge(sound()).empty());
}

TEST(Ledger, the_sentence_names_only_the_fates_that_occur) {
  LedgerInput input;
  input.folded = {{kFirst, counts(49'075, 49'075, 0, 0)}};
  input.stored = {{kFirst, {49'075, 0}}};
  EXPECT_EQ(summary(make_report(input)), "49,075 received = 49,075 stored, 0 missing");
}

TEST(Ledger, nothing_received_balances) {
  const LedgerReport report = make_report(LedgerInput{});
  EXPECT_EQ(exit_code(report), 0);
  EXPECT_EQ(summary(report), "0 received = 0 stored, 0 missing");
}

TEST(Ledger, an_event_that_left_the_store_is_missing_and_its_epoch_is_named) {
  LedgerInput input = sound();
  input.stored[kFirst].events = 989;
  input.stored_by_epoch[Epoch(7)].events = 989;
  const LedgerReport report = make_report(input);
  EXPECT_EQ(exit_code(report), 1);
  EXPECT_EQ(report.missing, 1u);
  EXPECT_EQ(report.surplus, 0u);
  ASSERT_EQ(report.differences.size(), 1u);
  EXPECT_EQ(report.differences[0].kind, Difference::Kind::events);
  EXPECT_EQ(report.differences[0].key, kFirst);
  EXPECT_EQ(report.differences[0].expected, 990u);
  EXPECT_EQ(report.differences[0].found, 989u);
  EXPECT_EQ(report.differences[0].epochs, std::vector<Epoch>{Epoch(7)});
  ASSERT_EQ(report.epochs.size(), 1u);
  EXPECT_EQ(report.epochs[0].epoch, Epoch(7));
  EXPECT_NE(table_text(report).find("990 were stored, but sluice.events has 989, in epoch 7"), std::string::npos);
  EXPECT_NE(summary(report).find("1 missing"), std::string::npos);
}

TEST(Ledger, an_epoch_whose_rows_are_all_gone_is_named) {
  LedgerInput input = sound();
  input.stored.erase(kSecond);
  input.stored_by_epoch.erase(Epoch(8));
  const LedgerReport report = make_report(input);
  EXPECT_EQ(report.missing, 100u);
  ASSERT_EQ(report.epochs.size(), 1u);
  EXPECT_EQ(report.epochs[0].epoch, Epoch(8));
  EXPECT_EQ(report.epochs[0].found, StoreCounts{});
}

TEST(Ledger, a_doubled_epoch_is_a_surplus) {
  LedgerInput input = sound();
  input.stored[kSecond].events = 200;
  input.stored_by_epoch[Epoch(8)].events = 200;
  const LedgerReport report = make_report(input);
  EXPECT_EQ(report.surplus, 100u);
  EXPECT_EQ(report.missing, 0u);
  EXPECT_EQ(exit_code(report), 1);
  EXPECT_NE(summary(report).find("0 missing, 100 too many"), std::string::npos);
}

TEST(Ledger, a_lost_quarantine_row_is_a_difference_of_its_own) {
  LedgerInput input = sound();
  input.stored[kFirst].quarantine = 3;
  input.stored_by_epoch[Epoch(7)].quarantine = 3;
  const LedgerReport report = make_report(input);
  ASSERT_EQ(report.differences.size(), 1u);
  EXPECT_EQ(report.differences[0].kind, Difference::Kind::quarantine);
  EXPECT_EQ(report.differences[0].epochs, std::vector<Epoch>{Epoch(7)});
  EXPECT_EQ(report.missing, 1u);
}

TEST(Ledger, a_manifest_with_a_wrong_count_is_found_and_its_epoch_named) {
  LedgerInput input = sound();
  input.folded[kSecond].received = 111;
  EXPECT_EQ(unbalanced_at_the_edge(input), std::vector<LedgerKey>{kSecond});
  input.edge = {{Epoch(7), kSecond, 40, 40}, {Epoch(8), kSecond, 71, 70}};
  const LedgerReport report = make_report(input);
  ASSERT_EQ(report.differences.size(), 1u);
  EXPECT_EQ(report.differences[0].kind, Difference::Kind::edge);
  EXPECT_EQ(report.differences[0].expected, 116u);
  EXPECT_EQ(report.differences[0].found, 115u);
  EXPECT_EQ(report.differences[0].epochs, std::vector<Epoch>{Epoch(8)});
  EXPECT_EQ(report.missing, 1u);
  EXPECT_EQ(exit_code(report), 1);
}

TEST(Ledger, right_manifests_put_the_difference_into_the_fold_and_every_epoch_of_the_minute_is_named) {
  LedgerInput input = sound();
  input.folded[kSecond].stored = 99;  // one folded to nowhere
  input.stored[kSecond].events = 99;
  input.stored_by_epoch[Epoch(8)].events = 99;
  input.marks[1].marked.events = 99;
  input.edge = {{Epoch(7), kSecond, 40, 40}, {Epoch(8), kSecond, 70, 70}};
  const LedgerReport report = make_report(input);
  ASSERT_EQ(report.differences.size(), 1u);
  EXPECT_EQ(report.differences[0].kind, Difference::Kind::edge);
  EXPECT_EQ(report.differences[0].epochs, (std::vector<Epoch>{Epoch(7), Epoch(8)}));
}

TEST(Ledger, a_miscount_of_waiting_frames_does_not_balance) {
  LedgerInput input = sound();
  input.waiting[kSecond].pending = 4;
  const LedgerReport report = make_report(input);
  ASSERT_EQ(report.differences.size(), 1u);
  EXPECT_EQ(report.differences[0].kind, Difference::Kind::edge);
  EXPECT_EQ(report.missing, 1u);
}

TEST(Ledger, losses_and_doublings_never_cancel_each_other) {
  LedgerInput input = sound();
  input.stored[kFirst].events = 989;
  input.stored[kSecond].events = 101;
  input.stored_by_epoch = {{Epoch(7), {989, 4}}, {Epoch(8), {101, 0}}};
  const LedgerReport report = make_report(input);
  EXPECT_EQ(report.missing, 1u);
  EXPECT_EQ(report.surplus, 1u);
  EXPECT_EQ(report.epochs.size(), 2u);
}

TEST(Ledger, rows_swapped_between_epochs_of_one_minute_are_found_by_the_marks_alone) {
  LedgerInput input = sound();
  input.folded = {{kFirst, counts(1090, 1090, 0, 0)}};
  input.waiting.clear();
  input.stored = {{kFirst, {1090, 0}}};
  input.marks = {{Epoch(7), {990, 0}}, {Epoch(8), {100, 0}}};
  input.stored_by_epoch = {{Epoch(7), {989, 0}}, {Epoch(8), {101, 0}}};
  const LedgerReport report = make_report(input);
  EXPECT_TRUE(report.differences.empty());
  EXPECT_EQ(report.epochs.size(), 2u);
  EXPECT_EQ(exit_code(report), 1);
}

TEST(Ledger, rows_of_an_epoch_without_a_mark_among_marked_ones_are_a_difference_and_newer_ones_are_on_their_way) {
  LedgerInput input = sound();
  input.marks.erase(input.marks.begin());
  input.stored_by_epoch[Epoch(9)] = {3, 0};
  const LedgerReport report = make_report(input);
  ASSERT_EQ(report.epochs.size(), 1u);
  EXPECT_EQ(report.epochs[0].epoch, Epoch(7));
  EXPECT_EQ(report.epochs[0].marked, StoreCounts{});
}

TEST(Ledger, a_minute_that_only_the_store_knows_is_a_surplus) {
  LedgerInput input = sound();
  input.stored[{"ghost", kFirst.minute}] = {2, 0};
  const LedgerReport report = make_report(input);
  EXPECT_EQ(report.surplus, 2u);
  ASSERT_EQ(report.differences.size(), 1u);
  EXPECT_EQ(report.differences[0].key.source, "ghost");
  EXPECT_TRUE(report.differences[0].epochs.empty());
  EXPECT_NE(table_text(report).find("in epochs older than the journal"), std::string::npos);
}

TEST(Ledger, json_says_the_same_as_the_table) {
  LedgerInput input = sound();
  input.stored[kFirst].events = 989;
  input.stored_by_epoch[Epoch(7)].events = 989;
  const nlohmann::json json = nlohmann::json::parse(report_json(make_report(input)));
  EXPECT_FALSE(json["balances"].get<bool>());
  EXPECT_EQ(json["missing"], 1);
  EXPECT_EQ(json["as_of"], 8);
  EXPECT_EQ(json["totals"]["received"], 1115);
  EXPECT_EQ(json["totals"]["in_store"]["events"], 1089);
  EXPECT_EQ(json["differences"][0]["epochs"][0], 7);
  EXPECT_EQ(json["epochs"][0]["marked"]["events"], 990);
  EXPECT_EQ(json["rows"].size(), 2u);
  EXPECT_EQ(json["rows"][1]["pending"], 5);
  EXPECT_EQ(json["rows"][0]["minute"], 1'774'707'720'000);
}

TEST(Ledger, thousands_are_parted) {
  EXPECT_EQ(thousands(0), "0");
  EXPECT_EQ(thousands(999), "999");
  EXPECT_EQ(thousands(1000), "1,000");
  EXPECT_EQ(thousands(18'446'744'073'709'551'615ULL), "18,446,744,073,709,551,615");
}

}  // namespace
}  // namespace sluice::quality
