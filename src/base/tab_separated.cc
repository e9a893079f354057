#include "base/tab_separated.h"

#include <charconv>

namespace sluice {
namespace {

char unescaped(char c) {
  switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'b': return '\b';
    case 'f': return '\f';
    case '0': return '\0';
    default: return c;  // \\ and \'
  }
}

std::optional<std::string> cell_of(std::string_view raw) {
  if (raw == "\\N") return std::nullopt;
  std::string cell;
  cell.reserve(raw.size());
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\' && i + 1 < raw.size()) {
      cell += unescaped(raw[++i]);
    } else {
      cell += raw[i];
    }
  }
  return cell;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number n{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

}  // namespace

bool TabSeparatedReader::next(std::vector<std::optional<std::string>>& cells) {
  cells.clear();
  if (failed_ || at_ == text_.size()) return false;
  const size_t end = text_.find('\n', at_);
  if (end == std::string_view::npos) {
    failed_ = true;
    return false;
  }
  std::string_view line = text_.substr(at_, end - at_);
  at_ = end + 1;
  for (;;) {
    const size_t tab = line.find('\t');
    cells.push_back(cell_of(line.substr(0, tab)));
    if (tab == std::string_view::npos) return true;
    line.remove_prefix(tab + 1);
  }
}

std::optional<uint64_t> parse_unsigned(std::string_view text) { return parse_number<uint64_t>(text); }
std::optional<int64_t> parse_signed(std::string_view text) { return parse_number<int64_t>(text); }

}  // namespace sluice
