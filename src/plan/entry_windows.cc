#include <algorithm>

#include "plan/plan.h"

namespace sluice::plan {

// Windows follow one another without a gap, so those further back are the windows of the moment before the earliest found so far.
void windows_reaching(const Window& window, DurationMs beyond, TimeMs at, std::vector<Span>& into) {
  into.clear();
  std::vector<Span> found;
  TimeMs cursor = at;
  for (bool more = true; more;) {
    more = false;
    windows_of(window, cursor, found);
    TimeMs earliest = cursor;
    for (const Span& span : found) earliest = std::min(earliest, span.start);
    // Windows that grow begin together: the short ones among them end before `at`.
    if (window.kind == Window::Kind::cumulate) windows_of(window, earliest, found);
    for (const Span& span : found) {
      if (at < span.end + beyond) {
        into.push_back(span);
        more = true;
      }
    }
    cursor = earliest - DurationMs{1};
  }
  std::sort(into.begin(), into.end());
}

}  // namespace sluice::plan
