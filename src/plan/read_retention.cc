#include <charconv>

#include <fmt/format.h>

#include "plan/reader.h"

namespace sluice::plan {
namespace {

constexpr uint32_t kRetentionPeriodsMax = 366;

std::optional<uint32_t> read_periods(Reader& reader, const Yaml& map, const KeySet& keys) {
  const Yaml* value = value_of(map, keys, "periods");
  if (value == nullptr) return std::nullopt;
  uint32_t periods = 0;
  const char* end = value->text.data() + value->text.size();
  const auto [read, error] = std::from_chars(value->text.data(), end, periods);
  if (error != std::errc() || read != end || periods < 1 || periods > kRetentionPeriodsMax) {
    reader.report(value->at,
                  fmt::format("`periods` is a whole number from 1 to {}, not {}", kRetentionPeriodsMax, quoted(value->text)));
    return std::nullopt;
  }
  return periods;
}

// Rows are of a cohort, which begins where their window does, and of a period counted from it.
void add_columns(Metric& metric) {
  Dimension period;
  period.name = period.label = "period";
  metric.dimensions.push_back(std::move(period));
  Measure people;
  people.name = "people";
  people.label = "People";
  people.kind = MeasureKind::distinct;
  metric.measures.push_back(std::move(people));
}

}  // namespace

void read_retention(Reader& reader, const Yaml& map, const KeySet& keys, Definitions& into) {
  Metric metric;
  metric.kind = Metric::Kind::retention;
  metric.location = reader.document().locate(map.at);
  metric.definition = written_text(reader.document(), map);
  metric.question = reader.text(map, keys, "question");
  use_joins(reader, map, keys, metric, into);
  CohortReturn retention;
  retention.by = read_key(reader, map, keys, into.paths);
  retention.periods = read_periods(reader, map, keys).value_or(1);
  if (const Yaml* window = value_of(map, keys, "window")) {
    metric.window =
        read_window(reader, *window, *keys.find("window")->inner).value_or(Window{.size = DurationMs{1}, .step = DurationMs{1}});
    if (metric.window.kind != Window::Kind::tumble)
      reader.report(window->at, "the periods of a retention follow one another: {tumble: 7d, offset: 4d}");
  }
  metric.allowed_lateness = reader.duration(map, keys, "allowed_lateness", {}).value_or(metric.allowed_lateness);
  retention.start = reader.condition(map, keys, "start", into.paths);
  retention.back = reader.condition(map, keys, "return", into.paths);
  into.paths.use_joins({});
  metric.where = any_of_a_key({&retention.start, &retention.back}, retention.by);
  add_columns(metric);
  metric.cohorts = std::move(retention);
  const std::optional<std::string> name = reader.name(map, keys, "name");
  if (!name) return;
  claim_name(reader, *value_of(map, keys, "name"), *name, into);
  metric.name = *name;
  into.plan.metrics.push_back(std::move(metric));
}

}  // namespace sluice::plan
