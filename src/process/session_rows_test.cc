#include "process/session_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/hash.h"
#include "plan/clickhouse_sessions.h"
#include "plan/compile.h"

namespace sluice::process {
namespace {

using event::Epoch;
using Texts = std::vector<std::string>;
constexpr int64_t kNever = INT64_MIN;

TimeMs at_s(int64_t seconds) { return seconds == kNever ? kMinusInfinity : time_ms(seconds * 1000); }

// Sessions with a gap of 10 s and at most 60 s; no lateness. Message ids are the second of the event and a letter.
class SessionRowsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    plan::Compiled compiled = plan::compile(
        {{"sluice.yaml", "version: 1\nname: test\nsources:\n  - {name: site}\n"},
         {"metrics/m.yaml", "version: 1\nsessions:\n  - {name: v, by: user_id, gap: 10s, max: 60s, allowed_lateness: 0s}\n"}});
    for (const plan::Diagnostic& d : compiled.diagnostics) ADD_FAILURE() << d.text();
    ASSERT_TRUE(compiled.plan);
    plan = std::move(*compiled.plan);
  }
  SessionRows make(OperatorBounds bounds = {}, TimeMs born_after = kMinusInfinity) {
    return SessionRows(plan.metrics[0], bounds, born_after);
  }
  void add(SessionRows& to, int64_t seconds, std::string_view who = "u", int64_t watermark_s = kNever, uint64_t epoch = 1,
           std::string_view user_key = {}) {
    const std::string id = std::to_string(seconds) + "m";
    plan::Row row;
    row.source = "site";
    row.message_id = id;
    row.user_id = who;
    row.user_key = user_key.empty() ? who : user_key;
    row.event_time = at_s(seconds);
    row.place.offset = event::Offset(++offset);
    to.add(row, false, at_s(watermark_s), Epoch(epoch), evaluator);
  }
  // "start-end events user state", or "start gone"
  static Texts emit(SessionRows& from, int64_t watermark_s, bool touched = true, uint64_t epoch = 1) {
    std::vector<plan::MetricRow> rows;
    from.emit(at_s(watermark_s), Epoch(epoch), touched, rows);
    Texts out;
    for (const plan::MetricRow& row : rows) {
      std::string text = std::to_string(to_ms(row.window.start) / 1000);
      if (row.removed) {
        text += " gone";
      } else {
        text += "-" + std::to_string(to_ms(row.stored[1].time) / 1000) + " " + row.stored[2].number.to_text() + " " +
                row.stored[5].text + " " + plan::state_name(row.state);
      }
      out.push_back(std::move(text));
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  static size_t dirty(const SessionRows& of, uint64_t epoch = 99) { return of.cold().due(Epoch(epoch), 100'000).size(); }

  plan::Plan plan;
  plan::Evaluator evaluator;
  uint64_t offset = 0;
};

TEST_F(SessionRowsTest, a_pause_of_exactly_the_gap_belongs_and_a_longer_one_does_not) {
  SessionRows rows = make();
  for (const int64_t at : {0, 10, 20, 31}) add(rows, at);
  EXPECT_EQ(emit(rows, kNever), (Texts{"0-20 3 u filling", "31-31 1 u filling"}));
  EXPECT_EQ(emit(rows, 30), Texts{}) << "the first closes a millisecond after the gap";
  EXPECT_EQ(rows.next_close(), time_ms(30'001));
  EXPECT_EQ(emit(rows, 31), (Texts{"0-20 3 u final"}));
  EXPECT_EQ(emit(rows, 42), (Texts{"31-31 1 u final"}));
  EXPECT_EQ(emit(rows, 100), Texts{});
  EXPECT_EQ(rows.runs().keys(), 0U) << "nobody can touch them any more";
}

TEST_F(SessionRowsTest, an_id_is_the_md5_of_source_key_first_message_and_its_time) {
  SessionRows rows = make();
  add(rows, -5);
  std::vector<plan::MetricRow> out;
  rows.emit(kMinusInfinity, Epoch(1), true, out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].dimensions[0], md5_hex("site\x1Fu\x1F-5m\x1F-5000"));
  EXPECT_EQ(out[0].window, (plan::Span{time_ms(-5000), time_ms(-5000)}));
}

TEST_F(SessionRowsTest, a_run_is_cut_at_max_from_its_start_and_each_piece_closes_with_it) {
  SessionRows rows = make();
  for (int64_t at = 0; at <= 70; at += 10) add(rows, at);
  EXPECT_EQ(emit(rows, 59), (Texts{"0-50 6 u filling", "60-70 2 u filling"}));
  EXPECT_EQ(emit(rows, 60), (Texts{"0-50 6 u final"}));
  EXPECT_EQ(emit(rows, 81), (Texts{"60-70 2 u final"}));
}

TEST_F(SessionRowsTest, the_user_is_the_last_one_that_is_not_the_key) {
  SessionRows rows = make();
  add(rows, 0, "a");
  add(rows, 5, "a", kNever, 1, "ann");
  add(rows, 3, "a", kNever, 1, "bob");
  add(rows, 6, "a");
  EXPECT_EQ(emit(rows, kNever), (Texts{"0-6 4 ann filling"}));
}

TEST_F(SessionRowsTest, an_event_between_two_sessions_merges_them_and_leaves_a_tombstone) {
  SessionRows rows = make();
  add(rows, 0);
  add(rows, 20);
  EXPECT_EQ(emit(rows, kNever).size(), 2U);
  add(rows, 10);
  EXPECT_EQ(emit(rows, kNever), (Texts{"0-20 3 u filling", "20 gone"}));
  EXPECT_EQ(rows.runs().counts().merged, 1U);
  EXPECT_EQ(dirty(rows), 0U);
}

TEST_F(SessionRowsTest, an_event_before_the_start_makes_another_session_of_it) {
  SessionRows rows = make();
  add(rows, 10);
  emit(rows, kNever);
  add(rows, 5);
  EXPECT_EQ(emit(rows, kNever), (Texts{"10 gone", "5-10 2 u filling"}));
}

// A job for the key may have published it in the meantime.
TEST_F(SessionRowsTest, a_session_that_was_never_emitted_leaves_a_tombstone_too) {
  SessionRows rows = make();
  add(rows, 10);
  emit(rows, kNever, false);
  add(rows, 5);
  EXPECT_EQ(emit(rows, kNever), (Texts{"10 gone", "5-10 2 u filling"}));
}

TEST_F(SessionRowsTest, a_start_that_moves_across_a_piece_leaves_the_key_to_a_job) {
  SessionRows rows = make();
  for (int64_t at = 10; at <= 110; at += 10) add(rows, at);
  add(rows, 66);
  EXPECT_EQ(emit(rows, kNever), (Texts{"10-66 7 u filling", "70-110 5 u filling"}));
  add(rows, 5, "u", kNever, 2);  // the cut is at 65 now, and no summary knows what lay before it
  EXPECT_EQ(emit(rows, kNever), Texts{});
  EXPECT_EQ(dirty(rows), 1U);
  EXPECT_EQ(rows.runs().cold_runs(), 1U);
  // It is computed again whenever a session of it may close: at 65, at 120 and a millisecond.
  const int64_t hash = plan::clickhouse::key_hash("site", "u");
  const plan::Span key{time_ms(hash), time_ms(hash + 1)};
  rows.cold().started({key}, Epoch(2));
  emit(rows, 64, true, 3);
  EXPECT_EQ(dirty(rows), 0U);
  emit(rows, 65, true, 4);
  EXPECT_EQ(dirty(rows), 1U);
  rows.cold().started({key}, Epoch(4));
  emit(rows, 120, true, 5);
  EXPECT_EQ(dirty(rows), 0U);
  emit(rows, 121, true, 6);
  EXPECT_EQ(dirty(rows), 1U);
  add(rows, 200, "u", 121, 7);
  EXPECT_EQ(emit(rows, 121, true, 7), (Texts{"200-200 1 u filling"})) << "the next run of the key is live again";
}

TEST_F(SessionRowsTest, an_event_for_a_session_that_is_closed_leaves_the_key_to_a_job) {
  SessionRows rows = make();
  add(rows, 0);
  emit(rows, 11);
  add(rows, 5, "u", 11, 2);
  EXPECT_EQ(emit(rows, 11, true, 2), Texts{});
  EXPECT_EQ(dirty(rows), 1U);
}

TEST_F(SessionRowsTest, below_the_ground_nothing_is_held) {
  SessionRows rows = make();
  add(rows, 1000);
  emit(rows, 1000);
  add(rows, 5, "v", 1000, 2);
  EXPECT_EQ(dirty(rows), 1U);
  EXPECT_EQ(rows.runs().keys(), 1U);
  // Behind it by less than a gap: what it belongs to may begin below, so it is held, cold, until it is below itself.
  add(rows, 985, "w", 1000, 3);
  EXPECT_EQ(rows.runs().cold_runs(), 1U);
  EXPECT_EQ(dirty(rows), 2U);
}

TEST_F(SessionRowsTest, over_the_budget_sessions_go_cold_and_the_operator_stays_small) {
  SessionRows rows = make({.groups_max = 8, .state_bytes_max = 1 << 20});
  for (int i = 0; i < 100; ++i) add(rows, i, "u" + std::to_string(i));
  EXPECT_LE(rows.groups(), 8U);
  EXPECT_GT(rows.evictions(), 0U);
  EXPECT_EQ(dirty(rows) + rows.groups(), 100U) << "each is live or computed by a job";
}

TEST_F(SessionRowsTest, many_dirty_keys_become_ranges) {
  SessionRows rows = make();
  add(rows, 1'000'000);
  emit(rows, 1'000'000);
  for (size_t i = 0; i < SessionRows::kKeysDirty + 5000; ++i) add(rows, 0, "k" + std::to_string(i), 1'000'000, 2);
  EXPECT_LE(rows.cold().dirty_count(), SessionRows::kKeysDirty + 256);
  EXPECT_GT(rows.cold().dirty_count(), SessionRows::kKeysDirty);
}

TEST_F(SessionRowsTest, born_over_stored_events_it_is_cold_until_the_list_says_what_is_open) {
  SessionRows rows = make({}, at_s(100));
  add(rows, 105, "u", 90);
  EXPECT_EQ(emit(rows, 95), Texts{}) << "it may belong to a run that nobody here knows";
  add(rows, 120, "v", 90);
  EXPECT_EQ(emit(rows, 95), (Texts{"120-120 1 v filling"}));
  const int64_t hash = plan::clickhouse::key_hash("site", "u");
  rows.listed({plan::clickhouse::range_of(hash),
               {time_ms(plan::clickhouse::kEndOfRanges), at_s(80)},
               {time_ms(hash), at_s(70)},
               {time_ms(hash), at_s(98)}});
  // u's run is [70, 105]: it closes at 115 and a millisecond.
  const size_t before = dirty(rows);
  rows.cold().started(rows.cold().due(Epoch(9), 1000), Epoch(9));
  EXPECT_EQ(before, 1U);
  emit(rows, 110, true, 9);  // where the listed part alone would have closed: once too often does no harm
  rows.cold().started(rows.cold().due(Epoch(9), 1000), Epoch(9));
  emit(rows, 115, true, 10);
  EXPECT_EQ(dirty(rows), 0U);
  emit(rows, 116, true, 11);
  EXPECT_EQ(dirty(rows), 1U);
  add(rows, 300, "u", 116, 12);
  EXPECT_EQ(emit(rows, 116, true, 12), (Texts{"300-300 1 u filling"}));
}

// Whatever the order: live sessions are those of plain loops over all events.
TEST_F(SessionRowsTest, any_order_gives_the_sessions_of_all_events) {
  std::mt19937 rng(7);
  size_t live = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<int64_t> times(1 + rng() % 12);
    for (int64_t& t : times) t = static_cast<int64_t>(rng() % 150);
    SessionRows rows = make();
    for (const int64_t t : times) add(rows, t);
    std::sort(times.begin(), times.end());
    Texts expected;
    int64_t start = times[0], first = times[0], last = times[0], n = 0;
    const auto end = [&] {
      expected.push_back(std::to_string(first) + "-" + std::to_string(last) + " " + std::to_string(n) + " u filling");
    };
    for (const int64_t t : times) {
      if (t - last > 10 || (t - start) / 60 != (last - start) / 60) {
        end();
        n = 0;
        first = t;
        if (t - last > 10) start = t;
      }
      last = t;
      ++n;
    }
    end();
    std::sort(expected.begin(), expected.end());
    if (dirty(rows) > 0) continue;  // a job's
    ++live;
    Texts emitted = emit(rows, kNever);
    std::erase_if(emitted, [](const std::string& row) { return row.ends_with(" gone"); });
    EXPECT_EQ(emitted, expected);
  }
  EXPECT_GT(live, 200U);
}

TEST_F(SessionRowsTest, a_saved_operator_goes_on_as_if_nothing_had_been) {
  SessionRows rows = make();
  for (const int64_t at : {0, 20, 100}) add(rows, at);
  emit(rows, kNever);
  add(rows, 10);
  add(rows, 105, "v", kNever, 1, "vera");
  std::string bytes;
  ByteWriter to(bytes);
  rows.save(to);
  SessionRows again = make();
  ByteReader from(bytes);
  again.load(from);
  EXPECT_FALSE(from.failed());
  EXPECT_TRUE(from.at_end());
  EXPECT_EQ(again.state_bytes(), rows.state_bytes());
  for (const int64_t watermark : {5, 40, 130}) EXPECT_EQ(emit(again, watermark), emit(rows, watermark)) << watermark;
}

}  // namespace
}  // namespace sluice::process
