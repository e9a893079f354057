#include "process/path_binding.h"

#include <gtest/gtest.h>

namespace sluice::process {
namespace {

event::EventView event_with(const std::vector<std::string>& paths) {
  event::EventView event;
  for (const std::string& path : paths) event.scalars.push_back({path, path, std::nullopt});
  return event;
}

TEST(PathBinding, only_what_this_event_has_is_there_in_any_order) {
  plan::Plan plan;
  plan.paths = {"properties.a", "properties.b"};
  PathBinding binding(plan);
  const std::vector<std::string> both{"properties.x", "properties.b", "properties.a"}, one{"properties.b"};
  const event::EventView first = event_with(both), second = event_with(one);
  binding.bind(first);
  EXPECT_EQ(binding.values()[0], &first.scalars[2]);
  EXPECT_EQ(binding.values()[1], &first.scalars[1]);
  binding.bind(second);
  EXPECT_EQ(binding.values()[0], nullptr);
  EXPECT_EQ(binding.values()[1], &second.scalars[0]);
}

TEST(PathBinding, it_binds_on_after_more_different_paths_than_it_remembers) {
  plan::Plan plan;
  plan.paths = {"properties.a"};
  PathBinding binding(plan);
  for (size_t i = 0; i < PathBinding::kPathsSeenMax + 10; ++i) {
    const std::vector<std::string> paths{"properties.n" + std::to_string(i), "properties.a"};
    const event::EventView event = event_with(paths);
    binding.bind(event);
    ASSERT_EQ(binding.values()[0], &event.scalars[1]) << i;
  }
}

}  // namespace
}  // namespace sluice::process
