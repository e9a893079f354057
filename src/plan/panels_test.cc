// What a dashboard may say of each kind of panel, and the SQL that only panels ask for.
#include <gtest/gtest.h>

#include "plan/clickhouse.h"
#include "plan/clickhouse_funnel.h"
#include "plan/compile_test_fixture.h"
#include "plan/schema.h"

namespace sluice::plan {
namespace {

constexpr std::string_view kDefinitions = R"yaml(version: 1
metrics:
  - name: m
    window: {tumble: 1h}
    dimensions: {country: context.country, plan: properties.plan}
    measures:
      n: count()
      latest: max(event)
      p50: "percentile(properties.ms, 0.5)"
      p90: "percentile(properties.ms, 0.9)"
      p99: "percentile(properties.ms, 0.99)"
      a: sum(properties.a)
      b: sum(properties.b)
      pages: "topk(properties.page, 20)"
funnels:
  - name: checkout
    question: Where do they stop?
    by: user_key
    within: 30m
    window: {tumble: 1d}
    dimensions: {country: context.country, kind: properties.kind}
    steps:
      - {name: viewed, where: event = 'view'}
      - {name: carted, where: event = 'cart'}
      - {name: bought, where: event = 'buy'}
retention:
  - name: weekly
    by: user_key
    window: {tumble: 7d}
    periods: 4
    start: event = 'buy'
    return: event = 'buy'
sessions:
  - {name: visits}
)yaml";

std::string dashboard(std::string_view panel) {
  return "version: 1\ndashboards:\n  - name: d\n    rows:\n      - [" + std::string(panel) + "]\n";
}
std::string panel_errors(std::string_view panel) { return errors(files(kDefinitions, dashboard(panel))); }
std::string at(int column, std::string_view message) {
  return "dashboards/d.yaml:5:" + std::to_string(column) + ": " + std::string(message) + "\n";
}
Panel panel_of(std::string_view panel) {
  const Plan plan = plan_of(kDefinitions, dashboard(panel));
  return plan.dashboards.empty() || plan.dashboards[0].rows.empty() ? Panel{} : plan.dashboards[0].rows[0].at(0);
}
const Metric& metric_named(const Plan& plan, std::string_view name) {
  for (const Metric& metric : plan.metrics) {
    if (metric.name == name) return metric;
  }
  ADD_FAILURE() << name;
  return plan.metrics[0];
}

TEST(Panels, each_kind_is_read_as_written) {
  const Plan plan = plan_of(kDefinitions);
  const Metric& m = metric_named(plan, "m");
  const auto names = [&](const Panel& panel) {
    std::vector<std::string> out;
    for (const uint32_t i : panel.measures) out.push_back(m.measures[i].name);
    return out;
  };
  const Panel top = panel_of("{top: m.n, by: plan, limit: 5, over: 7d}");
  EXPECT_EQ(top.kind, Panel::Kind::top);
  EXPECT_EQ(names(top), (std::vector<std::string>{"n"}));
  ASSERT_EQ(top.dimensions.size(), 1U);
  EXPECT_EQ(m.dimensions[top.dimensions[0]].name, "plan");
  EXPECT_EQ(top.limit, 5U);
  const Panel pages = panel_of("{top: m.pages}");
  EXPECT_TRUE(pages.dimensions.empty());
  EXPECT_EQ(pages.limit, 10U);
  const Panel band = panel_of("{band: m, measures: [p50, p99, p90]}");
  EXPECT_EQ(band.kind, Panel::Kind::band);
  EXPECT_EQ(names(band), (std::vector<std::string>{"p50", "p99", "p90"})) << "in the order written";
  const Panel funnel = panel_of("{funnel: checkout, by: kind, over: 84d, title: Buyers}");
  EXPECT_EQ(funnel.kind, Panel::Kind::funnel);
  EXPECT_EQ(plan.metrics[funnel.metric].name, "checkout");
  EXPECT_EQ(funnel.dimensions, (std::vector<uint32_t>{1}));
  EXPECT_EQ(funnel.over, DurationMs(84LL * 86'400'000));
  const Panel retention = panel_of("{retention: weekly}");
  EXPECT_EQ(retention.kind, Panel::Kind::retention);
  EXPECT_EQ(plan.metrics[retention.metric].name, "weekly");
}

TEST(Panels, what_a_kind_does_not_take_is_named) {
  EXPECT_EQ(panel_errors("{retention: weekly, by: kind}"), at(30, "`by` does not go with `retention`"));
  EXPECT_EQ(panel_errors("{funnel: checkout, limit: 3}"), at(29, "`limit` does not go with `funnel`"));
  EXPECT_EQ(panel_errors("{band: m, measures: [p50, p90], by: plan}"), at(42, "`by` does not go with `band`"));
  EXPECT_EQ(panel_errors("{timeseries: m.n, measures: [p50]}"), at(28, "`measures` does not go with `timeseries`"));
  EXPECT_EQ(panel_errors("{funnel: checkout, top: m.n}"), at(11, "a panel is of one kind; here are `top` and `funnel`"));
  EXPECT_EQ(panel_errors("{funnel: checkout.people}"), at(27, "`funnel` takes the funnel alone: checkout"));
  EXPECT_EQ(panel_errors("{band: m.p50, measures: [p50, p90]}"),
            at(18, "`band` takes the metric alone: m; measures go into `measures`"));
}

TEST(Panels, a_definition_of_another_kind_gets_the_form_that_shows_it) {
  EXPECT_EQ(panel_errors("{stat: checkout.people}"),
            at(17, "`checkout` is a funnel, which `stat` does not show; write {funnel: checkout}"));
  EXPECT_EQ(panel_errors("{funnel: weekly}"),
            at(19, "`weekly` is a retention, which `funnel` does not show; write {retention: weekly}"));
  EXPECT_EQ(panel_errors("{retention: m}"), at(22, "`m` is a metric, which `retention` does not show; write {stat: m.MEASURE}"));
  EXPECT_EQ(panel_errors("{funnel: checkuot}"), at(19, "no funnel `checkuot`; did you mean `checkout`?"));
  EXPECT_EQ(panel_errors("{retention: checkot}"), at(22, "no retention `checkot`")) << "only those of its kind are proposed";
}

TEST(Panels, top_ranks_one_dimension_by_a_number_or_shows_a_topk) {
  EXPECT_EQ(panel_errors("{top: m.n}"),
            at(16, "`top` needs `by`: the dimension whose values are ranked; it has `country` and `plan`"));
  EXPECT_EQ(panel_errors("{top: m.n, by: [plan, country]}"), at(25, "`top` is split by one dimension"));
  EXPECT_EQ(panel_errors("{top: m.pages, by: plan}"), at(25, "`pages` has its own values; leave `by` out"));
  EXPECT_EQ(panel_errors("{top: m.latest, by: plan}"), at(16, "`latest` is a text; values are ranked by numbers"));
  EXPECT_EQ(panel_errors("{top: m.pages, limit: 0}"), at(32, "`limit` is a whole number from 1 to 100, not `0`"));
  EXPECT_EQ(panel_errors("{top: m.pages, limit: 101}"), at(32, "`limit` is a whole number from 1 to 100, not `101`"));
  EXPECT_EQ(panel_errors("{top: m.pages, limit: 9x}"), at(32, "`limit` is a whole number from 1 to 100, not `9x`"));
  EXPECT_EQ(panel_errors("{top: m.pages, limit: 100}"), "");
}

TEST(Panels, a_band_has_two_to_five_numbers) {
  EXPECT_EQ(panel_errors("{band: m}"), at(10, "`band` needs `measures`: [p50, p90, p99]"));
  EXPECT_EQ(panel_errors("{band: m, measures: [p50]}"), at(30, "a band has 2 to 5 measures, not 1"));
  EXPECT_EQ(panel_errors("{band: m, measures: [p50, p90, p99, n, a, b]}"), at(30, "a band has 2 to 5 measures, not 6"));
  EXPECT_EQ(panel_errors("{band: m, measures: [p50, p9]}"), at(36, "metric `m` has no measure `p9`; did you mean `p90`?"));
  EXPECT_EQ(panel_errors("{band: m, measures: [p50, pages]}"), at(36, "`pages` is not a number; a band draws numbers"));
  EXPECT_EQ(panel_errors("{band: m, measures: [p50, latest]}"), at(36, "`latest` is not a number; a band draws numbers"));
  EXPECT_EQ(panel_errors("{band: m, measures: [p50, p50]}"), at(36, "`p50` stands here twice"));
}

TEST(Panels, a_funnel_is_split_by_one_of_its_own_dimensions) {
  EXPECT_EQ(panel_errors("{funnel: checkout, by: [kind, country]}"), at(33, "a funnel is split by one dimension"));
  EXPECT_EQ(panel_errors("{funnel: checkout, by: step}"),
            at(33, "funnel `checkout` has no dimension `step`; it has `country` and `kind`"));
}

TEST(Panels, sessions_have_a_panel_of_their_own) {
  EXPECT_EQ(panel_of("{sessions: visits, over: 7d}").kind, Panel::Kind::sessions);
  EXPECT_EQ(panel_errors("{sessions: visit}"), at(21, "no sessions `visit`; did you mean `visits`?"));
  EXPECT_EQ(panel_errors("{stat: visits.events}"),
            at(17, "`visits` is sessions, which `stat` does not show; write {sessions: visits}"));
}

TEST(Panels, the_schema_for_editors_knows_them) {
  const std::string schema = json_schema("dashboards").value_or("");
  for (const char* key : {"\"funnel\"", "\"retention\"", "\"top\"", "\"band\"", "\"measures\"", "\"limit\""})
    EXPECT_NE(schema.find(key), std::string::npos) << key;
}

TEST(Panels, a_filter_is_a_condition_on_the_dimensions_own_expression_and_its_value_is_quoted) {
  const Plan plan = plan_of(kDefinitions);
  const Metric& m = metric_named(plan, "m");
  const Span day{time_ms(0), time_ms(86'400'000)};
  const std::string sql = clickhouse::over_query(plan, m, day, {}, 7, {{0, "x' OR '1'='1"}, {1, std::nullopt}});
  EXPECT_NE(sql.find("mapContains(texts, 'context.country')"), std::string::npos) << sql;
  EXPECT_NE(sql.find(" = 'x\\' OR \\'1\\'=\\'1'"), std::string::npos) << sql;
  EXPECT_NE(sql.find(" IS NULL"), std::string::npos) << sql;
  EXPECT_EQ(clickhouse::over_query(plan, m, day, {}, 7).find(" IS NULL"), std::string::npos);
  const std::string series = clickhouse::series_query(plan, m, day, {0}, 7, {{1, "back\\slash"}});
  EXPECT_NE(series.find(" = 'back\\\\slash'"), std::string::npos) << series;
}

TEST(Panels, a_funnels_filter_is_on_entries_alone) {
  const Plan plan = plan_of(kDefinitions);
  const Metric& checkout = metric_named(plan, "checkout");
  const Span day{time_ms(0), time_ms(86'400'000)};
  const std::string sql = clickhouse::over_query(plan, checkout, day, {}, 7, {{0, "de"}});
  EXPECT_NE(sql.find("_q1 AND _t < _we AND _f0 AS _p1"), std::string::npos) << sql;
  EXPECT_NE(sql.find("toInt64(0) AS _ws"), std::string::npos) << "one window, not those of the definition";
  EXPECT_EQ(sql.find("arrayJoin(arrayMap(_i"), std::string::npos) << sql;
  EXPECT_NE(sql.find("toInt64(88200000)"), std::string::npos) << "events until `within` after the end: " << sql;
}

}  // namespace
}  // namespace sluice::plan
