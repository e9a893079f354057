#include "process/adoption.h"

#include <gtest/gtest.h>

#include "plan/compile.h"

namespace sluice::process {
namespace {

using event::Epoch;

plan::Plan plan_of(const std::string& definitions, const std::string& rows = "") {
  std::vector<plan::SourceFile> files{{"sluice.yaml", "version: 1\nname: test\nsources:\n  - {name: site}\n"},
                                      {"metrics/m.yaml", "version: 1\n" + definitions}};
  if (!rows.empty()) files.push_back({"d.csv", rows});
  plan::Compiled compiled = plan::compile(files);
  for (const plan::Diagnostic& d : compiled.diagnostics) ADD_FAILURE() << d.text();
  return std::move(compiled.plan).value_or(plan::Plan{});
}

// A row of stored_events_query: instants, place, then names and paths as the definition reads them, a path as text and number.
void write(std::string& reply, int64_t at, const std::vector<std::string>& names, const std::optional<std::string>& path = {}) {
  RowWriter to(reply);
  to.time(time_ms(at));
  to.time(time_ms(at));
  to.u16(0);
  to.u64(static_cast<uint64_t>(at));
  for (const std::string& name : names) to.nullable_text(name);
  if (!path) return;
  to.nullable_text(path);
  to.null();
}

TEST(AdoptionTest, a_checkpoint_may_come_right_after_a_part_was_given) {
  const plan::Plan plan = plan_of(
      "funnels:\n  - name: f\n    by: user_id\n    within: 10s\n    window: {tumble: 10s}\n    steps:\n"
      "      - {name: a, where: event = 'A'}\n      - {name: b, where: event = 'B'}\n");
  const auto adopting = make_operator(plan.metrics[0], {}, kMinusInfinity);
  std::string reply;
  write(reply, 1000, {"A", "u"});
  write(reply, 2000, {"B", "u"});
  plan::Evaluator evaluator;
  ASSERT_TRUE(adopt_events(*adopting, StoredEvents(plan, plan.metrics[0], reply), time_ms(3000), Epoch(1), evaluator));
  std::string bytes;
  ByteWriter to(bytes);
  adopting->save(to);
  const auto again = make_operator(plan.metrics[0], {}, kMinusInfinity);
  ByteReader from(bytes);
  again->load(from);
  std::vector<plan::MetricRow> rows;
  again->emit(time_ms(3000), Epoch(2), true, rows);
  ASSERT_EQ(rows.size(), 2U);
  for (const plan::MetricRow& row : rows) EXPECT_EQ(row.stored[1].number.to_text(), "1");
}

TEST(AdoptionTest, stored_events_are_joined_as_live_ones_are) {
  const plan::Plan plan = plan_of(
      "dimensions: [{name: d, key: id, file: d.csv, valid_from: since, valid_to: until}]\n"
      "metrics:\n  - name: m\n    window: {tumble: 10s}\n    joins: {j: {dimension: d, on: properties.id}}\n"
      "    dimensions: {plan: j.plan}\n    measures: {n: count()}\n",
      "id,plan,since,until\na,free,,1970-01-01T00:00:02Z\na,pro,1970-01-01T00:00:02Z,\n");
  const auto adopting = make_operator(plan.metrics[0], {}, kMinusInfinity);
  std::string reply;
  write(reply, 1999, {}, "a");
  write(reply, 2000, {}, "a");
  write(reply, 2001, {}, "b");
  plan::Evaluator evaluator;
  ASSERT_TRUE(adopt_events(*adopting, StoredEvents(plan, plan.metrics[0], reply), time_ms(3000), Epoch(1), evaluator));
  std::vector<plan::MetricRow> rows;
  adopting->emit(time_ms(3000), Epoch(2), true, rows);
  std::vector<std::string> plans;
  for (const plan::MetricRow& row : rows) plans.push_back(row.dimensions[0].value_or("NULL"));
  std::sort(plans.begin(), plans.end());
  EXPECT_EQ(plans, (std::vector<std::string>{"NULL", "free", "pro"}));
}

}  // namespace
}  // namespace sluice::process
