#include "process/funnel_levels.h"

#include <gtest/gtest.h>

#include <random>

#include "plan/compile.h"

namespace sluice::process {
namespace {

using event::Epoch;
using Texts = std::vector<std::string>;

// Entry windows of 10 s, levels within 10 s, no lateness: a window is due 20 s after its start.
plan::Plan plan_of(const std::string& more, const std::string& window = "{tumble: 10s}") {
  plan::Compiled compiled = plan::compile(
      {{"sluice.yaml", "version: 1\nname: test\nsources:\n  - {name: site}\n"},
       {"metrics/m.yaml", "version: 1\nfunnels:\n  - name: f\n    by: user_id\n    within: 10s\n    window: " + window +
                              "\n    allowed_lateness: 0s\n" + more +
                              "    steps:\n      - {name: a, where: event = 'A'}\n      - {name: b, where: event = 'B'}\n"
                              "      - {name: c, where: event = 'C'}\n"}});
  for (const plan::Diagnostic& d : compiled.diagnostics) ADD_FAILURE() << d.text();
  return std::move(compiled.plan).value_or(plan::Plan{});
}

class FunnelLevelsTest : public ::testing::Test {
 protected:
  void add(FunnelLevels& to, char event, int64_t at, std::string_view who = "u", TimeMs watermark = kMinusInfinity,
           uint64_t epoch = 1, std::string_view dimension = "") {
    const std::string name(1, event);
    plan::Row row;
    row.event = name;
    row.user_id = who;
    row.event_time = time_ms(at);
    row.anonymous_id = dimension;
    to.add(row, false, watermark, Epoch(epoch), evaluator);
  }
  // Of one window: people per step and medians, as "start[/dimension] 3 2 1 | 0 5 7 state".
  static Texts emit(FunnelLevels& from, TimeMs watermark, bool touched = true, uint64_t epoch = 1) {
    std::vector<plan::MetricRow> rows;
    from.emit(watermark, Epoch(epoch), touched, rows);
    Texts out;
    std::string people, medians;
    for (const plan::MetricRow& row : rows) {
      const size_t step = row.dimensions.size() - 1;
      if (row.dimensions[step] == "1") people = medians = "";
      medians += " " + (row.stored[0].kind == plan::Value::Kind::null ? "-" : row.stored[0].number.to_text());
      people += " " + row.stored[1].number.to_text();
      if (row.dimensions[step] != "3") continue;
      out.push_back(std::to_string(to_ms(row.window.start)) + (step == 0 ? "" : "/" + row.dimensions[0].value_or("NULL")) +
                    people + " |" + medians + " " + plan::state_name(row.state));
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  // The level of one key whose events are written "A0 B1000", over all entries in one window of an hour that begins before 1970.
  int level(const std::string& events, bool strict = false) {
    const plan::Plan plan = plan_of(strict ? "    order: strict\n" : "", "{tumble: 1h, offset: 30m}");
    FunnelLevels funnel(plan.metrics[0], {}, kMinusInfinity);
    std::istringstream in(events);
    for (std::string one; in >> one;) add(funnel, one[0], std::stoll(one.substr(1)));
    std::vector<plan::MetricRow> rows;
    funnel.emit(kMinusInfinity, Epoch(1), true, rows);
    int level = 0;
    for (const plan::MetricRow& row : rows) level += row.stored[1].number == Decimal::whole(1) ? 1 : 0;
    return level;
  }

  plan::Evaluator evaluator;
};

TEST_F(FunnelLevelsTest, levels_of_the_corners_that_were_run_on_four_engines) {
  const std::pair<const char*, int> corners[]{{"A0 B1000 C2000", 3},
                                              {"A0 B10000", 2},
                                              {"A0 B10001", 1},
                                              {"A0 B5000 C10000", 3},
                                              {"A0 B0 C0", 3},
                                              {"B0 A0 C1", 3},
                                              {"A0 A9000 B12000 C18000", 3},
                                              {"A0 B9000 A9500 C12000", 2},
                                              {"A0 C1 B2", 2},
                                              {"A0 C1 B2 C3", 3},
                                              {"A0 B20000 A30000 B31000 C32000", 3},
                                              {"B0 C1", 0},
                                              {"A0 X1 B2 X3 C4", 3},
                                              {"A0 B1 A2 B3 C4", 3},
                                              {"A0 B8000 A9000 B15000 C17500", 3},
                                              {"A0 A5000 B6000 C12000", 3},
                                              {"A0 A5000 B9000 B12000 C14500", 3},
                                              {"A-5000 B-1 C4999", 3},
                                              {"A3", 1},
                                              {"A0 B5 C5", 3},
                                              {"X1", 0},
                                              {"A0 A0 B0", 2},
                                              {"C0 B0 A0 B1 C1", 3}};
  for (const auto& [events, expected] : corners) EXPECT_EQ(level(events), expected) << events;
}

TEST_F(FunnelLevelsTest, strict_asks_for_a_later_event_at_each_step) {
  EXPECT_EQ(level("A0 B1 C2", true), 3);
  EXPECT_EQ(level("A0 B0 C0", true), 1);
  EXPECT_EQ(level("A0 B1 C1", true), 2);
  EXPECT_EQ(level("B0 A0 B1 C1 C2", true), 3);
  EXPECT_EQ(level("A0 B10000", true), 2);
  EXPECT_EQ(level("A0 A5 B5 C6", true), 3) << "from the entry at 0";
}

TEST_F(FunnelLevelsTest, the_time_to_convert_counts_from_the_latest_entry_at_the_earliest_event_that_converts) {
  const plan::Plan plan = plan_of("");
  FunnelLevels funnel(plan.metrics[0], {}, kMinusInfinity);
  for (const int64_t at : {100, 400}) add(funnel, 'A', at);
  add(funnel, 'B', 1000);  // 600 after the entry at 400
  add(funnel, 'A', 2000);
  add(funnel, 'B', 2001);  // nearer, but later
  EXPECT_EQ(emit(funnel, kMinusInfinity), Texts{"0 1 1 0 | 0 600 - filling"});
  add(funnel, 'A', 0, "v");
  add(funnel, 'B', 50, "v");
  add(funnel, 'C', 10'000, "v");
  EXPECT_EQ(emit(funnel, kMinusInfinity), Texts{"0 2 2 1 | 0 50 10000 filling"}) << "the median of two is the smaller";
}

TEST_F(FunnelLevelsTest, an_entry_counts_in_its_window_and_converts_behind_the_windows_end) {
  const plan::Plan plan = plan_of("");
  FunnelLevels funnel(plan.metrics[0], {}, kMinusInfinity);
  add(funnel, 'A', 9'999);
  add(funnel, 'B', 19'999);  // within 10 s of the entry, in the next window
  add(funnel, 'A', 10'000);  // an entry of the next window, and of no other
  EXPECT_EQ(emit(funnel, kMinusInfinity), (Texts{"0 1 1 0 | 0 10000 - filling", "10000 1 1 0 | 0 9999 - filling"}));
  EXPECT_EQ(funnel.next_close(), time_ms(20'000));
  EXPECT_EQ(emit(funnel, time_ms(19'999), false), Texts{});
  EXPECT_EQ(emit(funnel, time_ms(20'000), false), Texts{"0 1 1 0 | 0 10000 - final"});
}

TEST_F(FunnelLevelsTest, windows_without_an_entry_have_no_rows_and_keys_that_are_null_count_nowhere) {
  const plan::Plan plan = plan_of("");
  FunnelLevels funnel(plan.metrics[0], {}, kMinusInfinity);
  add(funnel, 'B', 100);
  add(funnel, 'A', 100, "");
  EXPECT_EQ(emit(funnel, kMinusInfinity), Texts{});
  EXPECT_EQ(funnel.keys(), 1U);
  EXPECT_EQ(emit(funnel, time_ms(20'000)), Texts{});
  EXPECT_EQ(funnel.items(), 0U) << "what closed is given back";
  EXPECT_EQ(funnel.keys(), 0U);
}

TEST_F(FunnelLevelsTest, levels_are_counted_per_dimension_of_the_entry) {
  const plan::Plan plan = plan_of("    dimensions: {where_from: anonymous_id}\n");
  FunnelLevels funnel(plan.metrics[0], {}, kMinusInfinity);
  add(funnel, 'A', 0, "u", kMinusInfinity, 1, "web");
  add(funnel, 'A', 500, "u", kMinusInfinity, 1, "app");
  add(funnel, 'A', 5000, "v", kMinusInfinity, 1, "");
  add(funnel, 'B', 400, "u", kMinusInfinity, 1, "elsewhere");
  EXPECT_EQ(emit(funnel, kMinusInfinity),
            (Texts{"0/NULL 1 0 0 | 0 - - filling", "0/app 1 0 0 | 0 - - filling", "0/web 1 1 0 | 0 400 - filling"}));
  add(funnel, 'B', 600);
  EXPECT_EQ(emit(funnel, kMinusInfinity), (Texts{"0/app 1 1 0 | 0 100 - filling", "0/web 1 1 0 | 0 400 - filling"}));
}

TEST_F(FunnelLevelsTest, a_late_event_dirties_every_entry_window_that_it_reaches) {
  const plan::Plan plan = plan_of("");
  FunnelLevels funnel(plan.metrics[0], {}, kMinusInfinity);
  add(funnel, 'C', 15'000, "u", time_ms(30'000), 7);
  EXPECT_EQ(funnel.cold().due(Epoch(7), 9),
            (std::vector<plan::Span>{{time_ms(10'000), time_ms(20'000)}, {time_ms(0), time_ms(10'000)}}));
  EXPECT_EQ(funnel.items(), 0U);
  funnel.cold().started(funnel.cold().due(Epoch(7), 9), Epoch(7));
  add(funnel, 'C', 15'000, "u", time_ms(29'999), 8);
  EXPECT_EQ(funnel.cold().due(Epoch(8), 9), (std::vector<plan::Span>{{time_ms(0), time_ms(10'000)}}))
      << "late for the older window only";
  EXPECT_EQ(funnel.items(), 2U);
}

TEST_F(FunnelLevelsTest, what_is_late_for_a_window_that_closes_in_the_same_epoch_is_not_counted_in_it) {
  const plan::Plan plan = plan_of("");
  FunnelLevels funnel(plan.metrics[0], {}, kMinusInfinity);
  add(funnel, 'A', 5'000, "u", kMinusInfinity, 7);
  add(funnel, 'B', 15'000, "u", time_ms(20'000), 7);  // in reach of the entry, but its window is closed; the next one is open
  EXPECT_EQ(emit(funnel, time_ms(20'000)), (Texts{"0 1 0 0 | 0 - - final"}));
  EXPECT_EQ(funnel.cold().due(Epoch(7), 9), (std::vector<plan::Span>{{time_ms(0), time_ms(10'000)}}));
  EXPECT_EQ(funnel.items(), 2U) << "the moment of B, and its key in the window that it reaches";
}

TEST_F(FunnelLevelsTest, windows_open_at_its_birth_are_cold) {
  const plan::Plan plan = plan_of("");
  FunnelLevels funnel(plan.metrics[0], {}, time_ms(5'000));
  add(funnel, 'A', 7'000, "u", kMinusInfinity, 3);
  add(funnel, 'A', 12'000);
  EXPECT_EQ(emit(funnel, kMinusInfinity), Texts{"10000 1 0 0 | 0 - - filling"});
  EXPECT_EQ(funnel.cold().due(Epoch(9), 9),
            (std::vector<plan::Span>{{time_ms(0), time_ms(10'000)}, {time_ms(-10'000), time_ms(0)}}))
      << "the second reaches the first of them, the first the one before";
}

TEST_F(FunnelLevelsTest, beyond_its_bytes_the_largest_window_goes_cold_and_what_it_held_is_given_back) {
  const plan::Plan plan = plan_of("");
  FunnelLevels funnel(plan.metrics[0], {.state_bytes_max = 100'000}, kMinusInfinity);
  add(funnel, 'A', 100'000);
  const size_t one = funnel.state_bytes();
  for (int i = 0; i < 1000; ++i) {
    add(funnel, 'A', 10 * (i % 7), "user" + std::to_string(i), kMinusInfinity, 4);
    ASSERT_LE(funnel.state_bytes(), 100'000U);
  }
  EXPECT_EQ(funnel.evictions(), 1U);
  EXPECT_EQ(funnel.state_bytes(), one);
  EXPECT_EQ(funnel.cold().due(Epoch(4), 9), (std::vector<plan::Span>{{time_ms(0), time_ms(10'000)}}));
  EXPECT_EQ(emit(funnel, kMinusInfinity), Texts{"100000 1 0 0 | 0 - - filling"});
  FunnelLevels few(plan.metrics[0], {.groups_max = 2}, kMinusInfinity);
  add(few, 'A', 0);
  EXPECT_EQ(few.evictions(), 1U) << "three rows are more than two";
}

// Any order of the same events, in any cut, with a save and load anywhere, gives the same rows.
TEST_F(FunnelLevelsTest, the_order_in_which_timely_events_come_does_not_matter_and_what_is_saved_goes_on) {
  struct One {
    char event;
    int64_t at;
    std::string who, dimension;
  };
  for (const bool strict : {false, true}) {
    const plan::Plan plan = plan_of(std::string(strict ? "    order: strict\n" : "") + "    dimensions: {d: anonymous_id}\n",
                                    strict ? "{hop: 12s, slide: 4s}" : "{cumulate: 12s, step: 4s}");
    std::mt19937 random(strict ? 1 : 2);
    const auto pick = [&](uint32_t n) { return static_cast<int64_t>(random() % n); };
    for (int round = 0; round < 60; ++round) {
      std::vector<One> events;
      for (int64_t n = 3 + pick(30); n > 0; --n)
        events.push_back({static_cast<char>('A' + pick(3)), 1000 * pick(20) - 9000,
                          std::string(1, static_cast<char>('u' + pick(2))), std::string(static_cast<size_t>(pick(2)), 'd')});
      Texts expected;
      for (int order = 0; order < 3; ++order) {
        auto funnel = std::make_unique<FunnelLevels>(plan.metrics[0], OperatorBounds{}, kMinusInfinity);
        for (const One& e : events) {
          add(*funnel, e.event, e.at, e.who, kMinusInfinity, 1, e.dimension);
          if (order == 0) continue;
          if (pick(4) == 0) emit(*funnel, kMinusInfinity, pick(2) == 0);
          if (pick(4) > 0) continue;
          emit(*funnel, kMinusInfinity, false);
          std::string bytes, again;
          ByteWriter to(bytes), to_again(again);
          funnel->save(to);
          auto other = std::make_unique<FunnelLevels>(plan.metrics[0], OperatorBounds{}, kMinusInfinity);
          ByteReader from(bytes);
          other->load(from);
          ASSERT_FALSE(from.failed());
          ASSERT_TRUE(from.at_end());
          ASSERT_EQ(other->items(), funnel->items());
          ASSERT_EQ(other->state_bytes(), funnel->state_bytes());
          ASSERT_EQ(other->has_touched(), funnel->has_touched());
          funnel = std::move(other);
        }
        const Texts rows = emit(*funnel, time_ms(1'000'000), false);
        EXPECT_EQ(funnel->items(), 0U);
        if (order == 0) {
          expected = rows;
          std::shuffle(events.begin(), events.end(), random);
        }
        EXPECT_EQ(rows, expected);
      }
    }
  }
}

}  // namespace
}  // namespace sluice::process
