#include "process/window_aggregate.h"

#include <gtest/gtest.h>

#include "plan/compile.h"

namespace sluice::process {
namespace {

using event::Epoch;

class WindowAggregateTest : public ::testing::Test {
 protected:
  // Tumbling windows of 1 s, no lateness, one dimension, a count and a percentile.
  void SetUp() override {
    plan::Compiled compiled =
        plan::compile({{"sluice.yaml", "version: 1\nname: test\nsources:\n  - {name: site}\n"},
                       {"metrics/m.yaml",
                        "version: 1\nmetrics:\n  - name: m\n    window: {tumble: 1s}\n    allowed_lateness: 0s\n    dimensions: "
                        "{who: user_id}\n"
                        "    measures: {n: count(), p: \"percentile(length(event), 0.5)\", d: distinct(event)}\n"}});
    ASSERT_TRUE(compiled.plan);
    plan = std::move(*compiled.plan);
  }
  WindowAggregate make(OperatorBounds bounds = {}, TimeMs born_after = kMinusInfinity) {
    return WindowAggregate(plan.metrics[0], bounds, born_after);
  }
  void add(WindowAggregate& to, int64_t at, std::string_view who, std::string_view event = "x", TimeMs watermark = kMinusInfinity,
           uint64_t epoch = 1) {
    plan::Row row;
    row.source = "site";
    row.event = event;
    row.user_id = who;
    row.event_time = time_ms(at);
    to.add(row, false, watermark, Epoch(epoch), evaluator);
  }
  // window start / who / n / state, in order.
  static std::vector<std::string> shown(std::vector<plan::MetricRow> rows) {
    std::vector<std::string> out;
    for (const plan::MetricRow& row : rows) {
      out.push_back(std::to_string(to_ms(row.window.start)) + "/" + row.dimensions[0].value_or("NULL") + "/" +
                    row.stored[1].number.to_text() + "/" + plan::state_name(row.state));
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  static std::vector<std::string> emit(WindowAggregate& from, TimeMs watermark, bool touched = true, uint64_t epoch = 1) {
    std::vector<plan::MetricRow> rows;
    from.emit(watermark, Epoch(epoch), touched, rows);
    return shown(std::move(rows));
  }

  plan::Plan plan;
  plan::Evaluator evaluator;
};

using Texts = std::vector<std::string>;

TEST_F(WindowAggregateTest, a_group_is_emitted_when_touched_and_once_more_when_its_window_closes) {
  WindowAggregate windows = make();
  add(windows, 100, "a");
  add(windows, 999, "a");
  add(windows, 1000, "a");
  add(windows, -1, "");
  EXPECT_EQ(emit(windows, time_ms(-1)), (Texts{"-1000/NULL/1/filling", "0/a/2/filling", "1000/a/1/filling"}));
  EXPECT_EQ(emit(windows, time_ms(-1)), Texts{}) << "nothing was touched since";
  EXPECT_EQ(windows.next_close(), time_ms(0));
  EXPECT_EQ(emit(windows, time_ms(1000), false), (Texts{"-1000/NULL/1/final", "0/a/2/final"}));
  EXPECT_EQ(windows.groups(), 1U);
  EXPECT_EQ(windows.next_close(), time_ms(2000));
}

TEST_F(WindowAggregateTest, a_late_event_is_counted_by_a_job) {
  WindowAggregate windows = make();
  add(windows, 500, "a", "x", time_ms(1000), 7);
  EXPECT_EQ(windows.groups(), 0U);
  EXPECT_EQ(windows.cold().due(Epoch(7), 9), (std::vector<plan::Span>{{time_ms(0), time_ms(1000)}}));
  add(windows, 500, "a", "x", time_ms(999), 7);
  EXPECT_EQ(windows.groups(), 1U) << "it is late from the end on, not before";
}

TEST_F(WindowAggregateTest, a_touched_group_of_a_closed_window_leaves_no_trace_in_the_next_owner_of_its_slot) {
  WindowAggregate windows = make();
  add(windows, 0, "a");
  EXPECT_EQ(emit(windows, time_ms(1000), false), Texts{"0/a/1/final"});
  add(windows, 1500, "b");
  EXPECT_EQ(emit(windows, time_ms(1000)), Texts{"1000/b/1/filling"});
}

TEST_F(WindowAggregateTest, beyond_its_groups_the_largest_window_goes_cold_and_stays_so_until_it_closes) {
  WindowAggregate windows = make({.groups_max = 3});
  add(windows, 0, "a");
  add(windows, 1000, "a");
  add(windows, 1000, "b");
  EXPECT_EQ(windows.evictions(), 0U);
  add(windows, 2000, "a", "x", kMinusInfinity, 5);
  EXPECT_EQ(windows.evictions(), 1U);
  EXPECT_EQ(windows.groups(), 2U);
  const plan::Span evicted{time_ms(1000), time_ms(2000)};
  EXPECT_EQ(windows.cold().due(Epoch(5), 9), std::vector<plan::Span>{evicted});
  EXPECT_EQ(emit(windows, time_ms(0)), (Texts{"0/a/1/filling", "2000/a/1/filling"}));
  windows.cold().started({evicted}, Epoch(5));
  add(windows, 1999, "c", "x", kMinusInfinity, 6);
  EXPECT_EQ(windows.groups(), 2U);
  EXPECT_EQ(windows.cold().due(Epoch(6), 9), std::vector<plan::Span>{evicted});
  windows.cold().started({evicted}, Epoch(6));
  emit(windows, time_ms(2000), true, 8);
  EXPECT_EQ(windows.cold().due(Epoch(8), 9), std::vector<plan::Span>{evicted}) << "its closing makes it dirty: its state changes";
}

TEST_F(WindowAggregateTest, beyond_its_bytes_too_and_what_is_kept_is_counted) {
  WindowAggregate windows = make({.state_bytes_max = 20'000});
  for (int i = 0; i < 3; ++i) add(windows, 5000, "a", "ev" + std::to_string(i));
  // Per group: three different texts and their set, one length and its map.
  EXPECT_EQ(windows.items(), 3U + 1 + 1 + 1);
  EXPECT_EQ(windows.state_bytes(), WindowAggregate::kGroupBytes + 6 * WindowAggregate::kItemBytes);
  for (int i = 0; i < 1000; ++i) {
    add(windows, 0, "a", "event " + std::to_string(i));
    ASSERT_LE(windows.state_bytes(), 20'000U);
  }
  EXPECT_EQ(windows.evictions(), 1U);
  EXPECT_EQ(windows.items(), 6U) << "what the evicted window held is given back";
  EXPECT_EQ(emit(windows, time_ms(0)), Texts{"5000/a/3/filling"});
}

TEST_F(WindowAggregateTest, one_window_larger_than_the_bound_is_computed_by_jobs_alone) {
  WindowAggregate windows = make({.groups_max = 2});
  for (int i = 0; i < 100; ++i) add(windows, 0, "user" + std::to_string(i));
  EXPECT_EQ(windows.groups(), 0U);
  EXPECT_EQ(windows.evictions(), 1U);
  EXPECT_EQ(windows.cold().dirty_count(), 1U);
}

TEST_F(WindowAggregateTest, windows_open_at_its_birth_are_cold) {
  WindowAggregate windows = make({}, time_ms(1500));
  add(windows, 1700, "a", "x", kMinusInfinity, 3);
  add(windows, 2000, "a");
  EXPECT_EQ(windows.groups(), 1U);
  EXPECT_EQ(windows.cold().due(Epoch(3), 9), (std::vector<plan::Span>{{time_ms(1000), time_ms(2000)}}));
  EXPECT_EQ(windows.next_close(), time_ms(2000));
}

TEST_F(WindowAggregateTest, what_passed_where_is_told_once) {
  WindowAggregate windows = make();
  EXPECT_FALSE(windows.take_seen().any);
  add(windows, 100, "a");
  add(windows, 50, "a");
  plan::Row future;
  future.event = "x";
  future.event_time = time_ms(9'000'000);
  windows.add(future, true, kMinusInfinity, Epoch(1), evaluator);
  const WindowAggregate::Seen seen = windows.take_seen();
  EXPECT_TRUE(seen.any);
  EXPECT_EQ(seen.newest, time_ms(100)) << "`future` events do not count";
  EXPECT_FALSE(windows.take_seen().any);
}

TEST_F(WindowAggregateTest, what_is_saved_goes_on_as_if_nothing_had_been) {
  WindowAggregate one = make({.groups_max = 5});
  const auto feed = [&](WindowAggregate& to, int from, int until) {
    for (int i = from; i < until; ++i) {
      add(to, i * 37 % 5000, i % 7 == 0 ? "" : "u" + std::to_string(i % 3), "event" + std::to_string(i % 4), time_ms(i * 10),
          static_cast<uint64_t>(i));
    }
  };
  feed(one, 0, 60);
  std::string bytes;
  ByteWriter to(bytes);
  one.save(to);
  WindowAggregate other = make({.groups_max = 5});
  ByteReader from(bytes);
  other.load(from);
  ASSERT_FALSE(from.failed());
  EXPECT_TRUE(from.at_end());
  EXPECT_EQ(one.groups(), other.groups());
  EXPECT_EQ(one.items(), other.items());
  for (WindowAggregate* w : {&one, &other}) feed(*w, 60, 90);
  EXPECT_EQ(emit(one, time_ms(2000), true, 90), emit(other, time_ms(2000), true, 90));
  EXPECT_EQ(emit(one, time_ms(99'000), true, 91), emit(other, time_ms(99'000), true, 91));
  EXPECT_EQ(one.cold().due(Epoch(99), 99), other.cold().due(Epoch(99), 99));
}

}  // namespace
}  // namespace sluice::process
