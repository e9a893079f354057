// plan.h - a project's definitions, checked, typed and normalised: what operators run and printers print.
//
// Promise Pure data. Equal definitions give equal plans; comments, key order, labels and questions do not change a version.
//         Metrics, dimensions, measures and paths are sorted by name, sources stand as written.
// Bounds  The k...Max below; the compiler refuses more.
// Source  semantics R0 (language), R1 (due, lateness), R4/R5 (sources), R8 (measures, windows).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "plan/expression.h"

namespace sluice::plan {

struct Location {  // of a definition, for people: path relative to the project's folder, 1-based line and column
  std::string file;
  int line = 0;
  int column = 0;
};

struct Source {
  std::string name;
  DurationMs disorder{10'000};
  DurationMs idle{60'000};
  DurationMs dedup{24 * 3'600'000};
};

enum class CalendarUnit : uint8_t { day, week, month };
struct Calendar;          // calendar.h

struct Window {
  enum class Kind : uint8_t { tumble, hop, cumulate, calendar };
  Kind kind = Kind::tumble;
  DurationMs size{};      // of calendar the longest
  DurationMs step{};  // slide of hop, step of cumulate; = size for tumble. size is a multiple of it. Of calendar 1, 7 or 31 days
  DurationMs offset{};  // origin is 1970-01-01T00:00Z + offset
  CalendarUnit unit = CalendarUnit::day;  // of calendar, as what follows
  std::string zone{};
  std::shared_ptr<const Calendar> calendar{};
};

struct Span {  // [start, end)
  TimeMs start;
  TimeMs end;
  auto operator<=>(const Span&) const = default;
};
// Every window that contains `at`, oldest start first, for cumulate shortest first. At most size / step of them, one of calendar.
void windows_of(const Window& window, TimeMs at, std::vector<Span>& into);
// Every window with start <= at < end + beyond, oldest first. At most (size + beyond) / step + 1 of them.
void windows_reaching(const Window& window, DurationMs beyond, TimeMs at, std::vector<Span>& into);

struct Dimension {
  std::string name;
  std::string label;
  Expression value;  // text
  uint32_t written = 0;  // its place among the dimensions as written: the order that people see
};

enum class MeasureKind : uint8_t { count, count_of, sum, avg, min, max, distinct, percentile, first, last, topk, derived };
struct Measure {
  std::string name;
  std::string label;
  MeasureKind kind = MeasureKind::count;
  Expression argument;  // empty for count; for derived the arithmetic over measures that are not derived themselves
  Expression where;  // empty: none
  Type type = Type::number;  // of the visible value: of min, max, first and last that of the argument; text, number or time;
      // of topk that of each value in it, text
  // percentile p as an exact fraction in lowest terms: rank k = max(1, ceil(numerator * n / denominator))
  uint64_t p_numerator = 0;
  uint64_t p_denominator = 1;
  uint32_t top = 0;  // topk: how many values at most
  uint32_t written = 0;  // its place among the measures as written
};

// Semantics R9. Groups of such a metric are (dimensions of the entry event, step): a row per step of a window that has an entry.
struct FunnelStep {
  std::string name;
  Expression where;
};
struct Funnel {
  Expression by;  // text
  DurationMs within{};
  bool strict = false;  // order: strict
  std::vector<FunnelStep> steps;  // 2 to kFunnelStepsMax, in order
};

// Semantics R10. A row's window is [start of the cohort's period, end of period cohort + k), so that its end is its due time.
struct CohortReturn {
  Expression by;  // text
  uint32_t periods = 0;  // k = 0 to periods - 1
  Expression start;
  Expression back;  // `return`
};

// Semantics R11. A file whose rows events are joined with, each as of the event's own time.
class DimensionTable;  // dimension_table.h
struct DimensionFile {
  std::string name;
  std::string key;  // columns, as paths in the file's rows
  std::string valid_from, valid_to;  // empty: rows hold from the beginning, without end
  std::string path;  // from the project's folder
  std::shared_ptr<const DimensionTable> table;
  Location location;
};
struct Join {
  uint32_t file = 0;  // index into Plan::dimension_files
  Expression on;  // text: the key that an event looks for
};
struct NamedJoin {
  std::string name;  // account in account.plan
  uint32_t join = 0;  // index into Plan::joins
};

// Semantics R7. Rows of kind sessions have the window [start, start), the id as group key and the other columns as measures.
struct Sessions {
  std::string name;
  Expression by;  // text
  Expression where;  // of events; empty: all
  DurationMs gap{30LL * 60'000};
  DurationMs max{24LL * 3'600'000};
};

// A named result per window and group: its kinds share tables, views, states and jobs.
struct Metric {
  enum class Kind : uint8_t { windows, funnel, retention, sessions };
  Kind kind = Kind::windows;
  std::optional<Sessions>
      sessions;  // kind sessions; kind windows: whole those that it is `from`, its expressions read their columns
  std::optional<Funnel> funnel;  // kind funnel
  std::optional<CohortReturn> cohorts;  // kind retention
  std::string name;
  std::string question;
  Expression where;
  Window window;
  DurationMs allowed_lateness{600'000};
  // How soon rows follow events: on the stream within a second; on the stream, filling ones once a minute; by an hourly job alone.
  enum class Latency : uint8_t { realtime, minutes, batch };
  Latency latency = Latency::realtime;
  DurationMs due_after{};  // R1: a row is due so long after its window's end: `within` of a funnel, `max` of `from`, else 0
  TimeMs due(const Span& row) const { return row.end + due_after; }
  // The watermark that ends filling.
  TimeMs closes(const Span& row) const { return due(row) + allowed_lateness; }
  std::vector<Dimension>
      dimensions;  // both sorted by name: the order of keys in YAML does not change a version (design 4), so it
  std::vector<Measure> measures;  // may not change group keys or state either
  std::vector<NamedJoin> joins;  // those that it reads, by first use
  std::string version;  // 16 hex digits of the normalised definition
  std::string definition;  // as written, for "How do you know?"
  Location location;
};

struct Panel {
  enum class Kind : uint8_t { stat, timeseries, table, top, band, funnel, retention, sessions };
  Kind kind = Kind::stat;
  uint32_t metric = 0;  // index into Plan::metrics
  std::vector<uint32_t> measures;  // stat, timeseries, top: one; table: its measure columns in order; band: as written
  std::vector<uint32_t> dimensions;  // timeseries, top, funnel: `by`; table: its dimension columns in order
  std::vector<std::string> columns;  // table: names in the order written
  uint32_t limit = 10;  // top: values shown
  DurationMs over{90LL * 86'400'000};
  std::string title;  // optional, else the measure's label
};

struct Dashboard {
  std::string name;
  std::string question;
  std::vector<std::vector<Panel>> rows;
  Location location;
};

struct LogRetention {  // how much of it is kept
  DurationMs log_time{7LL * 86'400'000};
  uint64_t log_bytes = 20ULL << 30;
};

struct Plan {
  std::string project;
  std::string collect_address = "127.0.0.1:8080";  // listeners as written
  std::string web_address = "127.0.0.1:8090";
  std::string sql_address = "127.0.0.1:8123";
  LogRetention log_retention;
  std::vector<Source> sources;  // order as written; the first is the demo's
  std::vector<std::string> paths;  // every path any expression reads: properties.repo, context.bot
  std::vector<DimensionFile> dimension_files;  // as read: by the name of the defining file, then as written
  std::vector<Join> joins;  // different ones, of all metrics
  std::vector<Metric> metrics;
  std::vector<Dashboard> dashboards;
  std::string hash;  // 32 hex digits over everything that the fold depends on
};

inline constexpr size_t kDefinitionsMax = 1000;
inline constexpr size_t kPathsMax = 4096;
inline constexpr size_t kDimensionsMax = 16;  // of a metric
inline constexpr size_t kMeasuresMax = 200;  // of a metric
inline constexpr size_t kJoinsMax = 16;  // of a metric
inline constexpr size_t kDimensionFilesMax = 64;
inline constexpr size_t kFunnelStepsMax = 16;
inline constexpr size_t kMetricNodesMax = 20'000;  // nodes of all expressions of a metric
inline constexpr uint32_t kTopMax = 1000;  // values of a topk
inline constexpr int64_t kWindowsPerEventMax = 10'000;
inline constexpr DurationMs kWindowSizeMax{366LL * 86'400'000};  // R2

}  // namespace sluice::plan
