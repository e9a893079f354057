// Panels of each kind from a store's reply to the page: funnel, retention, top and band.
#include <gtest/gtest.h>

#include "serve/dropped.h"
#include "serve/inspect.h"
#include "serve/page_test_fixture.h"

namespace sluice::serve {
namespace {

using nlohmann::json;

constexpr std::string_view kMetrics = R"yaml(version: 1
metrics:
  - name: m
    window: {tumble: 1d}
    dimensions: {country: context.country, plan: properties.plan}
    measures:
      n: count()
      p50: "percentile(properties.ms, 0.5)"
      p99: "percentile(properties.ms, 0.99)"
      pages: "topk(properties.page, 20)"
  - name: all
    window: {tumble: 1d}
    measures: {low: min(properties.ms), high: max(properties.ms)}
funnels:
  - name: checkout
    question: Where do they stop?
    by: user_key
    within: 30m
    window: {tumble: 1d}
    allowed_lateness: 10m
    dimensions: {country: context.country}
    steps:
      - {name: viewed, where: event = 'view'}
      - {name: carted, where: event = 'cart'}
      - {name: bought, where: event = 'buy'}
retention:
  - name: weekly
    by: user_key
    window: {tumble: 7d}
    periods: 3
    allowed_lateness: 0s
    start: event = 'buy'
    return: event = 'buy'
)yaml";
constexpr std::string_view kBoards = R"yaml(version: 1
dashboards:
  - name: d
    rows:
      - [{funnel: checkout, over: 7d}, {funnel: checkout, by: country, over: 7d}]
      - [{top: m.n, by: plan, limit: 2, over: 7d}, {top: m.pages, limit: 3, over: 7d}]
      - [{band: m, measures: [p50, p99], over: 7d}, {band: all, measures: [high, low], over: 7d}]
      - [{retention: weekly, over: 21d}]
)yaml";
const std::string kFunnel = "d.0.0", kSplit = "d.0.1", kTop = "d.1.0", kPages = "d.1.1", kBand = "d.2.0", kWhole = "d.2.1",
                  kRetention = "d.3.0";

class PanelKindsTest : public PageTest {
 protected:
  PanelKindsTest() {
    const plan::Compiled compiled = plan::compile({{"sluice.yaml", std::string(kProjectYaml)},
                                                   {"metrics/m.yaml", std::string(kMetrics)},
                                                   {"dashboards/d.yaml", std::string(kBoards)}});
    for (const plan::Diagnostic& d : compiled.diagnostics) ADD_FAILURE() << d.text();
    kinds_ = std::make_shared<const Project>(Project{std::make_shared<const plan::Plan>(*compiled.plan), "0.1.0", "", "", false});
    hub_ = std::make_unique<Hub>(kinds_, store_, clock_, HubOptions{});
  }
  uint32_t metric(std::string_view name) const {
    for (uint32_t i = 0; i < kinds_->plan->metrics.size(); ++i) {
      if (kinds_->plan->metrics[i].name == name) return i;
    }
    ADD_FAILURE() << name;
    return 0;
  }
  void commit_to(uint64_t epoch, std::string_view name = {}, std::vector<plan::MetricRow> rows = {},
                 TimeMs watermark = time_ms(kToday)) {
    Committed c = committed(epoch, watermark);
    c.plan = kinds_->plan->hash;
    if (!name.empty()) {
      c.metrics.push_back(change(epoch, std::move(rows)));
      c.metrics.back().metric = metric(name);
    }
    hub().commit(std::move(c));
  }
  json snapshot(const std::string& panel) {
    const auto stream = watch({panel});
    work();
    const std::vector<Event> events = stream->take(panel);
    if (events.empty() || events.back().name != "snapshot") {
      ADD_FAILURE() << panel;
      return {};
    }
    return events.back().data["data"];
  }
  json verified(const std::string& panel, const std::string& body) {
    const auto result = verify_json(hub(), store_, clock_, panel, body);
    EXPECT_TRUE(result) << result.error().message;
    return result ? json::parse(*result) : json();
  }

  std::shared_ptr<const Project> kinds_;
};

// step, its name, people, median, late, on time; then what the loader asks for: rows in all, people of step 1.
const std::string kThreeSteps =
    "1\tviewed\t120\t0\t0\t1\t3\t120\n2\tcarted\t40\t1200\t0\t1\t3\t120\n3\tbought\t0\t\\N\t0\t1\t3\t120\n";

