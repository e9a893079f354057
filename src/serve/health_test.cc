#include "serve/health.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::serve {
namespace {

Health of(std::vector<StageState> states, bool started) {
  Health health;
  health.started = started;
  for (const StageState state : states) health.stages.push_back({"stage", state, 0, DurationMs(0), ""});
  return health;
}
using enum StageState;

TEST(Health, a_program_is_starting_until_every_stage_was_ready_once) {
  EXPECT_EQ(overall(of({}, false)), starting);
  EXPECT_EQ(overall(of({ready, starting}, false)), starting);
  EXPECT_EQ(http_status(of({ready, starting}, false)), 503);
  EXPECT_EQ(overall(of({ready, ready}, false)), ready);
  EXPECT_EQ(overall(of({ready, ready}, true)), ready);
  EXPECT_EQ(http_status(of({ready, ready}, true)), 200);
}

TEST(Health, after_the_start_a_stage_that_is_away_degrades_and_events_are_still_accepted) {
  EXPECT_EQ(overall(of({ready, starting}, true)), degraded);
  EXPECT_EQ(overall(of({ready, degraded}, true)), degraded);
  EXPECT_EQ(http_status(of({ready, degraded}, true)), 200);
  EXPECT_EQ(overall(of({degraded, starting}, false)), starting);
  EXPECT_EQ(overall(of({degraded, ready}, false)), degraded);
}

TEST(Health, json_says_what_waits_and_why) {
  Health health = of({ready}, true);
  health.stages.push_back({"store", degraded, 1204, DurationMs(61'999), "restarting \"now\""});
  health.since = time_ms(42);
  health.version = "0.1.0";
  const nlohmann::json json = nlohmann::json::parse(health_json(health));
  EXPECT_EQ(json["status"], "degraded");
  EXPECT_EQ(json["since"], 42);
  EXPECT_EQ(json["version"], "0.1.0");
  EXPECT_EQ(json["stages"][1], (nlohmann::json{{"name", "store"},
                                               {"status", "degraded"},
                                               {"lag_events", 1204},
                                               {"lag_seconds", 61.9},
                                               {"why", "restarting \"now\""}}));
}

}  // namespace
}  // namespace sluice::serve
