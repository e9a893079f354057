#include "truth.h"

#include <fmt/format.h>

#include <algorithm>

#include "truth_tables.h"
#include "world.h"

namespace sluice::shop {

uint64_t user_key(uint32_t person) { return person; }
uint64_t device_key(Device device, uint32_t person) { return (uint64_t{1} + static_cast<uint64_t>(device)) << 40 | person; }

std::string key_text(uint64_t key) {
  const uint64_t kind = key >> 40, person = key & 0xff'ffff'ffff;
  if (kind == 0) return fmt::format("u_{}", person);
  const auto device = static_cast<Device>(kind - 1);
  return fmt::format("{}_{}", device == Device::phone ? "phone" : (device == Device::bot ? "bot" : "web"), person);
}

std::string ratio_text(uint64_t numerator, uint64_t denominator) {
  __extension__ typedef unsigned __int128 wide;
  const wide scaled = (wide{numerator} * 2'000'000'000 / denominator + 1) / 2;
  std::string text =
      fmt::format("{}.{:09}", static_cast<uint64_t>(scaled / 1'000'000'000), static_cast<uint64_t>(scaled % 1'000'000'000));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

uint32_t nearest_rank(std::vector<uint32_t> values, uint32_t per_mille) {
  const size_t rank = std::max<size_t>(1, (values.size() * per_mille + 999) / 1000);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(rank - 1), values.end());
  return values[rank - 1];
}

Status Truth::add(const Event& event) {
  if (event.retry) {
    ++counters_.retries;
    return ok();
  }
  if (facts_.size() == kFactsMax)
    return fail(Code::full, fmt::format("--truth keeps at most {} events: take fewer people or days", kFactsMax));
  ++counters_.events;
  counters_.offline += event.offline;
  counters_.bots += event.device == Device::bot;
  if (event.sends_clock) ++(event.time == event.timestamp ? counters_.clocks_seconds_off : counters_.wrong_clocks);
  if (event.time < newest_) ++counters_.out_of_order;
  newest_ = std::max(newest_, event.time);

  Fact fact{event.time, event.visit, event.id,      0,          0,           event.person, event.cents, event.checkout_ms,
            -1,         event.page,  event.country, event.kind, event.device};
  const uint64_t user = user_key(event.person);
  fact.device_key = event.has_anonymous_id ? device_key(event.device, event.person) : user;
  if (event.has_anonymous_id && event.has_user_id && linked_.insert(fact.device_key).second) ++counters_.links;
  fact.user_key = event.has_user_id || linked_.contains(fact.device_key) ? user : fact.device_key;
  if (event.kind == Kind::order_completed) {
    if (const auto plan = plan_at(event.account, event.time)) fact.plan = static_cast<int32_t>(*plan);
    else ++counters_.no_plan;
  }
  facts_.push_back(fact);
  return ok();
}

std::string Truth::json() {
  nlohmann::json out;
  nlohmann::json definitions = nlohmann::json::object();
  const std::map<uint64_t, Seen> visits = visits_of(facts_);
  add_metrics(facts_, visits_as_facts(visits), definitions);
  add_steps(facts_, visits, definitions);
  count_steps(facts_, visits, counters_);
  out["panels"] = panel_numbers(facts_, visits);
  out["definitions"] = std::move(definitions);
  const Counters& c = counters_;
  out["counters"] = {{"events", c.events},
                     {"retries", c.retries},
                     {"delivered an hour late or more", c.offline},
                     {"of phones with a wrong clock", c.wrong_clocks},
                     {"of phones seconds off", c.clocks_seconds_off},
                     {"of bots", c.bots},
                     {"devices that became somebody's", c.links},
                     {"visits whose key changed", c.split_keys},
                     {"out of order", c.out_of_order},
                     {"visits joined by late events", c.joined_late},
                     {"visits across midnight", c.across_midnight},
                     {"visits that went all the way", c.went_all_the_way},
                     {"buyers who returned", c.returned},
                     {"accounts that ordered on two plans", c.plan_changed},
                     {"orders without a plan", c.no_plan}};
  return out.dump(1) + "\n";
}

}  // namespace sluice::shop
