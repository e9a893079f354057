#include <algorithm>

#include "ndjson.h"
#include "truth_tables.h"
#include "world.h"

namespace sluice::shop {
namespace {

constexpr int64_t kDay = 86'400'000, kWeek = 7 * kDay, kMonday = 4 * kDay;
constexpr int64_t kGap = 30 * 60'000;
constexpr std::array kSteps{"looked", "carted", "checkout", "ordered"};

int64_t week_of(TimeMs time) { return floor_div(to_ms(time) - kMonday, kWeek) * kWeek + kMonday; }

// How far somebody came in an entry window, and how long each step took since the look that led to it.
struct Reached {
  std::array<std::optional<int64_t>, 4> at;  // the earliest time that reached the level
  std::array<int64_t, 4> took{};

  void level(size_t level, int64_t time, int64_t since) {
    if (at[level] && *at[level] <= time) return;
    at[level] = time;
    took[level] = time - since;
  }
};

void reach(const Seen& seen, int64_t start, int64_t end, Reached& reached) {
  std::optional<int64_t> before_cart;  // the last look in the window that a cart followed
  for (const int64_t look : seen.looks) {
    if (look < start || look >= end) continue;
    reached.level(0, look, look);
    if (seen.steps[0] && look <= *seen.steps[0]) before_cart = std::max(before_cart.value_or(look), look);
  }
  if (!before_cart) return;
  for (size_t step = 0; step < seen.steps.size(); ++step)
    if (seen.steps[step]) reached.level(step + 1, *seen.steps[step], *before_cart);
}

// Did the visit look like two until something came late?
bool joined_late(const std::vector<int64_t>& times) {
  bool apart = false;
  std::set<int64_t> so_far;
  for (const int64_t at : times) {
    so_far.insert(at);
    bool gap = false;
    for (auto one = so_far.begin(), next = std::next(one); next != so_far.end(); ++one, ++next) gap = gap || *next - *one > kGap;
    if (apart && !gap) return true;
    apart = gap;
  }
  return false;
}

}  // namespace

std::map<uint64_t, Seen> visits_of(const std::vector<Fact>& facts) {
  std::map<uint64_t, Seen> visits;
  std::map<uint64_t, std::pair<TimeMs, TimeMs>> ends;  // the first event, the last one that names a user
  for (const Fact& fact : facts) {
    if (fact.visit == 0) continue;
    const auto [at, is_new] = visits.try_emplace(fact.visit);
    Seen& seen = at->second;
    auto& [first, last_named] = ends.try_emplace(fact.visit, TimeMs::max(), TimeMs::min()).first->second;
    if (is_new) seen.device_key = seen.user_key = fact.device_key, seen.country = fact.country, seen.device = fact.device;
    const int64_t ms = to_ms(fact.time);
    seen.times.push_back(ms);
    seen.user_keys.insert(fact.user_key);
    if (fact.time < first) first = fact.time, seen.first_message = fact.message;
    if (fact.user_key != fact.device_key && fact.time > last_named) last_named = fact.time, seen.user_key = fact.user_key;
    if (fact.kind == Kind::product_viewed) seen.looks.push_back(ms);
    if (fact.kind == Kind::cart_filled) seen.steps[0] = ms;
    if (fact.kind == Kind::checkout_started) seen.steps[1] = ms;
    if (fact.kind == Kind::order_completed) seen.steps[2] = ms;
  }
  return visits;
}

nlohmann::json session_row(const Seen& seen) {
  const auto [first, last] = std::minmax_element(seen.times.begin(), seen.times.end());
  Event message;
  message.id = seen.first_message;
  return {message_id(message),   key_text(seen.device_key),         key_text(seen.user_key),       std::to_string(*first),
          std::to_string(*last), std::to_string(seen.times.size()), std::to_string(*last - *first)};
}

std::vector<Fact> visits_as_facts(const std::map<uint64_t, Seen>& visits) {
  std::vector<Fact> facts;
  for (const auto& [id, seen] : visits) {
    const auto [first, last] = std::minmax_element(seen.times.begin(), seen.times.end());
    Fact fact{};
    fact.time = time_ms(*first);
    fact.user_key = seen.user_key;
    fact.device_key = seen.device_key;
    fact.country = seen.country;
    fact.device = seen.device;
    fact.plan = -1;
    fact.events = static_cast<uint32_t>(seen.times.size());
    fact.lasted_ms = static_cast<uint32_t>(*last - *first);
    facts.push_back(fact);
  }
  return facts;
}

std::map<std::string, std::vector<Step>> funnel(const std::map<uint64_t, Seen>& visits, int64_t start, int64_t end,
                                                const std::function<std::string(const Seen&)>& by) {
  std::map<std::string, std::map<uint64_t, Reached>> groups;
  for (const auto& [id, seen] : visits) {
    if (std::none_of(seen.looks.begin(), seen.looks.end(), [&](int64_t look) { return look >= start && look < end; })) continue;
    reach(seen, start, end, groups[by(seen)][seen.device_key]);
  }
  std::map<std::string, std::vector<Step>> out;
  for (const auto& [value, keys] : groups) {
    for (size_t level = 0; level < kSteps.size(); ++level) {
      std::vector<uint32_t> took;
      for (const auto& [key, reached] : keys)
        if (reached.at[level]) took.push_back(static_cast<uint32_t>(reached.took[level]));
      const size_t people = took.size();
      out[value].push_back(
          {kSteps[level], people, people == 0 ? Value() : Value(std::to_string(nearest_rank(std::move(took), 500)))});
    }
  }
  return out;
}

std::map<int64_t, std::array<uint64_t, 8>> cohorts(const std::vector<Fact>& facts) {
  std::map<uint32_t, std::set<int64_t>> weeks;  // in which each buyer bought; the first is their cohort
  for (const Fact& fact : facts)
    if (fact.kind == Kind::order_completed) weeks[fact.person].insert(week_of(fact.time));
  std::map<int64_t, std::array<uint64_t, 8>> out;
  for (const auto& [person, bought] : weeks) {
    auto& people = out[*bought.begin()];
    for (const int64_t week : bought)
      if (const auto period = static_cast<size_t>((week - *bought.begin()) / kWeek); period < people.size()) ++people[period];
  }
  return out;
}

void add_steps(const std::vector<Fact>& facts, const std::map<uint64_t, Seen>& visits, nlohmann::json& definitions) {
  nlohmann::json rows = nlohmann::json::array();
  std::map<int64_t, std::map<uint64_t, Seen>> days;  // a visit with looks before and after midnight is of both
  for (const auto& [id, seen] : visits)
    for (const int64_t look : seen.looks) days[floor_div(look, kDay) * kDay].emplace(id, seen);
  for (const auto& [day, some] : days) {
    const auto place = [](const Seen& seen) {
      return std::string(kCountries[seen.country].code) + " " + std::string(device_name(seen.device));
    };
    for (const auto& [value, steps] : funnel(some, day, day + kDay, place)) {
      for (size_t step = 0; step < steps.size(); ++step)
        rows.push_back({std::to_string(day), std::to_string(day + kDay), value.substr(0, 2), value.substr(3),
                        std::to_string(step + 1), steps[step].name, std::to_string(steps[step].people), steps[step].median_ms});
    }
  }
  definitions["checkout"] = {
      {"columns", {"window_start", "window_end", "country", "device", "step", "step_name", "people", "median_ms"}},
      {"rows", std::move(rows)}};
  rows = nlohmann::json::array();
  for (const auto& [start, people] : cohorts(facts))
    for (size_t period = 0; period < people.size(); ++period)
      rows.push_back({std::to_string(start), std::to_string(period), std::to_string(people[period])});
  definitions["weekly_buyers"] = {{"columns", {"cohort_start", "period", "people"}}, {"rows", std::move(rows)}};
  rows = nlohmann::json::array();
  for (const auto& [id, seen] : visits) rows.push_back(session_row(seen));
  definitions["visits"] = {{"columns", {"first_message", "key", "user_key", "started_at", "ended_at", "events", "duration_ms"}},
                           {"rows", std::move(rows)}};
}

void count_steps(const std::vector<Fact>& facts, const std::map<uint64_t, Seen>& visits, Counters& counters) {
  for (const auto& [id, seen] : visits) {
    counters.split_keys += seen.user_keys.size() > 1;
    counters.went_all_the_way += seen.steps[2].has_value();
    counters.joined_late += joined_late(seen.times);
    const auto [first, last] = std::minmax_element(seen.times.begin(), seen.times.end());
    counters.across_midnight += floor_div(*first, kDay) != floor_div(*last, kDay);
  }
  for (const auto& [start, people] : cohorts(facts))
    for (size_t period = 1; period < people.size(); ++period) counters.returned += people[period];
  std::map<uint32_t, std::set<int32_t>> plans;
  for (const Fact& fact : facts)
    if (fact.kind == Kind::order_completed && fact.plan >= 0) plans[fact.person].insert(fact.plan);
  for (const auto& [person, had] : plans) counters.plan_changed += had.size() > 1;
}

}  // namespace sluice::shop
