#include "plan/layout.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace sluice::plan {
namespace {

bool blank(char c) { return c == ' ' || c == '\t'; }
bool closes(char c) { return c == ',' || c == '[' || c == ']' || c == '{' || c == '}'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  return text;
}

// A quoted scalar of several lines: blanks at their ends mean nothing, except one that a backslash keeps.
std::vector<std::string> quoted_lines(std::string_view raw) {
  std::vector<std::string> lines;
  for (size_t at = 0; at <= raw.size();) {
    const size_t end = std::min(raw.find('\n', at), raw.size());
    const std::string_view whole = raw.substr(at, end - at);
    std::string line(trimmed(whole));
    size_t backslashes = 0;
    while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\') ++backslashes;
    if (raw.front() == '"' && backslashes % 2 == 1 && !whole.ends_with('\\')) line += ' ';
    lines.push_back(std::move(line));
    at = end + 1;
  }
  return lines;
}

// Reads by columns, as YAML does. Nothing throws: the first thing that cannot be read ends it, fault_ says what.
class LayoutReader {
 public:
  explicit LayoutReader(std::string_view text) : text_(text) {}

  Result<LaidOut> read() {
    LaidOut out;
    next_content();
    if (text_.substr(at_, 3) == "---" && (at_ + 3 == text_.size() || text_[at_ + 3] == '\n')) {
      at_ += 3;
      next_content();
    }
    out.head = take_remarks();
    out.blank = std::exchange(blank_, false);
    if (!done() && text_[at_] == '%') fail_here("directives (%) are not kept; leave it out");
    if (!done() && (text_[at_] == '{')) {
      out.root = read_flow();
      if (const std::string beside = rest_of_line(); !beside.empty()) out.root.below.push_back({false, beside, 0});
      next_content();
    } else if (!done()) {
      out.root = read_map(column());
    }
    for (Remark& remark : take_remarks()) out.root.below.push_back(std::move(remark));
    if (!done()) fail_here("this cannot be laid out anew; write it as keys with values");
    if (fault_) return *std::move(fault_);
    return out;
  }

