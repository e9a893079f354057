#include "serve/over_answer.h"

#include <gtest/gtest.h>

#include "serve/page_test_fixture.h"

namespace sluice::serve {
namespace {

using nlohmann::json;

class OverAnswerTest : public PageTest {
 protected:
  OverAnswerTest() : list_(plan_) {}
  const PanelEntry& table() { return list_.panels()[*list_.find(kTable)]; }
  static OverAnswer answer_of(int groups) {
    OverAnswer answer;
    answer.empty = false;
    answer.window = day(1);
    answer.groups = static_cast<uint64_t>(groups);
    for (int i = 0; i < groups; ++i)
      answer.rows.push_back({{"r" + std::to_string(i)}, {std::to_string(i), "1", std::nullopt}, false, true});
    return answer;
  }
  PanelList list_;
};

TEST_F(OverAnswerTest, a_table_shows_its_largest_rows_and_how_many_more_there_are) {
  const ShownTable shown = table_rows(table(), answer_of(250), kMinusInfinity);
  const json data = json::parse(table_data(shown));
  ASSERT_EQ(data["rows"].size(), kTableRowsMax);
  EXPECT_EQ(data["rows"][0]["cells"], json({"r249", "249", nullptr}));
  EXPECT_EQ(data["rows"][199]["key"], json({"r50"}));
  EXPECT_EQ(data["more"], 50);
}

TEST_F(OverAnswerTest, groups_that_were_not_read_are_counted_too) {
  OverAnswer answer = answer_of(3);
  answer.groups = 12'345;
  EXPECT_EQ(json::parse(table_data(table_rows(table(), answer, kMinusInfinity)))["more"], 12'342);
}

TEST_F(OverAnswerTest, a_row_that_falls_out_of_the_largest_is_removed_by_the_patch) {
  OverAnswer answer = answer_of(200);
  const ShownTable before = table_rows(table(), answer, kMinusInfinity);
  answer.rows.push_back({{"new"}, {"1000", "1", std::nullopt}, false, true});
  answer.groups = 201;
  const ShownTable after = table_rows(table(), answer, kMinusInfinity);
  const json patch = json::parse(*table_patch(before, after));
  ASSERT_EQ(patch["rows"].size(), 2u);
  EXPECT_EQ(patch["rows"][0]["key"], json({"new"}));
  EXPECT_EQ(patch["rows"][1], (json{{"key", {"r0"}}, {"removed", true}}));
  EXPECT_EQ(patch["more"], 1);
  EXPECT_FALSE(table_patch(after, after));
}

TEST_F(OverAnswerTest, a_topk_is_asked_for_as_one_text_and_shown_as_a_list) {
  const plan::Compiled compiled = plan::compile(
      {{"sluice.yaml", std::string(kProjectYaml)},
       {"metrics/m.yaml",
        "version: 1\nmetrics:\n  - name: m\n    window: {tumble: 1d}\n    dimensions: {repo: properties.repo}\n"
        "    measures:\n      n: count()\n      epoch: topk(user_key, 2)\n"},
       {"dashboards/d.yaml", "version: 1\ndashboards:\n  - name: d\n    rows: [[{table: m, columns: [repo, n, epoch]}]]\n"}});
  ASSERT_TRUE(compiled.plan);
  const Project project{std::make_shared<const plan::Plan>(*compiled.plan), "0.1.0", "", "", false};
  const PanelList list(*compiled.plan);
  BoardTask task;
  task.newest = time_ms(kToday);
  store_.answers["over"] = "fmt\t2:3:a\"b1:0:\t3\t0\t1\t2\nnone\t\t1\t0\t1\t2\n";
  const Result<Loaded> loaded = load(project, list.queries()[0], task, store_, clock_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_NE(store_.asked.back().sql.find("SELECT * REPLACE (arrayStringConcat("), std::string::npos);
  EXPECT_NE(store_.asked.back().sql.find(" AS `_epoch`)"), std::string::npos) << "the query's own name for it";
  OverAnswer answer;
  answer.empty = false;
  answer.groups = loaded->groups;
  for (const LoadedRow& row : loaded->rows) answer.rows.push_back({row.key, row.values, row.any_late, row.any_on_time});
  const json rows = json::parse(table_data(table_rows(list.panels()[0], answer, kMinusInfinity)))["rows"];
  EXPECT_EQ(rows[0]["cells"], json::parse(R"(["fmt", "3", [["a\"b", 2], ["", 1]]])"));
  EXPECT_EQ(rows[1]["cells"], json::parse(R"(["none", "1", []])"));
  store_.answers["over"] = "fmt\t2:3:a\t3\t0\t1\t2\n";
  EXPECT_FALSE(load(project, list.queries()[0], task, store_, clock_)) << "a short list is no list";
}

TEST_F(OverAnswerTest, the_windows_end_is_the_buckets_that_holds_the_newest_event) {
  const plan::Metric& metric = plan_.metrics[0];
  EXPECT_EQ(over_span(metric, time_ms(kToday), DurationMs(2 * kDay)),
            (plan::Span{time_ms(kToday - kDay), time_ms(kToday + kDay)}));
  EXPECT_EQ(over_span(metric, time_ms(kToday - 1), DurationMs(2 * kDay)),
            (plan::Span{time_ms(kToday - 2 * kDay), time_ms(kToday)}));
  EXPECT_EQ(over_span(metric, time_ms(-1), DurationMs(kDay)), (plan::Span{time_ms(-kDay), time_ms(0)}));
}

TEST_F(OverAnswerTest, panels_share_a_query_when_metric_over_and_kept_dimensions_are_equal) {
  const auto query = [&](const std::string& id) { return list_.panels()[*list_.find(id)].query; };
  EXPECT_EQ(query(kStat), query(kOtherStat));
  EXPECT_NE(query(kStat), query(kTable));
  EXPECT_EQ(list_.queries()[query(kView)].kind, SharedQuery::Kind::view);
  EXPECT_EQ(list_.queries()[query(kSeries)].kind, SharedQuery::Kind::series);
  EXPECT_EQ(list_.queries()[query(kTable)].kind, SharedQuery::Kind::over);
  EXPECT_FALSE(list_.find("activity.0"));
}

}  // namespace
}  // namespace sluice::serve
