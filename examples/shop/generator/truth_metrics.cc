#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "truth_tables.h"
#include "world.h"

namespace sluice::shop {
namespace {

constexpr int64_t kHour = 3'600'000, kDay = 24 * kHour;

using Group = std::vector<const Fact*>;
using Value = nlohmann::json;  // text; null; for topk a list of [value, count]
using Condition = bool (*)(const Fact&);

struct Dimension {
  std::string name;
  std::string_view (*of)(const Fact&);
};
struct Measure {
  std::string name;
  std::function<Value(const Group&)> of;
};
struct Metric {
  std::string name;
  int64_t size;
  Condition counts;
  std::vector<Dimension> dimensions;
  std::vector<Measure> measures;
};

// ---- measures

auto count(Condition counts) {
  return [=](const Group& group) -> Value {
    return std::to_string(std::count_if(group.begin(), group.end(), [&](const Fact* fact) { return counts(*fact); }));
  };
}
template <class Key>
auto distinct(Condition counts, Key key) {
  return [=](const Group& group) -> Value {
    std::unordered_set<uint64_t> seen;
    for (const Fact* fact : group)
      if (counts(*fact)) seen.insert(key(*fact));
    return std::to_string(seen.size());
  };
}
uint64_t cents_of(const Group& group, Condition counts) {
  uint64_t cents = 0;
  for (const Fact* fact : group)
    if (counts(*fact)) cents += fact->cents;
  return cents;
}
bool any(const Group& group, Condition counts) {
  return std::any_of(group.begin(), group.end(), [&](const Fact* fact) { return counts(*fact); });
}
// A sum of nothing is NULL.
auto money(Condition counts) {
  return
      [=](const Group& group) -> Value { return any(group, counts) ? Value(ratio_text(cents_of(group, counts), 100)) : Value(); };
}
auto checkout_rank(uint32_t per_mille) {
  return [=](const Group& group) -> Value {
    std::vector<uint32_t> all;
    for (const Fact* fact : group) all.push_back(fact->checkout_ms);
    return std::to_string(nearest_rank(std::move(all), per_mille));
  };
}
Value most_seen(const Group& group) {
  std::map<std::string, uint64_t> looks;
  for (const Fact* fact : group) ++looks[fmt::format("p_{:03}", fact->page)];
  std::vector<std::pair<std::string, uint64_t>> order(looks.begin(), looks.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  Value list = Value::array();
  for (size_t i = 0; i < std::min<size_t>(10, order.size()); ++i)
    list.push_back({order[i].first, std::to_string(order[i].second)});
  return list;
}

bool everything(const Fact&) { return true; }
bool is_checkout(const Fact& fact) { return fact.kind == Kind::checkout_started; }
bool is_order(const Fact& fact) { return fact.kind == Kind::order_completed; }
bool is_refund(const Fact& fact) { return fact.kind == Kind::order_refunded; }
bool is_bot(const Fact& fact) { return fact.device == Device::bot; }
bool is_human(const Fact& fact) { return fact.device != Device::bot; }
bool is_page(const Fact& fact) { return fact.kind == Kind::page_viewed && is_human(fact); }
bool is_product(const Fact& fact) { return fact.kind == Kind::product_viewed; }

uint64_t number(const Value& value) { return std::stoull(value.get<std::string>()); }
Value per_order(const Group& group) {
  const uint64_t orders = number(count(is_order)(group));
  return orders == 0 ? Value() : Value(ratio_text(cents_of(group, is_order), 100 * orders));
}
// Of a day it may be below zero: an order just after midnight belongs to a checkout just before it.
Value unfinished(const Group& group) {
  return std::to_string(static_cast<int64_t>(number(count(is_checkout)(group))) -
                        static_cast<int64_t>(number(count(is_order)(group))));
}
Value views_each(const Group& group) {
  const uint64_t visitors = number(distinct(is_human, [](const Fact& fact) { return fact.user_key; })(group));
  return visitors == 0 ? Value() : Value(ratio_text(number(count(is_human)(group)), visitors));
}

const Dimension kCountry{"country", [](const Fact& fact) { return kCountries[fact.country].code; }};
const Dimension kDevice{"device", [](const Fact& fact) -> std::string_view {
                          return fact.device == Device::phone ? "phone" : (fact.device == Device::bot ? "bot" : "desktop");
                        }};
const Dimension kPage{"page", [](const Fact& fact) { return kPages[fact.page]; }};

const std::vector<Metric>& metrics() {
  const auto person = [](const Fact& fact) { return uint64_t{fact.person}; };
  const auto key = [](const Fact& fact) { return fact.user_key; };
  static const std::vector<Metric> all{
      {"orders_daily",
       kDay,
       [](const Fact& fact) { return is_checkout(fact) || is_order(fact) || is_refund(fact); },
       {kCountry},
       {{"checkouts", count(is_checkout)},
        {"orders", count(is_order)},
        {"unfinished", unfinished},
        {"buyers", distinct(is_order, person)},
        {"revenue", money(is_order)},
        {"refunds", count(is_refund)},
        {"refunded", money(is_refund)},
        {"per_order", per_order}}},
      {"checkout_latency",
       kHour,
       is_order,
       {kCountry},
       {{"orders", count(everything)},
        {"p50", checkout_rank(500)},
        {"p90", checkout_rank(900)},
        {"p99", checkout_rank(990)},
        {"slowest", checkout_rank(1000)}}},
      {"traffic_daily",
       kDay,
       [](const Fact& fact) { return fact.kind == Kind::page_viewed || is_product(fact); },
       {kCountry, kDevice},
       {{"views", count(is_human)},
        {"visitors", distinct(is_human, key)},
        {"by_bots", count(is_bot)},
        {"views_each", views_each}}},
      {"pages_daily", kDay, is_page, {kPage}, {{"views", count(everything)}, {"visitors", distinct(everything, key)}}},
      {"products_daily", kDay, is_product, {}, {{"looks", count(everything)}, {"most_seen", most_seen}}},
      // Nothing of the history is the live source's.
      {"live_events", 10'000, [](const Fact&) { return false; }, {}, {}},
  };
  return all;
}

using Key = std::vector<std::string>;  // of a group: its dimensions' values
std::map<std::pair<int64_t, Key>, Group> grouped(const std::vector<Fact>& facts, const Metric& metric, int64_t size,
                                                 const std::vector<Dimension>& by, int64_t start, int64_t end) {
  std::map<std::pair<int64_t, Key>, Group> groups;
  for (const Fact& fact : facts) {
    const int64_t at = to_ms(fact.time);
    if (at < start || at >= end || !metric.counts(fact)) continue;
    Key key;
    for (const Dimension& dimension : by) key.emplace_back(dimension.of(fact));
    groups[{size == 0 ? start : floor_div(at, size) * size, std::move(key)}].push_back(&fact);
  }
  return groups;
}

// ---- panels

struct Panel {
  std::string id, kind, metric;
  std::vector<std::string> columns;  // the measure of a stat, of a time series; a table's columns, dimensions too
  std::vector<std::string> by;
  int64_t over;
};
const std::vector<Panel>& panels() {
  static const std::vector<Panel> all{
      {"shop.0.0", "stat", "orders_daily", {"orders"}, {}, 7 * kDay},
      {"shop.0.1", "stat", "orders_daily", {"revenue"}, {}, 7 * kDay},
      {"shop.0.2", "stat", "orders_daily", {"buyers"}, {}, 7 * kDay},
      {"shop.1.0", "timeseries", "live_events", {"events"}, {"event"}, 600'000},
      {"shop.2.0", "timeseries", "orders_daily", {"revenue"}, {"country"}, 28 * kDay},
      {"shop.3.0",
       "table",
       "orders_daily",
       {"country", "checkouts", "orders", "unfinished", "revenue", "per_order", "refunds", "refunded"},
       {},
       28 * kDay},
      {"latency.0.0", "stat", "checkout_latency", {"p50"}, {}, 7 * kDay},
      {"latency.0.1", "stat", "checkout_latency", {"p99"}, {}, 7 * kDay},
      {"latency.0.2", "stat", "checkout_latency", {"slowest"}, {}, 7 * kDay},
      {"latency.1.0", "timeseries", "checkout_latency", {"p99"}, {"country"}, 7 * kDay},
      {"latency.2.0", "table", "checkout_latency", {"country", "orders", "p50", "p90", "p99", "slowest"}, {}, 28 * kDay},
      {"visitors.0.0", "stat", "traffic_daily", {"visitors"}, {}, 7 * kDay},
      {"visitors.0.1", "stat", "traffic_daily", {"views"}, {}, 7 * kDay},
      {"visitors.0.2", "stat", "traffic_daily", {"by_bots"}, {}, 7 * kDay},
      {"visitors.1.0", "timeseries", "traffic_daily", {"visitors"}, {"device"}, 28 * kDay},
      {"visitors.2.0", "table", "pages_daily", {"page", "views", "visitors"}, {}, 28 * kDay},
      {"visitors.2.1", "table", "products_daily", {"looks", "most_seen"}, {}, 28 * kDay},
  };
  return all;
}

Value measured(const Metric& metric, const std::string& name, const Group& group) {
  const auto found =
      std::find_if(metric.measures.begin(), metric.measures.end(), [&](const Measure& one) { return one.name == name; });
  SLUICE_ASSERT(found != metric.measures.end(), "a panel names measures of its metric");
  return found->of(group);
}
const Dimension* dimension(const Metric& metric, const std::string& name) {
  const auto found =
      std::find_if(metric.dimensions.begin(), metric.dimensions.end(), [&](const Dimension& one) { return one.name == name; });
  return found == metric.dimensions.end() ? nullptr : &*found;
}

nlohmann::json numbers_of(const Panel& panel, const std::vector<Fact>& facts) {
  const auto metric =
      std::find_if(metrics().begin(), metrics().end(), [&](const Metric& one) { return one.name == panel.metric; });
  SLUICE_ASSERT(metric != metrics().end(), "a panel names a metric");
  nlohmann::json out{
      {"kind", panel.kind}, {"metric", panel.metric}, {"columns", panel.columns}, {"by", panel.by}, {"over_ms", panel.over}};
  std::optional<int64_t> newest;
  for (const Fact& fact : facts)
    if (metric->counts(fact)) newest = std::max(newest.value_or(INT64_MIN), to_ms(fact.time));
  out["start"] = out["end"] = nullptr;
  if (!newest) return out;
  const int64_t end = floor_div(*newest, metric->size) * metric->size + metric->size, start = end - panel.over;
  out["start"] = start, out["end"] = end;
  std::vector<Dimension> by;
  for (const std::string& name : panel.kind == "table" ? panel.columns : panel.by)
    if (const Dimension* one = dimension(*metric, name)) by.push_back(*one);
  const bool series = panel.kind == "timeseries";
  const auto groups = grouped(facts, *metric, series ? metric->size : 0, by, start, end);
  if (panel.kind == "stat") {
    out["value"] = groups.empty() ? Value() : measured(*metric, panel.columns[0], groups.begin()->second);
    return out;
  }
  nlohmann::json cells = nlohmann::json::array();
  for (const auto& [at, group] : groups) {
    if (series) {
      cells.push_back({{"start", at.first}, {"key", at.second}, {"value", measured(*metric, panel.columns[0], group)}});
      continue;
    }
    nlohmann::json row = nlohmann::json::array();
    for (const std::string& column : panel.columns) {
      const Dimension* named = dimension(*metric, column);
      row.push_back(named ? Value(std::string(named->of(*group.front()))) : measured(*metric, column, group));
    }
    cells.push_back({{"key", at.second}, {"cells", std::move(row)}});
  }
  out[series ? "points" : "rows"] = std::move(cells);
  return out;
}

}  // namespace

void add_metrics(const std::vector<Fact>& facts, nlohmann::json& definitions) {
  for (const Metric& metric : metrics()) {
    nlohmann::json columns{"window_start", "window_end"}, rows = nlohmann::json::array();
    for (const Dimension& one : metric.dimensions) columns.push_back(one.name);
    for (const Measure& one : metric.measures) columns.push_back(one.name);
    for (const auto& [at, group] : grouped(facts, metric, metric.size, metric.dimensions, INT64_MIN, INT64_MAX)) {
      nlohmann::json row{std::to_string(at.first), std::to_string(at.first + metric.size)};
      for (const std::string& value : at.second) row.push_back(value);
      for (const Measure& one : metric.measures) row.push_back(one.of(group));
      rows.push_back(std::move(row));
    }
    definitions[metric.name] = {{"columns", std::move(columns)}, {"rows", std::move(rows)}};
  }
}

nlohmann::json panel_numbers(const std::vector<Fact>& facts, const nlohmann::json&) {
  nlohmann::json out = nlohmann::json::object();
  for (const Panel& panel : panels()) out[panel.id] = numbers_of(panel, facts);
  return out;
}

}  // namespace sluice::shop