 private:
  bool done() const { return fault_ || at_ >= text_.size(); }
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n'; }
  bool at_line_end() const { return at_ >= text_.size() || text_[at_] == '\n'; }
  bool ends_word(size_t ahead) const { return blank(peek(ahead)) || peek(ahead) == '\n'; }
  bool at_dash() const { return !done() && peek() == '-' && ends_word(1); }
  size_t line_start(size_t at) const {
    const size_t newline = at == 0 ? std::string_view::npos : text_.rfind('\n', at - 1);
    return newline == std::string_view::npos ? 0 : newline + 1;
  }
  size_t column() const { return at_ - line_start(at_); }
  void skip_blanks() {
    while (at_ < text_.size() && blank(text_[at_])) ++at_;
  }
  void fail_here(std::string_view what) {
    if (fault_) return;
    const auto line =
        1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, text_.size())), '\n');
    fault_ = fail(Code::invalid, fmt::format("line {}: {}", line, what));
  }
  std::vector<Remark> take_remarks() { return std::exchange(ahead_, {}); }
  // Those in front that stand at least so far in: they end the block that ends here.
  std::vector<Remark> take_remarks_from(size_t least) {
    const auto end = std::find_if(ahead_.begin(), ahead_.end(), [&](const Remark& r) { return r.column < least; });
    std::vector<Remark> taken(ahead_.begin(), end);
    ahead_.erase(ahead_.begin(), end);
    return taken;
  }

  std::string comment() {
    const size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string text(trimmed(text_.substr(at_, end - at_)));
    at_ = end;
    return text;
  }
  // The comment beside what was just read; only blanks may stand before it.
  std::string rest_of_line() {
    const size_t before = at_;
    skip_blanks();
    if (at_line_end()) return {};
    if (peek() == '#' && at_ > before) return comment();
    fail_here("this cannot be laid out anew; put it on a line of its own");
    return {};
  }
  // From the end of a line, or from the start, to the next thing that is no comment; collects remarks and empty lines.
  void next_content() {
    bool fresh = at_ == 0;
    while (!done()) {
      if (!fresh) {
        if (peek() != '\n') return fail_here("this cannot be laid out anew; put it on a line of its own");
        ++at_;
      }
      fresh = false;
      const size_t start = at_;
      skip_blanks();
      if (done()) return;
      if (peek() == '\n') {
        blank_ = true;
      } else if (peek() == '#') {
        const size_t column_here = column();
        ahead_.push_back({std::exchange(blank_, false), comment(), column_here});
      } else {
        if (text_.substr(start, at_ - start).find('\t') != std::string_view::npos) fail_here("tabs cannot indent; write spaces");
        return;
      }
    }
  }

  // Past a quoted scalar.
  void skip_quoted() {
    const char quote = peek();
    for (++at_; at_ < text_.size(); ++at_) {
      if (quote == '"' && text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == quote) {
        if (quote == '\'' && peek(1) == '\'') {
          ++at_;
        } else {
          ++at_;
          return;
        }
      }
    }
    fail_here("a quote is open");
  }
  void refuse_decorated() {
    switch (peek()) {
      case '&': return fail_here("anchors (&name) are not kept; write the value where it is used");
      case '*': return fail_here("aliases (*name) are not kept; write the value out");
      case '!': return fail_here("tags (!name) are not kept; leave it out");
      case '?':
        if (ends_word(1)) fail_here("`? ` before a key is not kept; write KEY: VALUE");
        return;
      default: return;
    }
  }

  // The key that stands here in a block, read up to behind its colon; nullopt (nothing is read): there is none.
  std::optional<std::string> block_key() {
    const size_t start = at_;
    if (peek() == '"' || peek() == '\'') {
      skip_quoted();
      const size_t end = at_;
      skip_blanks();
      if (!fault_ && peek() == ':' && ends_word(1) && text_.substr(start, end - start).find('\n') == std::string_view::npos) {
        ++at_;
        return std::string(text_.substr(start, end - start));
      }
      at_ = start;
      return std::nullopt;
    }
    for (; !at_line_end(); ++at_) {
      if (peek() == '#' && at_ > start && blank(text_[at_ - 1])) break;
      if (peek() != ':' || !ends_word(1)) continue;
      std::string key(trimmed(text_.substr(start, at_ - start)));
      ++at_;
      return key;
    }
    at_ = start;
    return std::nullopt;
  }

  Layout read_map(size_t indent) {
    Layout map;
    map.kind = Layout::Kind::map;
    while (!done()) {
      Layout::Part part;
      part.above = take_remarks();
      part.blank = std::exchange(blank_, false);
      refuse_decorated();
      std::optional<std::string> key = block_key();
      if (!key) {
        fail_here("this cannot be laid out anew; write KEY: VALUE");
        break;
      }
      part.key = *std::move(key);
      read_value(part, indent, false);
      map.parts.push_back(std::move(part));
      if (done() || column() < indent) break;
      if (column() > indent) fail_here("this stands further in than its neighbours");
    }
    map.below = take_remarks_from(indent);
    return map;
  }

  // `least`: how far in a comment behind the last item stands that belongs to the list.
  Layout read_list(size_t indent, size_t least) {
    Layout list;
    list.kind = Layout::Kind::list;
    while (at_dash()) {
      Layout::Part part;
      part.above = take_remarks();
      part.blank = std::exchange(blank_, false);
      ++at_;
      read_value(part, indent, true);
      if (part.value.kind != Layout::Kind::scalar && !part.value.flow && !part.beside.empty()) {
        add_above(part, std::exchange(part.beside, {}));
      }
      list.parts.push_back(std::move(part));
      if (done() || column() < indent) break;
      if (column() > indent) fail_here("this stands further in than its neighbours");
    }
    list.below = take_remarks_from(least);
    return list;
  }

  static void add_above(Layout::Part& part, std::string text) {
    if (!text.empty()) part.above.push_back({std::exchange(part.blank, false), std::move(text), 0});
  }

  // What stands behind a colon or a dash, on its line or below; then on to the next content.
  void read_value(Layout::Part& part, size_t indent, bool item) {
    skip_blanks();
    if (at_line_end() || peek() == '#') {
      part.beside = at_line_end() ? std::string() : comment();
      next_content();
      if (done() || column() < indent || (column() == indent && (item || !at_dash()))) return fail_here("a value is missing");
      const size_t inner = column();
      if (at_dash()) {
        part.value = read_list(inner, inner == indent ? inner + 1 : inner);
        return;
      }
      const size_t start = at_;
      if (peek() != '{' && peek() != '[' && block_key()) {
        at_ = start;
        part.value = read_map(inner);
        return;
      }
      // It moves up to its key, so what stands between goes above both.
      add_above(part, std::exchange(part.beside, {}));
      for (Remark& remark : take_remarks()) {
        remark.blank |= std::exchange(part.blank, false);
        part.above.push_back(std::move(remark));
      }
      blank_ = false;
    } else if (item && at_dash()) {
      part.value = read_list(column(), column());
      return;
    } else if (const size_t start = at_; item && peek() != '{' && peek() != '[' && block_key()) {
      at_ = start;
      part.value = read_map(column());
      return;
    }
    refuse_decorated();
    if (peek() == '{' || peek() == '[') {
      part.value = read_flow();
      part.beside = rest_of_line();
    } else if (peek() == '|' || peek() == '>') {
      part.value = read_literal(indent, part.beside);
    } else if (peek() == '"' || peek() == '\'') {
      part.value = read_quoted();
      part.beside = rest_of_line();
    } else {
      part.value = read_plain(indent);
      part.beside = rest_of_line();
    }
    next_content();
  }

  Layout read_quoted() {
    Layout scalar;
    const size_t start = at_;
    skip_quoted();
    if (!fault_) scalar.lines = quoted_lines(text_.substr(start, at_ - start));
    return scalar;
  }

  Layout read_plain(size_t indent) {
    Layout scalar;
    while (true) {
      const size_t start = at_;
      while (!at_line_end()) {
        const size_t first = std::min(text_.find_first_not_of(" \t", at_), text_.size());
        if (first == text_.size() || text_[first] == '\n' || (text_[first] == '#' && first > at_)) break;
        at_ = first + 1;
      }
      scalar.lines.emplace_back(text_.substr(start, at_ - start));
      const size_t end = at_;
      skip_blanks();
      if (!at_line_end()) {
        at_ = end;  // before the blank that makes the # a comment
        break;
      }
      // Further lines that stand further in than the key belong to it.
      size_t next = at_, empty = 0;
      while (true) {
        const size_t first = text_.find_first_not_of(" \t", std::min(next + 1, text_.size()));
        if (first == std::string_view::npos) return scalar;
        next = first;
        if (text_[first] != '\n') break;
        ++empty;
      }
      if (next - line_start(next) <= indent || text_[next] == '#') break;
      scalar.lines.insert(scalar.lines.end(), empty, std::string());
      at_ = next;
    }
    return scalar;
  }

  Layout read_literal(size_t indent, std::string& beside) {
    Layout scalar;
    scalar.literal = true;
    const size_t start = at_++;
    if (peek() == '-') ++at_;
    if (!ends_word(0)) {
      fail_here("| and > with a number or + are not kept; write it in double quotes");
      return scalar;
    }
    scalar.lines.emplace_back(text_.substr(start, at_ - start));
    beside = rest_of_line();
    size_t inner = 0;
    while (!fault_ && at_ < text_.size()) {
      const size_t begin = at_ + 1;
      const size_t end = std::min(text_.find('\n', std::min(begin, text_.size())), text_.size());
      const std::string_view line = text_.substr(std::min(begin, text_.size()), end - std::min(begin, end));
      const size_t first = line.find_first_not_of(' ');
      if (first != std::string_view::npos) {
        if (first <= indent) break;
        if (inner == 0) inner = first;
        if (first < inner) {
          fail_here("a line of a text after | or > stands further out than its first; write it in double quotes");
          break;
        }
      }
      scalar.lines.emplace_back(line.size() > inner && inner > 0 ? line.substr(inner) : std::string_view());
      at_ = end;
      if (at_ >= text_.size()) break;
    }
    while (scalar.lines.size() > 1 && scalar.lines.back().empty()) {
      scalar.lines.pop_back();
      blank_ = true;
    }
    return scalar;
  }

  // Blanks, line ends and comments inside brackets. A comment on the line of what was read last goes to `beside`, all others to
  // `above`.
  void skip_in_flow(std::string* beside, std::vector<Remark>& above) {
    bool same_line = true;
    while (!done()) {
      if (peek() == '\n') {
        same_line = false;
        ++at_;
      } else if (blank(peek())) {
        ++at_;
      } else if (peek() == '#' && (at_ == 0 || blank(text_[at_ - 1]) || text_[at_ - 1] == '\n')) {
        std::string text = comment();
        if (same_line && beside != nullptr && beside->empty()) {
          *beside = std::move(text);
        } else {
          above.push_back({false, std::move(text), 0});
        }
      } else {
        return;
      }
    }
  }

  Layout read_flow() {
    Layout node;
    node.flow = true;
    const char end = peek() == '{' ? '}' : ']';
    node.kind = end == '}' ? Layout::Kind::map : Layout::Kind::list;
    ++at_;
    std::vector<Remark> above;
    skip_in_flow(nullptr, above);
    while (!done() && peek() != end) {
      Layout::Part part;
      part.above = std::exchange(above, {});
      if (node.kind == Layout::Kind::map) {
        refuse_decorated();
        const Layout key = peek() == '"' || peek() == '\'' ? read_quoted() : read_plain_in_flow();
        skip_in_flow(nullptr, part.above);
        if (key.lines.size() != 1 || peek() != ':') fail_here("this cannot be laid out anew; write KEY: VALUE");
        if (fault_) return node;
        part.key = key.lines[0];
        ++at_;
        skip_in_flow(nullptr, part.above);
      }
      part.value = read_in_flow();
      skip_in_flow(&part.beside, above);
      if (!done() && peek() == ',') {
        ++at_;
        skip_in_flow(&part.beside, above);
      } else if (!done() && peek() != end) {
        fail_here("this cannot be laid out anew; pairs stand in { }");
      }
      node.parts.push_back(std::move(part));
    }
    if (!done()) ++at_;
    node.below = std::move(above);
    if (node.parts.empty() && !node.below.empty()) fail_here("a comment inside empty brackets has no place; put it above them");
    return node;
  }

  Layout read_in_flow() {
    refuse_decorated();
    if (peek() == '{' || peek() == '[') return read_flow();
    if (peek() == '"' || peek() == '\'') return read_quoted();
    Layout plain = read_plain_in_flow();
    if (plain.lines.size() == 1 && plain.lines[0].empty()) fail_here("a value is missing");
    return plain;
  }

  Layout read_plain_in_flow() {
    Layout scalar;
    scalar.lines.emplace_back();
    size_t start = at_, line_end = at_;  // of the last line that is not empty
    const auto keep = [&] {
      scalar.lines.back() = trimmed(text_.substr(start, at_ - start));
      if (!scalar.lines.back().empty()) line_end = at_;
    };
    while (!done() && !closes(peek()) && !(peek() == ':' && (ends_word(1) || closes(peek(1)))) &&
           !(peek() == '#' && at_ > start && blank(text_[at_ - 1]))) {
      if (peek() != '\n') {
        ++at_;
        continue;
      }
      keep();
      ++at_;
      skip_blanks();
      if (done() || peek() == '#' || closes(peek()) || peek() == ':') {
        at_ = line_end;  // so that a comment on a later line is not taken for one beside it
        break;
      }
      scalar.lines.emplace_back();
      start = at_;
    }
    if (at_ > line_end) keep();
    while (scalar.lines.size() > 1 && scalar.lines.back().empty()) scalar.lines.pop_back();
    return scalar;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<Remark> ahead_;  // read, and nobody's yet
  bool blank_ = false;  // an empty line stands above the next content
  std::optional<Error> fault_;
};

}  // namespace

Result<LaidOut> read_layout(std::string_view text) { return LayoutReader(text).read(); }

}  // namespace sluice::plan
