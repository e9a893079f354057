// plan_preview.h - what a change of definitions would do, asked of the store while nothing is applied.
//
// Promise Values of both definitions are computed from the same stored events by the SQL of their plans, dimensions left out, for the
//         newest `periods` windows that have events. `seconds` is scaled from a measured computation of the newest windows.
// Bounds  kPeriodsMax windows a metric; four statements for each definition that is new or changed.
// Errors  What the store says. A definition that cannot be asked about (no events yet) has no windows and no values.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/clock.h"
#include "plan/plan.h"

namespace sluice::app {

struct MetricPreview {
  enum class Change : uint8_t { born, changed, removed };
  std::string name;
  Change change = Change::born;
  uint64_t windows = 0;  // to compute
  uint64_t rows = 0;  // events to read, once for each window that they are in
  double seconds = 0;
  std::vector<std::string> measures;  // of the definition that is new, or, removed, none
  struct Value {
    std::string before, after;  // as texts; "" where the definition has no such measure or no such window
  };
  struct Period {
    plan::Span window;
    std::vector<Value> values;  // one per measure
  };
  std::vector<Period> periods;  // oldest first
  bool unread = false;  // it joins rows that the store does not have yet: nothing above is known
};

struct PlanPreview {
  std::vector<MetricPreview> metrics;  // by name
  size_t unchanged = 0;
  // Dimensions whose rows are not those of the running plan: the store has them once they are applied, so definitions that join them
  // are named without values.
  std::vector<std::string> dimensions;
};

inline constexpr size_t kPeriodsMax = 100;
// Runs one statement; TabSeparated or Null.
using Ask = std::function<Result<std::string>(const std::string& sql, const std::string& format)>;
Result<PlanPreview> preview(const plan::Plan& before, const plan::Plan& after, size_t periods, const Ask& ask, os::Clock& clock);

std::string preview_text(const PlanPreview& preview);
std::string preview_json(const PlanPreview& preview);

}  // namespace sluice::app
