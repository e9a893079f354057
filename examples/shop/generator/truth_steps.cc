#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "truth_tables.h"
#include "world.h"

namespace sluice::shop {
namespace {

constexpr int64_t kDay = 86'400'000, kWeek = 7 * kDay, kMonday = 4 * kDay;
constexpr int64_t kGap = 30 * 60'000;
constexpr int64_t kPeriods = 8;

// One visit as it was meant: who, on what, and when each step was taken.
struct Seen {
  uint64_t device_key = 0;
  uint8_t country = 0;
  Device device = Device::desktop;
  std::vector<int64_t> looks;
  std::array<std::optional<int64_t>, 3> steps;  // cart, checkout, order: at most one each, in this order
  std::vector<int64_t> times;
  std::set<uint64_t> user_keys;
};

std::map<uint64_t, Seen> visits_of(const std::vector<Fact>& facts) {
  std::map<uint64_t, Seen> visits;
  for (const Fact& fact : facts) {
    if (fact.visit == 0) continue;
    Seen& seen = visits[fact.visit];
    seen.device_key = fact.device_key, seen.country = fact.country, seen.device = fact.device;
    const int64_t at = to_ms(fact.time);
    seen.times.push_back(at);
    seen.user_keys.insert(fact.user_key);
    if (fact.kind == Kind::product_viewed) seen.looks.push_back(at);
    if (fact.kind == Kind::cart_filled) seen.steps[0] = at;
    if (fact.kind == Kind::checkout_started) seen.steps[1] = at;
    if (fact.kind == Kind::order_completed) seen.steps[2] = at;
  }
  return visits;
}

// How far somebody came in an entry window, and how long each step took since the look that led to it.
struct Reached {
  std::array<std::optional<int64_t>, 4> at;    // the earliest time that reached the level
  std::array<int64_t, 4> took{};
};

using Window = std::tuple<int64_t, uint8_t, Device>;  // day, country, device
std::map<Window, std::map<uint64_t, Reached>> funnel_of(const std::map<uint64_t, Seen>& visits) {
  std::map<Window, std::map<uint64_t, Reached>> windows;
  for (const auto& [id, seen] : visits) {
    std::set<int64_t> days;
    for (const int64_t look : seen.looks) days.insert(floor_div(look, kDay) * kDay);
    for (const int64_t day : days) {
      Reached& reached = windows[{day, seen.country, seen.device}][seen.device_key];
      const auto reach = [&](size_t level, int64_t at, int64_t took) {
        if (!reached.at[level] || at < *reached.at[level]) reached.at[level] = at, reached.took[level] = took;
      };
      std::optional<int64_t> before_cart;  // the last look of that day that a cart followed
      for (const int64_t look : seen.looks) {
        if (floor_div(look, kDay) * kDay != day) continue;
        reach(0, look, 0);
        if (seen.steps[0] && look <= *seen.steps[0]) before_cart = std::max(before_cart.value_or(look), look);
      }
      if (!before_cart) continue;
      for (size_t step = 0; step < seen.steps.size(); ++step)
        if (seen.steps[step]) reach(step + 1, *seen.steps[step], *seen.steps[step] - *before_cart);
    }
  }
  return windows;
}

nlohmann::json funnel_rows(const std::map<uint64_t, Seen>& visits) {
  static constexpr std::array kSteps{"looked", "carted", "checkout", "ordered"};
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& [window, keys] : funnel_of(visits)) {
    const auto& [day, country, device] = window;
    for (size_t level = 0; level < kSteps.size(); ++level) {
      std::vector<uint32_t> took;
      for (const auto& [key, reached] : keys)
        if (reached.at[level]) took.push_back(static_cast<uint32_t>(reached.took[level]));
      const size_t people = took.size();
      rows.push_back({std::to_string(day), std::to_string(day + kDay), std::string(kCountries[country].code),
                      device == Device::phone ? "phone" : "desktop", std::to_string(level + 1), kSteps[level],
                      std::to_string(people),
                      people == 0 ? nlohmann::json() : nlohmann::json(std::to_string(nearest_rank(std::move(took), 500)))});
    }
  }
  return rows;
}

// Weeks in which each buyer bought; the first is their cohort.
nlohmann::json retention_rows(const std::vector<Fact>& facts, Counters& counters) {
  std::map<uint32_t, std::set<int64_t>> weeks;
  for (const Fact& fact : facts)
    if (fact.kind == Kind::order_completed)
      weeks[fact.person].insert(floor_div(to_ms(fact.time) - kMonday, kWeek) * kWeek + kMonday);
  std::map<int64_t, std::array<uint64_t, kPeriods>> cohorts;
  for (const auto& [person, bought] : weeks) {
    auto& people = cohorts[*bought.begin()];
    for (const int64_t week : bought) {
      const int64_t period = (week - *bought.begin()) / kWeek;
      if (period < kPeriods) ++people[static_cast<size_t>(period)];
      if (period > 0) ++counters.returned;
    }
  }
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& [start, people] : cohorts)
    for (size_t period = 0; period < people.size(); ++period)
      rows.push_back({std::to_string(start), std::to_string(period), std::to_string(people[period])});
  return rows;
}

void count_visits(const std::map<uint64_t, Seen>& visits, Counters& counters) {
  for (const auto& [id, seen] : visits) {
    if (seen.user_keys.size() > 1) ++counters.split_keys;
    if (seen.steps[2]) ++counters.went_all_the_way;
    // Times are in the order of delivery: a gap that a later arrival filled.
    int64_t low = seen.times.front(), high = low;
    bool apart = false, joined = false;
    std::set<int64_t> so_far{low};
    for (const int64_t at : seen.times) {
      so_far.insert(at);
      bool gap = false;
      for (auto one = so_far.begin(), next = std::next(one); next != so_far.end(); ++one, ++next)
        gap = gap || *next - *one > kGap;
      joined = joined || (apart && !gap);
      apart = gap;
      low = std::min(low, at), high = std::max(high, at);
    }
    counters.joined_late += joined;
    counters.across_midnight += floor_div(low, kDay) != floor_div(high, kDay);
  }
}

void count_plans(const std::vector<Fact>& facts, Counters& counters) {
  std::map<uint32_t, std::set<int32_t>> plans;  // by person; those of one account share its plans
  for (const Fact& fact : facts)
    if (fact.kind == Kind::order_completed && fact.plan >= 0) plans[fact.person].insert(fact.plan);
  for (const auto& [person, had] : plans) counters.plan_changed += had.size() > 1;
}

}  // namespace

void add_steps(const std::vector<Fact>& facts, Counters& counters, nlohmann::json& definitions) {
  const std::map<uint64_t, Seen> visits = visits_of(facts);
  definitions["checkout"] = {
      {"columns", {"window_start", "window_end", "country", "device", "step", "step_name", "people", "median_ms"}},
      {"rows", funnel_rows(visits)}};
  definitions["weekly_buyers"] = {{"columns", {"cohort_start", "period", "people"}}, {"rows", retention_rows(facts, counters)}};
  count_visits(visits, counters);
  count_plans(facts, counters);
}

}  // namespace sluice::shop
