// What the generator promises: the same events from the same seed, an order, bounds, visits that are sessions, clocks that can be corrected.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/rfc3339.h"
#include "generator.h"
#include "ndjson.h"
#include "truth.h"
#include "truth_tables.h"
#include "world.h"

namespace sluice::shop {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const TimeMs kStart = time_ms(1'743'379'200'000);  // 2025-03-31T00:00Z

std::vector<Event> events_of(Options options) {
  Result<Generator> generator = Generator::create(options);
  EXPECT_TRUE(generator);
  std::vector<Event> all;
  std::span<const Event> some;
  while (generator->next(some)) all.insert(all.end(), some.begin(), some.end());
  EXPECT_EQ(generator->pending(), 0U);
  return all;
}
Options three_weeks(uint64_t seed = 1, uint32_t people = 400) { return {seed, people, kStart, kStart + days(21)}; }

std::string text_of(const std::vector<Event>& events) {
  std::string out;
  for (const Event& event : events) append_ndjson(out, event, event.delivered);
  return out;
}

TEST(Generator, the_same_seed_makes_the_same_events_and_another_seed_others) {
  const std::string text = text_of(events_of(three_weeks()));
  EXPECT_GT(text.size(), 1'000'000U);
  EXPECT_EQ(text, text_of(events_of(three_weeks())));
  EXPECT_NE(text, text_of(events_of(three_weeks(2))));
}

TEST(Generator, events_come_in_the_order_of_delivery_none_after_the_end_and_a_retry_after_its_first) {
  const std::vector<Event> events = events_of(three_weeks());
  std::map<uint64_t, const Event*> first;
  size_t retries = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    ASSERT_GE(event.delivered, i > 0 ? events[i - 1].delivered : kStart);
    ASSERT_GE(event.delivered, kStart);
    ASSERT_LT(event.delivered, kStart + days(21));
    const auto [at, is_new] = first.emplace(event.id, &event);
    ASSERT_EQ(event.retry, !is_new);
    if (is_new) continue;
    ++retries;
    // sent_at apart, which is no content, the copy says the same.
    const TimeMs sent = kStart;
    std::string one, other;
    append_ndjson(one, event, sent);
    append_ndjson(other, *at->second, sent);
    ASSERT_EQ(one, other);
  }
  EXPECT_GT(retries, events.size() / 200);
}

TEST(Generator, a_visit_is_one_session_of_thirty_minutes_and_no_two_come_within_two_hours_of_a_funnel) {
  std::map<uint64_t, std::vector<TimeMs>> visits;
  std::map<uint64_t, std::vector<std::pair<TimeMs, TimeMs>>> spans;  // by device
  std::map<uint64_t, uint64_t> device_of;
  for (const Event& event : events_of(three_weeks())) {
    if (event.retry || event.visit == 0) continue;
    visits[event.visit].push_back(event.time);
    device_of[event.visit] = device_key(event.device, event.person);
  }
  ASSERT_GT(visits.size(), 1000U);
  for (auto& [visit, times] : visits) {
    std::sort(times.begin(), times.end());
    ASSERT_LE(times.size(), kVisitEventsMax);
    for (size_t i = 1; i < times.size(); ++i) {
      ASSERT_GE(times[i] - times[i - 1], seconds(1));
      ASSERT_LE(times[i] - times[i - 1], kPauseMax);
    }
    ASSERT_LE(times.back() - times.front(), kVisitMax);
    spans[device_of[visit]].emplace_back(times.front(), times.back());
  }
  for (auto& [device, all] : spans) {
    std::sort(all.begin(), all.end());
    for (size_t i = 1; i < all.size(); ++i) ASSERT_GE(all[i].first - all[i - 1].second, kRestMin - minutes(1));
  }
}

TEST(Generator, a_wrong_clock_is_corrected_by_what_it_says_when_it_sends) {
  size_t wrong = 0, slightly = 0;
  std::map<uint64_t, TimeMs> delivered;  // of a visit
  for (const Event& event : events_of(three_weeks())) {
    if (!event.sends_clock) {
      ASSERT_EQ(event.timestamp, event.time);
      continue;
    }
    const DurationMs skew = event.delivered - (event.delivered + event.clock_off);
    if (std::chrono::abs(skew) > seconds(60)) {
      ++wrong;
      ASSERT_EQ(event.time, event.timestamp + skew);
      ASSERT_GE(std::chrono::abs(skew), minutes(2));
      // Two minutes of way change no window.
      ASSERT_EQ(std::chrono::floor<hours>(event.time), std::chrono::floor<hours>(event.time + minutes(2)));
      if (!event.retry) {
        ASSERT_EQ(delivered.emplace(event.visit, event.delivered).first->second, event.delivered);
      }
    } else {
      ++slightly;
      ASSERT_LE(std::chrono::abs(skew), seconds(30));
      ASSERT_EQ(event.time, event.timestamp);
    }
  }
  EXPECT_GT(wrong, 100U);
  EXPECT_GT(slightly, 100U);
}

