// Files of dimensions (dimension_table.h): CSV and JSON lines, row by row into a Builder.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "plan/dimension_builder.h"
#include "plan/syntax.h"

namespace sluice::plan {
namespace {

constexpr size_t kFaultsMax = 20;  // of a file: whoever reads more of them fixes the first
constexpr std::string_view kOneObject = R"(a line is one object: {"id": "a", "plan": "free"})";

// A segment of a path as expressions have it, alone or behind others.
std::string column_name(std::string_view segment) {
  std::string path;
  append_path_segment(path, segment);
  return path.substr(1);
}

// RFC 4180: fields apart by commas, in double quotes where they hold commas, quotes ("") or line ends; lines end with LF or CRLF.
class Csv {
 public:
  struct Field {
    std::string text;
    int column = 1;
  };
  Csv(std::string_view text, DimensionTable::Builder& into) : text_(text), into_(into) {}

  int line() const { return record_line_; }
  bool at_end() const { return at_ >= text_.size(); }

  // false: the form is broken, and reported; what follows cannot be read.
  bool record(std::vector<Field>& fields) {
    fields.clear();
    record_line_ = line_;
    for (;;) {
      Field field;
      field.column = static_cast<int>(at_ - line_start_) + 1;
      if (!read_field(field)) return false;
      fields.push_back(std::move(field));
      if (at_end()) return true;
      if (text_[at_] == ',') {
        ++at_;
        continue;
      }
      next_line();
      return true;
    }
  }

 private:
  bool broken(int line, size_t at, std::string what) {
    into_.report(line, static_cast<int>(at - line_start_) + 1, std::move(what));
    return false;
  }
  bool ends_line() const {
    return text_[at_] == '\n' || (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n');
  }
  void next_line() {
    at_ += text_[at_] == '\r' ? 2 : 1;
    ++line_;
    line_start_ = at_;
  }

  bool read_field(Field& field) {
    if (!at_end() && text_[at_] == '"') return read_quoted(field);
    while (!at_end() && text_[at_] != ',' && !ends_line()) {
      if (text_[at_] == '"')
        return broken(line_, at_, "a double quote inside a field; write the field in double quotes, its own as \"\"");
      if (text_[at_] == '\r') return broken(line_, at_, "a carriage return without a line feed; lines end with LF or CRLF");
      field.text += text_[at_++];
    }
    return true;
  }

  bool read_quoted(Field& field) {
    const int opened_line = line_, opened_column = field.column;
    ++at_;
    for (;;) {
      if (at_end()) {
        into_.report(opened_line, opened_column, "this double quote is never closed");
        return false;
      }
      if (text_[at_] == '"') {
        ++at_;
        if (at_end() || text_[at_] != '"') break;
      }
      if (text_[at_] == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      }
      field.text += text_[at_++];
    }
    if (!at_end() && text_[at_] != ',' && !ends_line())
      return broken(line_, at_, "after a closing double quote comes a comma or the line's end");
    return true;
  }

  std::string_view text_;
  DimensionTable::Builder& into_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  int line_ = 1;
  int record_line_ = 1;
};

std::optional<std::vector<std::string>> read_header(Csv& csv, const DimensionFile& file, DimensionTable::Builder& into) {
  std::vector<Csv::Field> fields;
  if (csv.at_end()) {
    into.report(1, 1, "a CSV file begins with a line that names its columns");
    return std::nullopt;
  }
  if (!csv.record(fields)) return std::nullopt;
  std::vector<std::string> names;
  for (const Csv::Field& field : fields) {
    std::string name = column_name(field.text);
    if (field.text.empty()) into.report(1, field.column, "a column without a name");
    if (std::find(names.begin(), names.end(), name) != names.end())
      into.report(1, field.column, fmt::format("a second column {}", plan::quoted(field.text)));
    if (!into.declare(name)) {
      into.report(1, field.column, fmt::format("more than {} columns; a dimension has no more", kDimensionColumnsMax));
      return std::nullopt;
    }
    names.push_back(std::move(name));
  }
  for (const std::string* column : {&file.key, &file.valid_from, &file.valid_to}) {
    if (column->empty() || std::find(names.begin(), names.end(), *column) != names.end()) continue;
    std::string hint = did_you_mean(*column, names);
    into.report(1, 1, fmt::format("no column {}{}", plan::quoted(*column), hint.empty() ? "; it has " + listed(names) : hint));
  }
  if (into.errors() > 0) return std::nullopt;
  return names;
}

void read_csv(const DimensionFile& file, std::string_view text, DimensionTable::Builder& into) {
  Csv csv(text, into);
  const std::optional<std::vector<std::string>> names = read_header(csv, file, into);
  if (!names) return;
  std::vector<Csv::Field> fields;
  while (!csv.at_end() && into.errors() < kFaultsMax) {
    if (!csv.record(fields)) return;
    if (fields.size() == 1 && fields[0].text.empty()) continue;  // an empty line
    if (fields.size() != names->size()) {
      into.report(csv.line(), 1, fmt::format("{} fields, where the first line has {}", fields.size(), names->size()));
      continue;
    }
    if (!into.row(csv.line())) return;
    for (size_t i = 0; i < fields.size(); ++i) {
      const std::string& value = fields[i].text;
      if (value.empty()) continue;  // NULL
      if (!into.cell((*names)[i], value, Decimal::from_json(value).has_value(), fields[i].column)) return;
    }
  }
}

// One line's object into a row: scalars by path, arrays left out, as properties at the edge (R8).
class ObjectLine {
 public:
  explicit ObjectLine(DimensionTable::Builder& into) : into_(into) {}
  const std::string& fault() const { return fault_; }
  size_t fault_at() const { return fault_at_; }

