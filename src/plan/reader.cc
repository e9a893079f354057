#include "plan/reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "plan/clickhouse.h"
#include "plan/scalars.h"

namespace sluice::plan {

bool Reader::check_name(size_t at, const std::string& name) {
  if (is_name(name)) return true;
  report(at, fmt::format("{} is no name: 1 to 63 of a-z, 0-9 and _, beginning with a letter", quoted(name)));
  return false;
}

std::optional<std::string> Reader::name(const Yaml& map, const KeySet& keys, std::string_view key) {
  const Yaml* value = value_of(map, keys, key);
  if (value == nullptr || !check_name(value->at, value->text)) return std::nullopt;
  return value->text;
}

std::string Reader::text(const Yaml& map, const KeySet& keys, std::string_view key) {
  const Yaml* value = value_of(map, keys, key);
  return value == nullptr ? "" : value->text;
}

std::optional<DurationMs> Reader::duration(const Yaml& map, const KeySet& keys, std::string_view key, Bounds bounds) {
  const Yaml* value = value_of(map, keys, key);
  if (value == nullptr) return std::nullopt;
  const std::optional<DurationMs> duration = parse_duration(value->text);
  if (!duration) {
    report(value->at, fmt::format("`{}` is a whole number and one of ms, s, m, h, d: 10m; not {}", key, quoted(value->text)));
    return std::nullopt;
  }
  if (*duration < bounds.least || *duration > bounds.most) {
    report(value->at, fmt::format("`{}` lies between {} and {}", key, duration_text(bounds.least), duration_text(bounds.most)));
    return std::nullopt;
  }
  return duration;
}

std::optional<SyntaxTree> Reader::expression(const Yaml& scalar) {
  SyntaxTree tree = parse_expression(scalar.text);
  if (!tree.fault) return tree;
  report(scalar, *tree.fault);
  return std::nullopt;
}

Expression Reader::condition(const Yaml& map, const KeySet& keys, std::string_view key, PathTable& paths) {
  const Yaml* value = value_of(map, keys, key);
  if (value == nullptr) return {};
  const std::optional<SyntaxTree> tree = expression(*value);
  if (!tree) return {};
  Typed typed = type_row(*tree, static_cast<uint32_t>(tree->nodes.size() - 1), Type::boolean, paths);
  if (typed.fault) report(*value, *typed.fault);
  return std::move(typed.expression);
}

void Reader::check_version(const Yaml& root, const KeySet& keys) {
  const Yaml* version = value_of(root, keys, "version");
  if (version != nullptr && version->text != "1") {
    report(version->at, fmt::format("version {} is not known to this release; write version: 1", quoted(version->text)));
  }
}

void claim_name(Reader& reader, const Yaml& at, const std::string& name, Definitions& into) {
  const auto& reserved = clickhouse::reserved_table_names();
  if (std::find(reserved.begin(), reserved.end(), name) != reserved.end()) {
    return reader.report(at.at, fmt::format("`{}` is a table that every project has; choose another name", name));
  }
  const auto [other, fresh] = into.names.try_emplace(name, reader.document().locate(at.at));
  if (!fresh) {
    reader.report(at.at,
                  fmt::format("`{}` is defined twice; the first is at {}:{}", name, other->second.file, other->second.line));
  }
  if (into.names.size() == kDefinitionsMax + 1)
    reader.report(at.at, fmt::format("more than {} definitions in one project", kDefinitionsMax));
}

}  // namespace sluice::plan
