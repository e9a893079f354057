#include <algorithm>

#include "plan/calendar.h"
#include "plan/plan.h"

namespace sluice::plan {

void windows_of(const Window& window, TimeMs at, std::vector<Span>& into) {
  into.clear();
  const int64_t t = to_ms(at), size = window.size.count(), step = window.step.count(), offset = window.offset.count();
  switch (window.kind) {
    case Window::Kind::tumble: {
      const int64_t start = t - floor_mod(t - offset, size);
      into.push_back(Span{time_ms(start), time_ms(start + size)});
      return;
    }
    case Window::Kind::hop: {
      const int64_t last = t - floor_mod(t - offset, step);
      for (int64_t start = last - size + step; start <= last; start += step)
        into.push_back(Span{time_ms(start), time_ms(start + size)});
      return;
    }
    case Window::Kind::cumulate: {
      const int64_t start = t - floor_mod(t - offset, size);
      for (int64_t end = start + ((t - start) / step + 1) * step; end <= start + size; end += step) {
        into.push_back(Span{time_ms(start), time_ms(end)});
      }
      return;
    }
    case Window::Kind::calendar: {
      const std::vector<TimeMs>& starts = window.calendar->starts;
      const auto next = std::upper_bound(starts.begin(), starts.end(), at);
      // No event lies outside (R2); a moment that does has no window.
      if (next != starts.begin() && next != starts.end()) into.push_back(Span{*std::prev(next), *next});
      return;
    }
  }
}

}  // namespace sluice::plan
