#include "plan/format.h"

#include <algorithm>

#include <fmt/format.h>

#include "plan/keys.h"
#include "plan/layout.h"

namespace sluice::plan {
namespace {

const KeySet& keys_of(std::string_view path) {
  return path == "sluice.yaml"                                             ? project_keys()
         : path.starts_with("metrics/") || path.starts_with("dimensions/") ? metrics_keys()
                                                                           : dashboards_keys();
}

std::string_view unquoted(std::string_view key) {
  const bool quotes = key.size() >= 2 && (key.front() == '"' || key.front() == '\'') && key.back() == key.front();
  return quotes ? key.substr(1, key.size() - 2) : key;
}

// Keys into the table's order, all the way down.
void arrange(Layout& node, const KeySet& keys);

void arrange_value(Layout& value, const Key& key) {
  if (key.inner == nullptr) return;
  switch (key.shape) {
    case Shape::map: return arrange(value, *key.inner);
    case Shape::list:
    case Shape::named:
      for (Layout::Part& part : value.parts) arrange(part.value, *key.inner);
      return;
    case Shape::rows:
      for (Layout::Part& row : value.parts) {
        for (Layout::Part& panel : row.value.parts) arrange(panel.value, *key.inner);
      }
      return;
    default: return;
  }
}

void arrange(Layout& node, const KeySet& keys) {
  if (node.kind != Layout::Kind::map) return;
  const auto place = [&](const Layout::Part& part) {
    const Key* key = keys.find(unquoted(part.key));
    return key == nullptr ? keys.keys.size() : static_cast<size_t>(key - keys.keys.data());
  };
  std::stable_sort(node.parts.begin(), node.parts.end(),
                   [&](const Layout::Part& a, const Layout::Part& b) { return place(a) < place(b); });
  for (Layout::Part& part : node.parts) {
    if (const Key* key = keys.find(unquoted(part.key))) arrange_value(part.value, *key);
  }
}

size_t columns(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// A node on one line, or nullopt where it has comments or line breaks that mean something.
std::optional<std::string> one_line(const Layout& node) {
  std::string out;
  if (node.kind == Layout::Kind::scalar) {
    if (node.literal) return std::nullopt;
    for (const std::string& line : node.lines) {
      const bool last = &line == &node.lines.back();
      if (line.empty() || (!last && node.lines.front().starts_with('"') && line.ends_with('\\'))) return std::nullopt;
      out += line;
      if (!last) out += ' ';
    }
    return out;
  }
  if (!node.below.empty()) return std::nullopt;
  const bool map = node.kind == Layout::Kind::map;
  out += map ? '{' : '[';
  for (const Layout::Part& part : node.parts) {
    const std::optional<std::string> value = one_line(part.value);
    if (!value || !part.above.empty() || !part.beside.empty()) return std::nullopt;
    if (&part != &node.parts.front()) out += ", ";
    if (map) out += part.key + ": ";
    out += *value;
  }
  return out + (map ? '}' : ']');
}

bool has_comments(const Layout& node) {
  return !node.below.empty() || std::any_of(node.parts.begin(), node.parts.end(), [](const Layout::Part& part) {
    return !part.above.empty() || !part.beside.empty() || has_comments(part.value);
  });
}

// A value in brackets that stays in them fits behind `column`; others become lines, with their comment where it has a place.
void decide(Layout::Part& part, size_t column, bool item) {
  Layout& value = part.value;
  if (!value.flow) return;
  const std::optional<std::string> line = one_line(value);
  if (value.parts.empty() || (line && column + columns(*line) <= kFormatWidth)) return;
  const bool commented = has_comments(value);
  value.flow = false;
  if (part.beside.empty() || (!commented && !item)) return;
  Remark remark{false, std::exchange(part.beside, {}), 0};
  if (commented) {
    value.below.push_back(std::move(remark));
  } else {
    remark.blank = std::exchange(part.blank, false);
    part.above.push_back(std::move(remark));
  }
}

// What follows a dash on its own line cannot have a comment above itself: that goes above the dash.
void lift_comments(Layout::Part& item, size_t indent) {
  decide(item, indent + 2, true);
  Layout& value = item.value;
  if (value.kind == Layout::Kind::scalar || value.flow) return;
  Layout::Part& first = value.parts.front();
  if (value.kind == Layout::Kind::list) lift_comments(first, indent + 2);
  first.blank = false;
  for (Remark& remark : first.above) {
    remark.blank = std::exchange(item.blank, false);
    item.above.push_back(std::move(remark));
  }
  first.above.clear();
}

class Printer {
 public:
  std::string print(LaidOut& file) {
    remarks(file.head, 0);
    if (file.blank) empty_line();
    block(file.root, 0, false);
    return std::move(out_);
  }

 private:
  void empty_line() {
    if (!opening_ && !out_.ends_with("\n\n")) out_ += '\n';
  }
  void remarks(const std::vector<Remark>& above, size_t indent) {
    for (const Remark& remark : above) {
      if (remark.blank) empty_line();
      out_.append(indent, ' ');
      out_ += remark.text + "\n";
      opening_ = false;
    }
  }
  void end_line(const std::string& beside) {
    if (!beside.empty()) out_ += "  " + beside;
    out_ += '\n';
    opening_ = false;
  }

  // `continues`: its first part stands behind a dash that is written already.
  void block(Layout& node, size_t indent, bool continues) {
    const bool map = node.kind == Layout::Kind::map;
    for (Layout::Part& part : node.parts) {
      if (map) {
        decide(part, indent + columns(part.key) + 2, false);
      } else {
        lift_comments(part, indent);
      }
      if (!continues || &part != &node.parts.front()) {
        remarks(part.above, indent);
        if (part.blank) empty_line();
        out_.append(indent, ' ');
      }
      out_ += map ? part.key + ":" : "-";
      value(part, indent, map);
    }
    remarks(node.below, indent);
  }

  void value(Layout::Part& part, size_t indent, bool of_key) {
    Layout& node = part.value;
    if (node.kind == Layout::Kind::scalar) return scalar(part, indent);
    if (node.flow) {
      out_ += ' ' + one_line(node).value_or("");
      return end_line(part.beside);
    }
    if (of_key) {
      end_line(part.beside);
      opening_ = true;
    } else {
      out_ += ' ';
    }
    block(node, indent + 2, !of_key);
  }

  void scalar(const Layout::Part& part, size_t indent) {
    const std::vector<std::string>& lines = part.value.lines;
    out_ += ' ' + lines.front();
    if (part.value.literal) end_line(part.beside);
    for (size_t i = 1; i < lines.size(); ++i) {
      if (!part.value.literal) out_ += '\n';
      if (!lines[i].empty()) out_.append(indent + 2, ' ');
      out_ += lines[i];
      if (part.value.literal) out_ += '\n';
    }
    if (!part.value.literal) end_line(part.beside);
  }

  std::string out_;
  bool opening_ = true;  // nothing stands in this block yet
};

// Equal trees: keys of the table in any order, all else in order.
bool same(const Yaml& a, const Yaml& b, const KeySet* keys);

bool same_items(const Yaml& a, const Yaml& b, const KeySet* keys, bool nested) {
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), [&](const Yaml& x, const Yaml& y) {
    return nested ? x.kind == y.kind && same_items(x, y, keys, false) : same(x, y, keys);
  });
}

bool same_value(const Yaml& a, const Yaml& b, const Key& key) {
  if (a.kind != b.kind || a.text != b.text) return false;
  switch (key.shape) {
    case Shape::named:
      return std::equal(
          a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(),
          [&](const Yaml::Entry& x, const Yaml::Entry& y) { return x.key == y.key && same(x.value, y.value, key.inner); });
    case Shape::rows: return same_items(a, b, key.inner, true);
    case Shape::map: return same(a, b, key.inner);
    default: return same_items(a, b, key.inner, false);
  }
}

bool same(const Yaml& a, const Yaml& b, const KeySet* keys) {
  if (a.kind != b.kind || a.text != b.text || a.entries.size() != b.entries.size() || !same_items(a, b, nullptr, false))
    return false;
  return std::all_of(a.entries.begin(), a.entries.end(), [&](const Yaml::Entry& entry) {
    const Yaml::Entry* other = b.find(entry.key);
    const Key* key = keys == nullptr ? nullptr : keys->find(entry.key);
    return other != nullptr && key != nullptr && same_value(entry.value, other->value, *key);
  });
}

void collect_comments(const Layout& node, std::vector<std::string>& into) {
  for (const Layout::Part& part : node.parts) {
    for (const Remark& remark : part.above) into.push_back(remark.text);
    if (!part.beside.empty()) into.push_back(part.beside);
    collect_comments(part.value, into);
  }
  for (const Remark& remark : node.below) into.push_back(remark.text);
}

std::vector<std::string> comments_of(const LaidOut& file) {
  std::vector<std::string> all;
  for (const Remark& remark : file.head) all.push_back(remark.text);
  collect_comments(file.root, all);
  std::sort(all.begin(), all.end());
  return all;
}

std::string with_newlines(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    out += text[i];
  }
  return out;
}