TEST_F(PanelKindsTest, a_funnel_is_one_window_with_its_steps) {
  store_.answers["over"] = kThreeSteps;
  commit_to(1);
  const json data = snapshot(kFunnel);
  EXPECT_EQ(data["start"], kToday - 7 * kDay);
  EXPECT_EQ(data["end"], kToday);
  EXPECT_EQ(data["state"], "filling") << "due `within` after its end, final ten minutes later";
  ASSERT_EQ(data["groups"].size(), 1U);
  EXPECT_EQ(data["groups"][0]["key"], json::array());
  EXPECT_EQ(data["groups"][0]["steps"], json({{{"name", "viewed"}, {"people", "120"}, {"median_ms", "0"}},
                                              {{"name", "carted"}, {"people", "40"}, {"median_ms", "1200"}},
                                              {{"name", "bought"}, {"people", "0"}, {"median_ms", nullptr}}}));
  EXPECT_EQ(data["more"], 0);
}

TEST_F(PanelKindsTest, a_funnel_is_final_when_within_and_lateness_have_passed) {
  store_.answers["over"] = kThreeSteps;
  commit_to(1, {}, {}, time_ms(kToday + 40 * 60'000 - 1));
  const auto stream = watch({kFunnel});
  work();
  EXPECT_EQ(stream->take(kFunnel).back().data["data"]["state"], "filling");
  commit_to(2, {}, {}, time_ms(kToday + 40 * 60'000));
  const std::vector<Event> after = stream->take(kFunnel);
  ASSERT_EQ(after.size(), 1U) << "by the watermark alone, without a query";
  EXPECT_EQ(after[0].data["data"]["state"], "final");
  EXPECT_EQ(store_.count["over"], 1);
}

TEST_F(PanelKindsTest, a_split_funnel_shows_twelve_groups_and_counts_the_rest) {
  std::string reply;
  for (int group = 0; group < 14; ++group) {
    const std::string country = group == 3 ? "\\N" : "c" + std::to_string(group);
    for (const char* step : {"1\tviewed", "2\tcarted", "3\tbought"})
      reply += country + "\t" + step + "\t9\t5\t1\t1\t60\t9\n";  // 60 rows: 20 groups
  }
  store_.answers["over"] = reply;
  commit_to(1, {}, {}, time_ms(kToday + kDay));
  const json data = snapshot(kSplit);
  EXPECT_EQ(data["groups"].size(), 12U);
  EXPECT_EQ(data["more"], 8);
  EXPECT_EQ(data["groups"][3]["key"], json({nullptr}));
  EXPECT_EQ(data["groups"][3]["state"], "revised");
  EXPECT_EQ(data["state"], "revised");
}

TEST_F(PanelKindsTest, a_funnels_reply_that_lacks_a_step_is_no_answer) {
  for (const std::string reply : {"1\tviewed\t120\t0\t0\t1\t3\t120\n2\tcarted\t40\t1200\t0\t1\t3\t120\n",
                                  "2\tcarted\t40\t1200\t0\t1\t3\t120\n", "1\tviewed\t120\t0\t0\t1\n"}) {
    store_.answers["over"] = reply;
    commit_to(1);
    const auto shown = hub().shown_or_compute(kFunnel);
    ASSERT_FALSE(shown) << reply;
  }
}

TEST_F(PanelKindsTest, no_event_is_no_window) {
  store_.answers["newest"] = "\\N\n";
  commit_to(1);
  for (const std::string& panel : {kFunnel, kTop, kRetention}) {
    const json data = snapshot(panel);
    EXPECT_TRUE(data["start"].is_null()) << panel;
    EXPECT_TRUE(data["end"].is_null()) << panel;
  }
  EXPECT_EQ(snapshot(kFunnel)["groups"], json::array());
  EXPECT_EQ(snapshot(kRetention)["cohorts"], json::array());
}

TEST_F(PanelKindsTest, top_ranks_by_its_own_measure_exactly) {
  store_.answers["over"] = "free\t9\t1\t2\t\t0\t1\t4\npro\t10\t1\t2\t\t0\t1\t4\n\\N\t10\t1\t2\t\t0\t1\t4\n";
  commit_to(1, {}, {}, time_ms(kToday + kDay));
  const json data = snapshot(kTop);
  EXPECT_EQ(data["rows"], json({{{"key", {nullptr}}, {"value", "10"}}, {{"key", {"pro"}}, {"value", "10"}}}))
      << "by number, not by text; ties by value, a missing one first";
  EXPECT_EQ(data["more"], 2);
  EXPECT_EQ(data["state"], "final");
  EXPECT_NE(store_.last("over").sql.find("ORDER BY `n` DESC"), std::string::npos);
}

TEST_F(PanelKindsTest, top_of_a_topk_shows_what_it_counted) {
  store_.answers["over"] = "7\t1\t2\t5:5:/home2:3:/a'1:3:/b\"1:2:/c\t0\t1\t1\n";
  commit_to(1);
  const json data = snapshot(kPages);
  EXPECT_EQ(
      data["rows"],
      json({{{"key", {"/home"}}, {"value", "5"}}, {{"key", {"/a'"}}, {"value", "2"}}, {{"key", {"/b\""}}, {"value", "1"}}}));
  EXPECT_EQ(data["more"], 1);
}

TEST_F(PanelKindsTest, a_band_is_a_series_per_measure_as_written) {
  const auto line = [](plan::Span window, const char* p50, const char* p99) {
    return std::to_string(to_ms(window.start)) + "\t" + std::to_string(to_ms(window.end)) + "\t1\t" + p50 + "\t" + p99 +
           "\t\t0\t1\n";
  };
  store_.answers["series"] = line(day(1), "5", "900") + line(day(2), "\\N", "\\N");
  commit_to(1);
  const json data = snapshot(kBand);
  ASSERT_EQ(data["series"].size(), 2U);
  EXPECT_EQ(data["series"][0]["key"], json({"p50"})) << "not the larger one first";
  EXPECT_EQ(data["series"][1]["key"], json({"p99"}));
  EXPECT_EQ(data["series"][1]["points"][1]["v"], "900");
  EXPECT_TRUE(data["series"][0]["points"][0]["v"].is_null());
  EXPECT_EQ(data["more"], 0);
}

TEST_F(PanelKindsTest, a_band_of_a_metric_without_dimensions_follows_the_feed) {
  // Measures by name: high, low.
  store_.answers["view"] = std::to_string(to_ms(day(1).start)) + "\t" + std::to_string(to_ms(day(1).end)) + "\t90\t1\tfilling\n";
  commit_to(1);
  const auto stream = watch({kWhole});
  work();
  EXPECT_EQ(stream->take(kWhole).back().data["data"]["series"][1]["points"][0]["v"], "1");
  plan::MetricRow row;
  row.window = day(1);
  row.stored = {plan::StoredValue::of(plan::Value::of(Decimal::whole(95))),
                plan::StoredValue::of(plan::Value::of(Decimal::whole(1)))};
  row.state = plan::State::filling;
  commit_to(2, "all", {row});
  const std::vector<Event> events = stream->take(kWhole);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].name, "patch");
  ASSERT_EQ(events[0].data["data"]["series"].size(), 1U) << "only what changed";
  EXPECT_EQ(events[0].data["data"]["series"][0]["key"], json({"high"}));
  EXPECT_EQ(events[0].data["data"]["series"][0]["points"][0]["v"], "95");
}

// Weeks from Thursday 1970-01-01; kToday lies in one of them.
constexpr int64_t kWeek = 7 * kDay;
constexpr int64_t kThisWeek = kToday / kWeek * kWeek;

std::string cohort_line(int64_t start, int period, int people, const std::string& state) {
  return std::to_string(start) + "\t" + std::to_string(start + (period + 1) * kWeek) + "\t" + std::to_string(period) + "\t" +
         std::to_string(people) + "\t" + state + "\n";
}

TEST_F(PanelKindsTest, a_retention_has_a_row_per_cohort_and_a_cell_per_period) {
  store_.answers["view"] = cohort_line(kThisWeek, 0, 4, "filling") + cohort_line(kThisWeek - kWeek, 0, 7, "final") +
                           cohort_line(kThisWeek - kWeek, 1, 3, "revised");
  commit_to(1);
  const json data = snapshot(kRetention);
  EXPECT_EQ(data["start"], kThisWeek + kWeek - 3 * kWeek);
  EXPECT_EQ(data["end"], kThisWeek + kWeek) << "of the period that holds the newest event";
  EXPECT_EQ(data["periods"], 3);
  ASSERT_EQ(data["cohorts"].size(), 2U);
  EXPECT_EQ(data["cohorts"][0],
            (json{{"s", kThisWeek - kWeek},
                  {"e", kThisWeek},
                  {"cells", {{{"people", "7"}, {"state", "final"}}, {{"people", "3"}, {"state", "revised"}}, nullptr}}}))
      << "newest last";
  // Three cohorts, whatever their rows' ends: those that began after end - over - one period.
  const std::string& sql = store_.last("view").sql;
  EXPECT_NE(sql.find("window_start > fromUnixTimestamp64Milli(" + std::to_string(kThisWeek - 3 * kWeek)), std::string::npos)
      << sql;
  EXPECT_EQ(store_.count["revisions"], 0);
}

TEST_F(PanelKindsTest, a_retention_follows_the_feed) {
  store_.answers["view"] = cohort_line(kThisWeek, 0, 4, "filling");
  commit_to(1);
  const auto stream = watch({kRetention});
  work();
  stream->take();
  plan::MetricRow row;
  row.window = {time_ms(kThisWeek), time_ms(kThisWeek + kWeek)};
  row.dimensions = {"0"};
  row.stored = {plan::StoredValue::of(plan::Value::of(Decimal::whole(5)))};
  row.state = plan::State::filling;
  commit_to(2, "weekly", {row});
  std::vector<Event> events = stream->take(kRetention);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].name, "snapshot");
  EXPECT_EQ(events[0].data["data"]["cohorts"][0]["cells"][0]["people"], "5");
  row.removed = true;
  commit_to(3, "weekly", {row});
  events = stream->take(kRetention);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].data["data"]["cohorts"], json::array());
}

