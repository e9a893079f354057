#include "serve/series_board.h"

#include <algorithm>

#include "base/result.h"
#include "serve/json_out.h"
#include "serve/ranking.h"

namespace sluice::serve {
namespace {

void append_key(JsonOut& out, const plan::Group& key) {
  out.key("key").array([&] {
    for (const auto& part : key) out.text_or_null(part);
  });
}

void append_point(JsonOut& out, plan::Span window, const Point& point) {
  out.object([&] {
    out.key("s").time(window.start);
    out.key("e").time(window.end);
    out.key("v").text_or_null(point.value);
    out.key("state").text(plan::state_name(point.state));
    if (point.state == plan::State::revised && point.revision) {
      out.key("rev").object([&] {
        out.key("at").time(point.revision->at);
        out.key("old").text(point.revision->old_value);
        out.key("new").text(point.revision->new_value);
        out.key("cause").text(point.revision->cause);
      });
    }
  });
}

bool looks_the_same(const Point& a, const Point& b) {
  return a.value == b.value && a.state == b.state && a.revision == b.revision;
}

}  // namespace

void SeriesBoard::clear() {
  series_.clear();
  points_ = 0;
  over_ = {};
  start_ = {};
  next_due_ = TimeMs::max();
  changed_.clear();
  unseen_.reset();
  shown_.clear();
  shown_head_.clear();
  sent_ = false;
}

void SeriesBoard::set_over(plan::Span over) {
  // A shorter reach back keeps what points_max left; a later start drops what slid out.
  if (over == over_) return;
  if (over.start < over_.start) start_ = over.start;
  over_ = over;
  start_ = std::max(start_, over.start);
  drop_until(start_);
}

void SeriesBoard::put(const plan::Group& key, plan::Span window, Point point) {
  if (window.end <= start_ || window.end > over_.end) return;
  if (unseen_) {
    if (const auto at = unseen_->find(key); at != unseen_->end()) at->second.erase(window);
  }
  if (point.computed && point.state == plan::State::filling) next_due_ = std::min(next_due_, window.end + allowed_lateness_);
  Series& series = series_[key];
  const auto [at, is_new] = series.points.try_emplace(window);
  if (!is_new) {
    if (!point.revision) point.revision = std::move(at->second.revision);
    series.total -= rank_of(at->second.value);
  }
  series.total += rank_of(point.value);
  const bool same = !is_new && looks_the_same(at->second, point);
  at->second = std::move(point);
  points_ += is_new ? 1 : 0;
  if (!same) touch(key, window);
  if (points_ > points_max_) bound();
}

void SeriesBoard::remove(const plan::Group& key, plan::Span window) {
  const auto series = series_.find(key);
  if (series == series_.end()) return;
  const auto point = series->second.points.find(window);
  if (point == series->second.points.end()) return;
  series->second.total -= rank_of(point->second.value);
  series->second.points.erase(point);
  --points_;
  if (series->second.points.empty()) series_.erase(series);
  touch(key, window);
}

void SeriesBoard::revise(const plan::Group& key, plan::Span window, PointRevision revision) {
  const auto series = series_.find(key);
  if (series == series_.end()) return;
  const auto point = series->second.points.find(window);
  if (point == series->second.points.end() || point->second.revision == revision) return;
  point->second.revision = std::move(revision);
  touch(key, window);
}

void SeriesBoard::begin_replace() {
  unseen_.emplace();
  next_due_ = TimeMs::max();
  start_ = over_.start;  // what points_max cut off before may fit now
  for (const auto& [key, series] : series_) {
    auto& windows = (*unseen_)[key];
    for (const auto& [window, point] : series.points) windows.insert(windows.end(), window);
  }
}

void SeriesBoard::end_replace() {
  SLUICE_ASSERT(unseen_, "end_replace() ends what begin_replace() began");
  const auto unseen = std::move(*unseen_);
  unseen_.reset();
  for (const auto& [key, windows] : unseen) {
    for (const plan::Span window : windows) remove(key, window);
  }
}

void SeriesBoard::advance(TimeMs watermark) {
  if (watermark < next_due_) return;
  next_due_ = TimeMs::max();
  for (auto& [key, series] : series_) {
    for (auto& [window, point] : series.points) {
      if (!point.computed || point.state != plan::State::filling) continue;
      point.state = plan::state_of(window.end, allowed_lateness_, watermark, point.any_late, point.any_on_time);
      if (point.state == plan::State::filling) {
        next_due_ = std::min(next_due_, window.end + allowed_lateness_);
      } else {
        touch(key, window);
      }
    }
  }
}

const Point* SeriesBoard::find(const plan::Group& key, plan::Span window) const {
  const auto series = series_.find(key);
  if (series == series_.end()) return nullptr;
  const auto point = series->second.points.find(window);
  return point == series->second.points.end() ? nullptr : &point->second;
}

void SeriesBoard::drop_until(TimeMs end) {
  for (auto series = series_.begin(); series != series_.end();) {
    auto& points = series->second.points;
    // Ordered by start; windows of one metric that start earlier do not always end earlier (cumulate), so look at all that may.
    for (auto point = points.begin(); point != points.end() && point->first.start < end;) {
      if (point->first.end > end) {
        ++point;
        continue;
      }
      series->second.total -= rank_of(point->second.value);
      touch(series->first, point->first);
      point = points.erase(point);
      --points_;
    }
    series = points.empty() ? series_.erase(series) : std::next(series);
  }
}

void SeriesBoard::bound() {
  // An eighth goes at once, so that a full board does not look for its oldest window at every point.
  std::vector<TimeMs> ends;
  ends.reserve(points_);
  for (const auto& [key, series] : series_) {
    for (const auto& [window, point] : series.points) ends.push_back(window.end);
  }
  const auto cut = ends.begin() + static_cast<std::ptrdiff_t>(points_ - (points_max_ - points_max_ / 8));
  std::nth_element(ends.begin(), cut, ends.end());
  // One window with more groups than the bound: all of it goes, since a part of its groups would be a wrong picture.
  start_ = *cut;
  drop_until(start_);
}

std::vector<plan::Group> SeriesBoard::top() const {
  if (!order_.empty()) {
    std::vector<plan::Group> there = order_;
    std::erase_if(there, [&](const plan::Group& key) { return !series_.contains(key); });
    return there;
  }
  std::vector<std::pair<int128, const plan::Group*>> order;
  order.reserve(series_.size());
  for (const auto& [key, series] : series_) order.emplace_back(series.total, &key);
  const size_t n = std::min(order.size(), kShownMax);
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(),
                    [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : *a.second < *b.second; });
  std::vector<plan::Group> keys;
  for (size_t i = 0; i < n; ++i) keys.push_back(*order[i].second);
  return keys;
}

