#include <fmt/format.h>

#include <algorithm>

#include "truth_tables.h"
#include "world.h"

namespace sluice::shop {
namespace {

constexpr int64_t kHour = 3'600'000, kDay = 24 * kHour;

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
// Of visits: how many events, and how long, on average.
Value avg_events(const Group& group) {
  uint64_t events = 0;
  for (const Fact* visit : group) events += visit->events;
  return ratio_text(events, group.size());
}
Value avg_seconds(const Group& group) {
  uint64_t lasted = 0;
  for (const Fact* visit : group) lasted += visit->lasted_ms;
  return ratio_text(lasted, 1000 * group.size());
}
Value views_each(const Group& group) {
  const uint64_t visitors = number(distinct(is_human, [](const Fact& fact) { return fact.user_key; })(group));
  return visitors == 0 ? Value() : Value(ratio_text(number(count(is_human)(group)), visitors));
}

using Text = std::optional<std::string_view>;
const Dimension kCountry{"country", [](const Fact& fact) -> Text { return kCountries[fact.country].code; }};
const Dimension kDevice{"device", [](const Fact& fact) -> Text { return device_name(fact.device); }};
const Dimension kPage{"page", [](const Fact& fact) -> Text { return kPages[fact.page]; }};
const Dimension kPlan{
    "plan", [](const Fact& fact) -> Text { return fact.plan < 0 ? Text() : Text(kPlans[static_cast<size_t>(fact.plan)]); }};

}  // namespace

std::string_view device_name(Device device) {
  return device == Device::phone ? "phone" : (device == Device::bot ? "bot" : "desktop");
}

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
      {"revenue_by_plan",
       kDay,
       is_order,
       {kPlan},
       {{"orders", count(everything)}, {"buyers", distinct(everything, person)}, {"revenue", money(everything)}}},
      {"visits_daily",
       kDay,
       everything,
       {},
       {{"visits", count(everything)},
        {"people", distinct(everything, key)},
        {"events_each", avg_events},
        {"seconds_each", avg_seconds}},
       true},
      // Nothing of the history is the live source's.
      {"live_events", 10'000, [](const Fact&) { return false; }, {}, {}},
  };
  return all;
}

std::map<std::pair<int64_t, Key>, Group> grouped(const std::vector<Fact>& facts, const Metric& metric, int64_t size,
                                                 const std::vector<Dimension>& by, int64_t start, int64_t end) {
  std::map<std::pair<int64_t, Key>, Group> groups;
  for (const Fact& fact : facts) {
    const int64_t at = to_ms(fact.time);
    if (at < start || at >= end || !metric.counts(fact)) continue;
    Key key;
    for (const Dimension& dimension : by) {
      const Text value = dimension.of(fact);
      key.push_back(value ? Value(std::string(*value)) : Value());
    }
    groups[{size == 0 ? start : floor_div(at, size) * size, std::move(key)}].push_back(&fact);
  }
  return groups;
}

void add_metrics(const std::vector<Fact>& facts, const std::vector<Fact>& visits, nlohmann::json& definitions) {
  for (const Metric& metric : metrics()) {
    nlohmann::json columns{"window_start", "window_end"}, rows = nlohmann::json::array();
    for (const Dimension& one : metric.dimensions) columns.push_back(one.name);
    for (const Measure& one : metric.measures) columns.push_back(one.name);
    for (const auto& [at, group] :
         grouped(metric.of_visits ? visits : facts, metric, metric.size, metric.dimensions, INT64_MIN, INT64_MAX)) {
      nlohmann::json row{std::to_string(at.first), std::to_string(at.first + metric.size)};
      for (const Value& value : at.second) row.push_back(value);
      for (const Measure& one : metric.measures) row.push_back(one.of(group));
      rows.push_back(std::move(row));
    }
    definitions[metric.name] = {{"columns", std::move(columns)}, {"rows", std::move(rows)}};
  }
}

}  // namespace sluice::shop
