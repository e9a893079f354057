#include "app/plan_preview.h"

#include <gtest/gtest.h>

#include "app/project_files.h"
#include "os/ports.h"

namespace sluice::app {
namespace {

std::unique_ptr<plan::Plan> plan_of(const std::string& metrics) {
  Result<std::unique_ptr<plan::Plan>> plan = compile_project({{"sluice.yaml", "version: 1\nname: p\nsources: [{name: site}]\n"},
                                                              {"metrics/m.yaml", "version: 1\nmetrics:\n" + metrics}});
  EXPECT_TRUE(plan) << plan.error().message;
  return std::move(*plan);
}

const std::string kSame = "  - {name: same, window: {tumble: 1h}, measures: {n: count()}}\n";
const std::string kOld = "  - {name: daily, window: {tumble: 1d}, measures: {n: count(), gone: count(user_id)}}\n";
const std::string kNew = "  - {name: daily, window: {tumble: 1d}, measures: {n: count(), lines: sum(properties.lines)}}\n";

// Two days with events, 1970-01-01 and 1970-01-03: what the store says to the four statements about a changed metric, in their order.
Ask answers(std::vector<std::string>& formats) {
  return [&formats](const std::string&, const std::string& format) -> Result<std::string> {
    static const std::vector<std::string> kAnswers{"0\t86400000\t10\n172800000\t259200000\t30\n", "",
                                                   "0\t86400000\t7\t1\t0\t1\n172800000\t259200000\t\\N\t30\t0\t1\n",
                                                   "172800000\t259200000\t5\t29\t0\t1\n"};
    formats.push_back(format);
    return kAnswers.at(formats.size() - 1);
  };
}

TEST(PlanPreview, what_changes_is_counted_and_set_side_by_side) {
  os::RealPorts real;
  const auto before = plan_of(kSame + kOld + "  - {name: old, window: {tumble: 1d}, measures: {n: count()}}\n");
  const auto after = plan_of(kSame + kNew);
  std::vector<std::string> asked;
  const Result<PlanPreview> seen = preview(*before, *after, 5, answers(asked), real.ports().clock);
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(asked, (std::vector<std::string>{"TabSeparated", "Null", "TabSeparated", "TabSeparated"}));
  EXPECT_EQ(seen->unchanged, 1U);
  ASSERT_EQ(seen->metrics.size(), 2U);
  const MetricPreview& daily = seen->metrics[0];
  EXPECT_EQ(daily.change, MetricPreview::Change::changed);
  EXPECT_EQ(daily.windows, 2U);
  EXPECT_EQ(daily.rows, 40U);
  EXPECT_EQ(seen->metrics[1].change, MetricPreview::Change::removed);
  const std::string text = preview_text(*seen);
  const std::string table = text.substr(text.find('\n') + 1);
  EXPECT_EQ(table,
            "  window                       lines        n\n"
            "  1970-01-01T00:00:00.000Z     – → 7    – → 1\n"
            "  1970-01-03T00:00:00.000Z  – → NULL  29 → 30\n"
            "removed  old: its view goes\n"
            "1 unchanged\n");
  EXPECT_NE(preview_json(*seen).find(R"("n":{"before":"29","after":"30"})"), std::string::npos);
}

TEST(PlanPreview, nothing_changes_is_said) {
  os::RealPorts real;
  const auto plan = plan_of(kSame);
  std::vector<std::string> asked;
  const Result<PlanPreview> seen = preview(*plan, *plan, 5, answers(asked), real.ports().clock);
  ASSERT_TRUE(seen);
  EXPECT_EQ(preview_text(*seen), "no number changes\n1 unchanged\n");
}

TEST(PlanPreview, a_store_that_is_away_is_an_error) {
  os::RealPorts real;
  const auto away = [](const std::string&, const std::string&) -> Result<std::string> { return fail(Code::unavailable, "away"); };
  EXPECT_EQ(preview(*plan_of(kOld), *plan_of(kNew), 5, away, real.ports().clock).error().code, Code::unavailable);
}

}  // namespace
}  // namespace sluice::app
