// reader.h - what the readers of the three kinds of files share: a file, the list of errors, and single values by key.
//
// Promise A value that is missing or wrong was reported (or has a default): readers go on with what is returned.
// Lives   Reader points into its Document and Diagnostics.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "plan/keys.h"
#include "plan/plan.h"
#include "plan/syntax.h"
#include "plan/typing.h"

namespace sluice::plan {

struct Bounds {
  DurationMs least{0};
  DurationMs most = kWindowSizeMax;
};

class Reader {
 public:
  Reader(const Document& document, Diagnostics& diagnostics) : document_(document), diagnostics_(diagnostics) {}

  void report(size_t at, std::string message) { diagnostics_.add(document_, at, std::move(message)); }
  void report(const Yaml& scalar, const Fault& fault) { report(place_in_scalar(document_, scalar, fault.at), fault.what); }
  Diagnostics& diagnostics() { return diagnostics_; }
  size_t errors() const { return diagnostics_.count(); }
  const Document& document() const { return document_; }

  // nullopt: absent or reported.
  std::optional<std::string> name(const Yaml& map, const KeySet& keys, std::string_view key);
  bool check_name(size_t at, const std::string& name);
  std::string text(const Yaml& map, const KeySet& keys, std::string_view key);
  std::optional<DurationMs> duration(const Yaml& map, const KeySet& keys, std::string_view key, Bounds bounds);
  // Parses only; a fault is reported and gives nullopt.
  std::optional<SyntaxTree> expression(const Yaml& scalar);
  // An optional condition under `key`; empty when absent or wrong.
  Expression condition(const Yaml& map, const KeySet& keys, std::string_view key, PathTable& paths);
  void check_version(const Yaml& root, const KeySet& keys);

 private:
  const Document& document_;
  Diagnostics& diagnostics_;
};

// What is being put together from all files.
struct Definitions {
  Plan plan;
  PathTable paths;
  std::map<std::string, Location> names;  // of definitions of every kind
  std::map<std::string, std::string_view> zones;  // the zone files given, by name
  std::map<std::string, std::string_view> dimension_files;  // given, by path
  std::map<std::pair<std::string, CalendarUnit>, std::shared_ptr<const Calendar>> calendars;  // made once for all metrics
};

void read_project(Reader& reader, const Yaml& root, Definitions& into);
void read_dimension_files(Reader& reader, const Yaml& root,
                          Definitions& into);  // of a file; those of all files before any metric
void read_all_sessions(Reader& reader, const Yaml& root, Definitions& into);  // of a file; those of all files before any metric
void read_metrics(Reader& reader, const Yaml& root, Definitions& into);
// After all metrics, which are sorted by then: panels name them by index.
void read_dashboards(Reader& reader, const Yaml& root, Definitions& into);

// What metrics, funnels and retention have in common.
std::optional<Window> read_window(Reader& reader, const Yaml& map, const KeySet& keys);
std::optional<Window> read_calendar(Reader& reader, const Yaml& map, const KeySet& keys, Definitions& into);  // of metrics only
// `joins` of a metric, before the first of its expressions, which may name them.
void use_joins(Reader& reader, const Yaml& map, const KeySet& keys, Metric& metric, Definitions& into);
void read_dimensions(Reader& reader, const Yaml& map, const KeySet& keys, Metric& metric, PathTable& paths);
Expression read_key(Reader& reader, const Yaml& map, const KeySet& keys, PathTable& paths);  // `by`
void read_funnel(Reader& reader, const Yaml& map, const KeySet& keys, Definitions& into);
void read_retention(Reader& reader, const Yaml& map, const KeySet& keys, Definitions& into);
// `from`: the sessions of that name; nullopt when it says events or was reported.
std::optional<Sessions> read_from(Reader& reader, const Yaml& from, const Definitions& definitions);
// `where` of a definition that reads only events of its conditions, of keys that are known: one of `conditions` and `by` is not null.
Expression any_of_a_key(const std::vector<const Expression*>& conditions, const Expression& by);

// Takes the name of a definition, reports when another has it or it is reserved.
void claim_name(Reader& reader, const Yaml& at, const std::string& name, Definitions& into);
// Names of measures that are derived from others are replaced by what these are made of, so that a derived measure reads stored
// ones only. `scalars[i]` is where measures[i] is written. Reports circles and sizes.
void inline_derived(Reader& reader, const std::vector<const Yaml*>& scalars, std::vector<Measure>& measures);

}  // namespace sluice::plan
