// truth_tables.h - facts summed up into the rows of each definition and the numbers of each panel of examples/shop.
//
// Metrics  The definitions stand here a second time, as loops in C++; a test compares their list, and each panel, with the YAML files as
//          the program reads them.
// Steps    Of a visit its cart, checkout and order happen at most once and in this order, and a person's visits are more than two hours
//          apart (visits.h). So how far somebody came is the furthest visit, and a visit is a session: nothing is searched for.
// Panels   How `over` is read: the last window is the definition's newest one, that which holds the newest event it counts.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

#include "truth.h"

namespace sluice::shop {

// ---- metrics

using Group = std::vector<const Fact*>;
using Value = nlohmann::json;  // text; null; for topk a list of [value, count]
using Key = std::vector<Value>;  // of a group: its dimensions' values
using Condition = bool (*)(const Fact&);

struct Dimension {
  std::string name;
  std::optional<std::string_view> (*of)(const Fact&);
};
struct Measure {
  std::string name;
  std::function<Value(const Group&)> of;
};
struct Metric {
  std::string name;
  int64_t size;  // of its windows, ms
  Condition counts;
  std::vector<Dimension> dimensions;
  std::vector<Measure> measures;
  bool of_visits = false;
};
const std::vector<Metric>& metrics();
// What passes between start and end by window (size 0: one from start to end) and dimensions.
std::map<std::pair<int64_t, Key>, Group> grouped(const std::vector<Fact>& facts, const Metric& metric, int64_t size,
                                                 const std::vector<Dimension>& by, int64_t start, int64_t end);
std::string_view device_name(Device device);

// ---- visits, steps, cohorts

// One visit as it was meant: who, on what, and when each step was taken. Times in ms.
struct Seen {
  uint64_t device_key = 0, user_key = 0;  // the session's: that of the last event whose key is not the device
  uint64_t first_message = 0;
  uint8_t country = 0;
  Device device = Device::desktop;
  std::vector<int64_t> looks;
  std::array<std::optional<int64_t>, 3> steps;  // cart, checkout, order
  std::vector<int64_t> times;  // in the order of delivery
  std::set<uint64_t> user_keys;
};
std::map<uint64_t, Seen> visits_of(const std::vector<Fact>& facts);
// first_message, key, user_key, started_at, ended_at, events, duration_ms.
nlohmann::json session_row(const Seen& seen);
std::vector<Fact> visits_as_facts(const std::map<uint64_t, Seen>& visits);

struct Step {
  std::string name;
  uint64_t people;
  Value median_ms;
};
// By the value that `by` gives a visit; entries in [start, end).
std::map<std::string, std::vector<Step>> funnel(const std::map<uint64_t, Seen>& visits, int64_t start, int64_t end,
                                                const std::function<std::string(const Seen&)>& by);
// By the start of a cohort's week: people per period.
std::map<int64_t, std::array<uint64_t, 8>> cohorts(const std::vector<Fact>& facts);

// ---- output

void add_metrics(const std::vector<Fact>& facts, const std::vector<Fact>& visits, nlohmann::json& definitions);
// checkout (funnel), weekly_buyers (retention), visits (sessions).
void add_steps(const std::vector<Fact>& facts, const std::map<uint64_t, Seen>& visits, nlohmann::json& definitions);
void count_steps(const std::vector<Fact>& facts, const std::map<uint64_t, Seen>& visits, Counters& counters);
// Every panel of dashboards/*.yaml by its id, DASHBOARD.ROW.PLACE.
nlohmann::json panel_numbers(const std::vector<Fact>& facts, const std::map<uint64_t, Seen>& visits);

}  // namespace sluice::shop
