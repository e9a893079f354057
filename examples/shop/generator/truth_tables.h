// truth_tables.h - facts summed up into the rows of each definition and the numbers of each panel of examples/shop.
//
// The definitions stand here a second time, as loops in C++; a test compares their list, and each panel, with the YAML files as the
// program reads them. How a panel's `over` is read: its last window is the one that holds the newest event that passes its `where`.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "truth.h"

namespace sluice::shop {

// Metrics over events: orders_daily, checkout_latency, traffic_daily, pages_daily, products_daily.
void add_metrics(const std::vector<Fact>& facts, nlohmann::json& definitions);
// What is about visits and people: checkout (funnel), weekly_buyers (retention).
void add_steps(const std::vector<Fact>& facts, Counters& counters, nlohmann::json& definitions);
// Every panel of dashboards/*.yaml by its id, DASHBOARD.ROW.PLACE.
nlohmann::json panel_numbers(const std::vector<Fact>& facts, const nlohmann::json& definitions);

}  // namespace sluice::shop
