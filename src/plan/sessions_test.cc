#include <gtest/gtest.h>

#include "base/hash.h"
#include "plan/clickhouse_sessions.h"
#include "plan/compile_test_fixture.h"
#include "plan/reads.h"

namespace sluice::plan {
namespace {

const std::string kVisits = "version: 1\nsessions:\n  - {name: visits, gap: 30m, max: 24h}\n";
const std::string kWeekly =
    "version: 1\nmetrics:\n  - name: visits_weekly\n    from: visits\n    window: {tumble: 7d, offset: 4d}\n"
    "    measures: {visits: count(), people: distinct(user_key), avg_events: avg(events)}\n";
std::vector<SourceFile> both(const std::string& sessions, const std::string& metrics) {
  return {{"sluice.yaml", "version: 1\nname: test\nsources: [{name: a}]\n"},
          {"metrics/a.yaml", metrics},
          {"metrics/b.yaml", sessions}};
}
Plan plan_of_files(const std::vector<SourceFile>& files) {
  Compiled compiled = compile(files);
  for (const Diagnostic& d : compiled.diagnostics) ADD_FAILURE() << d.text();
  return compiled.plan ? *std::move(compiled.plan) : Plan{};
}

TEST(Sessions, they_and_a_metric_from_them_may_stand_in_any_order_of_files) {
  const Plan plan = plan_of_files(both(kVisits, kWeekly));
  ASSERT_EQ(plan.metrics.size(), 2U);
  const Metric &visits = plan.metrics[0], &weekly = plan.metrics[1];
  EXPECT_EQ(visits.kind, Metric::Kind::sessions);
  EXPECT_EQ(visits.sessions->gap, DurationMs{1'800'000});
  EXPECT_EQ(visits.sessions->max, DurationMs{86'400'000});
  EXPECT_EQ(weekly.kind, Metric::Kind::windows);
  ASSERT_TRUE(weekly.sessions);
  EXPECT_EQ(weekly.sessions->name, "visits");
  const Span week{time_ms(0), time_ms(1'000'000'000)};
  EXPECT_EQ(weekly.closes(week), time_ms(1'000'000'000 + 86'400'000 + 600'000)) << "R1: its end, max, and the lateness";
  EXPECT_EQ(event_expressions(weekly).size(), 1U) << "of an event it reads whose it is";
  const std::string sql = clickhouse::create_view(visits, "t");
  size_t at = 0;
  for (const char* column : {"AS session_id,", "AS source,", "AS key,", "AS user_key,", "AS started_at,", "AS ended_at,",
                             "AS events,", "AS duration_ms,", "AS state\n"}) {
    const size_t found = sql.find(column, at);
    ASSERT_NE(found, std::string::npos) << column << "\n" << sql;
    at = found;
  }
}

TEST(Sessions, the_version_of_a_metric_covers_the_sessions_it_is_from) {
  const auto versions = [](const std::string& sessions) {
    const Plan plan = plan_of_files(both("version: 1\nsessions:\n  - {name: visits, " + sessions + "}\n", kWeekly));
    return std::pair(plan.metrics[0].version, plan.metrics[1].version);
  };
  const auto same = versions("gap: 30m, max: 24h");
  EXPECT_EQ(versions("max: 1d, by: stitching_key"), same) << "the defaults";
  for (const char* changed : {"gap: 31m", "max: 23h", "by: user_key", "where: event = 'x'"}) {
    EXPECT_NE(versions(changed).first, same.first) << changed;
    EXPECT_NE(versions(changed).second, same.second) << changed;
  }
  EXPECT_NE(versions("allowed_lateness: 1m").first, same.first);
  EXPECT_EQ(versions("allowed_lateness: 1m").second, same.second) << "what sessions are does not depend on it";
}

TEST(Sessions, what_is_wrong_is_said_with_its_place) {
  const auto said = [](const std::string& sessions, const std::string& metrics) {
    std::string out;
    for (const Diagnostic& d : compile(both(sessions, metrics)).diagnostics) out += d.text() + "\n";
    return out;
  };
  EXPECT_EQ(
      said("version: 1\nsessions:\n  - {name: visits, gap: 0s, by: lower(user_key) = user_id, question: Who}\n",
           "version: 1\nmetrics:\n  - name: m\n    from: visit\n    window: {tumble: 1d}\n    measures: {n: count()}\n"),
      "metrics/a.yaml:4:11: `from` is events or the name of sessions, and no sessions are called `visit`; did you mean "
      "`visits`?\n"
      "metrics/b.yaml:3:25: `gap` lies between 1ms and 366d\n"
      "metrics/b.yaml:3:49: `by` is a text: a condition stands here, a text is asked for\n"
      "metrics/b.yaml:3:60: unknown key `question`; sessions has `name`, `by`, `gap`, `max`, `where` and `allowed_lateness`\n");
  EXPECT_EQ(
      said(kVisits,
           "version: 1\nmetrics:\n  - name: m\n    from: visits\n    where: event = 'x'\n    window: {hop: 1d, slide: 10s}\n"
           "    joins: {a: {dimension: a, on: key}}\n    dimensions: {d: properties.a}\n    measures: {n: sum(user_key)}\n"),
      "metrics/a.yaml:5:12: unknown name `event`; did you mean `events`?\n"
      "metrics/a.yaml:6:13: each event would be looked at for more than 10000 windows; take larger ones or shorter sessions\n"
      "metrics/a.yaml:7:5: a session has no property to join by; `joins` go with metrics from events\n"
      "metrics/a.yaml:8:21: a dimension is a text: `properties.a` is of an event; a session has `session_id`, `source`, `key`, "
      "`user_key`, `started_at`, `ended_at`, `events` and `duration_ms`\n"
      "metrics/a.yaml:9:23: a text stands here, a number is asked for\n");
}

TEST(Sessions, keys_have_a_place_among_256_ranges_and_an_id_of_their_own) {
  const int64_t hash = clickhouse::key_hash("site", "u1");
  const Span range = clickhouse::range_of(hash);
  EXPECT_LE(to_ms(range.start), hash);
  EXPECT_LT(hash, to_ms(range.end));
  EXPECT_EQ(to_ms(clickhouse::range_of(INT64_MAX - 1).end), INT64_MAX);
  EXPECT_EQ(to_ms(clickhouse::range_of(INT64_MIN).start), INT64_MIN);
  EXPECT_EQ(to_ms(clickhouse::range_of(-1).end), 0);
  EXPECT_EQ(clickhouse::ranges_condition("h", {{time_ms(5), time_ms(6)}, {time_ms(-9), time_ms(-8)}, {time_ms(10), time_ms(20)}}),
            "((h >= 10 AND h < 20) OR h IN (5, -9))");
  EXPECT_EQ(clickhouse::session_id("site", "u1", "m1", time_ms(-1)), md5_hex("site\x1Fu1\x1Fm1\x1F-1"));
}

}  // namespace
}  // namespace sluice::plan
