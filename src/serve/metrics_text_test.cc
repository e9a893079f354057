#include "serve/metrics_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace sluice::serve {
namespace {

struct Documented {
  std::string name, type, labels, help;
  bool operator<(const Documented& other) const { return name < other.name; }
  bool operator==(const Documented&) const = default;
};

// The table rows of docs/metrics.md: | `name` | type | labels | meaning |
std::vector<Documented> documented() {
  std::ifstream file(std::filesystem::path(__FILE__).parent_path() / "../../docs/metrics.md");
  std::vector<Documented> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("| `", 0) != 0) continue;
    std::vector<std::string> cells;
    std::istringstream in(line.substr(1));
    for (std::string cell; std::getline(in, cell, '|');) {
      const size_t from = cell.find_first_not_of(' ');
      cells.push_back(from == std::string::npos ? "" : cell.substr(from, cell.find_last_not_of(' ') - from + 1));
    }
    if (cells.size() >= 4) rows.push_back({cells[0].substr(1, cells[0].size() - 2), cells[1], cells[2], cells[3]});
  }
  return rows;
}

TEST(MetricsText, the_documented_table_is_the_list_of_names) {
  std::vector<Documented> in_code;
  for (const Family& f : metric_families()) {
    in_code.push_back({std::string(f.name), std::string(f.type), std::string(f.labels), std::string(f.help)});
  }
  const std::vector<Documented> in_docs = documented();
  ASSERT_EQ(in_docs.size(), in_code.size());
  for (size_t i = 0; i < in_code.size(); ++i) {
    EXPECT_EQ(in_docs[i].name, in_code[i].name);
    EXPECT_EQ(in_docs[i].type, in_code[i].type) << in_code[i].name;
    EXPECT_EQ(in_docs[i].labels, in_code[i].labels) << in_code[i].name;
    EXPECT_EQ(in_docs[i].help, in_code[i].help) << in_code[i].name;
  }
}

TEST(MetricsText, names_follow_the_rules_of_prometheus) {
  std::set<std::string_view> seen;
  for (const Family& f : metric_families()) {
    EXPECT_TRUE(seen.insert(f.name).second) << f.name;
    EXPECT_EQ(f.name.rfind("sluice_", 0), 0u);
    EXPECT_EQ(f.name.ends_with("_total"), f.type == "counter") << f.name;
    EXPECT_EQ(f.help.find('\n'), std::string_view::npos);
  }
}

TEST(MetricsText, samples_stand_under_their_help_and_type) {
  MetricsText metrics;
  metrics.add("sluice_requests_not_received_total", {{"reason", "no_key"}}, 3);
  metrics.add("sluice_uptime_seconds", 12.5);
  metrics.add("sluice_requests_not_received_total", {{"reason", "a\"b\\c\nd"}}, 9'007'199'254'740'991.0);
  EXPECT_EQ(metrics.text(),
            "# HELP sluice_uptime_seconds Time since the program started.\n# TYPE sluice_uptime_seconds "
            "gauge\nsluice_uptime_seconds 12.5\n"
            "# HELP sluice_requests_not_received_total Requests to collect that are not in the ledger: unknown or missing key, "
            "429, 503.\n# TYPE sluice_requests_not_received_total counter\n"
            "sluice_requests_not_received_total{reason=\"no_key\"} "
            "3\nsluice_requests_not_received_total{reason=\"a\\\"b\\\\c\\nd\"} 9007199254740991\n");
}

TEST(MetricsText, unfilled_families_are_named) {
  MetricsText metrics;
  metrics.add("sluice_uptime_seconds", 1);
  const auto unfilled = metrics.unfilled();
  EXPECT_EQ(unfilled.size(), metric_families().size() - 1);
  EXPECT_EQ(std::count(unfilled.begin(), unfilled.end(), "sluice_uptime_seconds"), 0);
}

TEST(MetricsTextDeathTest, a_name_or_label_that_is_not_listed_is_a_bug) {
  MetricsText metrics;
  EXPECT_DEATH(metrics.add("sluice_secret", 1), "not listed");
  EXPECT_DEATH(metrics.add("sluice_requests_not_received_total", 1), "labels");
  EXPECT_DEATH(metrics.add("sluice_uptime_seconds", {{"x", "y"}}, 1), "labels");
}

}  // namespace
}  // namespace sluice::serve
