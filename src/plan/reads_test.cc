#include "plan/reads.h"

#include <gtest/gtest.h>

#include "plan/compile_test_fixture.h"

namespace sluice::plan {
namespace {

TEST(ReadsTest, names_and_paths_of_every_expression_once) {
  const Plan plan = plan_of(metric(R"(    window: {tumble: 1h}
    where: event = 'x' and properties.a = 'b'
    dimensions: {who: user_key}
    measures:
      n: {value: count(), where: source = 's'}
      v: sum(properties.v)
      last: max(event_time)
      ratio: v / n
)"));
  const Reads reads = reads_of(plan, plan.metrics[0]);
  EXPECT_EQ(reads.names, (std::vector<Name>{Name::source, Name::event, Name::user_key}));
  std::vector<std::string> paths;
  for (const uint32_t path : reads.paths) paths.push_back(plan.paths[path]);
  EXPECT_EQ(paths, (std::vector<std::string>{"properties.a", "properties.v"}));
}

}  // namespace
}  // namespace sluice::plan
