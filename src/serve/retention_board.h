// retention_board.h - a retention panel: cohorts by periods, from the view and the feed.
//
// Shown   Cohorts whose own period ends in (start, end], oldest first, a cell per period; one whose row did not come yet is null.
// Bounds  cells_max cells: beyond it the oldest cohorts go, and start() says from where on it is whole.
#pragma once

#include <map>

#include "serve/panel_board.h"
#include "serve/reply_row.h"

namespace sluice::serve {

class RetentionBoard final : public PanelBoard {
 public:
  RetentionBoard(const PanelEntry& entry, size_t cells_max);

  void clear() override;
  void install(const PanelAnswer& answer) override;
  void apply(const ViewChange& change) override;
  void slide(plan::Span over) override;
  void advance(TimeMs) override {}  // states are the rows' own
  std::string data() const override;
  std::optional<PanelChange> take_change() override;
  std::vector<ShownPoint> points() const override;
  std::optional<TimeMs> start() const override { return start_; }

 private:
  struct Cell {
    std::string people;
    plan::State state = plan::State::filling;
    event::Epoch as_of;  // 0: read from the view
  };
  void put(plan::Span row, Cell cell);
  void bound();

  const PanelEntry& entry_;
  const DurationMs size_;
  const size_t cohorts_max_;
  plan::Span over_{};
  TimeMs start_{};  // >= over_.start
  std::map<TimeMs, std::map<TimeMs, Cell>> cohorts_;  // by start; cells by the end of their period
  std::string sent_;
};

// Rows of retention_sql(): window, period as key, people.
Result<std::vector<LoadedRow>> read_retention_rows(std::string_view reply, const plan::Metric& metric);

}  // namespace sluice::serve
