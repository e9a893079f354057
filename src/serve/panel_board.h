// panel_board.h - what one panel shows, whatever its kind: its query's answer, later changes on top, messages' data out.
//
// Promise data() is the panel whole; take_change() what changed since the last take, whole or as a patch of live-api.md.
// Kinds   stat, table, top and funnel show an OverAnswer (answer_board.h); time series and bands points (series_panel.h); a retention
//         its cohorts (retention_board.h), sessions the newest of them (session_board.h). A kind differs here and nowhere else on the way to the page.
// Threads One at a time (the hub's mutex, or the worker that made it).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "serve/loading.h"
#include "serve/over_answer.h"
#include "serve/panel_list.h"

namespace sluice::serve {

struct PanelChange {
  bool whole = false;
  std::string data;
};

// What a query's panels are given when it ran.
struct PanelAnswer {
  const SharedQuery& query;
  const Loaded& loaded;
  std::shared_ptr<const OverAnswer> over;  // of kind over
  AsOf as_of;
};

// Rows of the feed with their visible values, for panels of kind view.
struct ViewChange {
  const MetricChange& change;
  std::vector<std::vector<plan::StoredValue>> values;  // per row; empty for one that is removed
  TimeMs at{};
};

class PanelBoard {
 public:
  virtual ~PanelBoard() = default;
  virtual void clear() = 0;
  virtual void install(const PanelAnswer& answer) = 0;
  virtual void apply(const ViewChange&) {}
  virtual void slide(plan::Span) {}  // kind view: another end
  virtual void advance(TimeMs watermark) = 0;  // states as of it
  virtual std::string data() const = 0;
  virtual std::optional<PanelChange> take_change() = 0;
  virtual std::vector<ShownPoint> points() const = 0;
  // Later than the beginning of `over` where a bound cut off what is older.
  virtual std::optional<TimeMs> start() const { return std::nullopt; }
};

// For kinds that are always sent whole: the panel, if it is not what was sent last.
std::optional<PanelChange> whole_if_changed(std::string data, std::string& sent);
std::shared_ptr<const OverAnswer> over_answer_of(const Loaded& loaded);
// The list that the entry is of outlives the board.
std::unique_ptr<PanelBoard> make_panel_board(const PanelEntry& entry, size_t points_max);

}  // namespace sluice::serve
