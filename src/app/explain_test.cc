#include "app/explain.h"

#include <gtest/gtest.h>

#include "plan/compile.h"

namespace sluice::app {
namespace {

plan::Plan plan_of(const std::string& metrics) {
  plan::Compiled compiled =
      plan::compile({{"sluice.yaml", "version: 1\nname: p\nsources: [{name: site}]\n"}, {"metrics/m.yaml", metrics}});
  for (const plan::Diagnostic& d : compiled.diagnostics) ADD_FAILURE() << d.text();
  return compiled.plan.value_or(plan::Plan{});
}

// The version is a hash that no hand computes.
std::string explained(const plan::Plan& plan, size_t at) {
  std::string text = explain_text(plan, plan.metrics.at(at));
  const size_t version = text.find(plan.metrics[at].version);
  EXPECT_NE(version, std::string::npos);
  return text.replace(version, plan.metrics[at].version.size(), "VERSION");
}

TEST(Explain, a_metric_is_told_as_a_person_reads_it) {
  const plan::Plan plan = plan_of(R"(version: 1
metrics:
  - name: orders
    question: What do we sell?
    where: event = 'order' and (properties.test is null)
    window: {tumble: 7d, offset: 4d}
    dimensions:
      country: context.country
    measures:
      revenue: sum(properties.amount)
      buyers: {value: distinct(user_key), where: context.bot != true}
      slow: percentile(properties.ms, 0.99)
      each: revenue / buyers
)");
  EXPECT_EQ(explained(plan, 0), R"(orders: a metric, in SQL the view sluice.orders
  question    What do we sell?
  defined in  metrics/m.yaml:3:5
  version     VERSION

  counts      events where event = 'order' and properties.test is null
  windows     7d, one after another, in UTC, counted from 1970-01-05T00:00:00.000Z
  final       when the watermark is 10m past the window's end; `filling` before
              `revised` instead if of its events one came later than that and one did not
  latency     realtime: rows follow their events within a second
  groups by   country = context.country

  measure     revenue = sum(properties.amount)
              Nullable(Decimal(38, 9)); keeps nothing beyond the group
  measure     buyers = distinct(user_key)
              only where context.bot != 'true'
              UInt64; keeps 48 B and 48 B for each different value
  measure     slow = percentile(properties.ms, 0.99)
              Nullable(Decimal(38, 9)); keeps 48 B and 48 B for each different number
  measure     each = revenue / buyers
              Nullable(Decimal(38, 9)); keeps nothing: computed when it is read

  memory      256 B for each group of an open window, and what its measures keep
              over 100000 open groups or 128 MiB the largest window is counted from the stored events instead
  reads       context.bot, context.country, properties.amount, properties.ms, properties.test
)");
}

TEST(Explain, a_funnel_is_told_with_its_steps_and_when_it_is_final) {
  const plan::Plan plan = plan_of(R"(version: 1
funnels:
  - name: checkout
    by: user_key
    within: 30m
    window: {hop: 1h, slide: 15m}
    allowed_lateness: 1m
    steps:
      - {name: viewed, where: event = 'view'}
      - {name: ordered, where: event = 'order' and properties.paid = true}
)");
  EXPECT_EQ(explained(plan, 0), R"(checkout: a funnel, in SQL the view sluice.checkout
  defined in  metrics/m.yaml:3:5
  version     VERSION

  who         user_key; an event without it counts nowhere
  steps       1 viewed: event = 'view'
              2 ordered: event = 'order' and properties.paid = 'true'
  in order    each step at the time of or after the one before it, the last at most 30m after the first
  windows     1h, a new one every 15m, in UTC; each event lies in 4
  final       when the watermark is 30m + 1m past the window's end; `filling` before
              `revised` instead if of its events one came later than that and one did not
              an event of the first step belongs to the window that its own time lies in
  groups by   nothing: one group a window

  rows        2 for each window and group with an entry, one per step
              step UInt8, step_name String
              people UInt64: who reached the step
              median_ms Nullable(Decimal(38, 9)): of the times from the entry to the step

  memory      96 B for each of `who` with a step in reach of an open window, 48 B for each such event
              128 B for each of them in each open window, 256 B for each row
              40 B for each different time to convert of a row
              over 100000 open groups or 128 MiB the largest window is counted from the stored events instead
  reads       properties.paid
)");
}

TEST(Explain, a_metric_that_only_a_job_computes_keeps_nothing) {
  const plan::Plan plan =
      plan_of("version: 1\nmetrics:\n  - {name: m, window: {tumble: 1d}, latency: batch, measures: {n: distinct(event)}}\n");
  EXPECT_TRUE(
      explained(plan, 0).ends_with("  latency     batch: a job computes what changed once an hour\n"
                                   "  groups by   nothing: one group a window\n\n"
                                   "  measure     n = distinct(event)\n              UInt64\n\n"
                                   "  memory      nothing: it is computed from the stored events\n"
                                   "  reads       no path: names of events only\n"))
      << explained(plan, 0);
}

TEST(Explain, an_unknown_name_or_engine_is_told_what_there_is) {
  const plan::Plan plan = plan_of("version: 1\nmetrics:\n  - {name: orders, window: {tumble: 1d}, measures: {n: count()}}\n");
  EXPECT_EQ(find_definition(plan, "orders").value()->name, "orders");
  EXPECT_EQ(find_definition(plan, "order").error().message, "the project has no definition `order`; did you mean `orders`?");
  EXPECT_EQ(find_definition(plan, "visits").error().message, "the project has no definition `visits`; it defines `orders`");
  EXPECT_EQ(find_definition(plan_of("version: 1\n"), "visits").error().message,
            "the project has no definition `visits`; it defines nothing yet");
  EXPECT_EQ(explain_sql(plan, plan.metrics[0], "flink").error().message,
            "SQL for `flink` is not in this release; --sql clickhouse is");
}

// That it runs and what it gives: tests/property/explain.py.
TEST(Explain, sql_asks_the_store_for_the_watermark) {
  const plan::Plan plan = plan_of("version: 1\nmetrics:\n  - {name: orders, window: {tumble: 1d}, measures: {n: count()}}\n");
  EXPECT_NE(explain_sql(plan, plan.metrics[0], "clickhouse").value().find("FROM sluice.watermarks WHERE source = ''"),
            std::string::npos);
}

}  // namespace
}  // namespace sluice::app
