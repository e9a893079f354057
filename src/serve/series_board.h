// series_board.h - one time series panel in memory: points by series and window, the top twelve of them shown.
//
// Promise data() is the panel whole; take_change() what changed since the last take: a patch, or the whole when the set of shown
//         series changed. Points leave when their window's end is no longer in (start, end].
// Shown   kShownMax series by total (sum of their values in `over`; series without numbers: by number of points), ties by key.
// Bounds  points_max points: beyond it the oldest windows go and start() says from where on the panel is whole.
// Threads One at a time (the hub's mutex).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/decimal.h"
#include "event/position.h"
#include "plan/metric_row.h"

namespace sluice::serve {

struct PointRevision {
  TimeMs at{};
  std::string old_value;
  std::string new_value;
  std::string cause;
  bool operator==(const PointRevision&) const = default;
};

struct Point {
  std::optional<std::string> value;
  plan::State state = plan::State::filling;
  bool computed = false;                  // state follows from the next two and the watermark; else it is the row's own
  bool any_late = false;
  bool any_on_time = false;
  event::Epoch as_of;                     // 0: not known (read from the view)
  std::optional<PointRevision> revision;
};

struct SeriesChange {
  bool whole = false;
  std::string data;
};

class SeriesBoard {
 public:
  static constexpr size_t kShownMax = 12;
  struct Series {
    int128 total = 0;
    std::map<plan::Span, Point> points;
  };

  // `order`: the series there can be, shown as they stand there instead of by total.
  SeriesBoard(DurationMs allowed_lateness, size_t points_max, std::vector<plan::Group> order = {})
      : allowed_lateness_(allowed_lateness), points_max_(points_max), order_(std::move(order)) {}

  void clear();
  void set_over(plan::Span over);
  // A point without a revision keeps the one it had.
  void put(const plan::Group& key, plan::Span window, Point point);
  void remove(const plan::Group& key, plan::Span window);
  void revise(const plan::Group& key, plan::Span window, PointRevision revision);
  // Between these two, points that are not put again are gone at the end.
  void begin_replace();
  void end_replace();
  // States of computed points as of that watermark.
  void advance(TimeMs watermark);

  std::string data() const;
  std::optional<SeriesChange> take_change();
  const std::map<plan::Group, Series>& series() const { return series_; }
  const Point* find(const plan::Group& key, plan::Span window) const;
  TimeMs start() const { return start_; }
  TimeMs end() const { return over_.end; }
  size_t points() const { return points_; }

 private:
  void drop_until(TimeMs end);            // windows whose end is <= end
  void bound();
  void touch(const plan::Group& key, plan::Span window) { changed_[key].insert(window); }
  std::vector<plan::Group> top() const;
  std::string head() const;               // "start":..,"end":..,"more":..
  std::string patch(const std::vector<plan::Group>& shown) const;

  const DurationMs allowed_lateness_;
  const size_t points_max_;
  const std::vector<plan::Group> order_;
  std::map<plan::Group, Series> series_;
  size_t points_ = 0;
  plan::Span over_{};
  TimeMs start_{};                        // >= over_.start
  TimeMs next_due_ = TimeMs::max();       // the smallest due + allowed lateness among filling computed points
  std::map<plan::Group, std::set<plan::Span>> changed_;
  std::optional<std::map<plan::Group, std::set<plan::Span>>> unseen_;  // while replacing
  std::vector<plan::Group> shown_;        // as last sent, sorted by key
  std::string shown_head_;
  bool sent_ = false;
};

}  // namespace sluice::serve
