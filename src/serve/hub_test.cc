#include "serve/hub.h"

#include <gtest/gtest.h>

#include "serve/page_test_fixture.h"

namespace sluice::serve {
namespace {

using nlohmann::json;

class HubTest : public PageTest {};

TEST_F(HubTest, a_panel_shows_null_until_its_query_ran_then_a_snapshot) {
  hub().commit(committed(5));
  const auto client = watch({kStat});
  auto first = client->take(kStat);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].name, "snapshot");
  EXPECT_TRUE(first[0].data["data"].is_null());
  EXPECT_EQ(work(), 1);
  auto second = client->take(kStat);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].name, "snapshot");
  EXPECT_EQ(second[0].id, 5u);
  EXPECT_EQ(second[0].data["epoch"], 5);
  EXPECT_EQ(second[0].data["as_of"], kToday + 5);
  const json& data = second[0].data["data"];
  EXPECT_EQ(data["value"], "412");
  EXPECT_EQ(data["end"], kToday);                    // the newest event lies an hour before the end of its day
  EXPECT_EQ(data["start"], kToday - 30 * kDay);
  EXPECT_EQ(data["state"], "filling");               // the watermark stands at the end, ten minutes short of final
  EXPECT_NE(store_.last("over").sql.find("epoch <= 5"), std::string::npos) << store_.last("over").sql;
}

TEST_F(HubTest, nothing_is_asked_before_the_first_commit_or_without_a_viewer) {
  const auto client = watch({kStat});
  EXPECT_EQ(work(), 0);
  client->is_open = false;
  hub().tick();
  commit(1);
  commit(2);
  EXPECT_EQ(work(), 0);
  EXPECT_TRUE(store_.asked.empty());
}

TEST_F(HubTest, many_viewers_and_panels_of_one_query_cost_one) {
  hub().commit(committed(5));
  std::vector<std::shared_ptr<HandStream>> clients;
  for (int i = 0; i < 25; ++i) clients.push_back(watch({kStat, kOtherStat}));
  EXPECT_EQ(work(), 1);
  EXPECT_EQ(store_.count["over"], 1);
  for (const auto& client : clients) {
    const auto events = client->take();
    EXPECT_EQ(std::count_if(events.begin(), events.end(), [](const Event& e) { return e.name == "snapshot"; }),
              4);  // null, then both
  }
}

