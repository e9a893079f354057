#include "plan/yaml.h"

#include <istream>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "base/json_text.h"

namespace sluice::plan {
namespace {

// Builds the tree. It cannot stop yaml-cpp, so beyond a bound it only counts levels.
class Builder final : public YAML::EventHandler {
 public:
  Builder(const Document& document, Diagnostics& diagnostics) : document_(document), diagnostics_(diagnostics) {}

  bool usable() const { return !broken_; }
  Yaml take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    put(leaf(Yaml::Kind::null, mark, "null"));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    report(mark, "aliases (*name) are not read; write the value out");
    put(leaf(Yaml::Kind::null, mark, ""));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    put(leaf(Yaml::Kind::scalar, mark, value));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Yaml::Kind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(Yaml::Kind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    Yaml node;
    bool key_next = true;                // map: the next node is a key
    std::optional<Yaml::Entry> pending;  // map: the key read; nullopt drops its value
  };

  void report(const YAML::Mark& mark, std::string message) { diagnostics_.add(document_, offset(mark), std::move(message)); }
  static size_t offset(const YAML::Mark& mark) { return mark.pos < 0 ? 0 : static_cast<size_t>(mark.pos); }

  static Yaml leaf(Yaml::Kind kind, const YAML::Mark& mark, const std::string& text) {
    Yaml node;
    node.kind = kind;
    node.at = offset(mark);
    node.text = text;
    return node;
  }
  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) report(mark, "anchors (&name) are not read; write the value where it is used");
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") report(mark, fmt::format("tags ({}) are not read; leave it out", quoted(tag)));
  }

  void open(Yaml::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (levels_.size() >= kYamlDepthMax && skipped_ == 0) {
      report(mark, fmt::format("nested deeper than {} levels", kYamlDepthMax));
      broken_ = true;
    }
    if (skipped_ > 0 || levels_.size() >= kYamlDepthMax) {
      ++skipped_;
      return;
    }
    Level level;
    level.node = leaf(kind, mark, "");
    levels_.push_back(std::move(level));
  }
  void close() {
    if (skipped_ > 0) {
      --skipped_;
      return;
    }
    if (levels_.empty()) return;
    Yaml node = std::move(levels_.back().node);
    levels_.pop_back();
    put(std::move(node));
  }

  void put(Yaml node) {
    if (skipped_ > 0 || broken_) return;
    if (++nodes_ > kYamlNodesMax) {
      diagnostics_.add(document_, node.at, fmt::format("more than {} values in one file; split it", kYamlNodesMax));
      broken_ = true;
      return;
    }
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& level = levels_.back();
    if (level.node.kind == Yaml::Kind::list) {
      level.node.items.push_back(std::move(node));
    } else if (level.key_next) {
      level.key_next = false;
      take_key(level, std::move(node));
    } else {
      level.key_next = true;
      if (level.pending) {
        level.pending->value = std::move(node);
        level.node.entries.push_back(*std::move(level.pending));
        level.pending.reset();
      }
    }
  }

  void take_key(Level& level, Yaml node) {
    if (node.kind != Yaml::Kind::scalar) {
      diagnostics_.add(document_, node.at,
                       node.kind == Yaml::Kind::null ? "a key is a text; this one needs quotes" : "a key is a text");
      return;
    }
    if (const Yaml::Entry* first = level.node.find(node.text)) {
      diagnostics_.add(
          document_, node.at,
          fmt::format("{} stands here twice; the first is in line {}", quoted(node.text), document_.locate(first->at).line));
      return;
    }
    level.pending = Yaml::Entry{std::move(node.text), node.at, Yaml{}};
  }

  const Document& document_;
  Diagnostics& diagnostics_;
  std::vector<Level> levels_;
  Yaml root_;
  size_t skipped_ = 0;   // levels open beyond the bound
  size_t nodes_ = 0;
  bool broken_ = false;
};

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Bytes that an escape in a double-quoted scalar takes in the file, from the backslash on.
size_t escape_length(char c) {
  switch (c) {
    case 'x': return 4;
    case 'u': return 6;
    case 'U': return 10;
    default: return 2;
  }
}
size_t utf8_length(char first) {
  const auto b = static_cast<unsigned char>(first);
  return b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
}

size_t skip_blank(std::string_view text, size_t at) {
  while (at < text.size() && blank(text[at])) ++at;
  return at;
}

}  // namespace

const Yaml::Entry* Yaml::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

