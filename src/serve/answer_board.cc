#include "serve/answer_board.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "serve/funnel_answer.h"
#include "serve/ranking.h"

namespace sluice::serve {
namespace {

// What top_text() wrote: [["a",3],["b",2]].
std::vector<TopRow> counted_rows(const std::string& text) {
  std::vector<TopRow> rows;
  const nlohmann::json list = nlohmann::json::parse(text, nullptr, false);
  SLUICE_ASSERT(list.is_array(), "a topk reaches a panel as the list that top_text() writes");
  for (const nlohmann::json& one : list) rows.push_back({{one[0].get<std::string>()}, std::to_string(one[1].get<uint64_t>())});
  return rows;
}

}  // namespace

std::vector<TopRow> top_rows(const PanelEntry& entry, const OverAnswer& answer) {
  const uint32_t measure = entry.panel->measures.front();
  if (entry.metric->measures[measure].kind == plan::MeasureKind::topk) {
    if (answer.rows.empty() || !answer.rows.front().values[measure]) return {};
    return counted_rows(*answer.rows.front().values[measure]);
  }
  std::vector<const OverRow*> order;
  for (const OverRow& row : answer.rows) {
    if (row.values[measure]) order.push_back(&row);
  }
  std::sort(order.begin(), order.end(), [&](const OverRow* a, const OverRow* b) {
    if (a->values[measure] != b->values[measure]) return ranks_before(a->values[measure], b->values[measure]);
    return a->key < b->key;
  });
  std::vector<TopRow> rows;
  for (const OverRow* row : order) rows.push_back({row->key, *row->values[measure]});
  return rows;
}

std::string top_data(const PanelEntry& entry, const OverAnswer& answer, TimeMs watermark) {
  const std::vector<TopRow> rows = top_rows(entry, answer);
  const size_t shown = std::min<size_t>(rows.size(), entry.panel->limit);
  // Groups that were not read count too, unless those that were read end in ones without a number.
  const uint64_t groups =
      rows.size() == answer.rows.size() ? std::max<uint64_t>(rows.size(), answer.groups) : static_cast<uint64_t>(rows.size());
  JsonOut out;
  out.object([&] {
    write_span(out, answer);
    out.key("state").text(plan::state_name(state_of_all(*entry.metric, answer, watermark)));
    out.key("rows").array([&] {
      for (size_t i = 0; i < shown; ++i) {
        out.object([&] {
          out.key("key").array([&] {
            for (const auto& part : rows[i].key) out.text_or_null(part);
          });
          out.key("value").text(rows[i].value);
        });
      }
    });
    out.key("more").count(groups - shown);
    out.key("computed_at").time(answer.computed_at);
    out.key("took_ms").number(answer.took.count());
  });
  return out.take();
}

void AnswerBoard::clear() {
  answer_ = std::make_shared<const OverAnswer>();
  table_ = {};
  sent_.clear();
}

void AnswerBoard::install(const PanelAnswer& answer) {
  answer_ = answer.over;
  as_of_ = answer.as_of;
  watermark_ = answer.as_of.watermark;
}

std::string AnswerBoard::data() const {
  switch (entry_.panel->kind) {
    case plan::Panel::Kind::table: return table_data(table_rows(entry_, *answer_, watermark_));
    case plan::Panel::Kind::top: return top_data(entry_, *answer_, watermark_);
    case plan::Panel::Kind::funnel: return funnel_data(entry_, *answer_, watermark_);
    default: return stat_data(entry_, *answer_, watermark_);
  }
}

std::optional<PanelChange> AnswerBoard::take_change() {
  if (entry_.panel->kind == plan::Panel::Kind::table) {
    ShownTable table = table_rows(entry_, *answer_, watermark_);
    const bool whole = table_.head.empty();
    std::optional<std::string> data = whole ? table_data(table) : table_patch(table_, table);
    table_ = std::move(table);
    if (!data) return std::nullopt;
    return PanelChange{whole, *std::move(data)};
  }
  const bool whole = sent_.empty() || entry_.panel->kind != plan::Panel::Kind::stat;
  std::optional<PanelChange> change = whole_if_changed(data(), sent_);
  if (change) change->whole = whole;
  return change;
}

std::vector<ShownPoint> AnswerBoard::points() const {
  std::vector<ShownPoint> points;
  if (entry_.panel->kind == plan::Panel::Kind::top) {
    const plan::State state = state_of_all(*entry_.metric, *answer_, watermark_);
    for (TopRow& row : top_rows(entry_, *answer_)) {
      if (points.size() == entry_.panel->limit) break;
      points.push_back({answer_->window, std::move(row.key), {std::move(row.value)}, state, as_of_.epoch});
    }
    return points;
  }
  for (const OverRow& row : answer_->rows) {
    if (entry_.panel->kind == plan::Panel::Kind::funnel && points.size() == kFunnelGroupsMax) break;
    ShownPoint point{answer_->window, {}, {}, over_state(*entry_.metric, *answer_, row, watermark_), as_of_.epoch};
    for (const uint32_t position : entry_.key_positions) point.key.push_back(row.key[position]);
    if (entry_.panel->kind == plan::Panel::Kind::funnel) point.values = row.values;
    for (const uint32_t measure : entry_.panel->measures) point.values.push_back(row.values[measure]);
    points.push_back(std::move(point));
  }
  return points;
}

}  // namespace sluice::serve
