#include <gtest/gtest.h>

#include "plan/clickhouse.h"
#include "plan/compile_test_fixture.h"

namespace sluice::plan {
namespace {

const std::string kBody =
    "    by: user_key\n    window: {tumble: 7d, offset: 4d}\n    periods: 8\n    start: event = 'commit_authored'\n"
    "    return: event = 'commit_authored'\n";
std::string retention(const std::string& body) { return "version: 1\nretention:\n  - name: weekly_authors\n" + body; }
std::string retention_errors(const std::string& body) { return errors(files(retention(body))); }

TEST(Retention, one_as_it_is_written_becomes_a_metric_of_its_kind) {
  const Plan plan = plan_of(retention("    question: Who comes back to write?\n" + kBody));
  const Metric& metric = plan.metrics[0];
  EXPECT_EQ(metric.kind, Metric::Kind::retention);
  EXPECT_EQ(metric.cohorts->periods, 8U);
  EXPECT_EQ(metric.window.size, DurationMs{7LL * 86'400'000});
  const Span third{time_ms(4LL * 86'400'000), time_ms(25LL * 86'400'000)};
  EXPECT_EQ(metric.closes(third), time_ms(25LL * 86'400'000 + 600'000)) << "R1: the end of period cohort + k, and the lateness";
  const std::string sql = clickhouse::create_view(metric, "t");
  size_t at = 0;
  for (const char* column :
       {"AS window_start,", "AS window_end,", "AS cohort_start,", "AS period,", "AS `people`,", "AS state\n"}) {
    const size_t found = sql.find(column, at);
    ASSERT_NE(found, std::string::npos) << column << "\n" << sql;
    at = found;
  }
}

TEST(Retention, what_it_means_makes_its_version_and_nothing_else) {
  const auto version = [](const std::string& body) { return plan_of(retention(body)).metrics[0].version; };
  const std::string same = version(kBody);
  EXPECT_EQ(version("    question: Who?\n" + kBody), same);
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string body = kBody;
    return version(body.replace(body.find(from), from.size(), to));
  };
  EXPECT_NE(changed("periods: 8", "periods: 9"), same);
  EXPECT_NE(changed("by: user_key", "by: user_id"), same);
  EXPECT_NE(changed("offset: 4d", "offset: 3d"), same);
  EXPECT_NE(changed("return: event = 'commit_authored'", "return: event = 'commit_landed'"), same);
  EXPECT_NE(changed("start: event = 'commit_authored'", "start: event = 'commit_landed'"), same);
  EXPECT_NE(version("    allowed_lateness: 1m\n" + kBody), same);
}

TEST(Retention, what_is_wrong_is_said_with_its_place) {
  EXPECT_EQ(retention_errors("    by: user_key\n    window: {hop: 2d, slide: 1d}\n    periods: 0\n    start: evnt = 'x'\n"),
            "metrics/m.yaml:3:5: a retention needs `return` (events that show that someone came back)\n"
            "metrics/m.yaml:5:13: the periods of a retention follow one another: {tumble: 7d, offset: 4d}\n"
            "metrics/m.yaml:6:14: `periods` is a whole number from 1 to 366, not `0`\n"
            "metrics/m.yaml:7:12: unknown name `evnt`; did you mean `event`?\n");
}

}  // namespace
}  // namespace sluice::plan