  bool null() { return seen_.empty() ? refuse(std::string(kOneObject)) : end_value(); }
  bool boolean(bool truth) { return scalar(truth ? "true" : "false", false); }
  bool number_integer(int64_t n) { return number(fmt::format("{}", n)); }
  bool number_unsigned(uint64_t n) { return number(fmt::format("{}", n)); }
  bool number_float(double, const std::string& as_sent) { return number(as_sent); }
  bool string(const std::string& text) {
    if (text.find('\0') != std::string::npos) return refuse("a text holds a NUL");
    return scalar(text, false);
  }
  bool binary(const nlohmann::json::binary_t&) { return true; }
  bool start_object(size_t) {
    if (arrays_ == 0) seen_.emplace_back();
    return true;
  }
  bool end_object() {
    if (arrays_ == 0) seen_.pop_back();
    return end_value();
  }
  bool start_array(size_t) {
    if (seen_.empty()) return refuse(std::string(kOneObject));
    ++arrays_;
    return true;
  }
  bool end_array() {
    --arrays_;
    return end_value();
  }
  bool key(const std::string& name) {
    if (arrays_ > 0) return true;
    if (std::find(seen_.back().begin(), seen_.back().end(), name) != seen_.back().end())
      return refuse(fmt::format("a second key {}", plan::quoted(name)));
    seen_.back().push_back(name);
    ends_.push_back(path_.size());
    append_path_segment(path_, name);
    return true;
  }
  bool parse_error(size_t at, const std::string&, const nlohmann::json::exception& error) {
    fault_at_ = at == 0 ? 0 : at - 1;
    const std::string_view what = error.what();
    const size_t said = what.find("] ");  // behind the library's own number
    return refuse(fmt::format("no JSON: {}", said == std::string_view::npos ? what : what.substr(said + 2)));
  }

 private:
  bool refuse(std::string what) {
    if (fault_.empty()) fault_ = std::move(what);
    return false;
  }
  bool end_value() {
    if (arrays_ > 0 || ends_.empty()) return true;
    path_.resize(ends_.back());
    ends_.pop_back();
    return true;
  }
  bool number(const std::string& as_sent) {
    const std::optional<Decimal> decimal = Decimal::from_json(as_sent);
    return scalar(decimal ? decimal->to_text() : as_sent, decimal.has_value());
  }
  bool scalar(std::string_view text, bool is_number) {
    if (seen_.empty()) return refuse(std::string(kOneObject));
    if (arrays_ == 0 && !into_.cell(std::string_view(path_).substr(1), text, is_number, 1)) return refuse("too much");
    return end_value();
  }

  DimensionTable::Builder& into_;
  std::string path_;
  std::vector<size_t> ends_;  // of the paths of the objects around
  std::vector<std::vector<std::string>> seen_;  // keys of those objects
  size_t arrays_ = 0;
  std::string fault_;
  size_t fault_at_ = 0;
};

void read_json_lines(std::string_view text, DimensionTable::Builder& into) {
  for (int line = 1; !text.empty() && into.errors() < kFaultsMax; ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (!into.row(line)) return;
    const size_t errors = into.errors();
    ObjectLine object(into);
    if (nlohmann::json::sax_parse(one.begin(), one.end(), &object)) continue;
    if (into.errors() > errors) return;  // over a bound
    into.report(line, static_cast<int>(object.fault_at()) + 1, object.fault());
  }
}

// Of the first byte that is no UTF-8 or a NUL, by line.
std::optional<int> broken_line(std::string_view text) {
  for (int line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view one = text.substr(0, end);
    if (!is_utf8(one) || one.find('\0') != std::string_view::npos) return line;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::nullopt;
}

}  // namespace

std::shared_ptr<const DimensionTable> read_dimension_table(const DimensionFile& file, std::string_view text,
                                                           Diagnostics& diagnostics) {
  DimensionTable::Builder into(file, diagnostics);
  if (text.size() > kDimensionFileBytesMax) {
    into.report(1, 1, fmt::format("{} bytes; a dimension's file has at most {}", text.size(), kDimensionFileBytesMax));
    return nullptr;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (const std::optional<int> line = broken_line(text)) {
    into.report(*line, 1, "this line is not UTF-8, or holds a NUL; save the file as UTF-8");
    return nullptr;
  }
  if (file.path.ends_with(".csv")) {
    read_csv(file, text, into);
  } else {
    read_json_lines(text, into);
  }
  return into.finish();
}

}  // namespace sluice::plan
