#include "serve/series_panel.h"

#include "base/rfc3339.h"

namespace sluice::serve {
namespace {

std::string value_text(const plan::StoredValue& value) {
  switch (value.kind) {
    case plan::Value::Kind::number: return value.number.to_text();
    case plan::Value::Kind::text: return value.text;
    case plan::Value::Kind::time: return format_clickhouse(value.time);
    case plan::Value::Kind::top: return plan::top_text(value.top);
    case plan::Value::Kind::boolean: return value.number.raw != 0 ? "true" : "false";
    case plan::Value::Kind::null: break;
  }
  return {};
}

std::optional<std::string> shown_value(const plan::StoredValue& value) {
  if (value.kind == plan::Value::Kind::null) return std::nullopt;
  return value_text(value);
}

std::vector<plan::Group> order_of(const PanelEntry& entry) {
  std::vector<plan::Group> order;
  if (entry.panel->kind != plan::Panel::Kind::band) return order;
  for (const uint32_t measure : entry.panel->measures) order.push_back({entry.metric->measures[measure].name});
  return order;
}

}  // namespace

SeriesPanel::SeriesPanel(const PanelEntry& entry, size_t points_max)
    : entry_(entry),
      band_(entry.panel->kind == plan::Panel::Kind::band),
      board_(entry.metric->allowed_lateness + entry.metric->due_after, points_max, order_of(entry)) {}

plan::Group SeriesPanel::key_of(const plan::Group& kept, uint32_t measure) const {
  if (band_) return {entry_.metric->measures[measure].name};
  plan::Group key;
  for (const uint32_t position : entry_.key_positions) key.push_back(kept[position]);
  return key;
}

void SeriesPanel::install(const PanelAnswer& answer) {
  if (answer.loaded.newest != kMinusInfinity) board_.set_over(answer.loaded.over);
  board_.begin_replace();
  const bool computed = answer.query.kind == SharedQuery::Kind::series;
  for (const LoadedRow& row : answer.loaded.rows) {
    for (const uint32_t measure : entry_.panel->measures) {
      Point point;
      point.value = row.values[measure];
      point.computed = computed;
      point.any_late = row.any_late;
      point.any_on_time = row.any_on_time;
      point.state = !computed ? row.state
                              : plan::state_of(entry_.metric->due(row.window), entry_.metric->allowed_lateness,
                                               answer.as_of.watermark, row.any_late, row.any_on_time);
      if (computed) point.as_of = answer.as_of.epoch;
      board_.put(key_of(row.key, measure), row.window, std::move(point));
    }
  }
  board_.end_replace();
  for (const LoadedRevision& r : answer.loaded.revisions) {
    for (const uint32_t measure : entry_.panel->measures) {
      if (r.measure != entry_.metric->measures[measure].name) continue;
      board_.revise(key_of(r.key, measure), r.window, {r.at, r.old_value, r.new_value, r.cause});
    }
  }
}

void SeriesPanel::apply(const ViewChange& change) {
  for (size_t i = 0; i < change.change.rows.size(); ++i) {
    const plan::MetricRow& row = change.change.rows[i];
    for (const uint32_t measure : entry_.panel->measures) {
      const plan::Group key = key_of(row.dimensions, measure);
      if (row.removed) {
        board_.remove(key, row.window);
        continue;
      }
      Point point;
      point.value = shown_value(change.values[i][measure]);
      point.state = row.state;
      point.as_of = change.change.as_of;
      board_.put(key, row.window, std::move(point));
    }
  }
  for (const plan::Revision& revision : change.change.revisions) {
    for (const uint32_t measure : entry_.panel->measures) {
      if (entry_.metric->measures[measure].name != revision.measure) continue;
      board_.revise(key_of(revision.dimensions, measure), revision.window,
                    {change.at, revision.old_value, revision.new_value, plan::cause_name(revision.cause)});
    }
  }
}

std::optional<PanelChange> SeriesPanel::take_change() {
  std::optional<SeriesChange> change = board_.take_change();
  if (!change) return std::nullopt;
  return PanelChange{change->whole, std::move(change->data)};
}

std::vector<ShownPoint> SeriesPanel::points() const {
  std::vector<ShownPoint> points;
  for (const auto& [key, series] : board_.series()) {
    for (const auto& [window, point] : series.points) points.push_back({window, key, {point.value}, point.state, point.as_of});
  }
  return points;
}

}  // namespace sluice::serve
