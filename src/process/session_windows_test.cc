#include "process/session_windows.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "plan/compile.h"

namespace sluice::process {
namespace {

using event::Epoch;
using Texts = std::vector<std::string>;
constexpr int64_t kNever = INT64_MIN;

TimeMs at_s(int64_t seconds) { return seconds == kNever ? kMinusInfinity : time_ms(seconds * 1000); }

// Sessions with a gap of 10 s and at most 60 s, in windows of 100 s, which close 60 s after their end.
class SessionWindowsTest : public ::testing::Test {
 protected:
  void compile(const std::string& metric) {
    plan::Compiled compiled = plan::compile({{"sluice.yaml", "version: 1\nname: test\nsources:\n  - {name: site}\n"},
                                             {"metrics/m.yaml",
                                              "version: 1\nsessions:\n  - {name: v, by: user_id, gap: 10s, max: 60s}\nmetrics:\n"
                                              "  - name: m\n    from: v\n    allowed_lateness: 0s\n" +
                                                  metric}});
    for (const plan::Diagnostic& d : compiled.diagnostics) ADD_FAILURE() << d.text();
    ASSERT_TRUE(compiled.plan);
    plan = std::move(*compiled.plan);
  }
  void SetUp() override {
    compile(
        "    window: {tumble: 100s}\n    measures: {n: count(), e: sum(events), who: distinct(user_key), longest: "
        "max(duration_ms), top: \"topk(key, 2)\", p: \"percentile(events, 0.5)\", f: first(key)}\n");
  }
  const plan::Metric& metric() const { return plan.metrics[0]; }
  SessionWindows make(OperatorBounds bounds = {}, TimeMs born_after = kMinusInfinity) {
    return SessionWindows(metric(), bounds, born_after);
  }
  void add(SessionWindows& to, int64_t seconds, std::string_view who = "u", int64_t watermark_s = kNever, uint64_t epoch = 1) {
    const std::string id = std::to_string(seconds) + "m";
    plan::Row row;
    row.source = "site";
    row.message_id = id;
    row.user_id = row.user_key = who;
    row.event_time = at_s(seconds);
    row.place.offset = event::Offset(++offset);
    to.add(row, false, at_s(watermark_s), Epoch(epoch), evaluator);
  }
  // "window's start[/dimensions]: measures state", "gone" for a tombstone
  Texts emit(SessionWindows& from, int64_t watermark_s, bool touched = true, uint64_t epoch = 1) {
    std::vector<plan::MetricRow> rows;
    from.emit(at_s(watermark_s), Epoch(epoch), touched, rows);
    Texts out;
    for (const plan::MetricRow& row : rows) {
      std::string text = std::to_string(to_ms(row.window.start) / 1000);
      for (const auto& value : row.dimensions) text += "/" + value.value_or("none");
      text += ":";
      for (size_t i = 0; i < row.stored.size() && !row.removed; ++i) {
        const plan::StoredValue& value = row.stored[i];
        text += " " + metric().measures[i].name + "=";
        text += value.kind == plan::Value::Kind::top    ? plan::top_text(value.top)
                : value.kind == plan::Value::Kind::text ? value.text
                                                        : value.number.to_text();
      }
      out.push_back(text + " " + (row.removed ? "gone" : plan::state_name(row.state)));
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  static Texts dirty(const SessionWindows& of) {
    Texts out;
    for (const plan::Span& span : of.cold().due(Epoch(99), 1000)) out.push_back(std::to_string(to_ms(span.start) / 1000));
    std::sort(out.begin(), out.end());
    return out;
  }

  plan::Plan plan;
  plan::Evaluator evaluator;
  uint64_t offset = 0;
};

TEST_F(SessionWindowsTest, open_sessions_count_at_once_and_closed_ones_for_good) {
  SessionWindows windows = make();
  add(windows, 0);
  add(windows, 5);
  add(windows, 7, "v");
  EXPECT_EQ(emit(windows, kNever), (Texts{"0: e=3 f=u longest=5000 n=2 p=1 top=[[\"u\",1],[\"v\",1]] who=2 filling"}));
  add(windows, 12, "u");
  EXPECT_EQ(emit(windows, 20), (Texts{"0: e=4 f=u longest=12000 n=2 p=1 top=[[\"u\",1],[\"v\",1]] who=2 filling"}));
  add(windows, 40, "u", 20);
  add(windows, 41, "u", 20);
  EXPECT_EQ(emit(windows, 30), (Texts{"0: e=6 f=u longest=12000 n=3 p=2 top=[[\"u\",2],[\"v\",1]] who=2 filling"}));
  EXPECT_EQ(emit(windows, 159), Texts{});
  EXPECT_EQ(windows.next_close(), at_s(160));
  EXPECT_EQ(emit(windows, 160), (Texts{"0: e=6 f=u longest=12000 n=3 p=2 top=[[\"u\",2],[\"v\",1]] who=2 final"}));
  EXPECT_EQ(windows.groups(), 0U);
}

TEST_F(SessionWindowsTest, a_session_whose_start_moves_leaves_its_window_for_another) {
  SessionWindows windows = make();
  add(windows, 105);
  EXPECT_EQ(emit(windows, kNever).size(), 1U);
  add(windows, 98);
  EXPECT_EQ(emit(windows, kNever), (Texts{"0: e=2 f=u longest=7000 n=1 p=2 top=[[\"u\",1]] who=1 filling", "100: gone"}));
  EXPECT_EQ(dirty(windows), Texts{});
}

TEST_F(SessionWindowsTest, a_session_changes_its_group_and_passes_where_or_not) {
  compile("    where: events < 3\n    window: {tumble: 100s}\n    dimensions: {k: user_key}\n    measures: {n: count()}\n");
  SessionWindows windows = make();
  add(windows, 0);
  add(windows, 1);
  add(windows, 2, "v");
  EXPECT_EQ(emit(windows, kNever), (Texts{"0/u: n=1 filling", "0/v: n=1 filling"}));
  add(windows, 3);
  EXPECT_EQ(emit(windows, kNever), (Texts{"0/u: gone"}));
  EXPECT_EQ(windows.groups(), 1U);
}

TEST_F(SessionWindowsTest, an_event_for_a_closed_session_makes_its_window_cold_until_that_closes) {
  SessionWindows windows = make();
  add(windows, 10);
  emit(windows, 50);
  add(windows, 15, "u", 50, 2);
  EXPECT_EQ(dirty(windows), (Texts{"0"}));
  EXPECT_EQ(windows.groups(), 0U);
  windows.cold().started(windows.cold().due(Epoch(2), 10), Epoch(2));
  add(windows, 55, "v", 50, 3);
  EXPECT_EQ(dirty(windows), (Texts{"0"})) << "all of the window is a job's now";
  windows.cold().started(windows.cold().due(Epoch(3), 10), Epoch(3));
  EXPECT_EQ(emit(windows, 160, true, 4), Texts{});
  EXPECT_EQ(dirty(windows), (Texts{"0"})) << "it became final";
  add(windows, 170, "v", 165, 5);
  EXPECT_EQ(emit(windows, 165, true, 5).size(), 1U) << "the next window is live";
}

TEST_F(SessionWindowsTest, what_may_be_cut_again_dirties_every_window_from_there_on) {
  compile("    window: {hop: 40s, slide: 20s}\n    measures: {n: count()}\n");
  SessionWindows windows = make();
  for (int64_t at = 100; at <= 200; at += 10) add(windows, at);
  add(windows, 158);
  emit(windows, kNever);
  add(windows, 95, "u", kNever, 2);  // sessions were [100, 158] and [160, 200]; now they are cut at 155
  EXPECT_EQ(dirty(windows), (Texts{"100", "120", "140", "160", "180", "200", "60", "80"}));
}

TEST_F(SessionWindowsTest, over_the_budget_windows_go_cold_and_sessions_are_taken_for_closed) {
  SessionWindows windows = make({.groups_max = 4, .state_bytes_max = 1 << 20});
  for (int i = 0; i < 50; ++i) add(windows, 2 * i, "u" + std::to_string(i));
  EXPECT_LE(windows.runs().live(), 4U);
  EXPECT_EQ(emit(windows, kNever).size(), 1U);
  EXPECT_EQ(dirty(windows), Texts{}) << "they count as they are";
  add(windows, 3, "u0", kNever, 2);
  EXPECT_EQ(dirty(windows), (Texts{"0"})) << "one of them is another session now";
  compile("    window: {tumble: 100s}\n    dimensions: {k: key}\n    measures: {n: count()}\n");
  SessionWindows wide = make({.groups_max = 4, .state_bytes_max = 1 << 20});
  for (int i = 0; i < 50; ++i) add(wide, 2 * i, "u" + std::to_string(i));
  EXPECT_LE(wide.groups(), 4U);
  EXPECT_EQ(dirty(wide), (Texts{"0"}));
  EXPECT_GT(wide.evictions(), 0U);
}

TEST_F(SessionWindowsTest, a_saved_operator_goes_on_as_if_nothing_had_been) {
  SessionWindows windows = make();
  add(windows, 0);
  emit(windows, 15);
  for (const int64_t at : {30, 90, 105, 98}) add(windows, at, "u", 15);
  add(windows, 99, "v", 15);
  std::string bytes;
  ByteWriter to(bytes);
  windows.save(to);
  SessionWindows again = make();
  ByteReader from(bytes);
  again.load(from);
  EXPECT_FALSE(from.failed());
  EXPECT_TRUE(from.at_end());
  EXPECT_EQ(again.next_close(), windows.next_close());
  EXPECT_EQ(again.has_touched(), windows.has_touched());
  for (const int64_t watermark : {20, 40, 160, 300}) EXPECT_EQ(emit(again, watermark), emit(windows, watermark)) << watermark;
}

TEST_F(SessionWindowsTest, with_latency_batch_every_event_dirties_what_it_may_change) {
  compile("    latency: batch\n    window: {tumble: 100s}\n    measures: {n: count()}\n");
  SessionWindows windows = make();
  add(windows, 250);
  add(windows, 30);
  EXPECT_EQ(dirty(windows), (Texts{"0", "200"}));
  EXPECT_EQ(windows.state_bytes(), 2 * sizeof(plan::Span));
  windows.cold().started(windows.cold().due(Epoch(1), 10), Epoch(1));
  add(windows, 240, "u", kNever, 2);
  EXPECT_EQ(dirty(windows), (Texts{"200"}));
}

}  // namespace
}  // namespace sluice::process
