#include <fmt/format.h>

#include <algorithm>

#include "truth_tables.h"
#include "world.h"

namespace sluice::shop {
namespace {

constexpr int64_t kDay = 86'400'000, kWeek = 7 * kDay, kMonday = 4 * kDay;

struct Panel {
  std::string id, kind, definition;
  std::vector<std::string> columns;  // of a stat, a time series, a top: the measure; of a table dimensions, too
  std::vector<std::string> by;
  int64_t over;
};

const std::vector<Panel>& panels() {
  static const std::vector<std::string> kLatency{"country", "orders", "p50", "p90", "p99", "slowest"};
  static const std::vector<std::string> kOrders{"country", "checkouts", "orders",  "unfinished",
                                                "revenue", "per_order", "refunds", "refunded"};
  static const std::vector<Panel> all{
      {"shop.0.0", "stat", "orders_daily", {"orders"}, {}, 7 * kDay},
      {"shop.0.1", "stat", "orders_daily", {"revenue"}, {}, 7 * kDay},
      {"shop.0.2", "stat", "orders_daily", {"buyers"}, {}, 7 * kDay},
      {"shop.1.0", "timeseries", "live_events", {"events"}, {"event"}, 600'000},
      {"shop.2.0", "timeseries", "orders_daily", {"revenue"}, {"country"}, 28 * kDay},
      {"shop.3.0", "table", "orders_daily", kOrders, {}, 28 * kDay},
      {"shop.4.0", "timeseries", "revenue_by_plan", {"revenue"}, {"plan"}, 28 * kDay},
      {"shop.4.1", "table", "revenue_by_plan", {"plan", "orders", "buyers", "revenue"}, {}, 28 * kDay},
      {"checkouts.0.0", "funnel", "checkout", {}, {}, 28 * kDay},
      {"checkouts.0.1", "funnel", "checkout", {}, {"device"}, 28 * kDay},
      {"checkouts.1.0", "funnel", "checkout", {}, {"country"}, 28 * kDay},
      {"checkouts.2.0", "stat", "checkout_latency", {"p50"}, {}, 7 * kDay},
      {"checkouts.2.1", "stat", "checkout_latency", {"p99"}, {}, 7 * kDay},
      {"checkouts.2.2", "stat", "checkout_latency", {"slowest"}, {}, 7 * kDay},
      {"checkouts.3.0", "band", "checkout_latency", {"p50", "p90", "p99"}, {}, 7 * kDay},
      {"checkouts.4.0", "timeseries", "checkout_latency", {"p99"}, {"country"}, 7 * kDay},
      {"checkouts.5.0", "table", "checkout_latency", kLatency, {}, 28 * kDay},
      {"visitors.0.0", "stat", "traffic_daily", {"visitors"}, {}, 7 * kDay},
      {"visitors.0.1", "stat", "traffic_daily", {"views"}, {}, 7 * kDay},
      {"visitors.0.2", "stat", "traffic_daily", {"by_bots"}, {}, 7 * kDay},
      {"visitors.1.0", "timeseries", "traffic_daily", {"visitors"}, {"device"}, 28 * kDay},
      {"visitors.2.0", "top", "pages_daily", {"views"}, {"page"}, 28 * kDay},
      {"visitors.2.1", "top", "products_daily", {"most_seen"}, {}, 28 * kDay},
      {"visitors.3.0", "retention", "weekly_buyers", {}, {}, 63 * kDay},
      {"visitors.4.0", "table", "pages_daily", {"page", "views", "visitors"}, {}, 28 * kDay},
      {"visitors.5.0", "stat", "visits_daily", {"visits"}, {}, 7 * kDay},
      {"visitors.5.1", "stat", "visits_daily", {"events_each"}, {}, 7 * kDay},
      {"visitors.5.2", "stat", "visits_daily", {"seconds_each"}, {}, 7 * kDay},
      {"visitors.6.0", "sessions", "visits", {}, {}, 7 * kDay},
  };
  return all;
}

struct Books {
  const std::vector<Fact>& facts;
  const std::map<uint64_t, Seen>& visits;
  const std::vector<Fact>& visit_facts;
};
struct Span {
  int64_t start, end;
};

// [end - over, end), where end is that of the newest window that holds something that counts.
template <class Counts>
std::optional<Span> span_of(const std::vector<Fact>& facts, Counts counts, int64_t size, int64_t offset, int64_t over) {
  std::optional<int64_t> newest;
  for (const Fact& fact : facts)
    if (counts(fact)) newest = std::max(newest.value_or(INT64_MIN), to_ms(fact.time));
  if (!newest) return std::nullopt;
  const int64_t end = floor_div(*newest - offset, size) * size + offset + size;
  return Span{end - over, end};
}

void set_span(nlohmann::json& out, const std::optional<Span>& span) {
  out["start"] = span ? nlohmann::json(span->start) : nlohmann::json();
  out["end"] = span ? nlohmann::json(span->end) : nlohmann::json();
}

// ---- of funnels and cohorts

void show_funnel(const Panel& panel, const Books& books, nlohmann::json& out) {
  const auto is_entry = [](const Fact& fact) { return fact.kind == Kind::product_viewed; };
  const auto span = span_of(books.facts, is_entry, kDay, 0, panel.over);
  set_span(out, span);
  if (!span) return;
  const auto value = [&](const Seen& seen) -> std::string {
    if (panel.by.empty()) return "";
    return std::string(panel.by[0] == "country" ? kCountries[seen.country].code : device_name(seen.device));
  };
  out["groups"] = nlohmann::json::array();
  for (const auto& [key, steps] : funnel(books.visits, span->start, span->end, value)) {
    nlohmann::json shown = nlohmann::json::array();
    for (const Step& step : steps)
      shown.push_back({{"name", step.name}, {"people", std::to_string(step.people)}, {"median_ms", step.median_ms}});
    out["groups"].push_back(
        {{"key", panel.by.empty() ? nlohmann::json::array() : nlohmann::json::array({key})}, {"steps", std::move(shown)}});
  }
}

void show_retention(const Panel& panel, const Books& books, nlohmann::json& out) {
  const auto is_order = [](const Fact& fact) { return fact.kind == Kind::order_completed; };
  const auto span = span_of(books.facts, is_order, kWeek, kMonday, panel.over);
  set_span(out, span);
  if (!span) return;
  out["cohorts"] = nlohmann::json::array();
  for (const auto& [start, people] : cohorts(books.facts)) {
    if (start + kWeek <= span->start || start + kWeek > span->end) continue;
    nlohmann::json cells = nlohmann::json::array();
    for (const uint64_t n : people) cells.push_back(std::to_string(n));
    out["cohorts"].push_back({{"start", start}, {"cells", std::move(cells)}});
  }
}

// ---- of metrics

const Measure& measure(const Metric& metric, const std::string& name) {
  const auto found =
      std::find_if(metric.measures.begin(), metric.measures.end(), [&](const Measure& one) { return one.name == name; });
  SLUICE_ASSERT(found != metric.measures.end(), "a panel names measures of its metric");
  return *found;
}
const Dimension* dimension(const Metric& metric, const std::string& name) {
  const auto found =
      std::find_if(metric.dimensions.begin(), metric.dimensions.end(), [&](const Dimension& one) { return one.name == name; });
  return found == metric.dimensions.end() ? nullptr : &*found;
}

using Groups = std::map<std::pair<int64_t, Key>, Group>;

nlohmann::json points(const Panel& panel, const Metric& metric, const Groups& groups) {
  nlohmann::json out = nlohmann::json::array();
  for (const auto& [at, group] : groups)
    for (const std::string& column : panel.columns) {
      const Key key = panel.kind == "band" ? Key{column} : at.second;
      out.push_back({{"start", at.first}, {"key", key}, {"value", measure(metric, column).of(group)}});
    }
  return out;
}

nlohmann::json table_rows(const Panel& panel, const Metric& metric, const Groups& groups) {
  nlohmann::json out = nlohmann::json::array();
  for (const auto& [at, group] : groups) {
    nlohmann::json cells = nlohmann::json::array();
    size_t dimensions = 0;  // the group's key has them in the order of the columns
    for (const std::string& column : panel.columns)
      cells.push_back(dimension(metric, column) ? at.second[dimensions++] : measure(metric, column).of(group));
    out.push_back({{"key", at.second}, {"cells", std::move(cells)}});
  }
  return out;
}

// [key, value], most first; equal ones by key.
nlohmann::json ranked(const Panel& panel, const Metric& metric, const Groups& groups) {
  nlohmann::json out = nlohmann::json::array();
  if (panel.by.empty()) {
    for (const auto& [at, group] : groups)
      for (const Value& pair : measure(metric, panel.columns[0]).of(group)) out.push_back(pair);
    return out;
  }
  std::vector<std::pair<uint64_t, Value>> order;
  for (const auto& [at, group] : groups)
    order.emplace_back(std::stoull(measure(metric, panel.columns[0]).of(group).get<std::string>()), at.second[0]);
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [n, key] : order) out.push_back(nlohmann::json::array({key, std::to_string(n)}));
  return out;
}

void show_metric(const Panel& panel, const Books& books, nlohmann::json& out) {
  const auto metric =
      std::find_if(metrics().begin(), metrics().end(), [&](const Metric& one) { return one.name == panel.definition; });
  SLUICE_ASSERT(metric != metrics().end(), "a panel names a definition");
  const std::vector<Fact>& facts = metric->of_visits ? books.visit_facts : books.facts;
  const auto span = span_of(facts, metric->counts, metric->size, 0, panel.over);
  set_span(out, span);
  if (!span) return;
  std::vector<Dimension> by;
  for (const std::string& name : panel.kind == "table" ? panel.columns : panel.by)
    if (const Dimension* one = dimension(*metric, name)) by.push_back(*one);
  const bool series = panel.kind == "timeseries" || panel.kind == "band";
  const Groups groups = grouped(facts, *metric, series ? metric->size : 0, by, span->start, span->end);
  if (panel.kind == "stat") {
    out["value"] = groups.empty() ? Value() : measure(*metric, panel.columns[0]).of(groups.begin()->second);
  } else if (series) {
    out["points"] = points(panel, *metric, groups);
  } else {
    out["rows"] = panel.kind == "top" ? ranked(panel, *metric, groups) : table_rows(panel, *metric, groups);
  }
}

}  // namespace

nlohmann::json panel_numbers(const std::vector<Fact>& facts, const std::map<uint64_t, Seen>& visits) {
  const std::vector<Fact> visit_facts = visits_as_facts(visits);
  const Books books{facts, visits, visit_facts};
  nlohmann::json out = nlohmann::json::object();
  for (const Panel& panel : panels()) {
    nlohmann::json& one = out[panel.id];
    one = {{"kind", panel.kind},
           {"metric", panel.definition},
           {"columns", panel.columns},
           {"by", panel.by},
           {"over_ms", panel.over}};
    if (panel.kind == "funnel") show_funnel(panel, books, one);
    else if (panel.kind == "retention") show_retention(panel, books, one);
    else if (panel.kind != "sessions")  // its rows are those of the definition
      show_metric(panel, books, one);
  }
  return out;
}

}  // namespace sluice::shop
