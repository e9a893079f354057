// expression.h - typed expressions of definitions (semantics R0) as flat trees: one form for the evaluator and for every printer.
//
// Shape   `nodes` in evaluation order: inputs come before their users, the last node is the root. No pointers, so an expression is
//         copied, compared, hashed and printed as a value. Paths and measures are indexes into Plan::paths / Metric::measures.
// Promise Every node has a type; mixing types was refused by the compiler with file:line:column.
// Bounds  kNodesMax nodes, nesting kDepthMax while parsing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/decimal.h"
#include "base/units.h"

namespace sluice::plan {

enum class Type : uint8_t { text, number, time, boolean };
const char* type_name(Type type);

// The fixed names of R0, and the columns of sessions; values of rows, not of JSON.
enum class Name : uint8_t {
  source,
  event,
  message_id,
  event_time,
  received_at,
  user_id,
  anonymous_id,
  stitching_key,
  user_key,
  dialect,
  session_id,  // from here on of a session, which has source and user_key, too
  key,
  started_at,
  ended_at,
  events,
  duration_ms
};

enum class Op : uint8_t {
  literal_text,
  literal_number,
  literal_boolean,
  literal_time,
  literal_null,
  name,  // index = Name; user_id and anonymous_id are NULL when ''
  path_text,
  path_number,  // index into Plan::paths; NULL when absent (or, for number, no number)
  joined_text,
  joined_number,  // index into Plan::joins, `text` the column; NULL without a row that is valid then, and when that has no such value
  measure,  // derived measures only: index into Metric::measures
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  like,  // inputs: text, pattern literal with % _ and backslash
  in,  // inputs: value, then literals of its type, no NULL among them
  is_null,
  is_not_null,
  logical_not,
  logical_and,
  logical_or,  // three-valued
  add,
  subtract,
  multiply,
  divide,
  lower,
  upper,  // ASCII only
  length,  // code points
};

struct Node {
  Op op = Op::literal_null;
  Type type = Type::boolean;
  std::vector<uint32_t> inputs;
  uint32_t index = 0;
  uint32_t column = 0;  // joined: its index in the dimension's table, as of the plan
  std::string text;  // literal_text; joined: the column's name
  Decimal number;  // literal_number
  int64_t time_ms = 0;  // literal_time
  bool boolean = false;  // literal_boolean
  bool operator==(const Node&) const = default;
};

inline constexpr size_t kNodesMax = 1000;
inline constexpr size_t kDepthMax = 64;

struct Expression {
  std::vector<Node> nodes;
  bool empty() const { return nodes.empty(); }
  const Node& root() const { return nodes.back(); }
  bool operator==(const Expression&) const = default;
};

}  // namespace sluice::plan
