// metrics_text.h - /metrics in the Prometheus text format, version 0.0.4, and the one list of names it may hold.
//
// Promise Only names of kFamilies can be emitted; docs/metrics.md lists the same names (a test compares them). Samples of a family
//         stand together, after its HELP and TYPE. unfilled() names the families without a sample: app's test wants none.
// Bounds  kSamplesMax samples; more is a bug of the caller.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::serve {

struct Family {
  std::string_view name;
  std::string_view type;  // counter, gauge
  std::string_view labels;  // comma separated, "" without
  std::string_view help;
};
std::span<const Family> metric_families();

class MetricsText {
 public:
  static constexpr size_t kSamplesMax = 20'000;
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;  // exactly the family's, in its order

  void add(std::string_view name, double value) { add(name, {}, value); }
  void add(std::string_view name, const Labels& labels, double value);
  std::string text() const;
  std::vector<std::string> unfilled() const;

 private:
  std::map<std::string, std::string, std::less<>> samples_;  // by family
  size_t count_ = 0;
};

}  // namespace sluice::serve
