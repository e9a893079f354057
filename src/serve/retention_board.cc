#include "serve/retention_board.h"

#include <algorithm>

#include "base/rfc3339.h"

namespace sluice::serve {

RetentionBoard::RetentionBoard(const PanelEntry& entry, size_t cells_max)
    : entry_(entry),
      size_(entry.metric->window.size),
      cohorts_max_(std::max<size_t>(1, cells_max / entry.metric->cohorts->periods)) {}

void RetentionBoard::clear() {
  over_ = {};
  start_ = {};
  cohorts_.clear();
  sent_.clear();
}

void RetentionBoard::slide(plan::Span over) {
  if (over == over_) return;
  if (over.start < over_.start) start_ = over.start;
  over_ = over;
  start_ = std::max(start_, over.start);
  bound();
}

void RetentionBoard::bound() {
  const auto ends_by = [&](TimeMs end) { return cohorts_.upper_bound(end - size_); };
  cohorts_.erase(cohorts_.begin(), ends_by(start_));
  if (cohorts_.size() <= cohorts_max_) return;
  const auto kept = std::prev(cohorts_.end(), static_cast<std::ptrdiff_t>(cohorts_max_));
  start_ = std::prev(kept)->first + size_;
  cohorts_.erase(cohorts_.begin(), kept);
}

void RetentionBoard::put(plan::Span row, Cell cell) {
  const TimeMs own = row.start + size_;
  if (own <= start_ || own > over_.end) return;
  cohorts_[row.start][row.end] = std::move(cell);
  bound();
}

void RetentionBoard::install(const PanelAnswer& answer) {
  cohorts_.clear();
  if (answer.loaded.newest == kMinusInfinity) return;
  over_ = answer.loaded.over;
  start_ = over_.start;
  for (const LoadedRow& row : answer.loaded.rows) put(row.window, {row.values.front().value_or("0"), row.state, event::Epoch(0)});
}

void RetentionBoard::apply(const ViewChange& change) {
  for (size_t i = 0; i < change.change.rows.size(); ++i) {
    const plan::MetricRow& row = change.change.rows[i];
    if (!row.removed) {
      put(row.window, {change.values[i].front().number.to_text(), row.state, change.change.as_of});
      continue;
    }
    const auto cohort = cohorts_.find(row.window.start);
    if (cohort == cohorts_.end()) continue;
    cohort->second.erase(row.window.end);
    if (cohort->second.empty()) cohorts_.erase(cohort);
  }
}

std::string RetentionBoard::data() const {
  const uint32_t periods = entry_.metric->cohorts->periods;
  JsonOut out;
  out.object([&] {
    write_span(out, over_ == plan::Span{} ? std::nullopt : std::optional(plan::Span{start_, over_.end}));
    out.key("periods").count(periods);
    out.key("cohorts").array([&] {
      for (const auto& [start, cells] : cohorts_) {
        out.object([&] {
          out.key("s").time(start);
          out.key("e").time(start + size_);
          out.key("cells").array([&] {
            for (uint32_t k = 0; k < periods; ++k) {
              const auto cell = cells.find(start + size_ * (k + 1));
              if (cell == cells.end()) {
                out.raw("null");
                continue;
              }
              out.object([&] {
                out.key("people").text(cell->second.people);
                out.key("state").text(plan::state_name(cell->second.state));
              });
            }
          });
        });
      }
    });
  });
  return out.take();
}

std::optional<PanelChange> RetentionBoard::take_change() { return whole_if_changed(data(), sent_); }

std::vector<ShownPoint> RetentionBoard::points() const {
  std::vector<ShownPoint> points;
  for (const auto& [start, cells] : cohorts_) {
    for (const auto& [end, cell] : cells) {
      const int64_t period = (end - start) / size_ - 1;
      points.push_back({{start, end}, {std::to_string(period)}, {cell.people}, cell.state, cell.as_of});
    }
  }
  return points;
}

Result<std::vector<LoadedRow>> read_retention_rows(std::string_view reply, const plan::Metric& metric) {
  std::vector<LoadedRow> rows;
  TabSeparatedReader reader(reply);
  ReplyCells cells;
  while (reader.next(cells)) {
    ReplyRow row(cells);
    LoadedRow loaded;
    const std::optional<ParsedTime> start = parse_rfc3339(row.text()), end = parse_rfc3339(row.text());
    row.next();  // cohort_start
    loaded.key.push_back(row.next());
    loaded.values.push_back(row.next());
    row.next();  // its state, as of a watermark that is not the panel's
    if (!row.whole() || !start || !end) return odd_reply(metric.name);
    loaded.window = {start->time, end->time};
    rows.push_back(std::move(loaded));
  }
  if (reader.failed()) return odd_reply(metric.name);
  return rows;
}

}  // namespace sluice::serve