TEST_F(PanelKindsTest, a_retention_beyond_its_bound_keeps_the_newest_cohorts_and_says_so) {
  HubOptions options;
  options.boards.points_panel_max = 6;  // two cohorts of three periods
  hub_ = std::make_unique<Hub>(kinds_, store_, clock_, options);
  std::string reply;
  for (int week = 0; week < 3; ++week) {
    for (int period = 2; period >= 0; --period) reply += cohort_line(kThisWeek - week * kWeek, period, 1, "final");
  }
  store_.answers["view"] = reply;
  commit_to(1);
  const json data = snapshot(kRetention);
  ASSERT_EQ(data["cohorts"].size(), 2U);
  EXPECT_EQ(data["cohorts"][0]["s"], kThisWeek - kWeek);
  EXPECT_EQ(data["start"], kThisWeek - kWeek) << "the first cohort's own period ends after it";
}

TEST_F(PanelKindsTest, a_funnels_group_is_computed_again_step_by_step) {
  store_.answers["over"] = "de\t1\tviewed\t9\t0\t0\t1\t3\t9\nde\t2\tcarted\t4\t5\t0\t1\t3\t9\nde\t3\tbought\t1\t7\t0\t1\t3\t9\n";
  commit_to(5);
  hub().shown_or_compute(kSplit).value();
  store_.answers["newest"] = "de\t1\tviewed\t9\t0\t0\t1\nde\t2\tcarted\t4\t5\t0\t1\nde\t3\tbought\t2\t7\t0\t1\n";
  const json row = verified(kSplit, R"({"key":["de"]})");
  EXPECT_FALSE(row["equal"].get<bool>());
  EXPECT_EQ(row["different"], 1);
  EXPECT_EQ(row["compared"], 6);
  EXPECT_EQ(row["cells"][0], (json{{"name", "bought.people"}, {"shown", "1"}, {"computed", "2"}, {"equal", false}}));
  EXPECT_NE(row["sql"].get<std::string>().find("WHERE `country` = 'de' ORDER BY step"), std::string::npos);
  EXPECT_NE(row["sql"].get<std::string>().find("epoch <= 5"), std::string::npos);
  EXPECT_FALSE(verify_json(hub(), store_, clock_, kSplit, "{}")) << "a group must be named";
}

