#include "plan/compile.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include <fmt/format.h>

#include "plan/clickhouse.h"
#include "plan/dimension_table.h"
#include "plan/reader.h"
#include "plan/reads.h"
#include "plan/version.h"
#include "plan/zone.h"

namespace sluice::plan {
namespace {

enum class FileKind : uint8_t { project, metrics, dashboards, zone, dimension, unknown };

FileKind kind_of(std::string_view path) {
  const auto in_folder = [&](std::string_view folder) {
    return path.starts_with(folder) && path.ends_with(".yaml") && path.size() > folder.size() + 5 &&
           path.find('/', folder.size()) == std::string_view::npos;
  };
  if (path == "sluice.yaml") return FileKind::project;
  if (in_folder("metrics/") || in_folder("dimensions/")) return FileKind::metrics;
  if (in_folder("dashboards/")) return FileKind::dashboards;
  if (path.starts_with(kZonePrefix) && is_zone_name(path.substr(kZonePrefix.size()))) return FileKind::zone;
  if (is_dimension_file(path)) return FileKind::dimension;
  return FileKind::unknown;
}

const KeySet& keys_of(FileKind kind) {
  return kind == FileKind::project ? project_keys() : kind == FileKind::metrics ? metrics_keys() : dashboards_keys();
}

struct Parsed {
  FileKind kind;
  const Document* document;
  Yaml root;
};

// The joins that a metric's expressions read, in the order in which they do: that of the definition's normal form.
void keep_joins(Metric& metric) {
  std::vector<NamedJoin> read;
  for (const Expression* expression : event_expressions(metric)) {
    for (const Node& node : expression->nodes) {
      if (node.op != Op::joined_text && node.op != Op::joined_number) continue;
      const auto same = [&](const NamedJoin& join) { return join.join == node.index; };
      if (std::any_of(read.begin(), read.end(), same)) continue;
      read.push_back(*std::find_if(metric.joins.begin(), metric.joins.end(), same));
    }
  }
  metric.joins = std::move(read);
}

// Paths by name, and everything that names them by index.
void sort_paths(Definitions& definitions) {
  const std::vector<std::string>& before = definitions.paths.paths();
  std::vector<uint32_t> order(before.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return before[a] < before[b]; });
  std::vector<uint32_t> moved(before.size());
  for (uint32_t to = 0; to < order.size(); ++to) {
    moved[order[to]] = to;
    definitions.plan.paths.push_back(before[order[to]]);
  }
  const auto move = [&](Expression& expression) {
    for (Node& node : expression.nodes) {
      if (node.op == Op::path_text || node.op == Op::path_number) node.index = moved[node.index];
    }
  };
  for (Join& join : definitions.plan.joins) move(join.on);
  for (Metric& metric : definitions.plan.metrics) {
    move(metric.where);
    if (metric.sessions) {
      move(metric.sessions->by);
      move(metric.sessions->where);
    }
    if (metric.cohorts) {
      for (Expression* expression : {&metric.cohorts->by, &metric.cohorts->start, &metric.cohorts->back}) move(*expression);
    }
    if (metric.funnel) {
      move(metric.funnel->by);
      for (FunnelStep& step : metric.funnel->steps) move(step.where);
    }
    for (Dimension& dimension : metric.dimensions) move(dimension.value);
    for (Measure& measure : metric.measures) {
      if (measure.kind != MeasureKind::derived) move(measure.argument);
      move(measure.where);
    }
  }
}

size_t parts_of(const Metric& metric) {
  size_t parts = metric.where.nodes.size();  // of funnels and retention: all that they read
  if (metric.sessions) parts += metric.sessions->by.nodes.size() + metric.sessions->where.nodes.size();
  for (const Dimension& dimension : metric.dimensions) parts += dimension.value.nodes.size();
  for (const Measure& measure : metric.measures) parts += measure.argument.nodes.size() + measure.where.nodes.size();
  return parts;
}

// Expressions are bounded one by one; this bounds what they come to together, first by parts, which are quickly counted.
void check_sizes(const Plan& plan, Diagnostics& diagnostics) {
  for (const Metric& metric : plan.metrics) {
    if (const size_t parts = parts_of(metric); parts > kMetricNodesMax) {
      diagnostics.add(
          metric.location,
          fmt::format("metric `{}` has {} parts in its expressions, more than {}; split its measures over two metrics",
                      metric.name, parts, kMetricNodesMax));
    } else if (const size_t bytes = clickhouse::largest_statement(plan, metric); bytes > clickhouse::kStatementBytesMax) {
      diagnostics.add(metric.location,
                      fmt::format("metric `{}` comes to {} bytes of SQL, more than {}; split its measures over two metrics",
                                  metric.name, bytes, clickhouse::kStatementBytesMax));
    }
  }
}

std::vector<Parsed> parse_all(const std::vector<Document>& documents, Diagnostics& diagnostics) {
  std::vector<Parsed> parsed;
  for (const Document& document : documents) {
    const FileKind kind = kind_of(document.path());
    if (kind == FileKind::unknown) {
      diagnostics.add(document, 0,
                      "not a file of a project; these are sluice.yaml, metrics/NAME.yaml, dimensions/NAME.yaml and "
                      "dashboards/NAME.yaml");
      continue;
    }
    std::optional<Yaml> root = parse_yaml(document, diagnostics);
    if (root && check_shape(document, *root, keys_of(kind), diagnostics))
      parsed.push_back(Parsed{kind, &document, *std::move(root)});
  }
  return parsed;
}

}  // namespace

