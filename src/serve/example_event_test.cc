#include "serve/example_event.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "plan/compile_test_fixture.h"

namespace sluice::serve {
namespace {

plan::Plan compiled(std::string_view metrics, std::string_view dashboards = "") {
  const plan::Compiled result = plan::compile(plan::files(metrics, dashboards));
  for (const plan::Diagnostic& d : result.diagnostics) ADD_FAILURE() << d.text();
  return *result.plan;
}
std::string example(std::string_view metrics, std::string_view dashboards = "") {
  return example_event(compiled(metrics, dashboards)).value_or("none");
}
// Of one metric that counts what passes `where`.
std::string where(std::string_view condition, std::string_view more = "") {
  return example(plan::metric("    where: " + std::string(condition) +
                              "\n    window: {tumble: 1d}\n    measures:\n      n: count()\n" + std::string(more)));
}

TEST(ExampleEvent, is_named_as_the_metric_asks_and_carries_what_its_dimensions_and_measures_read) {
  EXPECT_EQ(example(plan::kCommits, plan::kActivity),
            R"({"event":"commit_authored","user_id":"u_1","properties":{"repo":"example","insertions":1}})");
}

TEST(ExampleEvent, meets_every_side_of_a_conjunction) {
  EXPECT_EQ(where("event = 'paid' and properties.amount > 99.5 and 10 >= properties.cart.items and properties.plan != 'free' "
                  "and properties.country in ('DE', 'FR') and context.bot = false and user_id = 'u_7'"),
            R"({"event":"paid","user_id":"u_7","properties":{"amount":100.5,"cart":{"items":9},"country":"DE","plan":"example"},)"
            R"("context":{"bot":false}})");
}

TEST(ExampleEvent, takes_the_first_of_alternatives_and_leaves_out_what_must_be_absent) {
  EXPECT_EQ(where("(event = 'a' or event = 'b') and properties.error is null and properties['a.b'] is not null"),
            R"({"event":"a","user_id":"u_1","properties":{"a.b":"example"}})");
  EXPECT_EQ(where("event = 'a' and user_id is null"), R"({"event":"a","anonymous_id":"anon_1"})");
}

TEST(ExampleEvent, counts_in_measures_with_their_own_where_unless_they_contradict_the_metric) {
  EXPECT_EQ(where("event = 'a'", "      bots: {value: count(), where: context.bot = true}\n"),
            R"({"event":"a","user_id":"u_1","context":{"bot":true}})");
  EXPECT_EQ(where("properties.plan != 'free'", "      free: {value: count(), where: properties.plan = 'free'}\n"),
            R"({"event":"page_viewed","user_id":"u_1","properties":{"plan":"example"}})");
}

TEST(ExampleEvent, is_of_the_first_metric_on_a_dashboard_that_the_first_source_can_feed) {
  const std::string_view metrics = R"(version: 1
metrics:
  - {name: a, question: q, where: "event = 'first_by_name'", window: {tumble: 1d}, measures: {n: count()}}
  - {name: b, question: q, where: "source = 'import' and event = 'imported'", window: {tumble: 1d}, measures: {n: count()}}
  - {name: c, question: q, where: "source = 'site' and event = 'shown'", window: {tumble: 1d}, measures: {n: count()}}
)";
  const std::string_view shown = "version: 1\ndashboards:\n  - {name: d, question: q, rows: [[{stat: b.n}], [{stat: c.n}]]}\n";
  EXPECT_EQ(example(metrics, shown), R"({"event":"shown","user_id":"u_1"})");
  EXPECT_EQ(example(metrics), R"({"event":"first_by_name","user_id":"u_1"})");
}

TEST(ExampleEvent, there_is_none_where_it_would_not_be_counted) {
  for (const char* condition :
       {"event = 'a' and event = 'b'", "event like 'order%'", "event_time > received_at", "message_id != 'x'",
        "properties.a + properties.b = 7", "source != 'site'", "properties.amount >= 999999999999999999"}) {
    EXPECT_EQ(where(condition), "none") << condition;
  }
  EXPECT_EQ(example(""), "none");
}

TEST(ExampleEvent, a_path_beside_its_own_inside_is_left_out) {
  EXPECT_EQ(where("properties.a = 'x'", "      inner: sum(properties.a.b)\n"),
            R"({"event":"page_viewed","user_id":"u_1","properties":{"a":"x"}})");
  EXPECT_EQ(where("properties.a = 'x' and properties.a.b = 1"), "none");
}

TEST(ExampleEvent, a_number_wins_over_an_example_text_and_texts_are_quoted) {
  EXPECT_EQ(example(plan::metric("    window: {tumble: 1d}\n    dimensions:\n      size: properties.size\n    measures:\n"
                                 "      sizes: sum(properties.size)\n")),
            R"({"event":"page_viewed","user_id":"u_1","properties":{"size":1}})");
  EXPECT_EQ(where("event = 'it''s \"it\"'"), R"({"event":"it's \"it\"","user_id":"u_1"})");
}

TEST(ExampleEvent, a_bounded_number_of_metrics_is_tried) {
  const auto metrics = [](size_t impossible) {
    std::string yaml = "version: 1\nmetrics:\n";
    for (size_t i = 0; i < impossible; ++i) {
      yaml += "  - {name: a" + std::to_string(i) +
              ", question: q, where: \"source = 'import'\", window: {tumble: 1d}, measures: {n: count()}}\n";
    }
    return yaml + "  - {name: b, question: q, window: {tumble: 1d}, measures: {n: count()}}\n";
  };
  EXPECT_EQ(example(metrics(kExampleMetricsMax - 1)), R"({"event":"page_viewed","user_id":"u_1"})");
  EXPECT_EQ(example(metrics(kExampleMetricsMax)), "none");
}

TEST(ExampleEvent, has_at_most_the_bounded_number_of_properties_and_depth) {
  std::string measures;
  for (size_t i = 0; i < kExamplePathsMax + 5; ++i) {
    measures += "      m" + std::to_string(i) + ": sum(properties.p" + std::to_string(i) + ")\n";
  }
  const std::string json = where("event = 'a'", measures);
  size_t properties = 0;
  for (size_t at = json.find("\"p"); at != std::string::npos; at = json.find("\"p", at + 1)) ++properties;
  EXPECT_EQ(properties, kExamplePathsMax + 1) << "with the key `properties`: " << json;

  std::string deep = "properties";
  for (size_t i = 1; i < kExampleDepthMax; ++i) deep += ".d";
  EXPECT_NE(where(deep + " = 'x'"), "none");
  EXPECT_EQ(where(deep + ".d = 'x'"), "none");
}

}  // namespace
}  // namespace sluice::serve