TEST_F(PanelKindsTest, a_top_is_computed_again_value_by_value) {
  store_.answers["over"] = "pro\t10\t1\t2\t\t0\t1\t2\nfree\t9\t1\t2\t\t0\t1\t2\n";
  commit_to(5);
  hub().shown_or_compute(kTop).value();
  store_.answers["over"] = "pro\t10\t1\t2\t\t0\t1\t3\nteam\t9\t1\t2\t\t0\t1\t3\nfree\t8\t1\t2\t\t0\t1\t3\n";
  const json all = verified(kTop, "{}");
  EXPECT_EQ(all["different"], 2) << "one that should not be shown, and one that should";
  EXPECT_EQ(all["cells"], json({{{"name", "free"}, {"shown", "9"}, {"computed", nullptr}, {"equal", false}},
                                {{"name", "team"}, {"shown", nullptr}, {"computed", "9"}, {"equal", false}},
                                {{"name", "pro"}, {"shown", "10"}, {"computed", "10"}, {"equal", true}}}));
  EXPECT_TRUE(verified(kTop, R"({"key":["pro"]})")["equal"].get<bool>());
  EXPECT_FALSE(verify_json(hub(), store_, clock_, kTop, R"({"key":["nobody"]})"));
}

TEST_F(PanelKindsTest, a_bands_point_and_series_are_computed_again) {
  const std::string window = std::to_string(to_ms(day(1).start)) + "\t" + std::to_string(to_ms(day(1).end));
  store_.answers["series"] = window + "\t1\t5\t900\t\t0\t1\n";
  commit_to(5);
  hub().shown_or_compute(kBand).value();
  store_.answers["newest"] = window + "\t1\t5\t901\t\t0\t1\n";
  EXPECT_TRUE(verified(kBand, R"({"key":["p50"]})")["equal"].get<bool>());
  const json series = verified(kBand, R"({"key":["p99"]})");
  EXPECT_EQ(series["shown"], "900");
  EXPECT_EQ(series["computed"], "901");
  store_.answers["newest"] = "1\t5\t900\t\t0\t1\n";
  const json point = verified(kBand, R"({"key":["p99"],"window_start":)" + std::to_string(to_ms(day(1).start)) + "}");
  EXPECT_EQ(point["computed"], "900");
  EXPECT_TRUE(point["equal"].get<bool>());
  EXPECT_FALSE(verify_json(hub(), store_, clock_, kBand, R"({"key":["p42"]})"));
  EXPECT_FALSE(verify_json(hub(), store_, clock_, kBand, "{}"));
}

