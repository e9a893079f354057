// Joins in definitions: what is read, refused, named and printed. What they compute: tests/text/joins.test.
#include <gtest/gtest.h>

#include "plan/clickhouse.h"
#include "plan/compile_test_fixture.h"
#include "plan/dimension_table.h"
#include "plan/expression_text.h"
#include "plan/joined_rows.h"

namespace sluice::plan {
namespace {

constexpr std::string_view kAccounts = "dimensions:\n  - {name: accounts, key: id, file: dimensions/accounts.csv}\n";
constexpr std::string_view kRows = "id,plan,seats\na,pro,20\nb,free,\n";

// A project with that dimension and one metric m with that body (indented by four).
std::vector<SourceFile> joined(std::string_view body, std::string_view rows = kRows) {
  return {{"sluice.yaml", std::string(kProject)},
          {"metrics/m.yaml",
           "version: 1\nmetrics:\n  - name: m\n    window: {tumble: 1d}\n    measures: {n: count()}\n" + std::string(body)},
          {"dimensions/d.yaml", "version: 1\n" + std::string(kAccounts)},
          {"dimensions/accounts.csv", std::string(rows)}};
}
std::string where(std::string_view expression, std::string_view join = "{dimension: accounts, on: properties.id}") {
  return "    joins: {account: " + std::string(join) + "}\n    where: " + std::string(expression) + "\n";
}
Plan plan_with(const std::vector<SourceFile>& of) {
  Compiled compiled = compile(of);
  for (const Diagnostic& d : compiled.diagnostics) ADD_FAILURE() << d.text();
  Plan nothing;
  nothing.metrics.resize(1);
  return compiled.plan.value_or(nothing);
}

TEST(joins, what_is_joined_is_typed_by_its_use_and_shown_as_written) {
  const auto shown = [](std::string_view expression) {
    const Plan plan = plan_with(joined(where(expression)));
    return expression_text(plan.metrics[0].where, plan, plan.metrics[0]);
  };
  EXPECT_EQ(shown("account.plan = 'pro' and account.seats > 3"), "account.plan = 'pro' and account.seats > 3");
  EXPECT_EQ(shown("text(account.seats) = text(account.plan)"), "text(account.seats) = text(account.plan)");
  EXPECT_EQ(shown("number(account.seats) is null or account.plan is null"),
            "number(account.seats) is null or account.plan is null");
  EXPECT_EQ(errors(joined(where("account.plan = account.seats"))),
            "metrics/m.yaml:7:25: text or number? Say text(account.plan) or number(account.plan)\n");
}

TEST(joins, a_row_is_found_by_key_as_of_event_time) {
  const std::vector<SourceFile> files = joined(where("account.plan = 'pro'"));
  const Plan plan = plan_with(files);
  JoinedRows rows(plan);
  Evaluator evaluator;
  event::ScalarView id{"properties.id", "a", std::nullopt};
  std::vector<const event::ScalarView*> paths{&id};
  Row row;
  row.paths = paths;
  row.joined = &rows;
  const auto passes = [&](std::string_view key) {
    id.text = key;
    rows.begin();
    return evaluator.passes(plan.metrics[0].where, row);
  };
  EXPECT_TRUE(passes("a"));
  EXPECT_FALSE(passes("b"));
  EXPECT_FALSE(passes("c"));
  paths[0] = nullptr;
  rows.begin();
  EXPECT_FALSE(evaluator.passes(plan.metrics[0].where, row));
}

TEST(joins, mistakes_are_told_at_their_place) {
  EXPECT_EQ(errors(joined(where("account.pln = 'pro'"))),
            "metrics/m.yaml:7:12: no column `pln` in dimensions/accounts.csv; did you mean `plan`?\n");
  EXPECT_EQ(errors(joined(where("acount.plan = 'pro'"))),
            "metrics/m.yaml:7:12: no join `acount` here; did you mean `account`?\n");
  EXPECT_EQ(errors(joined(where("account.plan = 'pro'", "{dimension: acounts, on: properties.id}"))),
            "metrics/m.yaml:6:34: no dimension `acounts` in this project; did you mean `accounts`?\n");
  EXPECT_EQ(errors(joined("    where: account.plan = 'pro'\n")),
            "metrics/m.yaml:6:12: no join `account` here; an event has properties and context, and `joins: {account: {dimension: "
            "NAME, on: "
            "properties.ID}}` joins it with a dimension\n");
  EXPECT_EQ(errors(joined(where("account.plan = 'pro'", "{dimension: accounts, on: length(event)}"))).substr(0, 64),
            "metrics/m.yaml:6:48: `on` is a text: a number stands here, a tex");
  EXPECT_EQ(errors(joined(where("event = 'x'", "{dimension: accounts, on: account.plan}"))).substr(0, 48),
            "metrics/m.yaml:6:48: `on` is a text: no join `ac");
  EXPECT_EQ(errors(joined("    joins: {event: {dimension: accounts, on: properties.id}}\n")),
            "metrics/m.yaml:6:13: `event` is of every event; choose another name\n");
}

TEST(joins, faults_of_a_file_are_told_with_its_lines_and_nothing_else_is) {
  EXPECT_EQ(errors(joined(where("account.plan = 'pro'"), "id,plan\na,pro\na,free\n")),
            "dimensions/accounts.csv:3:1: key `a` is on line 2 already; without validity a key has one row\n");
  std::vector<SourceFile> without = joined(where("account.plan = 'pro'"));
  without.pop_back();
  EXPECT_EQ(errors(without), "dimensions/d.yaml:3:37: there is no file dimensions/accounts.csv in the project's folder\n");
  const auto file = [](std::string_view path) {
    return errors(files("version: 1\ndimensions: [{name: d, key: k, file: " + std::string(path) + "}]\n"));
  };
  for (const std::string_view path : {"/etc/a.csv", "../a.csv", "a/../b.csv", "a//b.csv", "a.txt", "./a.csv"}) {
    EXPECT_EQ(file(path),
              "metrics/m.yaml:2:38: `" + std::string(path) +
                  "` is no path below the project's folder to a .csv, .jsonl or .ndjson file, like dimensions/accounts.csv\n");
  }
}

TEST(joins, names_of_dimensions_are_unique_among_all_definitions) {
  std::vector<SourceFile> files = joined("");
  files[2].text += "  - {name: m, key: id, file: dimensions/accounts.csv}\n";
  EXPECT_NE(errors(files).find("m.yaml:3:11: `m`"), std::string::npos) << errors(files);
}

TEST(joins, rows_of_a_file_change_the_plan_but_no_metric) {
  const Plan before = plan_with(joined(where("account.plan = 'pro'")));
  const Plan after = plan_with(joined(where("account.plan = 'pro'"), "id,plan,seats\na,free,20\n"));
  EXPECT_EQ(before.metrics[0].version, after.metrics[0].version);
  EXPECT_NE(before.hash, after.hash);
  EXPECT_EQ(before.hash, plan_with(joined(where("account.plan = 'pro'"), "seats,id,plan\n,b,free\n20,a,pro\n")).hash);
}

TEST(joins, a_version_is_of_what_is_joined_and_not_of_its_name_here) {
  const auto version = [](std::string_view expression, std::string_view join = "{dimension: accounts, on: properties.id}") {
    return plan_with(joined(where(expression, join))).metrics[0].version;
  };
  std::vector<SourceFile> renamed = joined(where("account.plan = 'pro'"));
  for (size_t at = 0; (at = renamed[1].text.find("account", at)) != std::string::npos && renamed[1].text[at + 7] != 's';)
    renamed[1].text.replace(at, 7, "acc");
  renamed[1].text.replace(renamed[1].text.find("account."), 7, "acc");
  EXPECT_EQ(plan_with(renamed).metrics[0].version, version("account.plan = 'pro'"));
  EXPECT_NE(version("account.plan = 'pro'"), version("account.seats = 'pro'"));
  EXPECT_NE(version("account.plan = 'pro'"), version("account.plan = 'pro'", "{dimension: accounts, on: properties.other}"));
}

TEST(joins, a_join_that_nothing_reads_costs_nothing) {
  const Plan plan = plan_with(joined("    joins: {account: {dimension: accounts, on: properties.id}}\n"));
  EXPECT_TRUE(plan.metrics[0].joins.empty());
  EXPECT_EQ(clickhouse::definition_query(plan, plan.metrics[0], 1, std::nullopt).find("JOIN"), std::string::npos);
}

TEST(joins, equal_joins_of_two_metrics_are_one) {
  std::vector<SourceFile> files = joined(where("account.plan = 'pro'"));
  files[1].text +=
      "  - name: other\n    window: {tumble: 1h}\n    joins: {a: {dimension: accounts, on: properties.id}}\n"
      "    dimensions: {plan: a.plan}\n    measures: {n: count()}\n";
  const Plan plan = plan_with(files);
  ASSERT_EQ(plan.joins.size(), 1U);
  EXPECT_EQ(plan.metrics[0].joins[0].join, 0U);
  EXPECT_EQ(plan.metrics[1].joins[0].name, "a");
}

}  // namespace
}  // namespace sluice::plan
