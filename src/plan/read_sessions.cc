#include <algorithm>

#include <fmt/format.h>

#include "plan/reader.h"

namespace sluice::plan {
namespace {

Expression name_of_event(Name name) {
  Node node;
  node.op = Op::name;
  node.type = Type::text;
  node.index = static_cast<uint32_t>(name);
  Expression expression;
  expression.nodes.push_back(std::move(node));
  return expression;
}

// The columns of a session's row beside its start and its id, as measures sorted by name and in the order that people see.
void add_columns(Metric& metric) {
  Dimension id;
  id.name = id.label = "session_id";
  metric.dimensions.push_back(std::move(id));
  const auto add = [&](const char* name, const char* label, MeasureKind kind, Type type, uint32_t written) {
    Measure measure;
    measure.name = name;
    measure.label = label;
    measure.kind = kind;
    measure.type = type;
    measure.written = written;
    metric.measures.push_back(std::move(measure));
  };
  add("duration_ms", "Duration, ms", MeasureKind::max, Type::number, 5);
  add("ended_at", "Ended", MeasureKind::max, Type::time, 3);
  add("events", "Events", MeasureKind::count, Type::number, 4);
  add("key", "Key", MeasureKind::first, Type::text, 1);
  add("source", "Source", MeasureKind::first, Type::text, 0);
  add("user_key", "User", MeasureKind::last, Type::text, 2);
}

void read_sessions(Reader& reader, const Yaml& map, const KeySet& keys, Definitions& into) {
  Metric metric;
  metric.kind = Metric::Kind::sessions;
  metric.location = reader.document().locate(map.at);
  metric.definition = written_text(reader.document(), map);
  Sessions sessions;
  sessions.by = map.find("by") == nullptr ? name_of_event(Name::stitching_key) : read_key(reader, map, keys, into.paths);
  sessions.gap = reader.duration(map, keys, "gap", {.least = DurationMs{1}}).value_or(sessions.gap);
  sessions.max = reader.duration(map, keys, "max", {.least = DurationMs{1}}).value_or(sessions.max);
  sessions.where = reader.condition(map, keys, "where", into.paths);
  metric.allowed_lateness = reader.duration(map, keys, "allowed_lateness", {}).value_or(metric.allowed_lateness);
  metric.window = Window{.size = DurationMs{1}, .step = DurationMs{1}};
  add_columns(metric);
  const std::optional<std::string> name = reader.name(map, keys, "name");
  if (!name) return;
  claim_name(reader, *value_of(map, keys, "name"), *name, into);
  metric.name = sessions.name = *name;
  metric.sessions = std::move(sessions);
  into.plan.metrics.push_back(std::move(metric));
}

}  // namespace

void read_all_sessions(Reader& reader, const Yaml& root, Definitions& into) {
  const KeySet& keys = metrics_keys();
  const Yaml* list = value_of(root, keys, "sessions");
  if (list == nullptr) return;
  for (const Yaml& item : list->items) {
    if (item.kind == Yaml::Kind::map && into.plan.metrics.size() <= kDefinitionsMax)
      read_sessions(reader, item, *keys.find("sessions")->inner, into);
  }
}

std::optional<Sessions> read_from(Reader& reader, const Yaml& from, const Definitions& definitions) {
  if (from.text == "events") return std::nullopt;
  std::vector<std::string> names;
  for (const Metric& metric : definitions.plan.metrics) {
    if (metric.kind != Metric::Kind::sessions) continue;
    if (metric.name == from.text) return metric.sessions;
    names.push_back(metric.name);
  }
  std::string hint = did_you_mean(from.text, names);
  if (hint.empty()) hint = names.empty() ? "; the project has none" : "; it has " + listed(names);
  reader.report(
      from.at, fmt::format("`from` is events or the name of sessions, and no sessions are called {}{}", quoted(from.text), hint));
  return std::nullopt;
}

}  // namespace sluice::plan