Result<std::string> format_file(const Document& document) {
  const KeySet& keys = keys_of(document.path());
  LaidOut file = SLUICE_TRY(read_layout(with_newlines(document.text())));
  const std::vector<std::string> comments = comments_of(file);
  arrange(file.root, keys);
  file.root.flow = false;
  const std::string text = Printer().print(file);

  const auto lost = [](std::string_view what) {
    return fail(Code::invalid, fmt::format("{} would not be the same; please report this file", what));
  };
  Diagnostics diagnostics;
  const Document after(document.path(), text);
  const std::optional<Yaml> old_tree = parse_yaml(document, diagnostics), new_tree = parse_yaml(after, diagnostics);
  if (!old_tree || !new_tree || !diagnostics.empty() || !same(*old_tree, *new_tree, &keys)) return lost("its values");
  const Result<LaidOut> again = read_layout(text);
  if (!again || comments_of(*again) != comments) return lost("its comments");
  return text;
}

bool same_plan(const Compiled& a, const Compiled& b) {
  if (!a.plan || !b.plan) return false;
  const auto same_version = [](const Metric& x, const Metric& y) { return x.name == y.name && x.version == y.version; };
  return a.plan->hash == b.plan->hash &&
         std::equal(a.plan->metrics.begin(), a.plan->metrics.end(), b.plan->metrics.begin(), b.plan->metrics.end(), same_version);
}

}  // namespace

std::vector<FormattedFile> format_project(const std::vector<SourceFile>& files) {
  std::vector<FormattedFile> out;
  std::vector<SourceFile> formatted;
  for (const SourceFile& file : files) {
    SourceFile& after = formatted.emplace_back(file);
    if (!file.path.ends_with(".yaml")) continue;  // a zone, or the rows of a dimension
    FormattedFile& to = out.emplace_back();
    to.path = file.path;
    to.text = file.text;
    Result<std::string> text = format_file(Document(file.path, file.text));
    if (text) {
      to.changed = *text != file.text;
      to.text = after.text = *std::move(text);
    } else {
      to.refusal = fmt::format("{}: {}", file.path, text.error().message);
    }
  }
  if (same_plan(compile(files), compile(formatted))) return out;
  for (FormattedFile& file : out) {
    file.text = std::find_if(files.begin(), files.end(), [&](const SourceFile& f) { return f.path == file.path; })->text;
    file.changed = false;
    file.refusal = file.path + ": the plan would not be the same; please report this project";
  }
  return out;
}

}  // namespace sluice::plan