TEST_F(PanelKindsTest, a_retention_is_computed_again_cell_by_cell) {
  store_.answers["view"] = cohort_line(kThisWeek, 0, 4, "filling") + cohort_line(kThisWeek - kWeek, 0, 7, "final");
  commit_to(5);
  hub().shown_or_compute(kRetention).value();
  // 2026-03-26 is a Thursday. Columns: window, cohort_start, period, people, state.
  store_.answers["newest"] =
      "2026-03-19 00:00:00.000\t2026-03-26 00:00:00.000\t2026-03-19 00:00:00.000\t0\t8\tfinal\n"
      "2026-03-26 00:00:00.000\t2026-04-02 00:00:00.000\t2026-03-26 00:00:00.000\t0\t4\tfilling\n";
  const json all = verified(kRetention, "{}");
  EXPECT_EQ(all["compared"], 2);
  EXPECT_EQ(all["cells"][0], (json{{"name", "2026-03-19 period 0"}, {"shown", "7"}, {"computed", "8"}, {"equal", false}}));
  const json one = verified(kRetention, R"({"key":["0"],"window_start":)" + std::to_string(kThisWeek) + "}");
  EXPECT_EQ(one["compared"], 1);
  EXPECT_TRUE(one["equal"].get<bool>());
}

TEST_F(PanelKindsTest, explain_prints_sql_that_runs_for_every_kind) {
  store_.answers["over"] = "";
  commit_to(5);
  for (const std::string& panel : {kFunnel, kSplit, kTop, kPages, kBand, kWhole, kRetention}) {
    const auto text = explain_json(hub(), panel);
    ASSERT_TRUE(text) << panel << text.error().message;
    const json shown = json::parse(*text);
    EXPECT_NE(shown["sql"].get<std::string>().find("epoch <= 5"), std::string::npos) << panel;
    EXPECT_NE(shown["view_sql"].get<std::string>().find("FROM sluice.`"), std::string::npos) << panel;
  }
}

