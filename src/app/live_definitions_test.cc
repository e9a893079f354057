// The project's files are edited while everything runs.
#include "app/live_definitions.h"

#include <gtest/gtest.h>

#include "app/plan_preview.h"
#include "app/running_up_test.h"

namespace sluice::app {
namespace {

const net::Headers kDemo = {{"Authorization", "Bearer demo"}};

class LiveDefinitionsTest : public testing::Test {
 protected:
  void SetUp() override {
    up_.start();
    send("1", R"({"page":"a","weight":2})");
    send("2", R"({"page":"b","weight":3})");
    send("3", R"({"page":"b","weight":4})");
    ASSERT_TRUE(says("SELECT sum(clicks) FROM sluice.clicks", "3"));
  }
  void send(const std::string& id, const std::string& properties) {
    const std::string body = R"({"event":"clicked","message_id":")" + id + R"(","properties":)" + properties + "}";
    ASSERT_EQ(up_.post(up_.addresses().collect, "/v1/events", body, kDemo).status, 200);
  }
  void save(const std::string& file, const std::string& text) {
    ASSERT_TRUE(up_.ports().files.replace(up_.setup().project + "/" + file, text));
  }
  bool says(const std::string& sql, const std::string& value) {
    return up_.eventually([&] { return up_.value(sql) == value; });
  }
  nlohmann::json project() { return nlohmann::json::parse(up_.get(up_.addresses().web, "/api/project").body); }