std::string SeriesBoard::head() const {
  if (over_ == plan::Span{}) return "\"start\":null,\"end\":null,\"more\":0";
  const size_t more = series_.size() - std::min(series_.size(), kShownMax);
  return "\"start\":" + std::to_string(to_ms(start_)) + ",\"end\":" + std::to_string(to_ms(over_.end)) +
         ",\"more\":" + std::to_string(more);
}

std::string SeriesBoard::data() const {
  JsonOut out;
  out.array([&] {
    for (const plan::Group& key : top()) {
      out.object([&] {
        append_key(out, key);
        out.key("points").array([&] {
          for (const auto& [window, point] : series_.at(key).points) append_point(out, window, point);
        });
      });
    }
  });
  return "{" + head() + ",\"series\":" + out.take() + "}";
}

std::string SeriesBoard::patch(const std::vector<plan::Group>& shown) const {
  JsonOut out;
  out.array([&] {
    for (const plan::Group& key : shown) {
      const auto changed = changed_.find(key);
      if (changed == changed_.end()) continue;
      out.object([&] {
        append_key(out, key);
        out.key("points").array([&] {
          for (const plan::Span window : changed->second) {
            if (const Point* point = find(key, window)) {
              append_point(out, window, *point);
              continue;
            }
            out.object([&] {
              out.key("s").time(window.start);
              out.key("e").time(window.end);
              out.key("removed").boolean(true);
            });
          }
        });
      });
    }
  });
  return "{" + head() + ",\"series\":" + out.take() + "}";
}

std::optional<SeriesChange> SeriesBoard::take_change() {
  if (sent_ && changed_.empty() && head() == shown_head_) return std::nullopt;
  std::vector<plan::Group> shown = top();
  std::vector<plan::Group> sorted = shown;
  std::sort(sorted.begin(), sorted.end());
  const bool whole = !sent_ || sorted != shown_;
  const bool touches_shown =
      std::any_of(sorted.begin(), sorted.end(), [&](const plan::Group& key) { return changed_.contains(key); });
  std::optional<SeriesChange> change;
  if (whole) {
    change = SeriesChange{true, data()};
  } else if (touches_shown || head() != shown_head_) {
    change = SeriesChange{false, patch(shown)};
  }
  changed_.clear();
  shown_ = std::move(sorted);
  shown_head_ = head();
  sent_ = true;
  return change;
}

}  // namespace sluice::serve
