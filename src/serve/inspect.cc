#include "serve/inspect.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/rfc3339.h"
#include "plan/clickhouse.h"
#include "serve/json_out.h"

namespace sluice::serve {
namespace {

constexpr DurationMs kTimeout{60'000};
constexpr size_t kCellsMax = 50;

struct Wanted {
  std::optional<plan::Group> key;
  std::optional<TimeMs> window_start;
};

Result<Wanted> read_wanted(std::string_view body) {
  Wanted wanted;
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

// The panel's key in the order of the query's kept dimensions.
plan::Group kept_key(const ShownPanel& shown, const plan::Group& key) {
  plan::Group kept(shown.query->kept.size());
  for (size_t i = 0; i < key.size(); ++i) kept[shown.entry->key_positions[i]] = key[i];
  return kept;
}

struct Cell {
  std::string name;
  std::optional<std::string> shown;
  std::optional<std::string> computed;
  bool equal() const { return shown == computed; }
};

struct Verified {
  std::vector<Cell> cells;
  event::Epoch epoch;
  std::string sql;
};

std::string verified_json(const Verified& verified, DurationMs took, bool with_cells) {
  const bool equal = std::all_of(verified.cells.begin(), verified.cells.end(), [](const Cell& c) { return c.equal(); });
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
            std::count_if(verified.cells.begin(), verified.cells.end(), [](const Cell& c) { return !c.equal(); })));
    // The differences first: they are what one looks for.
    std::vector<const Cell*> order;
    for (const Cell& cell : verified.cells) order.push_back(&cell);
    std::stable_partition(order.begin(), order.end(), [](const Cell* c) { return !c->equal(); });
    order.resize(std::min(order.size(), kCellsMax));
    out.key("cells").array([&] {
      for (const Cell* cell : order) {
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

Recomputation recomputation_of(const ShownPanel& shown, const std::optional<plan::Group>& key) {
  Recomputation what;
  what.metric = shown.query->metric;
  what.kept = shown.query->kept;
  if (key && !what.kept.empty()) what.key = kept_key(shown, *key);
  what.window = shown.over;
  what.epoch = shown.as_of.epoch;
  return what;
}

// One point: a stat, a table's row, or a bucket of a series. `point` is what the panel shows.
Result<Verified> verify_point(Queries& queries, const ShownPanel& shown, const ShownPoint& point) {
  const plan::Metric& metric = *shown.entry->metric;
  Recomputation what = recomputation_of(shown, point.key);
  what.window = point.window;
  what.epoch = point.as_of;
  // Read from the view, which does not say as of which epoch a row was written: its table does.
  if (what.epoch == event::Epoch(0)) {
    if (!shown.table.empty()) {
      what.epoch = SLUICE_TRY(row_epoch(shown.table, point.window, kept_key(shown, point.key), queries, kTimeout));
    }
    if (what.epoch == event::Epoch(0)) what.epoch = shown.as_of.epoch;
  }
  Verified verified;
  verified.epoch = what.epoch;
  verified.sql = recomputation_sql(*shown.project, what);
  const std::vector<LoadedRow> rows = SLUICE_TRY(recompute(*shown.project, what, verified.sql, queries, kTimeout));
  for (size_t i = 0; i < shown.entry->panel->measures.size(); ++i) {
    const uint32_t measure = shown.entry->panel->measures[i];
    Cell cell{metric.measures[measure].name, point.values[i], std::nullopt};
    if (!rows.empty()) cell.computed = rows.front().values[measure];
    verified.cells.push_back(std::move(cell));
  }
  return verified;
}

// Every bucket of one series at once.
Result<Verified> verify_series(Queries& queries, const ShownPanel& shown, const plan::Group& key) {
  Recomputation what = recomputation_of(shown, key);
  what.kind = SharedQuery::Kind::series;
  const uint32_t measure = shown.entry->panel->measures.front();
  Verified verified;
  verified.epoch = what.epoch;
  verified.sql = recomputation_sql(*shown.project, what);
  std::map<plan::Span, Cell> cells;
  for (const ShownPoint& point : shown.points) {
    if (point.key == key) cells[point.window] = {format_rfc3339(point.window.start), point.values.front(), std::nullopt};
  }
  for (const LoadedRow& row : SLUICE_TRY(recompute(*shown.project, what, verified.sql, queries, kTimeout))) {
    Cell& cell = cells[row.window];
    cell.name = format_rfc3339(row.window.start);
    cell.computed = row.values[measure];
  }
  // Newest first: it is the one that `shown` and `computed` are of.
  for (auto at = cells.rbegin(); at != cells.rend(); ++at) verified.cells.push_back(std::move(at->second));
  return verified;
}

void append_field(std::string& out, const std::optional<std::string>& value) {
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

}  // namespace

Result<std::string> explain_json(Hub& hub, std::string_view panel_id) {
  const ShownPanel shown = SLUICE_TRY(hub.shown_or_compute(panel_id));
  const plan::Metric& metric = *shown.entry->metric;
  const plan::Plan& plan = *shown.project->plan;
  JsonOut out;
  out.object([&] {
    out.key("definition").text(metric.definition);
    out.key("sql").text(shown.empty
                            ? plan::clickhouse::definition_query(plan, metric, shown.as_of.epoch.value, shown.as_of.watermark)
                            : query_sql(*shown.project, *shown.query, shown.over, shown.as_of.epoch));
    out.key("view_sql").text(shown_view_sql(metric, shown.over));
    out.key("metric").text(metric.name);
    out.key("version").text(metric.version);
    out.key("epoch").count(shown.as_of.epoch.value);
    out.key("watermark").time_or_null(shown.as_of.watermark);
    out.key("file").text(metric.location.file);
    out.key("line").number(metric.location.line);
  });
  return out.take();
}

Result<std::string> verify_json(Hub& hub, Queries& queries, os::Clock& clock, std::string_view panel_id, std::string_view body) {
  const Wanted wanted = SLUICE_TRY(read_wanted(body));
  const ShownPanel shown = SLUICE_TRY(hub.shown_or_compute(panel_id));
  const plan::Panel& panel = *shown.entry->panel;
  const plan::Group key = wanted.key.value_or(plan::Group{});
  if (key.size() != panel.dimensions.size()) {
    return fail(Code::invalid, "`key` must have one element for each of the panel's " + std::to_string(panel.dimensions.size()) +
                                   " dimensions, in its order");
  }
  const os::MonotonicTime began = clock.monotonic();
  const bool series = panel.kind == plan::Panel::Kind::timeseries && !wanted.window_start;
  const auto point = std::find_if(shown.points.begin(), shown.points.end(), [&](const ShownPoint& p) {
    return p.key == key && (!wanted.window_start || p.window.start == *wanted.window_start);
  });
  if (point == shown.points.end()) return fail(Code::not_found, "the panel shows no such row or point now; reload the page");
  const Verified verified = SLUICE_TRY(series ? verify_series(queries, shown, key) : verify_point(queries, shown, *point));
  return verified_json(verified, std::chrono::duration_cast<DurationMs>(clock.monotonic() - began),
                       series || panel.kind == plan::Panel::Kind::table);
}

Result<std::string> csv_text(Hub& hub, std::string_view panel_id) {
  const ShownPanel shown = SLUICE_TRY(hub.shown_or_compute(panel_id));
  const plan::Metric& metric = *shown.entry->metric;
  std::string out = "window_start,window_end";
  for (const uint32_t d : shown.entry->panel->dimensions) out += "," + metric.dimensions[d].name;
  for (const uint32_t m : shown.entry->panel->measures) out += "," + metric.measures[m].name;
  out += ",state,as_of\r\n";
  const std::string as_of = format_rfc3339(shown.as_of.clock);
  for (const ShownPoint& point : shown.points) {
    out += format_rfc3339(point.window.start) + "," + format_rfc3339(point.window.end);
    for (const auto& part : point.key) append_field(out += ',', part);
    for (const auto& value : point.values) append_field(out += ',', value);
    out += std::string(",") + plan::state_name(point.state) + "," + as_of + "\r\n";
  }
  return out;
}

}  // namespace sluice::serve