  RunningUp up_;
};

constexpr const char* kHeavy = R"(version: 1
metrics:
  - name: clicks
    where: event = 'clicked' and properties.weight > 2
    window: {tumble: 10s}
    dimensions: {page: properties.page}
    measures: {clicks: count(), people: distinct(user_key), weight: sum(properties.weight)}
  - name: pages
    window: {tumble: 1d}
    measures: {pages: distinct(properties.page)}
)";

TEST_F(LiveDefinitionsTest, a_saved_file_is_what_views_and_page_show_without_a_restart) {
  save("metrics/clicks.yaml", kHeavy);
  EXPECT_TRUE(says("SELECT sum(clicks) FROM sluice.clicks", "2"));
  EXPECT_TRUE(says("SELECT pages FROM sluice.pages", "2"));
  EXPECT_TRUE(up_.eventually([&] { return project()["metrics"].size() == 2; }));
  send("4", R"({"page":"b","weight":5})");
  EXPECT_TRUE(says("SELECT sum(clicks) FROM sluice.clicks", "3"));
  // What the page computes follows, too.
  EXPECT_TRUE(up_.eventually(
      [&] { return up_.get(up_.addresses().web, "/api/panels/load.0.0/csv").body.find(",3,") != std::string::npos; }));
}

TEST_F(LiveDefinitionsTest, a_file_with_a_mistake_leaves_the_old_numbers_and_is_told_with_its_line) {
  save("metrics/clicks.yaml",
       "version: 1\nmetrics:\n  - name: clicks\n    window: {tumbel: 10s}\n    measures: {clicks: count()}\n");
  ASSERT_TRUE(up_.eventually([&] { return !project()["definition_error"].is_null(); }));
  const nlohmann::json error = project()["definition_error"];
  EXPECT_EQ(error["file"], "metrics/clicks.yaml");
  EXPECT_EQ(error["line"], 4);
  EXPECT_EQ(error["source_line"], "    window: {tumbel: 10s}");
  send("4", R"({"page":"b","weight":5})");
  EXPECT_TRUE(says("SELECT sum(clicks) FROM sluice.clicks", "4"));
  save("metrics/clicks.yaml", kHeavy);
  EXPECT_TRUE(says("SELECT sum(clicks) FROM sluice.clicks", "3"));
  EXPECT_TRUE(project()["definition_error"].is_null());
}

TEST_F(LiveDefinitionsTest, a_dimension_is_joined_and_a_change_of_its_file_is_taken_at_once) {
  const auto heavy = [&](const std::string& page) { return "SELECT clicks FROM sluice.by_kind WHERE kind = '" + page + "'"; };
  save("pages.csv", "page,kind\na,shop\nb,shop\n");
  save("metrics/kinds.yaml", R"(version: 1
dimensions: [{name: page_kinds, key: page, file: pages.csv}]
metrics:
  - name: by_kind
    window: {tumble: 1d}
    joins: {page: {dimension: page_kinds, on: properties.page}}
    dimensions: {kind: page.kind}
    measures: {clicks: count()}
)");
  EXPECT_TRUE(says(heavy("shop"), "3"));
  EXPECT_TRUE(says("SELECT count() FROM sluice.page_kinds", "2"));
  save("pages.csv", "page,kind\na,shop\nb,blog\n");
  EXPECT_TRUE(says(heavy("blog"), "2"));
  EXPECT_TRUE(says(heavy("shop"), "1"));
  save("pages.csv", "page,kind\na,shop\na,blog\n");
  ASSERT_TRUE(up_.eventually([&] { return !project()["definition_error"].is_null(); }));
  EXPECT_EQ(project()["definition_error"]["file"], "pages.csv");
  EXPECT_EQ(project()["definition_error"]["line"], 3);
  send("4", R"({"page":"b"})");
  EXPECT_TRUE(says(heavy("blog"), "3"));
}

TEST_F(LiveDefinitionsTest, a_dashboard_changes_on_the_page_alone) {
  save("dashboards/load.yaml",
       "version: 1\ndashboards:\n  - name: weights\n    question: How heavy?\n"
       "    rows: [[{stat: clicks.weight, over: 1d}]]\n");
  ASSERT_TRUE(up_.eventually([&] { return project()["dashboards"][0]["name"] == "weights"; }));
  EXPECT_TRUE(up_.eventually(
      [&] { return up_.get(up_.addresses().web, "/api/panels/weights.0.0/csv").body.find(",9,") != std::string::npos; }));
}

TEST_F(LiveDefinitionsTest, what_only_a_start_reads_is_refused_with_that_reason) {
  save("sluice.yaml",
       "version: 1\nname: load\nlisteners: {collect: 127.0.0.1:0, web: 127.0.0.1:0, sql: 127.0.0.1:0}\n"
       "sources:\n  - {name: site, disorder: 1s, idle: 3s}\n");
  ASSERT_TRUE(up_.eventually([&] { return !project()["definition_error"].is_null(); }));
  EXPECT_EQ(project()["definition_error"]["message"],
            "sources changed, which only a start of `sluice up` reads; start it again to use all that is new");
}

TEST_F(LiveDefinitionsTest, a_change_can_be_looked_at_before_it_is_applied) {
  const std::string project = up_.setup().project;
  const auto before = compile_project(*read_project(up_.ports().files, project));
  save("metrics/clicks.yaml", kHeavy);
  const auto after = compile_project(*read_project(up_.ports().files, project));
  ASSERT_TRUE(before && after);
  const auto ask = [&](const std::string& sql, const std::string& format) -> Result<std::string> {
    const net::Response reply = up_.post(up_.control().unix_path, "/api/query?format=" + format, sql);
    if (reply.status != 200) return fail(Code::invalid, reply.body);
    return reply.body;
  };
  const Result<PlanPreview> seen = preview(**before, **after, 5, ask, up_.ports().clock);
  ASSERT_TRUE(seen) << seen.error().message;
  ASSERT_EQ(seen->metrics.size(), 2U);
  uint64_t then = 0, now = 0;   // `clicks` may lie in one or two windows of 10 s
  for (const MetricPreview::Period& period : seen->metrics[0].periods) {
    then += std::stoull("0" + period.values[0].before);
    now += std::stoull("0" + period.values[0].after);
  }
  EXPECT_EQ(then, 3U);
  EXPECT_EQ(now, 2U);
  EXPECT_EQ(seen->metrics[1].windows, 1U);
  EXPECT_EQ(seen->metrics[1].rows, 3U);
}

TEST_F(LiveDefinitionsTest, without_watching_files_are_taken_when_that_is_asked_for) {
  up_.stop();
  up_.start([](UpSetup& setup) { setup.watch = false; });
  save("metrics/clicks.yaml", kHeavy);
  const auto apply = [&] { return up_.post(up_.control().unix_path, "/api/apply", ""); };
  EXPECT_TRUE(says("SELECT sum(clicks) FROM sluice.clicks", "3"));
  EXPECT_EQ(apply().body, "new: pages; changed: clicks");
  EXPECT_TRUE(says("SELECT sum(clicks) FROM sluice.clicks", "2"));
  save("metrics/clicks.yaml", "version: 1\nmetric: []\n");
  const net::Response refused = apply();
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.body.find("metrics/clicks.yaml:2:1: unknown key `metric`"), std::string::npos) << refused.body;
}

TEST_F(LiveDefinitionsTest, a_stop_in_the_middle_of_a_change_goes_on_at_the_next_start) {
  save("metrics/clicks.yaml", kHeavy);
  up_.stop();
  up_.start();
  EXPECT_TRUE(says("SELECT sum(clicks) FROM sluice.clicks", "2"));
  EXPECT_TRUE(says("SELECT pages FROM sluice.pages", "2"));
}

}  // namespace
}  // namespace sluice::app
