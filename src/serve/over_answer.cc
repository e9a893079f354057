#include "serve/over_answer.h"

#include <algorithm>

#include "serve/json_out.h"
#include "serve/ranking.h"

namespace sluice::serve {
namespace {

// A topk's value is JSON already: an array of [value, count].
void write_cell(JsonOut& out, const PanelEntry& entry, const std::string& column, const OverRow& row) {
  const plan::Metric& metric = *entry.metric;
  for (size_t i = 0; i < entry.panel->dimensions.size(); ++i) {
    if (metric.dimensions[entry.panel->dimensions[i]].name == column) {
      out.text_or_null(row.key[entry.key_positions[i]]);
      return;
    }
  }
  for (size_t i = 0; i < metric.measures.size(); ++i) {
    if (metric.measures[i].name != column) continue;
    if (metric.measures[i].kind == plan::MeasureKind::topk && row.values[i]) {
      out.raw(*row.values[i]);
    } else {
      out.text_or_null(row.values[i]);
    }
    return;
  }
  out.raw("null");
}

}  // namespace

void write_span(JsonOut& out, const std::optional<plan::Span>& span) {
  if (!span) {
    out.key("start").raw("null");
    out.key("end").raw("null");
    return;
  }
  out.key("start").time(span->start);
  out.key("end").time(span->end);
}

void write_span(JsonOut& out, const OverAnswer& answer) {
  write_span(out, answer.empty ? std::nullopt : std::optional(answer.window));
}

plan::State over_state(const plan::Metric& metric, const OverAnswer& answer, const OverRow& row, TimeMs watermark) {
  return plan::state_of(metric.due(answer.window), metric.allowed_lateness, watermark, row.any_late, row.any_on_time);
}

plan::State state_of_all(const plan::Metric& metric, const OverAnswer& answer, TimeMs watermark) {
  plan::State state = plan::State::filling;
  for (const OverRow& row : answer.rows) {
    state = over_state(metric, answer, row, watermark);
    if (state != plan::State::final) return state;
  }
  return state;
}

std::string stat_data(const PanelEntry& entry, const OverAnswer& answer, TimeMs watermark) {
  JsonOut out;
  out.object([&] {
    const OverRow* row = answer.rows.empty() ? nullptr : &answer.rows.front();
    out.key("value").text_or_null(row == nullptr ? std::nullopt : row->values[entry.panel->measures.front()]);
    const plan::State state = row == nullptr ? plan::State::filling : over_state(*entry.metric, answer, *row, watermark);
    out.key("state").text(plan::state_name(state));
    write_span(out, answer);
    out.key("computed_at").time(answer.computed_at);
    out.key("took_ms").number(answer.took.count());
  });
  return out.take();
}

ShownTable table_rows(const PanelEntry& entry, const OverAnswer& answer, TimeMs watermark) {
  std::vector<const OverRow*> order;
  for (const OverRow& row : answer.rows) order.push_back(&row);
  const size_t n = std::min(order.size(), kTableRowsMax);
  const uint32_t by = entry.panel->measures.empty() ? 0 : entry.panel->measures.front();
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(),
                    [&](const OverRow* a, const OverRow* b) {
                      if (a->values[by] != b->values[by]) return ranks_before(a->values[by], b->values[by]);
                      return a->key < b->key;
                    });
  ShownTable table;
  for (size_t i = 0; i < n; ++i) {
    const OverRow& row = *order[i];
    plan::Group key;
    for (const uint32_t position : entry.key_positions) key.push_back(row.key[position]);
    JsonOut out;
    out.object([&] {
      out.key("key").array([&] {
        for (const auto& part : key) out.text_or_null(part);
      });
      out.key("cells").array([&] {
        for (const std::string& column : entry.panel->columns) write_cell(out, entry, column, row);
      });
      out.key("state").text(plan::state_name(over_state(*entry.metric, answer, row, watermark)));
    });
    table.order.push_back(key);
    table.rows.emplace(std::move(key), out.take());
  }
  JsonOut head;
  head.object([&] {
    write_span(head, answer);
    head.key("more").count(std::max<uint64_t>(answer.groups, answer.rows.size()) - n);
    head.key("computed_at").time(answer.computed_at);
    head.key("took_ms").number(answer.took.count());
  });
  table.head = head.take();
  table.head.pop_back();  // rows follow
  return table;
}

std::string table_data(const ShownTable& table) {
  std::string out = table.head + ",\"rows\":[";
  for (size_t i = 0; i < table.order.size(); ++i) {
    if (i > 0) out += ',';
    out += table.rows.at(table.order[i]);
  }
  return out + "]}";
}

std::optional<std::string> table_patch(const ShownTable& before, const ShownTable& after) {
  std::string rows;
  const auto add = [&](std::string_view row) {
    if (!rows.empty()) rows += ',';
    rows += row;
  };
  for (const plan::Group& key : after.order) {
    const auto old = before.rows.find(key);
    const std::string& row = after.rows.at(key);
    if (old == before.rows.end() || old->second != row) add(row);
  }
  for (const auto& [key, row] : before.rows) {
    if (after.rows.contains(key)) continue;
    JsonOut out;
    out.object([&] {
      out.key("key").array([&] {
        for (const auto& part : key) out.text_or_null(part);
      });
      out.key("removed").boolean(true);
    });
    add(out.take());
  }
  if (rows.empty() && before.head == after.head) return std::nullopt;
  return after.head + ",\"rows\":[" + rows + "]}";
}

}  // namespace sluice::serve
