#include "plan/calendar.h"

#include <algorithm>
#include <chrono>

namespace sluice::plan {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

// The local dates on which periods begin: from before 1901 in every zone to after 2100 in every zone.
std::vector<int64_t> first_dates(CalendarUnit unit) {
  constexpr sys_days kFrom = std::chrono::year(1900) / 12 / 1, kTo = std::chrono::year(kCalendarUntilYear) / 2 / 2;
  std::vector<int64_t> dates;
  if (unit == CalendarUnit::month) {
    for (std::chrono::year_month month = std::chrono::year(1900) / 12; sys_days(month / 1) < kTo; month += std::chrono::months(1))
      dates.push_back(sys_days(month / 1).time_since_epoch().count());
    return dates;
  }
  sys_days date = kFrom;
  while (unit == CalendarUnit::week && std::chrono::weekday(date) != std::chrono::Monday) date += days(1);
  for (; date < kTo; date += days(unit == CalendarUnit::week ? 7 : 1)) dates.push_back(date.time_since_epoch().count());
  return dates;
}

}  // namespace

const char* unit_name(CalendarUnit unit) {
  switch (unit) {
    case CalendarUnit::day: return "day";
    case CalendarUnit::week: return "week";
    case CalendarUnit::month: return "month";
  }
  return "day";
}

std::shared_ptr<const Calendar> make_calendar(CalendarUnit unit, const std::vector<OffsetChange>& changes) {
  auto calendar = std::make_shared<Calendar>();
  size_t span =
      0;  // the first between two changes in which a local time of the date or later occurs: never earlier for a later date
  for (const int64_t date : first_dates(unit)) {
    const int64_t midnight = date * 86'400;
    while (span + 1 < changes.size() && changes[span + 1].at + changes[span].offset <= midnight) ++span;
    const int64_t start = std::max(changes[span].at, midnight - changes[span].offset);
    if (calendar->starts.empty() || time_ms(start * 1000) > calendar->starts.back())
      calendar->starts.push_back(time_ms(start * 1000));
  }
  for (size_t i = 0; i + 1 < calendar->starts.size(); ++i) {
    const DurationMs size = calendar->starts[i + 1] - calendar->starts[i];
    calendar->longest = std::max(calendar->longest, size);
    if (calendar->runs.empty() || calendar->runs.back().size != size) calendar->runs.push_back({calendar->starts[i], size});
  }
  return calendar;
}

std::vector<Calendar::Run> Calendar::runs_of(TimeMs from, TimeMs to) const {
  const auto after = [](TimeMs at, const Run& run) { return at < run.start; };
  auto first = std::upper_bound(runs.begin(), runs.end(), from, after);
  if (first != runs.begin()) --first;
  const auto last = std::lower_bound(first, runs.end(), to, [](const Run& run, TimeMs at) { return run.start < at; });
  return {first, std::max(last, std::next(first))};
}

}  // namespace sluice::plan
