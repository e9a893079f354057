#include "store/tree.h"

#include <algorithm>
#include <charconv>

#include "store/errors.h"

namespace sluice::store {

namespace {

struct Open {  // a node whose children are being read
  size_t index;
  size_t indent;
  size_t children_left;
  size_t next_position = 0;
};

Error not_understood() {
  return exception(kAccessDenied,
                   "The statement's structure cannot be checked; names with control characters are not allowed here");
}

// Takes " (children n)" off the end.
size_t take_children(std::string_view& line) {
  constexpr std::string_view kOpening = " (children ";
  const size_t at = line.rfind(kOpening);
  if (at == std::string_view::npos || line.back() != ')') return 0;
  const std::string_view digits = line.substr(at + kOpening.size(), line.size() - at - kOpening.size() - 1);
  size_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc() || end != digits.data() + digits.size()) return 0;
  line = line.substr(0, at);
  return count;
}

void take_alias(std::string_view& line) {
  const size_t at = line.rfind(" (alias ");
  if (at != std::string_view::npos && line.back() == ')') line = line.substr(0, at);
}

}  // namespace

Result<std::vector<Node>> read_tree(std::string_view print) {
  std::vector<Node> nodes;
  std::vector<Open> open;
  while (!print.empty()) {
    const size_t end = std::min(print.find('\n'), print.size());
    std::string_view line = print.substr(0, end);
    print.remove_prefix(std::min(end + 1, print.size()));
    if (line.empty() && print.empty()) break;
    const size_t indent = line.find_first_not_of(' ');
    if (indent == std::string_view::npos) return not_understood();
    line.remove_prefix(indent);
    while (!open.empty() && open.back().children_left == 0) open.pop_back();
    if (open.empty() ? !nodes.empty() || indent != 0 : indent != open.back().indent + 1) return not_understood();

    const size_t children = take_children(line);
    take_alias(line);
    Node node;
    const size_t space = std::min(line.find(' '), line.size());
    node.kind = line.substr(0, space);
    node.detail = line.substr(std::min(space + 1, line.size()));
    if (!open.empty()) {
      node.parent = open.back().index;
      node.position = open.back().next_position++;
      --open.back().children_left;
    }
    nodes.push_back(node);
    open.push_back(Open{nodes.size() - 1, indent, children});
  }
  while (!open.empty() && open.back().children_left == 0) open.pop_back();
  if (nodes.empty() || !open.empty()) return not_understood();
  return nodes;
}

}  // namespace sluice::store
