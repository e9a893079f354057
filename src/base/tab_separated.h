// tab_separated.h - reading TabSeparated text: rows end in LF, cells are parted by tabs, \N is NULL, backslash escapes.
//
// Promise Never reads past its bytes. A last line without LF is no row: failed(), since the reply was cut.
// Lives   Points into the text given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

class TabSeparatedReader {
 public:
  explicit TabSeparatedReader(std::string_view text) : text_(text) {}
  // false: no further row, or failed(). Reuses the memory of `cells`.
  bool next(std::vector<std::optional<std::string>>& cells);
  bool failed() const { return failed_; }

 private:
  std::string_view text_;
  size_t at_ = 0;
  bool failed_ = false;
};

// Digits only, no sign, fits 64 bits; and the same with a sign.
std::optional<uint64_t> parse_unsigned(std::string_view text);
std::optional<int64_t> parse_signed(std::string_view text);

}  // namespace sluice