TEST_F(HubTest, a_query_waits_for_five_seconds_and_for_a_change) {
  hub().commit(committed(5));
  const auto client = watch({kStat});
  EXPECT_EQ(work(), 1);
  clock_.pass(60'000);
  EXPECT_EQ(work(), 0) << "nothing changed";
  commit(6);
  EXPECT_EQ(work(), 1);
  commit(7);
  clock_.pass(4'999);
  EXPECT_EQ(work(), 0) << "too soon";
  clock_.pass(1);
  EXPECT_EQ(work(), 1);
  EXPECT_NE(store_.last("over").sql.find("epoch <= 7"), std::string::npos);
}

TEST_F(HubTest, an_epoch_without_events_of_the_metric_asks_nothing) {
  hub().commit(committed(5));
  const auto client = watch({kStat});
  work();
  clock_.pass(60'000);
  commit(6, {}, false);
  EXPECT_EQ(work(), 0);
}

TEST_F(HubTest, a_slow_query_waits_twenty_times_its_duration_times_the_queries_watched) {
  hub().commit(committed(5));
  store_.during = [this](const std::string& kind) {
    if (kind == "over" || kind == "series") clock_.pass(700);
  };
  const auto client = watch({kStat, kSeries});  // two computed queries
  EXPECT_EQ(work(), 2);
  commit(6);
  clock_.pass(2 * 20 * 700 - 701);  // the stat's query ended 700 ms before the series'
  EXPECT_FALSE(hub().step(DurationMs(0)));
  clock_.pass(1);
  EXPECT_TRUE(hub().step(DurationMs(0)));
}

TEST_F(HubTest, a_failed_query_keeps_the_old_number_and_is_repeated_after_the_interval) {
  hub().commit(committed(5));
  const auto client = watch({kStat});
  work();
  client->take();
  commit(6);
  clock_.pass(5'000);
  store_.failing["over"] = fail(Code::unavailable, "the store is away");
  EXPECT_EQ(work(), 1);
  EXPECT_TRUE(client->take(kStat).empty());
  EXPECT_EQ(hub().counters().queries_failed, 1u);
  store_.failing.clear();
  EXPECT_EQ(work(), 0);
  clock_.pass(5'000);
  EXPECT_EQ(work(), 1);
}

TEST_F(HubTest, a_stat_turns_final_without_a_query_when_the_watermark_passes) {
  hub().commit(committed(5));
  const auto client = watch({kStat});
  work();
  client->take();
  hub().commit(committed(6, time_ms(kToday + 599'999)));
  EXPECT_TRUE(client->take(kStat).empty());
  hub().commit(committed(7, time_ms(kToday + 600'000)));
  const auto patch = client->take(kStat);
  ASSERT_EQ(patch.size(), 1u);
  EXPECT_EQ(patch[0].name, "patch");
  EXPECT_EQ(patch[0].data["epoch"], 7);
  EXPECT_EQ(patch[0].data["data"]["state"], "final");
  EXPECT_EQ(store_.count["over"], 1);
}

TEST_F(HubTest, a_value_with_late_and_timely_events_is_revised) {
  store_.answers["over"] = "412\t1000\t2.4\t1\t1\t1\n";
  hub().commit(committed(5, time_ms(kToday + 600'000)));
  const auto client = watch({kStat});
  work();
  EXPECT_EQ(client->take(kStat).back().data["data"]["state"], "revised");
}

TEST_F(HubTest, a_changed_metric_keeps_the_state_of_its_old_answer_until_it_is_asked_again) {
  hub().commit(committed(5));
  const auto client = watch({kStat});
  work();
  client->take();
  Committed c = committed(6, time_ms(kToday + 600'000));
  c.metrics.push_back(change(6, {}));
  hub().commit(c);
  EXPECT_TRUE(client->take(kStat).empty()) << "no state from a newer watermark than the value's";
}

TEST_F(HubTest, without_events_a_stat_has_no_dates) {
  store_.answers["newest"] = "\\N\n";
  hub().commit(committed(5));
  const auto client = watch({kStat, kView});
  work();
  const auto events = client->take();
  for (const Event& e : events) {
    if (e.name != "snapshot" || e.data["data"].is_null()) continue;
    EXPECT_TRUE(e.data["data"]["start"].is_null());
    EXPECT_TRUE(e.data["data"]["end"].is_null());
  }
  EXPECT_EQ(store_.count["over"], 0);
  // The first event: the stat is asked at its interval, the series follows the feed at once.
  commit(6, {row(day(1), "fmt", 1, plan::State::filling)});
  const auto patch = client->take(kView);
  ASSERT_EQ(patch.size(), 1u);
  EXPECT_EQ(patch[0].data["data"]["end"], kToday);
  EXPECT_EQ(patch[0].data["data"]["series"][0]["points"][0]["v"], "1");
}

TEST_F(HubTest, a_view_panel_follows_the_feed_with_one_patch_per_commit) {
  store_.answers["view"] = view_line(day(1), "fmt", 3, "filling") + view_line(day(2), "fmt", 7);
  hub().commit(committed(5));
  const auto client = watch({kView});
  EXPECT_EQ(work(), 1);
  const json data = client->take(kView).back().data["data"];
  EXPECT_EQ(data["start"], kToday - 10 * kDay);
  EXPECT_EQ(data["end"], kToday);
  EXPECT_EQ(data["more"], 0);
  ASSERT_EQ(data["series"].size(), 1u);
  EXPECT_EQ(data["series"][0]["key"], json({"fmt", nullptr}));
  EXPECT_EQ(data["series"][0]["points"], json({{{"s", kToday - 2 * kDay}, {"e", kToday - kDay}, {"v", "7"}, {"state", "final"}},
                                               {{"s", kToday - kDay}, {"e", kToday}, {"v", "3"}, {"state", "filling"}}}));
  commit(6, {row(day(1), "fmt", 4, plan::State::filling)});
  const auto patches = client->take(kView);
  ASSERT_EQ(patches.size(), 1u);
  EXPECT_EQ(patches[0].name, "patch");
  EXPECT_EQ(
      patches[0].data["data"]["series"],
      json({{{"key", {"fmt", nullptr}}, {"points", {{{"s", kToday - kDay}, {"e", kToday}, {"v", "4"}, {"state", "filling"}}}}}}));
  commit(7, {row(day(1), "fmt", 4, plan::State::filling)});
  EXPECT_TRUE(client->take(kView).empty()) << "the same row is no change";
  EXPECT_EQ(work(), 0) << "the feed needs no query";
}

TEST_F(HubTest, changes_that_arrive_while_the_view_is_read_are_applied_after_it) {
  hub().commit(committed(5));
  store_.during = [this](const std::string& kind) {
    if (kind != "view") return;
    store_.answers["view"] = view_line(day(1), "fmt", 3, "filling");
    commit(6, {row(day(1), "fmt", 4, plan::State::filling)});
  };
  const auto client = watch({kView});
  work();
  EXPECT_EQ(client->take(kView).back().data["data"]["series"][0]["points"][0]["v"], "4");
}

TEST_F(HubTest, more_changes_than_may_wait_repeat_the_load) {
  HubOptions options;
  options.boards.pending_rows_max = 2;
  make_hub(options);
  hub().commit(committed(5));
  store_.during = [this](const std::string& kind) {
    if (kind != "view" || store_.count["view"] > 1) return;
    store_.answers["view"] = view_line(day(1), "fmt", 3, "filling");
    commit(6, {row(day(1), "fmt", 4), row(day(2), "fmt", 4), row(day(3), "fmt", 4)});
  };
  const auto client = watch({kView});
  EXPECT_EQ(work(), 1);
  store_.answers["view"] = view_line(day(1), "fmt", 9, "filling");
  clock_.pass(5'000);
  EXPECT_EQ(work(), 1);
  EXPECT_EQ(client->take(kView).back().data["data"]["series"][0]["points"][0]["v"], "9");
}

TEST_F(HubTest, the_window_slides_with_the_newest_event_and_old_points_leave) {
  store_.answers["view"] = view_line(day(1), "fmt", 3) + view_line(day(10), "fmt", 5);
  hub().commit(committed(5));
  const auto client = watch({kView});
  work();
  client->take();
  Committed c = committed(6);
  c.metrics.push_back(change(6, {row(day(0), "fmt", 1, plan::State::filling)}, true, time_ms(kToday + 1)));
  hub().commit(c);
  const json data = client->take(kView).back().data["data"];
  EXPECT_EQ(data["end"], kToday + kDay);
  EXPECT_EQ(data["start"], kToday - 9 * kDay);
  EXPECT_EQ(data["series"][0]["points"], json({{{"s", kToday - 10 * kDay}, {"e", kToday - 9 * kDay}, {"removed", true}},
                                               {{"s", kToday}, {"e", kToday + kDay}, {"v", "1"}, {"state", "filling"}}}));
}

TEST_F(HubTest, a_window_after_the_newest_event_that_is_not_future_stays_hidden) {
  hub().commit(committed(5));
  const auto client = watch({kView});
  work();
  client->take();
  commit(6, {row(day(-30), "fmt", 1, plan::State::filling)});  // of an event from next month
  EXPECT_TRUE(client->take(kView).empty());
}

TEST_F(HubTest, a_tombstone_removes_its_point) {
  store_.answers["view"] = view_line(day(1), "fmt", 3) + view_line(day(2), "fmt", 5);
  hub().commit(committed(5));
  const auto client = watch({kView});
  work();
  client->take();
  plan::MetricRow gone = row(day(2), "fmt", 0);
  gone.removed = true;
  commit(6, {gone});
  EXPECT_EQ(client->take(kView).back().data["data"]["series"][0]["points"],
            json({{{"s", kToday - 2 * kDay}, {"e", kToday - kDay}, {"removed", true}}}));
}

TEST_F(HubTest, a_job_shows_what_it_revised_and_why) {
  store_.answers["view"] = view_line(day(2), "fmt", 118);
  hub().commit(committed(5));
  const auto client = watch({kView});
  work();
  client->take();
  Committed c = committed(5);  // a finished job comes with the newest epoch again
  c.metrics.push_back(change(4, {row(day(2), "fmt", 121, plan::State::revised)}, false));
  c.metrics.back().revisions.push_back({day(2), {std::nullopt, "fmt"}, "commits", "118", "121", plan::Cause::late});
  c.metrics.back().revisions.push_back({day(2), {std::nullopt, "fmt"}, "lines", "1", "2", plan::Cause::late});
  hub().commit(c);
  const json point = client->take(kView).back().data["data"]["series"][0]["points"][0];
  EXPECT_EQ(point["state"], "revised");
  EXPECT_EQ(point["rev"], json({{"at", kToday + 5}, {"old", "118"}, {"new", "121"}, {"cause", "late"}}));
}

TEST_F(HubTest, revisions_of_the_past_come_with_the_load) {
  store_.answers["view"] = view_line(day(2), "fmt", 121, "revised");
  store_.answers["revisions"] =
      std::to_string(kToday - 2 * kDay) + "\t" + std::to_string(kToday - kDay) + "\t\\N\tfmt\tcommits\t118\t121\tlate\t77\n";
  hub().commit(committed(5));
  const auto client = watch({kView});
  work();
  EXPECT_EQ(client->take(kView).back().data["data"]["series"][0]["points"][0]["rev"]["old"], "118");
}

TEST_F(HubTest, a_series_that_drops_a_dimension_is_computed_from_events) {
  store_.answers["series"] = series_line(day(1), "fmt", "10.5", false, true) + series_line(day(2), "fmt", "7", true, true);
  hub().commit(committed(5));
  const auto client = watch({kSeries});
  EXPECT_EQ(work(), 1);
  const json data = client->take(kSeries).back().data["data"];
  EXPECT_EQ(data["series"][0]["key"], json({"fmt"}));
  EXPECT_EQ(data["series"][0]["points"][0]["state"], "revised");
  EXPECT_EQ(data["series"][0]["points"][1]["v"], "10.5");
  EXPECT_EQ(data["series"][0]["points"][1]["state"], "filling");
  hub().commit(committed(6, time_ms(kToday + 600'000)));
  const auto patch = client->take(kSeries);
  ASSERT_EQ(patch.size(), 1u);
  EXPECT_EQ(patch[0].data["data"]["series"][0]["points"].size(), 1u);
  EXPECT_EQ(patch[0].data["data"]["series"][0]["points"][0]["state"], "final");
}

TEST_F(HubTest, a_tables_patch_holds_only_changed_rows) {
  store_.answers["over"] = "fmt\t30\t100\t3.3\t0\t1\t3\nninja\t20\t40\t2\t0\t1\t3\n\\N\t10\t\\N\t\\N\t0\t1\t3\n";
  hub().commit(committed(5));
  const auto client = watch({kTable});
  work();
  const json data = client->take(kTable).back().data["data"];
  ASSERT_EQ(data["rows"].size(), 3u);
  EXPECT_EQ(data["rows"][0]["cells"], json({"fmt", "30", "3.3"}));
  EXPECT_EQ(data["rows"][2]["key"], json::array({nullptr}));
  EXPECT_EQ(data["rows"][2]["cells"], json({nullptr, "10", nullptr}));
  EXPECT_EQ(data["more"], 0);
  commit(6);
  clock_.pass(5'000);
  store_.answers["over"] = "fmt\t30\t100\t3.3\t0\t1\t2\nninja\t21\t40\t2\t0\t1\t2\n";
  work();
  const auto patch = client->take(kTable);
  ASSERT_EQ(patch.size(), 1u);
  EXPECT_EQ(patch[0].name, "patch");
  EXPECT_EQ(patch[0].data["data"]["rows"], json({{{"key", {"ninja"}}, {"cells", {"ninja", "21", "2"}}, {"state", "filling"}},
                                                 {{"key", {nullptr}}, {"removed", true}}}));
}

TEST_F(HubTest, unwatched_panels_are_forgotten_after_a_minute_and_computed_again_at_once) {
  hub().commit(committed(5));
  const auto first = watch({kStat});
  work();
  first->is_open = false;
  hub().tick();
  clock_.pass(59'000);
  hub().tick();
  const auto second = watch({kStat});
  EXPECT_EQ(second->take(kStat).front().data["data"]["value"], "412");
  second->is_open = false;
  hub().tick();
  clock_.pass(60'000);
  hub().tick();
  const auto third = watch({kStat});
  EXPECT_TRUE(third->take(kStat).front().data["data"].is_null());
  EXPECT_EQ(work(), 1);
}

TEST_F(HubTest, an_unknown_panel_or_too_many_of_them_or_too_many_streams_are_refused) {
  HubOptions options;
  options.subscribers_max = 1;
  options.panels_max = 2;
  make_hub(options);
  Subscription wanted;
  wanted.panels = {"activity.9.9"};
  EXPECT_EQ(hub().admit(wanted).error().code, Code::invalid);
  wanted.panels = {kStat, kView, kSeries};
  EXPECT_EQ(hub().admit(wanted).error().code, Code::invalid);
  wanted.panels = {kStat};
  const auto client = watch({kStat});
  EXPECT_EQ(hub().admit(wanted).error().code, Code::full);
  client->is_open = false;
  hub().tick();
  EXPECT_TRUE(hub().admit(wanted));
}

TEST_F(HubTest, a_viewer_that_comes_wakes_no_one_twice_and_a_panel_asked_for_twice_is_sent_once) {
  hub().commit(committed(5));
  const auto client = watch({kStat, kStat});
  EXPECT_EQ(client->take(kStat).size(), 1u);
}

TEST_F(HubTest, csv_or_explain_without_a_viewer_compute_the_panel_in_the_callers_worker) {
  hub().commit(committed(5));
  EXPECT_EQ(hub().shown(kStat).error().code, Code::unavailable);
  EXPECT_EQ(hub().shown("nothing").error().code, Code::not_found);
  const auto shown = hub().shown_or_compute(kStat);
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->points.front().values.front(), "412");
  EXPECT_EQ(store_.count["over"], 1);
  EXPECT_TRUE(hub().shown_or_compute(kStat));
  EXPECT_EQ(store_.count["over"], 1);
}

}  // namespace
}  // namespace sluice::serve
