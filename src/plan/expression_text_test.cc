#include "plan/expression_text.h"

#include <gtest/gtest.h>

#include "plan/compile_test_fixture.h"

namespace sluice::plan {
namespace {

Plan with_where(const std::string& where) {
  std::string quoted;
  for (const char c : where) quoted += c == '\'' ? "''" : std::string(1, c);
  return plan_of(metric("    where: '" + quoted + "'\n    window: {tumble: 1d}\n    measures: {n: count()}\n"));
}
std::string where_text(const std::string& where) {
  const Plan plan = with_where(where);
  return expression_text(plan.metrics[0].where, plan, plan.metrics[0]);
}

TEST(ExpressionText, only_the_parentheses_that_are_needed_are_printed) {
  EXPECT_EQ(where_text("(event = 'a') and ((event != 'b' or (not (source = 'it''s'))))"),
            "event = 'a' and (event != 'b' or not source = 'it''s')");
  EXPECT_EQ(where_text("event = 'a' or event = 'b' and event = 'c'"), "event = 'a' or event = 'b' and event = 'c'");
  EXPECT_EQ(where_text("(properties.a + 1) * 2 - (3 - properties.b) >= 12.50"),
            "(properties.a + 1) * 2 - (3 - properties.b) >= 12.5");
  EXPECT_EQ(where_text("not (event in ('a', 'b') and user_id is null)"), "not (event in ('a', 'b') and user_id is null)");
}

TEST(ExpressionText, a_path_says_what_it_is_where_nothing_beside_it_does) {
  EXPECT_EQ(where_text("number(properties.a) = number(properties.b)"), "number(properties.a) = number(properties.b)");
  EXPECT_EQ(where_text("text(properties.a) < text(properties.b)"), "text(properties.a) < text(properties.b)");
  EXPECT_EQ(where_text("context.bot = true and properties.a = 5"), "context.bot = 'true' and properties.a = 5");
  EXPECT_EQ(where_text("number(properties.a) is null or properties.b is not null"),
            "number(properties.a) is null or properties.b is not null");
}

TEST(ExpressionText, odd_keys_times_and_functions_come_as_they_are_written) {
  EXPECT_EQ(where_text("properties['a.b'].c['d e']['f\\g'] like 'x\\%%'"), "properties['a.b'].c['d e']['f\\g'] like 'x\\%%'");
  EXPECT_EQ(where_text("event_time >= '2026-03-28T01:00:00+01:00'"), "event_time >= '2026-03-28T00:00:00.000Z'");
  EXPECT_EQ(where_text("length(lower(properties.a)) > 3 and upper(event) = 'A'"),
            "length(lower(properties.a)) > 3 and upper(event) = 'A'");
}

TEST(ExpressionText, what_is_printed_compiles_to_the_same_version) {
  for (const std::string where : {"not (not event = 'a')", "(event = 'a' and event = 'b') and (event = 'c' and event = 'd')",
                                  "1 - (2 - properties.a) = 3 - 2 - 1", "properties.a / (properties.b * 2) / 4 < 5",
                                  "text(properties.a) = text(properties.b) or number(properties.a) > number(properties.b)",
                                  "(event in ('a') or user_id is null) and not properties['x y'] like '%a_'",
                                  "number(properties.a) = null", "length(properties.a) = properties.n"}) {
    const Plan before = with_where(where);
    const std::string text = expression_text(before.metrics[0].where, before, before.metrics[0]);
    EXPECT_EQ(with_where(text).metrics[0].version, before.metrics[0].version) << where << " -> " << text;
  }
}

TEST(ExpressionText, measures_come_as_in_yaml) {
  const std::vector<std::string> written{"avg(properties.a)",
                                         "count()",
                                         "count(properties.a)",
                                         "distinct(lower(properties.a))",
                                         "first(number(properties.a))",
                                         "last(properties.a)",
                                         "max(event_time)",
                                         "min(text(properties.a))",
                                         "percentile(properties.a, 0.999)",
                                         "sum(properties.a * 2)",
                                         "topk(properties.a, 12)"};
  std::string body = "    window: {tumble: 1d}\n    measures:\n      z: 100 * (m00 - m01) / m09\n";
  for (size_t i = 0; i < written.size(); ++i)
    body += "      m" + std::string(i < 10 ? "0" : "") + std::to_string(i) + ": " + written[i] + "\n";
  const Plan plan = plan_of(metric(body));
  ASSERT_EQ(plan.metrics[0].measures.size(), written.size() + 1);
  for (size_t i = 0; i < written.size(); ++i)
    EXPECT_EQ(measure_text(plan.metrics[0].measures[i], plan, plan.metrics[0]), written[i]);
  EXPECT_EQ(measure_text(plan.metrics[0].measures.back(), plan, plan.metrics[0]), "100 * (m00 - m01) / m09");
}

}  // namespace
}  // namespace sluice::plan
