#include "serve/panel_list.h"

#include <algorithm>

#include "serve/project.h"

namespace sluice::serve {
namespace {

// The first as written: the same for all panels that share a table's query.
uint32_t first_measure(const plan::Metric& metric) {
  const auto first = std::min_element(metric.measures.begin(), metric.measures.end(),
                                      [](const plan::Measure& a, const plan::Measure& b) { return a.written < b.written; });
  return static_cast<uint32_t>(first - metric.measures.begin());
}

SharedQuery query_of(const plan::Panel& panel, const plan::Metric& metric) {
  SharedQuery query;
  query.metric = panel.metric;
  query.over = panel.over;
  query.kept = panel.dimensions;
  std::sort(query.kept.begin(), query.kept.end());
  query.kept.erase(std::unique(query.kept.begin(), query.kept.end()), query.kept.end());
  query.rank = first_measure(metric);
  switch (panel.kind) {
    case plan::Panel::Kind::timeseries:
    case plan::Panel::Kind::band:
      query.kind = query.kept.size() == metric.dimensions.size() ? SharedQuery::Kind::view : SharedQuery::Kind::series;
      break;
    case plan::Panel::Kind::retention: query.kind = SharedQuery::Kind::view; break;
    case plan::Panel::Kind::sessions: query.kind = SharedQuery::Kind::sessions; break;
    case plan::Panel::Kind::top: query.rank = panel.measures.front(); break;
    case plan::Panel::Kind::stat:
    case plan::Panel::Kind::table:
    case plan::Panel::Kind::funnel: break;
  }
  return query;
}

bool same(const SharedQuery& a, const SharedQuery& b) {
  return a.kind == b.kind && a.metric == b.metric && a.over == b.over && a.kept == b.kept && a.rank == b.rank;
}

}  // namespace

PanelList::PanelList(const plan::Plan& plan) {
  for (const plan::Dashboard& dashboard : plan.dashboards) {
    for (size_t row = 0; row < dashboard.rows.size(); ++row) {
      for (size_t column = 0; column < dashboard.rows[row].size(); ++column) {
        const plan::Panel& panel = dashboard.rows[row][column];
        PanelEntry entry;
        entry.id = panel_id(dashboard, row, column);
        entry.panel = &panel;
        entry.metric = &plan.metrics[panel.metric];
        SharedQuery query = query_of(panel, *entry.metric);
        const auto at = std::find_if(queries_.begin(), queries_.end(), [&](const SharedQuery& q) { return same(q, query); });
        entry.query = static_cast<uint32_t>(at - queries_.begin());
        for (const uint32_t dimension : panel.dimensions) {
          const auto kept = std::lower_bound(query.kept.begin(), query.kept.end(), dimension);
          entry.key_positions.push_back(static_cast<uint32_t>(kept - query.kept.begin()));
        }
        if (at == queries_.end()) queries_.push_back(std::move(query));
        queries_[entry.query].panels.push_back(static_cast<uint32_t>(panels_.size()));
        panels_.push_back(std::move(entry));
      }
    }
  }
}

std::optional<uint32_t> PanelList::find(std::string_view id) const {
  for (size_t i = 0; i < panels_.size(); ++i) {
    if (panels_[i].id == id) return static_cast<uint32_t>(i);
  }
  return std::nullopt;
}

}  // namespace sluice::serve