TEST_F(PanelKindsTest, csv_has_the_columns_of_the_kind) {
  store_.answers["over"] =
      "d\"e\t1\tviewed\t9\t0\t0\t1\t3\t9\nd\"e\t2\tcarted\t4\t5\t0\t1\t3\t9\nd\"e\t3\tbought\t0\t\\N\t0\t1\t3\t9\n";
  store_.answers["view"] = cohort_line(kThisWeek, 0, 4, "filling");
  commit_to(5);
  const std::string funnel = csv_text(hub(), kSplit).value();
  EXPECT_TRUE(funnel.starts_with("window_start,window_end,country,step,step_name,people,median_ms,state,as_of\r\n")) << funnel;
  EXPECT_NE(funnel.find(",\"d\"\"e\",2,carted,4,5,filling,"), std::string::npos) << funnel;
  EXPECT_NE(funnel.find(",3,bought,0,,filling,"), std::string::npos) << funnel;
  const std::string retention = csv_text(hub(), kRetention).value();
  EXPECT_TRUE(retention.starts_with("window_start,window_end,period,people,state,as_of\r\n")) << retention;
  EXPECT_NE(retention.find(",0,4,filling,"), std::string::npos) << retention;
}

TEST_F(PanelKindsTest, people_lost_at_a_step_are_listed_with_how_many_more_there_are) {
  store_.answers["over"] = kThreeSteps;
  commit_to(5);
  hub().shown_or_compute(kFunnel).value();
  store_.answers["over"] = "u_2\t1774600000000\t80\nu'1\t1774500000000\t80\n";
  const json lost = json::parse(dropped_json(hub(), store_, kFunnel, read_dropped("2", "", "2").value(), {}).value());
  EXPECT_EQ(lost["step"], 2);
  EXPECT_EQ(lost["epoch"], 5);
  EXPECT_EQ(lost["rows"], json({{{"key", "u_2"}, {"at", 1774600000000}}, {{"key", "u'1"}, {"at", 1774500000000}}}));
  EXPECT_EQ(lost["more"], 78);
  EXPECT_NE(store_.asked.back().sql.find("WHERE NOT _r2\n"), std::string::npos) << store_.asked.back().sql;
  EXPECT_NE(store_.asked.back().sql.find("LIMIT 2"), std::string::npos);
  store_.answers["newest"] = "u_2\t1774600000000\n\"q\"\t1774500000000\n";
  EXPECT_EQ(dropped_csv(hub(), store_, kFunnel, read_dropped("3", "[]", "").value(), {}).value(),
            "key,entered_at\r\nu_2,2026-03-27T08:26:40.000Z\r\n\"\"\"q\"\"\",2026-03-26T04:40:00.000Z\r\n");
  EXPECT_NE(store_.asked.back().sql.find("WHERE NOT _r3 AND _r2\n"), std::string::npos) << store_.asked.back().sql;
}

TEST_F(PanelKindsTest, people_lost_are_asked_for_by_step_and_group) {
  store_.answers["over"] =
      "de\t" + std::string("1\tviewed\t9\t0\t0\t1\t3\t9\nde\t2\tcarted\t4\t5\t0\t1\t3\t9\nde\t3\tbought\t1\t7\t0\t1\t3\t9\n");
  commit_to(5);
  const auto code = [&](const std::string& panel, const char* step, const char* key) {
    const auto lost = dropped_json(hub(), store_, panel, read_dropped(step, key, "").value(), {});
    return lost ? Code::unknown : lost.error().code;
  };
  EXPECT_EQ(code(kSplit, "1", R"(["de"])"), Code::invalid) << "all who entered reached step 1";
  EXPECT_EQ(code(kSplit, "4", R"(["de"])"), Code::invalid);
  EXPECT_EQ(code(kSplit, "2", ""), Code::invalid);
  EXPECT_EQ(code(kRetention, "2", ""), Code::invalid) << "no funnel";
  EXPECT_EQ(code("d.9.9", "2", ""), Code::not_found);
  for (const char* step : {"", "x", "-1", "2.5"}) EXPECT_FALSE(read_dropped(step, "", "")) << step;
  for (const char* key : {"de", "{}", "[1]", "[[\"de\"]]", "[\"de\""}) EXPECT_FALSE(read_dropped("2", key, "")) << key;
  for (const char* limit : {"0", "1001", "x"}) EXPECT_FALSE(read_dropped("2", "", limit)) << limit;
  store_.answers["over"] = "u\t1\t1\n";
  EXPECT_EQ(code(kSplit, "2", "[null]"), Code::unknown);
  EXPECT_NE(store_.asked.back().sql.find("AND _e0 IS NULL"), std::string::npos);
}

}  // namespace
}  // namespace sluice::serve
