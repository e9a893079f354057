#include "process/cohort_returns.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "plan/compile.h"

namespace sluice::process {
namespace {

using event::Epoch;
using Texts = std::vector<std::string>;

class CohortReturnsTest : public ::testing::Test {
 protected:
  // Periods of 10 s that begin at 5, followed for three of them; no lateness.
  void SetUp() override {
    plan::Compiled compiled =
        plan::compile({{"sluice.yaml", "version: 1\nname: test\nsources:\n  - {name: site}\n"},
                       {"metrics/m.yaml",
                        "version: 1\nretention:\n  - {name: r, by: user_id, window: {tumble: 10s, offset: 5s}, periods: 3, "
                        "allowed_lateness: 0s, start: event = 'S', return: event = 'R'}\n"}});
    for (const plan::Diagnostic& d : compiled.diagnostics) ADD_FAILURE() << d.text();
    ASSERT_TRUE(compiled.plan);
    plan = std::move(*compiled.plan);
  }
  CohortReturns make(OperatorBounds bounds = {}, TimeMs born_after = kMinusInfinity) {
    return CohortReturns(plan.metrics[0], bounds, born_after);
  }
  void add(CohortReturns& to, char event, int64_t seconds, std::string_view who = "u", int64_t watermark_s = INT64_MIN,
           uint64_t epoch = 1) {
    const std::string name(1, event);
    plan::Row row;
    row.event = name;
    row.user_id = who;
    row.event_time = time_ms(seconds * 1000);
    to.add(row, false, watermark_s == INT64_MIN ? kMinusInfinity : time_ms(watermark_s * 1000), Epoch(epoch), evaluator);
  }
  // "start of the cohort in s + k: people state"
  static Texts emit(CohortReturns& from, int64_t watermark_s, bool touched = true, uint64_t epoch = 1) {
    std::vector<plan::MetricRow> rows;
    from.emit(watermark_s == INT64_MIN ? kMinusInfinity : time_ms(watermark_s * 1000), Epoch(epoch), touched, rows);
    Texts out;
    for (const plan::MetricRow& row : rows) {
      EXPECT_EQ(to_ms(row.window.end) - to_ms(row.window.start), 10'000 * (1 + std::stoll(*row.dimensions[0])));
      out.push_back(std::to_string(to_ms(row.window.start) / 1000) + "+" + *row.dimensions[0] + ": " +
                    (row.removed ? "gone" : row.stored[0].number.to_text() + " " + plan::state_name(row.state)));
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  static Texts dirty(const CohortReturns& of, uint64_t epoch = 99) {
    Texts out;
    for (const plan::Span& row : of.cold().due(Epoch(epoch), 1000))
      out.push_back(std::to_string(to_ms(row.start) / 1000) + "-" + std::to_string(to_ms(row.end) / 1000));
    std::sort(out.begin(), out.end());
    return out;
  }

  plan::Plan plan;
  plan::Evaluator evaluator;
};

constexpr int64_t kNever = INT64_MIN;

TEST_F(CohortReturnsTest, a_cohort_has_a_row_per_period_zeros_included_and_each_closes_with_its_period) {
  CohortReturns retention = make();
  add(retention, 'S', 5);
  add(retention, 'S', 14, "v");
  add(retention, 'R', 4);   // before its start
  add(retention, 'R', 15);
  add(retention, 'R', 16);  // once is enough
  EXPECT_EQ(emit(retention, kNever), (Texts{"5+0: 2 filling", "5+1: 1 filling", "5+2: 0 filling"}));
  EXPECT_EQ(emit(retention, kNever), Texts{});
  EXPECT_EQ(retention.next_close(), time_ms(15'000));
  EXPECT_EQ(emit(retention, 15, false), Texts{"5+0: 2 final"});
  add(retention, 'S', 20, "w", 15);
  add(retention, 'R', 25, "v", 15);
  EXPECT_EQ(emit(retention, 25),
            (Texts{"15+0: 1 final", "15+1: 0 filling", "15+2: 0 filling", "5+1: 1 final", "5+2: 1 filling"}));
  EXPECT_EQ(emit(retention, 45, false), (Texts{"15+1: 0 final", "15+2: 0 final", "5+2: 1 final"}));
  EXPECT_EQ(retention.groups(), 0U);
  EXPECT_EQ(retention.items(), 3U) << "keys are known for ever: a later start is none";
}

TEST_F(CohortReturnsTest, an_earlier_start_that_comes_late_moves_a_key_with_its_returns) {
  CohortReturns retention = make();
  add(retention, 'S', 25);
  add(retention, 'R', 26);  // in its own period: that is k = 0 for it
  add(retention, 'S', 25, "v");
  EXPECT_EQ(emit(retention, kNever), (Texts{"25+0: 2 filling", "25+1: 0 filling", "25+2: 0 filling"}));
  add(retention, 'S', 5);
  EXPECT_EQ(emit(retention, kNever), (Texts{"25+0: 1 filling", "5+0: 1 filling", "5+1: 0 filling", "5+2: 1 filling"}));
  add(retention, 'S', 6, "v");
  EXPECT_EQ(emit(retention, kNever), (Texts{"25+0: gone", "25+1: gone", "25+2: gone", "5+0: 2 filling"}));
  EXPECT_EQ(emit(retention, 1000, false), (Texts{"5+0: 2 final", "5+1: 0 final", "5+2: 1 final"})) << "what is gone stays so";
}

TEST_F(CohortReturnsTest, a_start_that_is_late_dirties_the_closed_rows_of_both_cohorts) {
  CohortReturns retention = make();
  add(retention, 'S', 15);
  add(retention, 'R', 25);
  EXPECT_EQ(emit(retention, 25, true, 3), (Texts{"15+0: 1 final", "15+1: 1 filling", "15+2: 0 filling"}));
  add(retention, 'S', 5, "u", 25, 4);
  EXPECT_EQ(dirty(retention), (Texts{"15-25", "5-15", "5-25"}));
  EXPECT_EQ(emit(retention, 25, true, 4), (Texts{"15+1: gone", "15+2: gone", "5+2: 1 filling"}))
      << "rows still open are exact here";
}

TEST_F(CohortReturnsTest, late_events_that_change_no_value_can_change_a_state) {
  CohortReturns retention = make();
  add(retention, 'S', 5);
  emit(retention, 26);
  add(retention, 'S', 6, "u", 26, 2);  // in its cohort's period
  EXPECT_EQ(dirty(retention), (Texts{"5-15", "5-25"}));
  retention.cold().started({{time_ms(5'000), time_ms(15'000)}, {time_ms(5'000), time_ms(25'000)}}, Epoch(9));
  add(retention, 'S', 16, "u", 26, 3);  // neither its first nor a return
  EXPECT_EQ(dirty(retention), Texts{});
  add(retention, 'R', 16, "u", 26, 3);
  EXPECT_EQ(dirty(retention), Texts{"5-25"});
  add(retention, 'R', 16, "nobody", 26, 4);
  EXPECT_EQ(dirty(retention), Texts{"5-25"});
}

TEST_F(CohortReturnsTest, an_event_that_is_late_in_the_middle_of_an_epoch_is_in_no_row_that_closed) {
  CohortReturns retention = make();
  add(retention, 'S', 5);
  add(retention, 'S', 6, "v", 15);  // the watermark has closed k = 0, and no emission came in between
  EXPECT_EQ(emit(retention, 15), (Texts{"5+0: 1 final", "5+1: 0 filling", "5+2: 0 filling"}));
  EXPECT_EQ(dirty(retention), Texts{"5-15"});
  add(retention, 'R', 20, "v", 15);
  EXPECT_EQ(emit(retention, 15), Texts{"5+1: 1 filling"}) << "for later periods it was in time";
}

TEST_F(CohortReturnsTest, keys_that_are_null_count_nowhere) {
  CohortReturns retention = make();
  add(retention, 'S', 5, "");
  EXPECT_EQ(retention.items(), 0U);
  EXPECT_FALSE(retention.take_seen().any);
}

TEST_F(CohortReturnsTest, born_over_stored_events_it_leaves_every_row_that_could_change_to_jobs) {
  CohortReturns retention = make({}, time_ms(100'000));
  retention.listed({{time_ms(15'000), time_ms(25'000)}, {time_ms(15'000), time_ms(35'000)}, {time_ms(15'000), time_ms(45'000)}});
  add(retention, 'R', 30, "u", 30, 7);
  EXPECT_EQ(dirty(retention), Texts{"15-35"});
  add(retention, 'S', 8, "u", 30, 8);
  EXPECT_EQ(dirty(retention), (Texts{"15-25", "15-35", "15-45", "5-15", "5-25", "5-35"}))
      << "it may have been of the cohort of 15";
  EXPECT_EQ(emit(retention, 30), Texts{});
  retention.cold().started(retention.cold().due(Epoch(8), 99), Epoch(8));
  add(retention, 'R', 30, "u", 30, 9);
  EXPECT_EQ(dirty(retention), (Texts{"15-35", "5-35"}));
  retention.cold().started(retention.cold().due(Epoch(9), 99), Epoch(9));
  emit(retention, 35, true, 10);
  EXPECT_EQ(dirty(retention), (Texts{"15-35", "5-35"})) << "closing changes their state";
}

TEST_F(CohortReturnsTest, over_its_budget_everything_goes_cold_and_stays_so) {
  CohortReturns retention = make({.state_bytes_max = 5000});
  for (int i = 0; i < 200; ++i) {
    add(retention, 'S', 5, "user" + std::to_string(i), kNever, 4);
    ASSERT_LE(retention.state_bytes(), 5000U);
  }
  EXPECT_EQ(retention.evictions(), 1U);
  EXPECT_TRUE(retention.blind());
  EXPECT_EQ(retention.items(), 0U);
  EXPECT_EQ(dirty(retention), (Texts{"5-15", "5-25", "5-35"}));
  CohortReturns few = make({.groups_max = 2});
  add(few, 'S', 5);
  EXPECT_TRUE(few.blind()) << "three rows are more than two";
}

// Against sets and loops, for any order, any cuts and a save and load anywhere: on-time events only, and rows that closed with them.
TEST_F(CohortReturnsTest, any_order_gives_what_the_set_of_events_says_and_what_is_saved_goes_on) {
  std::mt19937 random(7);
  const auto pick = [&](uint32_t n) { return static_cast<int64_t>(random() % n); };
  for (int round = 0; round < 300; ++round) {
    auto retention = std::make_unique<CohortReturns>(make());
    std::map<std::string, std::set<int64_t>> starts, returns;
    for (int64_t n = 1 + pick(25); n > 0; --n) {
      const char event = pick(2) == 0 ? 'S' : 'R';
      const int64_t at = pick(70) - 35;
      const std::string who(1, static_cast<char>('u' + pick(4)));
      add(*retention, event, at, who);
      (event == 'S' ? starts : returns)[who].insert((at + 995) / 10);  // periods from -995 on
      if (pick(4) == 0) emit(*retention, kNever, pick(2) == 0);
      if (pick(5) > 0) continue;
      std::string bytes;
      ByteWriter to(bytes);
      retention->save(to);
      auto other = std::make_unique<CohortReturns>(make());
      ByteReader from(bytes);
      other->load(from);
      ASSERT_FALSE(from.failed());
      ASSERT_TRUE(from.at_end());
      ASSERT_EQ(other->items(), retention->items());
      ASSERT_EQ(other->has_touched(), retention->has_touched());
      retention = std::move(other);
    }
    Texts expected;
    std::map<int64_t, std::set<std::string>> cohorts;
    for (const auto& [who, periods] : starts) cohorts[*periods.begin()].insert(who);
    for (const auto& [cohort, keys] : cohorts) {
      for (int64_t k = 0; k < 3; ++k) {
        int64_t people = 0;
        for (const std::string& who : keys) people += k == 0 || returns[who].contains(cohort + k) ? 1 : 0;
        expected.push_back(std::to_string(cohort * 10 - 995) + "+" + std::to_string(k) + ": " + std::to_string(people) +
                           " final");
      }
    }
    std::sort(expected.begin(), expected.end());
    Texts rows = emit(*retention, 1000, false);
    std::erase_if(rows, [](const std::string& row) { return row.ends_with("gone"); });
    EXPECT_EQ(rows, expected);
  }
}

}  // namespace
}  // namespace sluice::process
