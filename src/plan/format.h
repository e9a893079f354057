// format.h - a project's files in the one form that `sluice fmt` writes.
//
// Form    Two blanks of indentation, lists two further in than their key. Keys in the order of the table (keys.h); names that the
//         author chose (dimensions, measures) and items of lists in the order written. What stands in { } or [ ] stays there if it
//         fits into kFormatWidth columns and has no comment inside, on one line: {a: b, c: d}, [a, b]; else it becomes lines. What
//         was written as lines stays lines. Scalars keep their quotes and their line breaks. Comments stay with their part: above
//         it, or two blanks behind it; those above a file's first key stay on top. Several empty lines become one; none at the
//         start of a file or a block. No blanks at the ends of lines, one line end at the end of the file, \n only.
// Promise The plan's hash, every version, all values and all comments are the same before and after, else the file is refused:
//         the result is parsed by yaml-cpp and compared, it is not believed. Formatting twice is formatting once. Pure.
// Errors  Per file, why it is left as it is. Input is a project that compiles.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/compile.h"

namespace sluice::plan {

inline constexpr size_t kFormatWidth = 130;

struct FormattedFile {
  std::string path;
  std::string text;  // as it should be; as it was when refused
  bool changed = false;
  std::optional<std::string> refusal;  // "path:line: what", or what would have been lost
};

// One for each YAML file, in order.
std::vector<FormattedFile> format_project(const std::vector<SourceFile>& files);

}  // namespace sluice::plan
