#include "serve/health.h"

#include <algorithm>

#include "serve/json_out.h"

namespace sluice::serve {

const char* stage_state_name(StageState state) {
  switch (state) {
    case StageState::ready: return "ready";
    case StageState::starting: return "starting";
    case StageState::degraded: return "degraded";
  }
  return "degraded";
}

StageState overall(const Health& health) {
  const auto any = [&](StageState state) {
    return std::any_of(health.stages.begin(), health.stages.end(), [&](const StageHealth& s) { return s.state == state; });
  };
  if (!health.started && (health.stages.empty() || any(StageState::starting))) return StageState::starting;
  return any(StageState::starting) || any(StageState::degraded) ? StageState::degraded : StageState::ready;
}

int http_status(const Health& health) { return overall(health) == StageState::starting ? 503 : 200; }

std::string health_json(const Health& health) {
  JsonOut out;
  out.object([&] {
    out.key("status").text(stage_state_name(overall(health)));
    out.key("stages").array([&] {
      for (const StageHealth& stage : health.stages) {
        out.object([&] {
          out.key("name").text(stage.name);
          out.key("status").text(stage_state_name(stage.state));
          out.key("lag_events").count(stage.lag_events);
          out.key("lag_seconds")
              .raw(std::to_string(stage.lag.count() / 1000) + "." + std::to_string(stage.lag.count() % 1000 / 100));
          out.key("why").text(stage.why);
        });
      }
    });
    out.key("since").time(health.since);
    out.key("version").text(health.version);
  });
  return out.take();
}

}  // namespace sluice::serve
