#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/format.h>

#include "plan/reader.h"
#include "plan/scalars.h"

namespace sluice::plan {
namespace {

struct Column {  // a dimension or a measure while it is read
  std::string name;
  const Yaml* value = nullptr;   // the scalar with its expression
  SyntaxTree tree;
  bool read = false;             // tree is usable
};

bool check_column_name(Reader& reader, const Yaml::Entry& entry) {
  static constexpr std::array<std::string_view, 3> kReserved{"window_start", "window_end", "state"};
  if (std::find(kReserved.begin(), kReserved.end(), entry.key) != kReserved.end()) {
    reader.report(entry.at, fmt::format("every view has a column `{}`; choose another name", entry.key));
    return false;
  }
  return reader.check_name(entry.at, entry.key);
}

}  // namespace

std::optional<Window> read_window(Reader& reader, const Yaml& map, const KeySet& keys) {
  struct Form {
    std::string_view size, step;
    Window::Kind kind;
  };
  static constexpr std::array<Form, 3> kForms{
      {{"tumble", "", Window::Kind::tumble}, {"hop", "slide", Window::Kind::hop}, {"cumulate", "step", Window::Kind::cumulate}}};
  const Form* form = nullptr;
  for (const Form& candidate : kForms) {
    const Yaml::Entry* entry = map.find(candidate.size);
    if (entry == nullptr) continue;
    if (form != nullptr) {
      reader.report(entry->at, fmt::format("a window is one of tumble, hop and cumulate; here are `{}` and `{}`", form->size,
                                           candidate.size));
      return std::nullopt;
    }
    form = &candidate;
  }
  if (const Yaml::Entry* entry = map.find("calendar")) {
    reader.report(entry->at, "calendar windows are of metrics; of funnels and retention they are not in this release");
    return std::nullopt;
  }
  if (const Yaml::Entry* entry = map.find("zone"))
    reader.report(entry->at, "`zone` goes with `calendar`, as in {calendar: day, zone: Europe/Berlin}");
  if (form == nullptr) {
    reader.report(map.at, "a window is one of {tumble: 1d}, {hop: 1h, slide: 15m}, {cumulate: 1d, step: 1h}");
    return std::nullopt;
  }
  for (const std::string_view step : {std::string_view("slide"), std::string_view("step")}) {
    const Yaml::Entry* entry = map.find(step);
    if (entry != nullptr && step != form->step)
      reader.report(entry->at, fmt::format("`{}` does not go with `{}`", step, form->size));
  }
  const Bounds bounds{.least = DurationMs{1}};
  const std::optional<DurationMs> size = reader.duration(map, keys, form->size, bounds);
  std::optional<DurationMs> step = size;
  if (!form->step.empty()) {
    step = reader.duration(map, keys, form->step, bounds);
    if (map.find(form->step) == nullptr) reader.report(map.at, fmt::format("`{}` needs `{}`", form->size, form->step));
  }
  Window window;
  window.kind = form->kind;
  window.offset = reader.duration(map, keys, "offset", {}).value_or(DurationMs{0});
  if (!size || !step) return std::nullopt;
  window.size = *size;
  window.step = *step;
  // The same windows have one form, so that they have one version.
  window.offset %= window.kind == Window::Kind::hop ? window.step : window.size;
  if (size->count() % step->count() != 0) {
    reader.report(map.find(form->step)->value.at, fmt::format("`{}` {} is no multiple of `{}` {}", form->size,
                                                              duration_text(*size), form->step, duration_text(*step)));
    return std::nullopt;
  }
  if (size->count() / step->count() > kWindowsPerEventMax) {
    reader.report(map.find(form->step)->value.at, fmt::format("each event would lie in more than {} windows; take a larger `{}`",
                                                              kWindowsPerEventMax, form->step));
    return std::nullopt;
  }
  return window;
}

void read_dimensions(Reader& reader, const Yaml& map, const KeySet& keys, Metric& metric, PathTable& paths) {
  if (map.entries.size() > kDimensionsMax)
    return reader.report(map.at, fmt::format("a metric has at most {} dimensions", kDimensionsMax));
  for (const Yaml::Entry& entry : map.entries) {
    const Yaml* value = value_of(entry.value, keys, "value");
    if (!check_column_name(reader, entry)) continue;
    Dimension dimension;
    dimension.name = entry.key;
    dimension.label = reader.text(entry.value, keys, "label");
    if (dimension.label.empty()) dimension.label = dimension.name;
    dimension.written = static_cast<uint32_t>(metric.dimensions.size());
    if (value != nullptr) {
      if (const std::optional<SyntaxTree> tree = reader.expression(*value)) {
        Typed typed = type_row(*tree, static_cast<uint32_t>(tree->nodes.size() - 1), Type::text, paths);
        if (typed.fault)
          reader.report(*value, Fault{typed.fault->at, fmt::format("a dimension is a text: {}", typed.fault->what)});
        dimension.value = std::move(typed.expression);
      }
    }
    metric.dimensions.push_back(std::move(dimension));
  }
  std::sort(metric.dimensions.begin(), metric.dimensions.end(),
            [](const Dimension& a, const Dimension& b) { return a.name < b.name; });
}

namespace {

struct Aggregate {
  std::string_view name;
  MeasureKind kind;
  size_t least, most;       // arguments
};
constexpr std::array<Aggregate, 10> kAggregates{{{"count", MeasureKind::count, 0, 1},
                                                 {"sum", MeasureKind::sum, 1, 1},
                                                 {"avg", MeasureKind::avg, 1, 1},
                                                 {"min", MeasureKind::min, 1, 1},
                                                 {"max", MeasureKind::max, 1, 1},
                                                 {"distinct", MeasureKind::distinct, 1, 1},
                                                 {"percentile", MeasureKind::percentile, 2, 2},
                                                 {"first", MeasureKind::first, 1, 1},
                                                 {"last", MeasureKind::last, 1, 1},
                                                 {"topk", MeasureKind::topk, 2, 2}}};

// The type of the visible value is that of the argument.
bool keeps_its_argument(MeasureKind kind) {
  return kind == MeasureKind::min || kind == MeasureKind::max || kind == MeasureKind::first || kind == MeasureKind::last;
}

std::optional<Fault> read_percentile(const Syntax& p, Measure& measure) {
  if (p.kind != Syntax::Kind::number || p.number.raw < 0 || p.number.raw > Decimal::kOne) {
    return Fault{p.at, "the second argument of percentile is a number from 0 to 1, written out: percentile(properties.ms, 0.99)"};
  }
  const auto raw = static_cast<uint64_t>(p.number.raw);
  const uint64_t divisor = std::gcd(raw, static_cast<uint64_t>(Decimal::kOne));
  measure.p_numerator = raw / divisor;
  measure.p_denominator = static_cast<uint64_t>(Decimal::kOne) / divisor;
  return std::nullopt;
}

std::optional<Fault> read_top(const Syntax& n, Measure& measure) {
  measure.type = Type::text;
  const int128 most = n.number.raw / Decimal::kOne;
  if (n.kind != Syntax::Kind::number || n.number.raw % Decimal::kOne != 0 || most < 1 || most > kTopMax) {
    return Fault{n.at,
                 fmt::format("the second argument of topk is a whole number from 1 to {}, written out: topk(properties.page, 10)",
                             kTopMax)};
  }
  measure.top = static_cast<uint32_t>(most);
  return std::nullopt;
}

// Fills kind, argument, type; or says what is wrong.
std::optional<Fault> read_aggregate(const SyntaxTree& tree, const Aggregate& aggregate, Measure& measure, PathTable& paths) {
  const Syntax& call = tree.nodes.back();
  measure.kind = aggregate.kind;
  if (call.inputs.size() < aggregate.least || call.inputs.size() > aggregate.most) {
    const std::string_view shown = aggregate.kind == MeasureKind::topk ? "a text and n: topk(properties.page, 10)"
                                   : aggregate.most == 2               ? "a number and p: percentile(properties.ms, 0.99)"
                                   : aggregate.least == 0              ? "nothing or one value"
                                                                       : "one value";
    return Fault{call.at, fmt::format("{}() takes {}", aggregate.name, shown)};
  }
  if (call.inputs.empty()) return std::nullopt;
  const uint32_t argument = call.inputs[0];
  Typed typed;
  switch (aggregate.kind) {
    case MeasureKind::count:
      measure.kind = MeasureKind::count_of;
      typed = type_any(tree, argument, paths);
      break;
    case MeasureKind::distinct:
    case MeasureKind::topk: typed = type_row(tree, argument, Type::text, paths); break;
    case MeasureKind::min:
    case MeasureKind::max: typed = type_extreme(tree, argument, paths); break;
    case MeasureKind::first:
    case MeasureKind::last: typed = type_kept(tree, argument, paths); break;
    default: typed = type_row(tree, argument, Type::number, paths); break;
  }
  if (typed.fault) return typed.fault;
  measure.argument = std::move(typed.expression);
  if (keeps_its_argument(aggregate.kind)) measure.type = measure.argument.root().type;
  if (aggregate.kind == MeasureKind::percentile) return read_percentile(tree.nodes[call.inputs[1]], measure);
  if (aggregate.kind == MeasureKind::topk) return read_top(tree.nodes[call.inputs[1]], measure);
  return std::nullopt;
}

std::optional<Fault> read_value(const SyntaxTree& tree, const std::vector<std::string>& names, Measure& measure,
                                PathTable& paths) {
  const Syntax& root = tree.nodes.back();
  if (root.kind == Syntax::Kind::call) {
    for (const Aggregate& aggregate : kAggregates) {
      if (aggregate.name == root.text) return read_aggregate(tree, aggregate, measure, paths);
    }
  }
  measure.kind = MeasureKind::derived;
  Typed typed = type_derived(tree, names);
  measure.argument = std::move(typed.expression);
  return typed.fault;
}

void read_measures(Reader& reader, const Yaml& map, const KeySet& keys, Metric& metric, PathTable& paths) {
  if (map.entries.empty()) return reader.report(map.at, "a metric has at least one measure: {events: count()}");
  if (map.entries.size() > kMeasuresMax)
    return reader.report(map.at, fmt::format("a metric has at most {} measures", kMeasuresMax));
  std::vector<const Yaml::Entry*> entries;
  for (const Yaml::Entry& entry : map.entries) {
    if (!check_column_name(reader, entry)) continue;
    const auto same = [&](const Dimension& dimension) { return dimension.name == entry.key; };
    if (std::any_of(metric.dimensions.begin(), metric.dimensions.end(), same))
      reader.report(entry.at, fmt::format("`{}` is a dimension of this metric already", entry.key));
    entries.push_back(&entry);
  }
  std::sort(entries.begin(), entries.end(), [](const Yaml::Entry* a, const Yaml::Entry* b) { return a->key < b->key; });
  std::vector<std::string> names;
  for (const Yaml::Entry* entry : entries) names.push_back(entry->key);
  std::vector<const Yaml*> scalars;
  for (const Yaml::Entry* entry : entries) {
    Measure measure;
    measure.name = entry->key;
    measure.label = reader.text(entry->value, keys, "label");
    if (measure.label.empty()) measure.label = measure.name;
    measure.written = static_cast<uint32_t>(entry - map.entries.data());
    measure.where = reader.condition(entry->value, keys, "where", paths);
    const Yaml* value = value_of(entry->value, keys, "value");
    if (value != nullptr) {
      if (const std::optional<SyntaxTree> tree = reader.expression(*value)) {
        if (const std::optional<Fault> fault = read_value(*tree, names, measure, paths)) reader.report(*value, *fault);
      }
    }
    const Yaml::Entry* where = entry->value.find("where");
    if (measure.kind == MeasureKind::derived && where != nullptr)
      reader.report(where->at, "a derived measure has no `where`; give it to the measures it reads");
    scalars.push_back(value);
    metric.measures.push_back(std::move(measure));
  }
  inline_derived(reader, scalars, metric.measures);
}

void read_latency(Reader& reader, const Yaml& value, Metric& metric) {
  static const std::vector<std::string> kWords{"realtime", "minutes", "batch"};
  const auto at = std::find(kWords.begin(), kWords.end(), value.text);
  if (at == kWords.end()) {
    reader.report(value.at, fmt::format("{} is no latency: realtime, minutes or batch{}", quoted(value.text),
                                        did_you_mean(value.text, kWords)));
    return;
  }
  metric.latency = static_cast<Metric::Latency>(at - kWords.begin());
}

void read_metric(Reader& reader, const Yaml& map, const KeySet& keys, Definitions& into) {
  Metric metric;
  metric.location = reader.document().locate(map.at);
  metric.definition = written_text(reader.document(), map);
  metric.question = reader.text(map, keys, "question");
  if (const Yaml* from = value_of(map, keys, "from")) metric.sessions = read_from(reader, *from, into);
  if (metric.sessions) metric.due_after = metric.sessions->max;
  into.paths.read_sessions(metric.sessions.has_value());
  if (const Yaml::Entry* joins = map.find("joins"); joins != nullptr && metric.sessions) {
    reader.report(joins->at, "a session has no property to join by; `joins` go with metrics from events");
  } else {
    use_joins(reader, map, keys, metric, into);
  }
  metric.where = reader.condition(map, keys, "where", into.paths);
  if (const Yaml* window = value_of(map, keys, "window")) {
    const KeySet& inner = *keys.find("window")->inner;
    const bool calendar = window->find("calendar") != nullptr;
    metric.window =
        (calendar ? read_calendar(reader, *window, inner, into) : read_window(reader, *window, inner)).value_or(Window{});
    const int64_t step = metric.window.step.count();
    if (step > 0 && (metric.window.size + metric.due_after).count() / step > kWindowsPerEventMax) {
      reader.report(window->at, fmt::format("each event would be looked at for more than {} windows; take larger ones or shorter "
                                            "sessions",
                                            kWindowsPerEventMax));
    }
  }
  metric.allowed_lateness = reader.duration(map, keys, "allowed_lateness", {}).value_or(metric.allowed_lateness);
  if (const Yaml* latency = value_of(map, keys, "latency")) read_latency(reader, *latency, metric);
  if (const Yaml* dimensions = value_of(map, keys, "dimensions")) {
    read_dimensions(reader, *dimensions, *keys.find("dimensions")->inner, metric, into.paths);
  }
  if (const Yaml* measures = value_of(map, keys, "measures")) {
    read_measures(reader, *measures, *keys.find("measures")->inner, metric, into.paths);
  }
  into.paths.read_sessions(false);
  into.paths.use_joins({});
  const std::optional<std::string> name = reader.name(map, keys, "name");
  if (!name) return;
  claim_name(reader, *value_of(map, keys, "name"), *name, into);
  metric.name = *name;
  into.plan.metrics.push_back(std::move(metric));
}

}  // namespace

void read_metrics(Reader& reader, const Yaml& root, Definitions& into) {
  const KeySet& keys = metrics_keys();
  reader.check_version(root, keys);
  const auto read_list = [&](std::string_view kind, void (*read)(Reader&, const Yaml&, const KeySet&, Definitions&)) {
    const Yaml* list = value_of(root, keys, kind);
    if (list == nullptr) return;
    for (const Yaml& item : list->items) {
      if (item.kind == Yaml::Kind::map && into.plan.metrics.size() <= kDefinitionsMax)
        read(reader, item, *keys.find(kind)->inner, into);
    }
  };
  read_list("metrics", read_metric);
  read_list("funnels", read_funnel);
  read_list("retention", read_retention);
}

}  // namespace sluice::plan
