#include "serve/inspect.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/rfc3339.h"
#include "plan/clickhouse.h"
#include "serve/json_out.h"
#include "serve/verify.h"

namespace sluice::serve {
namespace {

constexpr size_t kCellsMax = 50;

Result<VerifyWanted> read_wanted(std::string_view body) {
  VerifyWanted wanted;
  if (body.empty()) return wanted;
  const nlohmann::json json = nlohmann::json::parse(body, nullptr, false);
  const Error wrong =
      fail(Code::invalid, "the body must be {}, {\"key\":[text or null, ...]} or that with \"window_start\": milliseconds");
  if (!json.is_object()) return wrong;
  if (const auto key = json.find("key"); key != json.end()) {
    if (!key->is_array()) return wrong;
    wanted.key.emplace();
    for (const nlohmann::json& part : *key) {
      if (part.is_null()) {
        wanted.key->push_back(std::nullopt);
      } else if (part.is_string()) {
        wanted.key->push_back(part.get<std::string>());
      } else {
        return wrong;
      }
    }
  }
  if (const auto start = json.find("window_start"); start != json.end() && !start->is_null()) {
    if (!start->is_number_integer()) return wrong;
    wanted.window_start = time_ms(start->get<int64_t>());
  }
  return wanted;
}

std::string verified_json(const Verified& verified, DurationMs took, bool with_cells) {
  const bool equal = std::all_of(verified.cells.begin(), verified.cells.end(), [](const VerifiedCell& c) { return c.equal(); });
  JsonOut out;
  out.object([&] {
    out.key("shown").text_or_null(verified.cells.front().shown);
    out.key("computed").text_or_null(verified.cells.front().computed);
    out.key("equal").boolean(equal);
    out.key("epoch").count(verified.epoch.value);
    out.key("took_ms").number(took.count());
    out.key("sql").text(verified.sql);
    if (!with_cells) return;
    out.key("compared").count(verified.cells.size());
    out.key("different")
        .count(static_cast<uint64_t>(
            std::count_if(verified.cells.begin(), verified.cells.end(), [](const VerifiedCell& c) { return !c.equal(); })));
    // The differences first: they are what one looks for.
    std::vector<const VerifiedCell*> order;
    for (const VerifiedCell& cell : verified.cells) order.push_back(&cell);
    std::stable_partition(order.begin(), order.end(), [](const VerifiedCell* c) { return !c->equal(); });
    order.resize(std::min(order.size(), kCellsMax));
    out.key("cells").array([&] {
      for (const VerifiedCell* cell : order) {
        out.object([&] {
          out.key("name").text(cell->name);
          out.key("shown").text_or_null(cell->shown);
          out.key("computed").text_or_null(cell->computed);
          out.key("equal").boolean(cell->equal());
        });
      }
    });
  });
  return out.take();
}

struct CsvColumns {
  std::vector<std::string> key;
  std::vector<std::string> values;
};
CsvColumns columns_of(const ShownPanel& shown) {
  using Kind = plan::Panel::Kind;
  const plan::Metric& metric = *shown.entry->metric;
  const plan::Panel& panel = *shown.entry->panel;
  CsvColumns columns;
  for (const uint32_t d : panel.dimensions) columns.key.push_back(metric.dimensions[d].name);
  switch (panel.kind) {
    case Kind::band: return {{"measure"}, {"value"}};
    case Kind::retention: return {{"period"}, {"people"}};
    case Kind::sessions: return {{"session_id"}, {"source", "key", "user_key", "events", "duration_ms"}};
    case Kind::funnel:
      columns.key.insert(columns.key.end(), {"step", "step_name"});
      columns.values = {"people", "median_ms"};
      return columns;
    case Kind::top:
      if (columns.key.empty()) columns.key = {"value"};
      break;
    default: break;
  }
  for (const uint32_t m : panel.measures) columns.values.push_back(metric.measures[m].name);
  return columns;
}

}  // namespace

void append_csv_field(std::string& out, const std::optional<std::string>& value) {
  if (!value) return;
  if (!value->empty() && value->find_first_of(",\"\r\n") == std::string::npos) {
    out += *value;
    return;
  }
  out += '"';
  for (const char c : *value) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

Result<std::string> explain_json(Hub& hub, std::string_view panel_id, const PanelRange& range) {
  const ShownPanel shown = SLUICE_TRY(hub.shown_or_compute(panel_id, range));
  const plan::Metric& metric = *shown.entry->metric;
  const plan::Plan& plan = *shown.project->plan;
  JsonOut out;
  out.object([&] {
    out.key("definition").text(metric.definition);
    out.key("sql").text(shown.empty
                            ? plan::clickhouse::definition_query(plan, metric, shown.as_of.epoch.value, shown.as_of.watermark)
                            : query_sql(*shown.project, *shown.query, shown.over, shown.as_of.epoch));
    out.key("view_sql").text(shown_view_sql(metric, shown.over, shown.query->filters));
    out.key("metric").text(metric.name);
    out.key("version").text(metric.version);
    out.key("epoch").count(shown.as_of.epoch.value);
    out.key("watermark").time_or_null(shown.as_of.watermark);
    out.key("file").text(metric.location.file);
    out.key("line").number(metric.location.line);
  });
  return out.take();
}

Result<std::string> verify_json(Hub& hub, Queries& queries, os::Clock& clock, std::string_view panel_id, std::string_view body,
                                const PanelRange& range) {
  const VerifyWanted wanted = SLUICE_TRY(read_wanted(body));
  const ShownPanel shown = SLUICE_TRY(hub.shown_or_compute(panel_id, range));
  const os::MonotonicTime began = clock.monotonic();
  const Verified verified = SLUICE_TRY(verify(queries, clock, shown, wanted));
  const bool one = shown.entry->panel->kind == plan::Panel::Kind::stat ||
                   (wanted.window_start && shown.entry->panel->kind == plan::Panel::Kind::timeseries);
  return verified_json(verified, std::chrono::duration_cast<DurationMs>(clock.monotonic() - began), !one);
}

Result<std::string> panel_data_json(Hub& hub, std::string_view panel_id, const PanelRange& range) {
  const std::shared_ptr<const RangedPanel> panel = SLUICE_TRY(hub.ranged(panel_id, range));
  JsonOut out;
  out.object([&] {
    out.key("panel").text(panel_id);
    out.key("epoch").count(panel->shown.as_of.epoch.value);
    out.key("as_of").time(panel->shown.as_of.clock);
    out.key("watermark").time_or_null(panel->shown.as_of.watermark);
    out.key("data").raw(panel->data);
    out.key("unfiltered").array([&] {
      for (const std::string& name : panel->unfiltered) out.text(name);
    });
  });
  return out.take();
}

Result<std::string> csv_text(Hub& hub, std::string_view panel_id, const PanelRange& range) {
  const ShownPanel shown = SLUICE_TRY(hub.shown_or_compute(panel_id, range));
  const plan::Metric& metric = *shown.entry->metric;
  const CsvColumns columns = columns_of(shown);
  const bool sessions = shown.entry->panel->kind == plan::Panel::Kind::sessions;
  std::string out = sessions ? "started_at,ended_at" : "window_start,window_end";
  for (const std::string& name : columns.key) out += "," + name;
  for (const std::string& name : columns.values) out += "," + name;
  out += ",state,as_of\r\n";
  const std::string as_of = format_rfc3339(shown.as_of.clock);
  for (const ShownPoint& point : shown.points) {
    // A funnel's group is a line per step.
    const size_t width = columns.values.size();
    for (size_t at = 0; at < point.values.size(); at += width) {
      out += format_rfc3339(point.window.start) + "," + format_rfc3339(point.window.end);
      for (const auto& part : point.key) append_csv_field(out += ',', part);
      if (metric.funnel) {
        out += "," + std::to_string(at / width + 1);
        append_csv_field(out += ',', metric.funnel->steps[at / width].name);
      }
      for (size_t i = 0; i < width; ++i) append_csv_field(out += ',', point.values[at + i]);
      out += std::string(",") + plan::state_name(point.state) + "," + as_of + "\r\n";
    }
  }
  return out;
}

}  // namespace sluice::serve
