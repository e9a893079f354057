// syntax.h - the grammar of expressions (semantics R0): text to an untyped tree.
//
//   or      = and {"or" and}                          keywords in any case, names in lower case
//   and     = not {"and" not}
//   not     = "not" not | compare
//   compare = sum [("=" | "!=" | "<" | "<=" | ">" | ">=") sum | ["not"] "like" text | ["not"] "in" "(" literal {"," literal} ")"
//                 | "is" ["not"] "null"]
//   sum     = product {("+" | "-") product}
//   product = sign {("*" | "/") sign}
//   sign    = "-" sign | primary
//   primary = text | number | "true" | "false" | "null" | name | path | name "(" [or {"," or}] ")" | "(" or ")"
//   path    = ("properties" | "context" | join) ("." word | "[" text "]"){...}      join: a name that the metric gives to one
// text is 'in single quotes', '' inside; number is digits with at most 9 after a point.
//
// Promise Says the first thing that is wrong and where. Comparisons do not chain. A text after `like` has no other escapes than
//         \% \_ \\ : engines differ on the rest.
// Bounds  kNodesMax nodes, kDepthMax levels of brackets and signs, kExpressionBytesMax bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/expression.h"

namespace sluice::plan {

inline constexpr size_t kExpressionBytesMax = 16 * 1024;
inline constexpr size_t kPathBytesMax = 1024;

struct Fault {
  size_t at = 0;         // byte in the expression
  std::string what;
};

struct Syntax {
  enum class Kind : uint8_t { text, number, boolean, null, name, path, call, operation };
  Kind kind = Kind::null;
  Op op = Op::literal_null;        // operation
  size_t at = 0;
  std::string text;                // text; name; path as a map key (properties.a.b); name of a call
  Decimal number;
  bool boolean = false;
  std::vector<uint32_t> inputs;    // operation, call
};

struct SyntaxTree {
  std::vector<Syntax> nodes;       // inputs before users; the last is the root
  std::optional<Fault> fault;      // then nodes are of no use
};

SyntaxTree parse_expression(std::string_view text);

// A key of design 7: prefix and segments joined by '.', a dot or backslash inside a segment written \. or \\ .
void append_path_segment(std::string& path, std::string_view segment);

}  // namespace sluice::plan