TEST(Generator, options_out_of_bounds_are_refused_with_the_bound) {
  EXPECT_TRUE(Generator::create({1, 1, kStart, kStart + hours(1)}));
  EXPECT_EQ(Generator::create({1, 0, kStart, kStart + hours(1)}).error().message, "0 people: give 1 to 20000000");
  EXPECT_FALSE(Generator::create({1, kPeopleMax + 1, kStart, kStart + hours(1)}));
  EXPECT_FALSE(Generator::create({1, 1, kStart, kStart}));
  EXPECT_FALSE(Generator::create({1, 1, kStart, kStart + days(kDaysMax) + DurationMs(1)}));
  EXPECT_FALSE(Generator::create({1, 1, time_ms(0), std::nullopt}));
}

TEST(Generator, without_an_end_it_goes_on_and_keeps_no_more_than_what_is_on_its_way) {
  Result<Generator> generator = Generator::create({3, 2000, kStart, std::nullopt});
  ASSERT_TRUE(generator);
  std::span<const Event> events;
  uint64_t made = 0, most = 0;
  // Twice as long as the rings of what is to come.
  while (generator->slice_end() < kStart + days(70)) {
    ASSERT_TRUE(generator->next(events));
    made += events.size();
    most = std::max(most, generator->pending());
  }
  EXPECT_GT(made, 400'000U);
  EXPECT_LT(most, 2000U);  // one for each person: refunds of two weeks, phones without network
  const double each = static_cast<double>(made) / 2000 / 70;
  EXPECT_NEAR(each, kEventsPerPersonDay, 0.15 * kEventsPerPersonDay);
}

TEST(Generator, a_million_events_take_no_more_than_some_seconds) {
  Result<Generator> generator = Generator::create({4, 60'000, kStart, std::nullopt});
  ASSERT_TRUE(generator);
  const auto began = std::chrono::steady_clock::now();
  std::span<const Event> events;
  uint64_t made = 0;
  while (made < 1'000'000) {
    ASSERT_TRUE(generator->next(events));
    made += events.size();
  }
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  RecordProperty("events_per_second", static_cast<int>(static_cast<double>(made) / took));
  EXPECT_LT(took, 20.0);
}

TEST(World, an_accounts_plans_touch_and_are_those_that_the_file_tells) {
  const std::string csv = accounts_csv();
  EXPECT_EQ(csv.substr(0, csv.find('\n')), "account_id,plan,valid_from,valid_to");
  std::map<std::string, TimeMs> until;
  size_t rows = 0, open = 0;
  for (size_t at = csv.find('\n') + 1; at < csv.size(); ++rows) {
    const size_t end = csv.find('\n', at);
    const std::string line = csv.substr(at, end - at);
    at = end + 1;
    std::vector<std::string> cells{""};
    for (const char c : line)
      if (c == ',') cells.emplace_back();
      else cells.back() += c;
    ASSERT_EQ(cells.size(), 4U) << line;
    const TimeMs from = parse_rfc3339(cells[2])->time;
    if (until.contains(cells[0])) {
      ASSERT_EQ(until[cells[0]], from) << line;
    }
    const auto account = static_cast<uint32_t>(std::stoul(cells[0].substr(4)));
    ASSERT_EQ(kPlans[*plan_at(account, from)], cells[1]);
    if (until.contains(cells[0])) {
      ASSERT_NE(plan_at(account, from - DurationMs(1)), plan_at(account, from));
    } else {
      ASSERT_EQ(plan_at(account, from - DurationMs(1)), std::nullopt);
    }
    if (cells[3].empty()) {
      ++open;
      ASSERT_EQ(kPlans[*plan_at(account, from + days(10'000))], cells[1]);
    } else {
      until[cells[0]] = parse_rfc3339(cells[3])->time;
      ASSERT_EQ(kPlans[*plan_at(account, until[cells[0]] - DurationMs(1))], cells[1]);
    }
  }
  EXPECT_EQ(open, kAccounts);
  EXPECT_GT(rows, 1000U);
  EXPECT_EQ(plan_at(kAccounts, kStart), std::nullopt);
}

// ---- the truth, on events made by hand

Event event_of(Kind kind, int64_t second, uint32_t person, uint64_t id) {
  Event event;
  event.kind = kind;
  event.time = event.timestamp = event.delivered = kStart + seconds(second);
  event.id = id;
  event.visit = 1 + person;
  event.person = person;
  event.device = Device::phone;
  event.has_anonymous_id = true;
  event.account = kNoAccount;
  return event;
}

TEST(Truth, a_device_is_somebodys_from_the_delivery_of_the_first_event_that_names_both) {
  Truth truth;
  Event second = event_of(Kind::identify, 60, 7, 2);
  second.has_user_id = true;
  ASSERT_TRUE(truth.add(event_of(Kind::page_viewed, 30, 7, 1)));
  ASSERT_TRUE(truth.add(second));
  ASSERT_TRUE(truth.add(event_of(Kind::page_viewed, 10, 7, 3)));  // earlier, delivered later
  ASSERT_EQ(truth.facts().size(), 3U);
  EXPECT_EQ(key_text(truth.facts()[0].user_key), "phone_7");
  EXPECT_EQ(key_text(truth.facts()[1].user_key), "u_7");
  EXPECT_EQ(key_text(truth.facts()[2].user_key), "u_7");
  EXPECT_EQ(truth.counters().links, 1U);
  EXPECT_EQ(truth.counters().out_of_order, 1U);
}

TEST(Truth, a_funnel_takes_the_last_look_before_the_cart_and_a_retry_counts_nowhere) {
  Truth truth;
  ASSERT_TRUE(truth.add(event_of(Kind::product_viewed, 100, 7, 1)));
  ASSERT_TRUE(truth.add(event_of(Kind::product_viewed, 130, 7, 2)));
  ASSERT_TRUE(truth.add(event_of(Kind::cart_filled, 150, 7, 3)));
  ASSERT_TRUE(truth.add(event_of(Kind::product_viewed, 170, 7, 4)));
  ASSERT_TRUE(truth.add(event_of(Kind::checkout_started, 190, 7, 5)));
  ASSERT_TRUE(truth.add(event_of(Kind::product_viewed, 100, 8, 6)));
  Event again = event_of(Kind::product_viewed, 100, 9, 6);
  again.retry = true;
  ASSERT_TRUE(truth.add(again));
  const nlohmann::json json = nlohmann::json::parse(truth.json());
  const nlohmann::json& rows = json["definitions"]["checkout"]["rows"];
  ASSERT_EQ(rows.size(), 4U);
  const auto people = [&](size_t step) { return rows[step][6].get<std::string>(); };
  EXPECT_EQ(people(0) + people(1) + people(2) + people(3), "2110");
  EXPECT_EQ(rows[1][7], "20000");
  EXPECT_EQ(rows[2][7], "60000");
  EXPECT_TRUE(rows[3][7].is_null());
  EXPECT_EQ(json["counters"]["retries"], 1);
}

TEST(Truth, a_visit_is_a_session_whose_user_is_the_last_one_named) {
  Truth truth;
  Event named = event_of(Kind::identify, 40, 7, 2);
  named.has_user_id = true;
  ASSERT_TRUE(truth.add(event_of(Kind::page_viewed, 90, 7, 3)));  // delivered first: still the device's
  ASSERT_TRUE(truth.add(named));
  ASSERT_TRUE(truth.add(event_of(Kind::page_viewed, 10, 7, 1)));
  const std::map<uint64_t, Seen> visits = visits_of(truth.facts());
  ASSERT_EQ(visits.size(), 1U);
  EXPECT_EQ(session_row(visits.begin()->second),
            nlohmann::json({"m_0000000000000001", "phone_7", "u_7", "1743379210000", "1743379290000", "3", "80000"}));
  EXPECT_EQ(nlohmann::json::parse(truth.json())["counters"]["visits whose key changed"], 1);
}

TEST(Truth, a_buyers_cohort_is_the_week_of_the_first_order_however_late_it_comes) {
  // kStart is a Monday.
  Truth truth;
  constexpr int64_t kWeekSeconds = 7 * 86'400;
  uint64_t id = 1;
  const auto buys = [&](uint32_t person, int64_t second) {
    ASSERT_TRUE(truth.add(event_of(Kind::order_completed, second, person, id++)));
  };
  buys(1, 2 * kWeekSeconds);
  buys(2, kWeekSeconds);
  buys(1, 60);
  buys(2, 2 * kWeekSeconds - 1);
  buys(2, 12 * kWeekSeconds);
  const std::map<int64_t, std::array<uint64_t, 8>> found = cohorts(truth.facts());
  const std::map<int64_t, std::array<uint64_t, 8>> wanted{{to_ms(kStart), {1, 0, 1, 0, 0, 0, 0, 0}},
                                                          {to_ms(kStart + days(7)), {1, 0, 0, 0, 0, 0, 0, 0}}};
  EXPECT_EQ(found, wanted);
}

TEST(Truth, ratios_are_rounded_half_up_and_ranks_are_the_nearest) {
  EXPECT_EQ(ratio_text(2, 3), "0.666666667");
  EXPECT_EQ(ratio_text(1, 2'000'000'000), "0.000000001");
  EXPECT_EQ(ratio_text(1, 2'000'000'001), "0");
  EXPECT_EQ(ratio_text(1250, 100), "12.5");
  EXPECT_EQ(ratio_text(500, 100), "5");
  EXPECT_EQ(nearest_rank({30, 10, 20}, 500), 20U);
  EXPECT_EQ(nearest_rank({40, 30, 10, 20}, 500), 20U);
  EXPECT_EQ(nearest_rank({40, 30, 10, 20}, 990), 40U);
  EXPECT_EQ(nearest_rank({7}, 1), 7U);
}

TEST(Truth, more_events_than_it_keeps_are_an_error_and_not_a_wrong_number) {
  Truth truth;
  Event event = event_of(Kind::page_viewed, 0, 1, 0);
  for (uint64_t i = 0; i < kFactsMax; ++i) {
    event.id = i;
    ASSERT_TRUE(truth.add(event));
  }
  event.id = kFactsMax;
  EXPECT_EQ(truth.add(event).error().code, Code::full);
}

}  // namespace
}  // namespace sluice::shop
