// calendar.h - the days, weeks and months of a time zone as instants (semantics R8, calendar windows).
//
// Promise `starts` ascend and cover [1901, 2100): every instant there lies in exactly one [starts[i], starts[i + 1]). A period begins
//         with the first instant whose local date is in it or after it: where midnight is skipped with the instant after the jump,
//         where it comes twice with the earlier; a date that a zone left out whole (Pacific/Apia, 2011-12-30) has no window.
//         Weeks begin on Monday.
// Runs    The same, shorter: neighbours of equal length. That is what queries are printed from: `starts` of days are 72,000.
// Threads Immutable, shared by all copies of a plan.
#pragma once

#include <memory>
#include <vector>

#include "base/units.h"
#include "plan/plan.h"
#include "plan/zone.h"

namespace sluice::plan {

const char* unit_name(CalendarUnit unit);

struct Calendar {
  struct Run {  // windows of `size`, one after another, from `start` to the next run
    TimeMs start;
    DurationMs size;
    bool operator==(const Run&) const = default;
  };
  std::vector<TimeMs> starts;
  std::vector<Run> runs;  // the last ends where the last of `starts` is
  DurationMs longest{};

  // Those that hold instants of [from, to).
  std::vector<Run> runs_of(TimeMs from, TimeMs to) const;
};

inline constexpr int kCalendarUntilYear = 2100;
std::shared_ptr<const Calendar> make_calendar(CalendarUnit unit, const std::vector<OffsetChange>& changes);

}  // namespace sluice::plan
