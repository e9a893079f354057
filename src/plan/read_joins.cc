// `dimensions` of a project and `joins` of metrics (reader.h, semantics R11).
#include <algorithm>

#include <fmt/format.h>

#include "plan/dimension_table.h"
#include "plan/reader.h"
#include "plan/scalars.h"

namespace sluice::plan {
namespace {

// A path below the project's folder, with / between its parts.
bool is_inside(std::string_view path) {
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part.empty() || part == "." || part == ".." || part.find_first_of("\\\n") != std::string_view::npos) return false;
    at = end + 1;
  }
  return path.size() <= 255;
}

void collect_files(const Yaml& root, std::vector<std::string>& into) {
  const Yaml::Entry* list = root.find("dimensions");
  if (list == nullptr) return;
  for (const Yaml& item : list->value.items) {
    const Yaml::Entry* file = item.kind == Yaml::Kind::map ? item.find("file") : nullptr;
    if (file != nullptr && is_inside(file->value.text) && is_dimension_file(file->value.text)) into.push_back(file->value.text);
  }
}

void read_dimension_file(Reader& reader, const Yaml& map, const KeySet& keys, Definitions& into) {
  DimensionFile file;
  file.location = reader.document().locate(map.at);
  file.key = reader.text(map, keys, "key");
  if (const Yaml* key = value_of(map, keys, "key"); key != nullptr && file.key.empty())
    reader.report(key->at, "`key` names the column that events are joined on");
  file.valid_from = reader.text(map, keys, "valid_from");
  file.valid_to = reader.text(map, keys, "valid_to");
  const auto twice = [&](const std::string& a, const std::string& b) { return !a.empty() && a == b; };
  if (twice(file.key, file.valid_from) || twice(file.key, file.valid_to) || twice(file.valid_from, file.valid_to))
    reader.report(map.at, "`key`, `valid_from` and `valid_to` are different columns");
  const Yaml* path = value_of(map, keys, "file");
  if (path != nullptr) {
    file.path = path->text;
    const auto given = into.dimension_files.find(file.path);
    if (!is_inside(file.path) || !is_dimension_file(file.path)) {
      reader.report(path->at, fmt::format("{} is no path below the project's folder to a .csv, .jsonl or .ndjson file, like "
                                          "dimensions/accounts.csv",
                                          quoted(file.path)));
    } else if (given == into.dimension_files.end()) {
      reader.report(path->at, fmt::format("there is no file {} in the project's folder", file.path));
    } else if (!file.key.empty()) {
      file.table = read_dimension_table(file, given->second, reader.diagnostics());
    }
  }
  const std::optional<std::string> name = reader.name(map, keys, "name");
  if (!name) return;
  claim_name(reader, *value_of(map, keys, "name"), *name, into);
  file.name = *name;
  into.plan.dimension_files.push_back(std::move(file));
}

bool same(const Join& a, const Join& b) { return a.file == b.file && a.on == b.on; }

void read_join(Reader& reader, const Yaml::Entry& entry, const KeySet& keys, std::vector<PathTable::JoinScope>& scopes,
               Definitions& into) {
  if (!reader.check_name(entry.at, entry.key)) return;
  const auto& rows = row_names();
  if (entry.key == "properties" || entry.key == "context" || std::find(rows.begin(), rows.end(), entry.key) != rows.end())
    return reader.report(entry.at, fmt::format("`{}` is of every event; choose another name", entry.key));
  scopes.push_back({{entry.key, 0}, nullptr});  // known by name, whatever is wrong with it
  const Yaml* dimension = value_of(entry.value, keys, "dimension");
  const Yaml* on = value_of(entry.value, keys, "on");
  if (dimension == nullptr || on == nullptr) return;
  std::vector<DimensionFile>& files = into.plan.dimension_files;
  const auto file = std::find_if(files.begin(), files.end(), [&](const DimensionFile& f) { return f.name == dimension->text; });
  if (file == files.end()) {
    std::vector<std::string> names;
    for (const DimensionFile& one : files) names.push_back(one.name);
    std::string hint = did_you_mean(dimension->text, names);
    if (hint.empty()) hint = names.empty() ? "; `dimensions: [{name, key, file}]` defines one" : "; there is " + listed(names);
    return reader.report(dimension->at, fmt::format("no dimension {} in this project{}", quoted(dimension->text), hint));
  }
  const std::optional<SyntaxTree> tree = reader.expression(*on);
  if (!tree) return;
  Typed typed = type_row(*tree, static_cast<uint32_t>(tree->nodes.size() - 1), Type::text, into.paths);
  if (typed.fault) return reader.report(*on, Fault{typed.fault->at, fmt::format("`on` is a text: {}", typed.fault->what)});
  const Join join{static_cast<uint32_t>(file - files.begin()), std::move(typed.expression)};
  std::vector<Join>& joins = into.plan.joins;
  auto known = std::find_if(joins.begin(), joins.end(), [&](const Join& other) { return same(other, join); });
  if (known == joins.end()) known = joins.insert(joins.end(), join);
  scopes.back() = {{entry.key, static_cast<uint32_t>(known - joins.begin())}, &*file};
}

}  // namespace

std::vector<std::string> dimension_files_of(const std::vector<SourceFile>& files) {
  std::vector<std::string> paths;
  for (const SourceFile& file : files) {
    if (!file.path.ends_with(".yaml") || file.text.size() > kFileBytesMax || file.text.find("dimensions") == std::string::npos)
      continue;
    const Document document(file.path, file.text);
    Diagnostics unheard;
    if (const std::optional<Yaml> root = parse_yaml(document, unheard)) collect_files(*root, paths);
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

void read_dimension_files(Reader& reader, const Yaml& root, Definitions& into) {
  const KeySet& keys = metrics_keys();
  const Yaml* list = value_of(root, keys, "dimensions");
  if (list == nullptr) return;
  for (const Yaml& item : list->items) {
    if (item.kind != Yaml::Kind::map) continue;
    if (into.plan.dimension_files.size() >= kDimensionFilesMax)
      return reader.report(item.at, fmt::format("a project has at most {} dimensions", kDimensionFilesMax));
    read_dimension_file(reader, item, *keys.find("dimensions")->inner, into);
  }
}

void use_joins(Reader& reader, const Yaml& map, const KeySet& keys, Metric& metric, Definitions& into) {
  const Yaml* joins = value_of(map, keys, "joins");
  if (joins == nullptr) return;
  if (metric.sessions) return reader.report(joins->at, "joins of a metric over sessions are not in this release; join events");
  if (joins->entries.size() > kJoinsMax) return reader.report(joins->at, fmt::format("a metric has at most {} joins", kJoinsMax));
  std::vector<PathTable::JoinScope> scopes;
  for (const Yaml::Entry& entry : joins->entries) read_join(reader, entry, *keys.find("joins")->inner, scopes, into);
  for (const PathTable::JoinScope& scope : scopes) metric.joins.push_back(scope.join);
  into.paths.use_joins(std::move(scopes));
}

}  // namespace sluice::plan
