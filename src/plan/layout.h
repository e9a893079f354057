// layout.h - a definition file as its author laid it out: parts, brackets, quotes, comments and empty lines, for `sluice fmt`.
//
// Promise Scalars stay as written, quotes and escapes included; every comment stands with the part that it is about: above it,
//         beside it, or below the last part of its block (as far in as the block, or further). What cannot be kept is refused, never
//         dropped.
// Errors  Code::invalid, "line N: what". Input is a file that parse_yaml() took, so what is wrong with it is not repeated here.
// Why     yaml-cpp drops comments. What this reader takes for the tree is compared with yaml-cpp's by its user (format.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::plan {

struct Remark {  // a comment on a line of its own
  bool blank = false;  // an empty line stands above it
  std::string text;  // from # on
  size_t column = 0;
};

struct Layout {
  enum class Kind : uint8_t { scalar, map, list };
  struct Part;
  Kind kind = Kind::scalar;
  bool flow = false;  // in { } or [ ]
  bool literal = false;  // scalar: after | or >, the first line is that header, the others are without their common indentation
  std::vector<std::string> lines;  // scalar
  std::vector<Part> parts;
  std::vector<Remark> below;  // after the last part
};
struct Layout::Part {
  std::vector<Remark> above;
  bool blank = false;  // an empty line stands right above it
  std::string key;  // map: as written
  Layout value;
  std::string beside;  // comment at the end of its line, from # on
};

struct LaidOut {
  std::vector<Remark> head;  // above the first key
  bool blank = false;  // between them
  Layout root;  // a map
};

// `text` has no byte order mark and lines that end with \n.
Result<LaidOut> read_layout(std::string_view text);

}  // namespace sluice::plan