Compiled compile(const std::vector<SourceFile>& files) {
  Diagnostics diagnostics;
  std::vector<Document> documents;
  Definitions definitions;
  for (const SourceFile& file : files) {
    if (kind_of(file.path) == FileKind::zone) {
      definitions.zones.emplace(file.path.substr(kZonePrefix.size()), file.text);
    } else if (kind_of(file.path) == FileKind::dimension) {
      definitions.dimension_files.emplace(file.path, file.text);
    } else {
      documents.emplace_back(file.path, file.text);
    }
  }
  std::sort(documents.begin(), documents.end(), [](const Document& a, const Document& b) { return a.path() < b.path(); });
  const auto is_project = [](const Document& document) { return kind_of(document.path()) == FileKind::project; };
  if (std::none_of(documents.begin(), documents.end(), is_project)) {
    diagnostics.add(Location{"sluice.yaml", 1, 1}, "a project has a file sluice.yaml; `sluice init DIR` writes one");
  }
  for (size_t i = 1; i < documents.size(); ++i) {
    if (documents[i].path() == documents[i - 1].path()) diagnostics.add(documents[i], 0, "this file is given twice");
  }

  const std::vector<Parsed> parsed = parse_all(documents, diagnostics);
  std::vector<Metric>& metrics = definitions.plan.metrics;
  const auto read_kind = [&](FileKind kind, void (*read)(Reader&, const Yaml&, Definitions&)) {
    for (const Parsed& file : parsed) {
      if (file.kind != kind) continue;
      Reader reader(*file.document, diagnostics);
      read(reader, file.root, definitions);
    }
  };
  read_kind(FileKind::project, read_project);
  read_kind(FileKind::metrics, read_dimension_files);  // before what joins them
  read_kind(FileKind::metrics, read_all_sessions);  // before the metrics that are made of them
  read_kind(FileKind::metrics, read_metrics);
  std::stable_sort(metrics.begin(), metrics.end(), [](const Metric& a, const Metric& b) { return a.name < b.name; });
  read_kind(FileKind::dashboards, read_dashboards);

  Plan& plan = definitions.plan;
  if (diagnostics.empty()) {
    sort_paths(definitions);
    for (Metric& metric : metrics) keep_joins(metric);
    check_sizes(plan, diagnostics);
  }
  Compiled out;
  if (!diagnostics.empty()) {
    out.diagnostics = std::move(diagnostics).sorted();
    return out;
  }
  for (Metric& metric : metrics) metric.version = metric_version(metric, plan);
  plan.hash = plan_hash(plan);
  out.plan = std::move(plan);
  return out;
}

namespace {
constexpr std::string_view kPackHeader = "sluice project 1\n";
}

// One line per file with the sizes of its path and text, then both.
std::string pack(const std::vector<SourceFile>& files) {
  std::string out(kPackHeader);
  for (const SourceFile& file : files) {
    out += fmt::format("{} {}\n", file.path.size(), file.text.size());
    out += file.path;
    out += '\n';
    out += file.text;
    out += '\n';
  }
  return out;
}

Result<std::vector<SourceFile>> unpack(std::string_view packed) {
  const auto broken = [] {
    return fail(Code::corrupt,
                "a stored plan is damaged: its sizes do not fit its bytes; restore plans/ from a copy of the data directory");
  };
  if (!packed.starts_with(kPackHeader))
    return fail(Code::corrupt,
                "a stored plan does not begin with 'sluice project 1'; restore plans/ from a copy of the data directory");
  packed.remove_prefix(kPackHeader.size());
  std::vector<SourceFile> files;
  const auto take_size = [&](char until) -> std::optional<size_t> {
    size_t size = 0;
    const auto [end, error] = std::from_chars(packed.data(), packed.data() + packed.size(), size);
    if (error != std::errc() || end == packed.data() + packed.size() || *end != until) return std::nullopt;
    packed.remove_prefix(static_cast<size_t>(end - packed.data()) + 1);
    return size;
  };
  while (!packed.empty()) {
    const std::optional<size_t> path = take_size(' ');
    const std::optional<size_t> text = path ? take_size('\n') : std::nullopt;
    if (!text || *path > packed.size() || *text > packed.size() || packed.size() - *path < *text + 2) return broken();
    if (packed[*path] != '\n' || packed[*path + 1 + *text] != '\n') return broken();
    files.push_back(SourceFile{std::string(packed.substr(0, *path)), std::string(packed.substr(*path + 1, *text))});
    packed.remove_prefix(*path + *text + 2);
  }
  return files;
}

}  // namespace sluice::plan
