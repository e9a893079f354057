// panel_list.h - every panel of the dashboards, and the queries that they share.
//
// Shared  Panels with the same metric, `over`, kept dimensions and kind need one query, however many of them there are and
//         however many people watch (design 8).
// Kinds   view: a time series or band of all the metric's dimensions, or a retention: rows of the metric's own view, kept in
//         memory, patched by the feed. series: one that drops a dimension; over: a stat, table, top or funnel, one window
//         [end - D, end). These two are computed from `events` by the metric's own plan, never by adding rows. sessions: the newest rows
//         of the view, read again when some changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/clickhouse.h"
#include "plan/plan.h"

namespace sluice::serve {

struct SharedQuery {
  enum class Kind : uint8_t { view, series, over, sessions };
  Kind kind = Kind::over;
  uint32_t metric = 0;
  DurationMs over{};
  std::vector<uint32_t> kept;  // dimensions that stay, ascending
  uint32_t rank = 0;  // over: the measure whose largest groups are read
  plan::clickhouse::DimensionFilters filters{};  // of a panel asked for with a `where`
  std::vector<uint32_t> panels;  // who shares it
};

struct PanelEntry {
  std::string id;  // <dashboard>.<row>.<column>
  const plan::Panel* panel = nullptr;
  const plan::Metric* metric = nullptr;
  uint32_t query = 0;  // index into queries()
  std::vector<uint32_t> key_positions;  // per dimension of the panel, in its order: index into the query's `kept`
};

class PanelList {
 public:
  // The plan outlives the list.
  explicit PanelList(const plan::Plan& plan);
  const std::vector<PanelEntry>& panels() const { return panels_; }
  const std::vector<SharedQuery>& queries() const { return queries_; }
  // Index; nullopt: no such panel.
  std::optional<uint32_t> find(std::string_view id) const;

 private:
  std::vector<PanelEntry> panels_;
  std::vector<SharedQuery> queries_;
};

}  // namespace sluice::serve
