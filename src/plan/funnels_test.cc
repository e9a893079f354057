#include <gtest/gtest.h>

#include "plan/clickhouse.h"
#include "plan/compile_test_fixture.h"

namespace sluice::plan {
namespace {

const std::string kSteps =
    "    steps:\n      - {name: wrote, where: event = 'commit_authored'}\n"
    "      - {name: landed, where: event = 'commit_landed'}\n";
const std::string kFront = "    by: user_key\n    within: 7d\n    window: {tumble: 7d, offset: 4d}\n";

std::string funnel(const std::string& body, const std::string& name = "author_to_lander") {
  return "version: 1\nfunnels:\n  - name: " + name + "\n" + body;
}
std::string funnel_errors(const std::string& body) { return errors(files(funnel(body))); }

TEST(Funnels, one_as_it_is_written_becomes_a_metric_of_its_kind) {
  const Plan plan = plan_of(funnel("    question: Who goes from writing to landing?\n" + kFront + kSteps));
  const Metric& metric = plan.metrics[0];
  EXPECT_EQ(metric.kind, Metric::Kind::funnel);
  EXPECT_EQ(metric.name, "author_to_lander");
  EXPECT_EQ(metric.question, "Who goes from writing to landing?");
  EXPECT_EQ(metric.funnel->within, DurationMs{7LL * 86'400'000});
  EXPECT_FALSE(metric.funnel->strict);
  ASSERT_EQ(metric.funnel->steps.size(), 2U);
  EXPECT_EQ(metric.funnel->steps[1].name, "landed");
  const Span week{time_ms(4LL * 86'400'000), time_ms(11LL * 86'400'000)};
  EXPECT_EQ(metric.due(week), time_ms(18LL * 86'400'000)) << "R1: its end and `within`";
  EXPECT_EQ(metric.closes(week), time_ms(18LL * 86'400'000 + 600'000));
  ASSERT_EQ(metric.dimensions.size(), 1U);
  EXPECT_EQ(metric.dimensions[0].name, "step");
}

TEST(Funnels, what_it_means_makes_its_version_and_nothing_else) {
  const auto version = [](const std::string& body) { return plan_of(funnel(body)).metrics[0].version; };
  const std::string same = version(kFront + kSteps);
  EXPECT_EQ(version("    question: Who?\n    steps:\n      - {where: event = 'commit_authored', name: wrote}\n"
                    "      - {where: event = 'commit_landed', name: landed}\n" +
                    kFront),
            same);
  EXPECT_NE(version(kFront + "    order: strict\n" + kSteps), same);
  EXPECT_NE(version(kFront + "    allowed_lateness: 0s\n" + kSteps), same);
  EXPECT_NE(version(kFront + "    dimensions: {repo: properties.repo}\n" + kSteps), same);
  EXPECT_NE(version("    by: stitching_key\n    within: 7d\n    window: {tumble: 7d, offset: 4d}\n" + kSteps), same);
  EXPECT_NE(version("    by: user_key\n    within: 6d\n    window: {tumble: 7d, offset: 4d}\n" + kSteps), same);
  EXPECT_NE(version("    by: user_key\n    within: 7d\n    window: {tumble: 7d, offset: 3d}\n" + kSteps), same);
  EXPECT_NE(version(kFront + "    steps:\n      - {name: landed, where: event = 'commit_landed'}\n"
                             "      - {name: wrote, where: event = 'commit_authored'}\n"),
            same);
}

TEST(Funnels, an_event_that_could_be_two_steps_asks_for_strict_order) {
  const auto steps = [](const std::string& first, const std::string& second) {
    return "    by: user_key\n    within: 1d\n    window: {tumble: 1d}\n    steps:\n      - {name: a, where: \"" + first +
           "\"}\n      - {name: b, where: \"" + second + "\"}\n";
  };
  const std::string refused =
      "metrics/m.yaml:9:26: one event could be step `a` and step `b`: let each step compare `event` with another text, or write "
      "`order: strict`, which asks for a later event\n";
  EXPECT_EQ(funnel_errors(steps("event = 'view'", "event = 'view'")), refused);
  EXPECT_EQ(funnel_errors(steps("event = 'view'", "properties.n = 1")), refused);
  EXPECT_EQ(funnel_errors(steps("event != 'view'", "event = 'view'")), refused);
  EXPECT_EQ(funnel_errors(steps("event = 'view' or source = 'x'", "event = 'buy'")), refused);
  EXPECT_EQ(funnel_errors(steps("event in ('view', 'buy')", "event = 'buy'")), refused);
  EXPECT_EQ(funnel_errors("    order: strict\n" + steps("event = 'view'", "event = 'view'")), "");
  EXPECT_EQ(funnel_errors(steps("event = 'view' and properties.n = 1", "'buy' = event")), "");
  EXPECT_EQ(funnel_errors(steps("event in ('view', 'look')", "event = 'buy' or event = 'order'")), "");
}

TEST(Funnels, what_is_wrong_is_said_with_its_place) {
  EXPECT_EQ(funnel_errors("    by: user_key\n    window: {tumble: 1d}\n    steps: []\n"),
            "metrics/m.yaml:3:5: a funnel needs `within` (how long after its first step a last one still counts)\n"
            "metrics/m.yaml:6:12: a funnel has 2 to 16 steps, not 0\n");
  EXPECT_EQ(funnel_errors(kFront + "    order: loose\n" + kSteps),
            "metrics/m.yaml:7:12: `order` is strict or left out, not `loose`\n");
  EXPECT_EQ(funnel_errors("    by: event_time\n    within: 0s\n    window: {tumble: 1d}\n" + kSteps),
            "metrics/m.yaml:4:9: `by` is a text: a time stands here, a text is asked for\n"
            "metrics/m.yaml:5:13: `within` lies between 1ms and 366d\n");
  EXPECT_EQ(funnel_errors(kFront + "    dimensions: {step: source, people: source}\n" + kSteps),
            "metrics/m.yaml:7:18: the view of a funnel has a column `step`; choose another name\n"
            "metrics/m.yaml:7:32: the view of a funnel has a column `people`; choose another name\n");
  EXPECT_EQ(funnel_errors(kFront + "    steps:\n      - {name: a, where: event = 'x'}\n      - {name: a, where: evnt = 'y'}\n"),
            "metrics/m.yaml:9:16: `a` is the name of an earlier step\n"
            "metrics/m.yaml:9:26: unknown name `evnt`; did you mean `event`?\n");
  EXPECT_EQ(
      funnel_errors("    by: user_key\n    within: 366d\n    window: {tumble: 1m}\n" + kSteps),
      "metrics/m.yaml:6:13: each event would be looked at for more than 10000 windows; take larger ones or a shorter `within`\n");
  EXPECT_EQ(errors(files(funnel(kFront + kSteps, "events"))),
            "metrics/m.yaml:3:11: `events` is a table that every project has; choose another name\n");
}

TEST(Funnels, the_view_has_the_steps_behind_the_dimensions) {
  const Plan plan = plan_of(funnel(kFront + "    dimensions: {repo: properties.repo, in_from: source}\n" + kSteps));
  const std::string sql = clickhouse::create_view(plan.metrics[0], "t");
  size_t at = 0;
  for (const char* column : {"AS window_start,", "AS window_end,", "AS `repo`,", "AS `in_from`,", "AS step,", "AS step_name,",
                             "AS `people`,", "AS `median_ms`,", "AS state\n"}) {
    const size_t found = sql.find(column, at);
    ASSERT_NE(found, std::string::npos) << column << "\n" << sql;
    at = found;
  }
}

TEST(Funnels, entry_windows_that_a_moment_reaches_begin_before_it_and_end_at_most_so_much_earlier) {
  const auto spans = [](Window::Kind kind, int64_t size, int64_t step, int64_t beyond, int64_t at) {
    std::vector<Span> found;
    windows_reaching({kind, DurationMs{size}, DurationMs{step}, DurationMs{0}}, DurationMs{beyond}, time_ms(at), found);
    std::string out;
    for (const Span& span : found) out += std::to_string(to_ms(span.start)) + "-" + std::to_string(to_ms(span.end)) + " ";
    return out;
  };
  using Kind = Window::Kind;
  EXPECT_EQ(spans(Kind::tumble, 10, 10, 10, 25), "10-20 20-30 ");
  EXPECT_EQ(spans(Kind::tumble, 10, 10, 10, 29), "10-20 20-30 ");
  EXPECT_EQ(spans(Kind::tumble, 10, 10, 11, 20), "0-10 10-20 20-30 ");
  EXPECT_EQ(spans(Kind::tumble, 10, 10, 1, -1), "-10-0 ");
  EXPECT_EQ(spans(Kind::hop, 10, 5, 3, 12), "0-10 5-15 10-20 ");
  EXPECT_EQ(spans(Kind::cumulate, 10, 5, 3, 12), "0-10 10-15 10-20 ");
  EXPECT_EQ(spans(Kind::cumulate, 10, 5, 6, 10), "0-5 0-10 10-15 10-20 ");
}

}  // namespace
}  // namespace sluice::plan
