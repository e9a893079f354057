// diagnostics.h - where in which file, and the list of everything that is wrong.
//
// Promise Offsets are bytes into Document::text; people get 1-based lines and columns counted in code points. Lists come back in
//         order of file, line, column, each line once.
// Bounds  kDiagnosticsMax entries (compile.h); further ones are counted and said in a last entry.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plan/compile.h"

namespace sluice::plan {

// One file of the project. Lives as long as the compilation.
class Document {
 public:
  Document(std::string path, std::string text);
  const std::string& path() const { return path_; }
  const std::string& text() const { return text_; }
  Location locate(size_t offset) const;

 private:
  std::string path_;
  std::string text_;                 // without a byte order mark
  std::vector<size_t> line_starts_;
};

class Diagnostics {
 public:
  void add(const Document& document, size_t offset, std::string message);
  void add(Location at, std::string message);
  bool empty() const { return found_.empty(); }
  size_t count() const { return found_.size() + dropped_; }
  std::vector<Diagnostic> sorted() &&;

 private:
  std::vector<Diagnostic> found_;
  size_t dropped_ = 0;
};

// "; did you mean `dimensions`?", or "" when nothing is near: at most one edit per three letters (two swapped letters are one).
std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates);
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);
// `a`, `b` and `c`
std::string listed(std::span<const std::string_view> names);
std::string listed(const std::vector<std::string>& names);
// `name` for messages: control bytes replaced, cut after 60 bytes.
std::string quoted(std::string_view text);

}  // namespace sluice::plan
