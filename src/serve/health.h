// health.h - is it well, and if not, what waits where: /health and the page's status line.
//
// Rules   A stage is ready, starting or degraded. Together: starting while any stage is starting and none has ever been ready
//         as a whole (app says so by `started`), degraded when any stage is not ready, else ready.
//         HTTP: 200 for ready and degraded (events are accepted), 503 for starting.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"

namespace sluice::serve {

enum class StageState : uint8_t { ready, starting, degraded };
const char* stage_state_name(StageState state);

struct StageHealth {
  std::string name;          // collect, log, process, store, sql, serve
  StageState state = StageState::ready;
  uint64_t lag_events = 0;   // events that wait in front of this stage
  DurationMs lag{};          // how long the oldest of them has waited
  std::string why;           // for people; empty when ready
};

struct Health {
  std::vector<StageHealth> stages;
  bool started = false;      // every stage was ready once since the start
  TimeMs since{};            // when the status last changed
  std::string version;
};

StageState overall(const Health& health);
int http_status(const Health& health);
std::string health_json(const Health& health);

}  // namespace sluice::serve
