// metric_row.h - one row of a metric: a group in a window, as operators and jobs make it and as the store and the page take it.
//
// stored  one value per stored column of clickhouse::table_columns (avg: sum, then count), kinds null, text, number, time or top.
// visible one value per measure, as the view shows it: avg divided, derived computed. visible_values() is the C++ twin of the view.
// State   semantics R1; stored in the row, as of the watermark after its epoch.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/evaluate.h"
#include "plan/plan.h"

namespace sluice::plan {

enum class State : uint8_t { filling, final, revised };
const char* state_name(State state);
// R1: filling until the watermark reaches end + allowed lateness; then revised if late and timely events met in it, else final.
State state_of(TimeMs due, DurationMs allowed_lateness, TimeMs watermark, bool any_late, bool any_on_time);

struct TopValue {  // one of a topk
  std::string value;
  uint64_t count = 0;
  bool operator==(const TopValue&) const = default;
};
// [["a",3],["b",2]]: how the page, CSV and `revisions` write a topk.
std::string top_text(const std::vector<TopValue>& top);

// A Value that owns its text; of a topk its list, most frequent first, equal ones by value.
struct StoredValue {
  Value::Kind kind = Value::Kind::null;
  Decimal number;
  TimeMs time{};
  std::string text;
  std::vector<TopValue> top;
  bool operator==(const StoredValue&) const = default;
  Value view() const;  // of a topk: null, expressions do not read it
  static StoredValue of(const Value& value);
  static StoredValue of(std::vector<TopValue> top);
};

using Group = std::vector<std::optional<std::string>>;  // dimension values in order; nullopt is NULL

struct MetricRow {
  Span window;
  Group dimensions;
  std::vector<StoredValue> stored;
  State state = State::filling;
  bool removed = false;  // a tombstone: the group lost its last event
};

size_t stored_width(const Measure& measure);  // 2 for avg, 0 for derived, else 1
std::vector<StoredValue> visible_values(const Metric& metric, const std::vector<StoredValue>& stored, Evaluator& evaluator);

// What a job changed of what was published before (the `revisions` table).
enum class Cause : uint8_t { late, identity, definition, dimension };
const char* cause_name(Cause cause);
struct Revision {
  Span window;
  Group dimensions;
  std::string measure;
  std::string old_value;  // as text, '' for NULL or absent
  std::string new_value;
  Cause cause = Cause::late;
};

}  // namespace sluice::plan