std::optional<Yaml> parse_yaml(const Document& document, Diagnostics& diagnostics) {
  const std::string& text = document.text();
  if (text.size() > kFileBytesMax) {
    diagnostics.add(document, 0, fmt::format("larger than {} bytes; split the file", kFileBytesMax));
    return std::nullopt;
  }
  if (!is_utf8(text) || text.find('\0') != std::string::npos) {
    diagnostics.add(document, 0, "not UTF-8 text; save the file as UTF-8");
    return std::nullopt;
  }
  Builder builder(document, diagnostics);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      diagnostics.add(document, 0, "the file is empty; it begins with `version: 1`");
      return std::nullopt;
    }
    const size_t end = text.size();
    Diagnostics ignored;
    Builder second(document, ignored);
    if (parser.HandleNextDocument(second)) {
      diagnostics.add(document, std::min(second.take().at, end), "one document per file; put the second into a file of its own");
    }
  } catch (const YAML::Exception& error) {
    const size_t at = error.mark.is_null() || error.mark.pos < 0 ? 0 : static_cast<size_t>(error.mark.pos);
    diagnostics.add(document, at, fmt::format("not YAML: {}", error.msg));
    return std::nullopt;
  }
  if (!builder.usable()) return std::nullopt;
  return builder.take();
}

size_t place_in_scalar(const Document& document, const Yaml& scalar, size_t index) {
  const std::string_view file = document.text();
  const std::string_view value = scalar.text;
  size_t at = scalar.at;
  if (at >= file.size()) return scalar.at;
  const char style = file[at] == '\'' || file[at] == '"' || file[at] == '|' || file[at] == '>' ? file[at] : 'p';
  if (style == '|' || style == '>') {
    at = file.find('\n', at);
    if (at == std::string_view::npos) return scalar.at;
    at = skip_blank(file, at);
  } else if (style != 'p') {
    ++at;
  }
  for (size_t i = 0; i < index;) {
    if (i >= value.size() || at >= file.size()) return scalar.at;
    if (style == '\'' && file[at] == '\'') ++at;  // '' stands for one
    if (style == '"' && file[at] == '\\') {
      const size_t length = at + 1 < file.size() ? escape_length(file[at + 1]) : 2;
      if (at + 1 < file.size() && file[at + 1] == '\n') {  // a line joined without a space
        at = skip_blank(file, at + 1);
        continue;
      }
      at += length;
      i += utf8_length(value[i]);
      continue;
    }
    if (blank(value[i]) && blank(file[at])) {
      // Folding and indentation change how many blanks there are, never whether there are any.
      const size_t value_end = skip_blank(value, i);
      if (value_end > index) return at + (file[at] == '\n' || file[at] == '\r' ? 0 : index - i);
      i = value_end;
      at = skip_blank(file, at);
      continue;
    }
    if (value[i] != file[at]) return scalar.at;
    ++i;
    ++at;
  }
  return std::min(at, file.size());
}

namespace {

size_t end_of_flow(std::string_view file, size_t begin) {
  int open = 0;
  char quote = 0;
  for (size_t i = begin; i < file.size(); ++i) {
    const char c = file[i];
    if (quote != 0) {
      if (quote == '"' && c == '\\') ++i;
      else if (c == quote) quote = 0;
    } else if ((c == '\'' || c == '"') && i > begin &&
               (blank(file[i - 1]) || file[i - 1] == '{' || file[i - 1] == '[' || file[i - 1] == ',' || file[i - 1] == ':')) {
      quote = c;  // elsewhere a quote is part of a plain scalar: event = 'x'
    } else if (c == '{' || c == '[') {
      ++open;
    } else if (c == '}' || c == ']') {
      if (--open == 0) return i + 1;
    }
  }
  return file.size();
}

}  // namespace

std::string written_text(const Document& document, const Yaml& map) {
  const std::string_view file = document.text();
  if (map.at >= file.size()) return "";
  if (file[map.at] == '{') return std::string(file.substr(map.at, end_of_flow(file, map.at) - map.at));
  const size_t line_begin = map.at == 0 ? 0 : file.rfind('\n', map.at - 1) + 1;  // npos + 1 = 0
  const size_t indent = map.at - line_begin;
  std::string out, held;  // held: blank and comment lines that belong to it only if something follows
  for (size_t at = map.at; at < file.size();) {
    const size_t end = std::min(file.find('\n', at), file.size());
    std::string_view line = file.substr(at, end - at);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (at != map.at) {
      const size_t first = line.find_first_not_of(" \t");
      if (first == std::string_view::npos || line[first] == '#') {
        held += line.substr(std::min(line.size(), first == std::string_view::npos ? line.size() : std::min(first, indent)));
        held += '\n';
        at = end + 1;
        continue;
      }
      if (first < indent) break;
      line.remove_prefix(indent);
    }
    out += held;
    held.clear();
    out += line;
    out += '\n';
    at = end + 1;
  }
  return out;
}

}  // namespace sluice::plan
