// tree.h - the parsed statement, as the engine prints it for EXPLAIN AST, read back into nodes.
//
// Promise Strict: a line that is no node, an indent that fits no parent or a count of children that is not kept is an error, so that text
//         inside names cannot pretend to be nodes or hide some.
// Bounds  O(length) of the print.
// Lives   Node's views point into the print.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::store {

struct Node {
  std::string_view kind;  // first word: Function, Identifier, SelectQuery, ...
  std::string_view detail;  // what follows, without "(alias x)" and "(children n)"
  size_t parent = 0;  // index; the root is its own parent
  size_t position = 0;  // among its parent's children
};

// In print order, the root first.
Result<std::vector<Node>> read_tree(std::string_view print);

}  // namespace sluice::store
