#include "store/formats.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/json_text.h"
#include "base/result.h"

namespace sluice::store {

namespace {

struct Format {
  std::string_view name;
  FormatKind kind;
};

constexpr std::array<Format, 46> kFormats = {{
    {"Native", FormatKind::rows},
    {"RowBinary", FormatKind::rows},
    {"TabSeparated", FormatKind::rows},
    {"TSV", FormatKind::rows},
    {"TabSeparatedRaw", FormatKind::rows},
    {"TSVRaw", FormatKind::rows},
    {"TSKV", FormatKind::rows},
    {"CSV", FormatKind::rows},
    {"JSONEachRow", FormatKind::rows},
    {"JSONLines", FormatKind::rows},
    {"NDJSON", FormatKind::rows},
    {"JSONStringsEachRow", FormatKind::rows},
    {"JSONCompactEachRow", FormatKind::rows},
    {"JSONCompactStringsEachRow", FormatKind::rows},
    {"Null", FormatKind::rows},
    {"RowBinaryWithNames", FormatKind::headed},
    {"RowBinaryWithNamesAndTypes", FormatKind::headed},
    {"TabSeparatedWithNames", FormatKind::headed},
    {"TSVWithNames", FormatKind::headed},
    {"TabSeparatedWithNamesAndTypes", FormatKind::headed},
    {"TSVWithNamesAndTypes", FormatKind::headed},
    {"CSVWithNames", FormatKind::headed},
    {"CSVWithNamesAndTypes", FormatKind::headed},
    {"JSONCompactEachRowWithNames", FormatKind::headed},
    {"JSONCompactEachRowWithNamesAndTypes", FormatKind::headed},
    {"JSONCompactStringsEachRowWithNames", FormatKind::headed},
    {"JSONCompactStringsEachRowWithNamesAndTypes", FormatKind::headed},
    {"JSON", FormatKind::document},
    {"JSONStrings", FormatKind::document},
    {"JSONColumns", FormatKind::document},
    {"JSONColumnsWithMetadata", FormatKind::document},
    {"JSONCompact", FormatKind::document},
    {"JSONCompactStrings", FormatKind::document},
    {"JSONCompactColumns", FormatKind::document},
    {"JSONObjectEachRow", FormatKind::document},
    {"Arrow", FormatKind::document},
    {"ArrowStream", FormatKind::document},
    {"Parquet", FormatKind::document},
    {"Pretty", FormatKind::document},
    {"PrettyCompact", FormatKind::document},
    {"PrettyCompactNoEscapes", FormatKind::document},
    {"PrettySpace", FormatKind::document},
    {"Vertical", FormatKind::document},
    {"Markdown", FormatKind::document},
    {"XML", FormatKind::document},
    {"Values", FormatKind::document},
}};

const Format* find(std::string_view name) {
  const auto found = std::find_if(kFormats.begin(), kFormats.end(), [&](const Format& f) { return f.name == name; });
  return found == kFormats.end() ? nullptr : &*found;
}

std::string escape_tab_separated(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\0': out += "\\0"; break;
      case '\'': out += "\\'"; break;
      case '\\': out += "\\\\"; break;
      default: out += c;
    }
  }
  return out;
}

std::string quote_csv(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

// One line of names or types.
template <class Write>
std::string line(const std::vector<Column>& columns, std::string Column::* field, std::string_view separator, Write write) {
  std::string out;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) out += separator;
    out += write(columns[i].*field);
  }
  return out;
}

}  // namespace

bool is_allowed_format(std::string_view format) { return find(format) != nullptr; }

FormatKind format_kind(std::string_view format) {
  const Format* found = find(format);
  return found == nullptr ? FormatKind::document : found->kind;
}

std::string format_head(std::string_view format, const std::vector<Column>& columns) {
  SLUICE_ASSERT(format_kind(format) == FormatKind::headed, "only headed formats have a head");
  const bool with_types = format.ends_with("AndTypes");
  std::string out;
  if (format.starts_with("RowBinary")) {
    ByteWriter writer(out);
    writer.varint(columns.size());
    for (const Column& column : columns) writer.text(column.name);
    for (const Column& column : columns) {
      if (with_types) writer.text(column.type);
    }
  } else if (format.starts_with("JSON")) {
    out += '[' + line(columns, &Column::name, ", ", json_string) + "]\n";
    if (with_types) out += '[' + line(columns, &Column::type, ", ", json_string) + "]\n";
  } else if (format.starts_with("CSV")) {
    out += line(columns, &Column::name, ",", quote_csv) + '\n';
    if (with_types) out += line(columns, &Column::type, ",", quote_csv) + '\n';
  } else {
    out += line(columns, &Column::name, "\t", escape_tab_separated) + '\n';
    if (with_types) out += line(columns, &Column::type, "\t", escape_tab_separated) + '\n';
  }
  return out;
}

std::string_view content_type(std::string_view format) {
  if (format == "JSONLines" || format == "NDJSON" || format.find("EachRow") != std::string_view::npos)
    return "application/x-ndjson; charset=UTF-8";
  if (format.starts_with("JSON")) return "application/json; charset=UTF-8";
  if (format.starts_with("CSV")) return "text/csv; charset=UTF-8";
  if (format.starts_with("TabSeparated") || format.starts_with("TSV") || format == "TSKV")
    return "text/tab-separated-values; charset=UTF-8";
  if (format.starts_with("Pretty") || format == "Vertical" || format == "Markdown" || format == "Values")
    return "text/plain; charset=UTF-8";
  if (format == "XML") return "application/xml; charset=UTF-8";
  if (format == "ArrowStream") return "application/vnd.apache.arrow.stream";
  return "application/octet-stream";
}

}  // namespace sluice::store
