#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "plan/reader.h"
#include "plan/scalars.h"

namespace sluice::plan {
namespace {

// The literals that `event` equals wherever the node is true; nullopt: it may be true of any event.
std::optional<std::vector<std::string>> events_of(const Expression& expression, uint32_t index) {
  const Node& node = expression.nodes[index];
  const auto is_event = [&](uint32_t input) {
    const Node& n = expression.nodes[input];
    return n.op == Op::name && static_cast<Name>(n.index) == Name::event;
  };
  switch (node.op) {
    case Op::equal:
      for (const size_t side : {0U, 1U}) {
        const Node& other = expression.nodes[node.inputs[1 - side]];
        if (is_event(node.inputs[side]) && other.op == Op::literal_text) return std::vector{other.text};
      }
      return std::nullopt;
    case Op::in: {
      if (!is_event(node.inputs[0])) return std::nullopt;
      std::vector<std::string> events;
      for (size_t i = 1; i < node.inputs.size(); ++i) events.push_back(expression.nodes[node.inputs[i]].text);
      return events;
    }
    case Op::logical_and: {
      auto left = events_of(expression, node.inputs[0]);
      return left ? left : events_of(expression, node.inputs[1]);
    }
    case Op::logical_or: {
      auto left = events_of(expression, node.inputs[0]);
      const auto right = left ? events_of(expression, node.inputs[1]) : std::nullopt;
      if (!right) return std::nullopt;
      left->insert(left->end(), right->begin(), right->end());
      return left;
    }
    default: return std::nullopt;
  }
}

bool share_no_event(const Expression& a, const Expression& b) {
  const auto of_a = events_of(a, static_cast<uint32_t>(a.nodes.size() - 1));
  const auto of_b = events_of(b, static_cast<uint32_t>(b.nodes.size() - 1));
  if (!of_a || !of_b) return false;
  return std::none_of(of_a->begin(), of_a->end(),
                      [&](const std::string& event) { return std::find(of_b->begin(), of_b->end(), event) != of_b->end(); });
}

uint32_t append(Expression& to, const Expression& from) {
  const auto first = static_cast<uint32_t>(to.nodes.size());
  for (Node node : from.nodes) {
    for (uint32_t& input : node.inputs) input += first;
    to.nodes.push_back(std::move(node));
  }
  return static_cast<uint32_t>(to.nodes.size() - 1);
}
uint32_t append(Expression& to, Op op, std::vector<uint32_t> inputs) {
  Node node;
  node.op = op;
  node.type = Type::boolean;
  node.inputs = std::move(inputs);
  to.nodes.push_back(std::move(node));
  return static_cast<uint32_t>(to.nodes.size() - 1);
}

void read_steps(Reader& reader, const Yaml& list, const KeySet& keys, Funnel& funnel, PathTable& paths) {
  const size_t errors = reader.errors();
  if (list.items.size() < 2 || list.items.size() > kFunnelStepsMax) {
    return reader.report(list.at, fmt::format("a funnel has 2 to {} steps, not {}", kFunnelStepsMax, list.items.size()));
  }
  for (const Yaml& item : list.items) {
    if (item.kind != Yaml::Kind::map) continue;
    FunnelStep step;
    step.name = reader.name(item, keys, "name").value_or("");
    const auto same = [&](const FunnelStep& other) { return !step.name.empty() && other.name == step.name; };
    if (std::any_of(funnel.steps.begin(), funnel.steps.end(), same))
      reader.report(value_of(item, keys, "name")->at, fmt::format("`{}` is the name of an earlier step", step.name));
    step.where = reader.condition(item, keys, "where", paths);
    funnel.steps.push_back(std::move(step));
  }
  const auto unread = [](const FunnelStep& step) { return step.where.empty(); };
  if (reader.errors() != errors || funnel.strict || std::any_of(funnel.steps.begin(), funnel.steps.end(), unread)) return;
  for (size_t b = 1; b < funnel.steps.size(); ++b) {
    for (size_t a = 0; a < b; ++a) {
      if (share_no_event(funnel.steps[a].where, funnel.steps[b].where)) continue;
      reader.report(value_of(list.items[b], keys, "where")->at,
                    fmt::format("one event could be step `{}` and step `{}`: let each step compare `event` with another text, or "
                                "write `order: strict`, which asks for a later event",
                                funnel.steps[a].name, funnel.steps[b].name));
      break;
    }
  }
}

bool read_order(Reader& reader, const Yaml& map, const KeySet& keys) {
  const Yaml* order = value_of(map, keys, "order");
  if (order != nullptr && order->text != "strict")
    reader.report(order->at, fmt::format("`order` is strict or left out, not {}", quoted(order->text)));
  return order != nullptr;
}

// Rows have a column `step` behind the dimensions, and two numbers.
void add_columns(Metric& metric) {
  Dimension step;
  step.name = step.label = "step";
  step.written = static_cast<uint32_t>(metric.dimensions.size());
  metric.dimensions.push_back(std::move(step));
  Measure median;
  median.name = "median_ms";
  median.label = "Median time to convert, ms";
  median.kind = MeasureKind::percentile;
  median.p_denominator = 2;
  median.written = 1;
  Measure people;
  people.name = "people";
  people.label = "People";
  people.kind = MeasureKind::distinct;
  metric.measures = {std::move(median), std::move(people)};
}

void check_dimensions(Reader& reader, const Yaml& dimensions) {
  static constexpr std::array<std::string_view, 4> kOwn{"step", "step_name", "people", "median_ms"};
  for (const Yaml::Entry& entry : dimensions.entries) {
    if (std::find(kOwn.begin(), kOwn.end(), entry.key) != kOwn.end())
      reader.report(entry.at, fmt::format("the view of a funnel has a column `{}`; choose another name", entry.key));
  }
  if (dimensions.entries.size() == kDimensionsMax)
    reader.report(dimensions.at, fmt::format("a funnel has at most {} dimensions", kDimensionsMax - 1));
}

}  // namespace

Expression read_key(Reader& reader, const Yaml& map, const KeySet& keys, PathTable& paths) {
  const Yaml* by = value_of(map, keys, "by");
  if (by == nullptr) return {};
  const std::optional<SyntaxTree> tree = reader.expression(*by);
  if (!tree) return {};
  Typed typed = type_row(*tree, static_cast<uint32_t>(tree->nodes.size() - 1), Type::text, paths);
  if (typed.fault) reader.report(*by, Fault{typed.fault->at, fmt::format("`by` is a text: {}", typed.fault->what)});
  return std::move(typed.expression);
}

Expression any_of_a_key(const std::vector<const Expression*>& conditions, const Expression& by) {
  Expression out;
  const auto unread = [](const Expression* expression) { return expression->empty(); };  // reported already
  if (by.empty() || std::any_of(conditions.begin(), conditions.end(), unread)) return out;
  std::optional<uint32_t> any;
  for (const Expression* condition : conditions) {
    const uint32_t one = append(out, *condition);
    any = any ? append(out, Op::logical_or, {*any, one}) : one;
  }
  const uint32_t known = append(out, Op::is_not_null, {append(out, by)});
  if (any) append(out, Op::logical_and, {*any, known});
  return out;
}

void read_funnel(Reader& reader, const Yaml& map, const KeySet& keys, Definitions& into) {
  Metric metric;
  metric.kind = Metric::Kind::funnel;
  metric.location = reader.document().locate(map.at);
  metric.definition = written_text(reader.document(), map);
  metric.question = reader.text(map, keys, "question");
  use_joins(reader, map, keys, metric, into);
  Funnel funnel;
  funnel.by = read_key(reader, map, keys, into.paths);
  funnel.within = reader.duration(map, keys, "within", {.least = DurationMs{1}}).value_or(DurationMs{1});
  metric.due_after = funnel.within;
  if (const Yaml* window = value_of(map, keys, "window")) {
    metric.window = read_window(reader, *window, *keys.find("window")->inner).value_or(Window{});
    const int64_t step = metric.window.step.count();
    if (step > 0 && (metric.window.size + funnel.within).count() / step > kWindowsPerEventMax) {
      reader.report(window->at,
                    fmt::format("each event would be looked at for more than {} windows; take larger ones or a shorter "
                                "`within`",
                                kWindowsPerEventMax));
    }
  }
  metric.allowed_lateness = reader.duration(map, keys, "allowed_lateness", {}).value_or(metric.allowed_lateness);
  if (const Yaml* dimensions = value_of(map, keys, "dimensions")) {
    check_dimensions(reader, *dimensions);
    read_dimensions(reader, *dimensions, *keys.find("dimensions")->inner, metric, into.paths);
  }
  funnel.strict = read_order(reader, map, keys);
  if (const Yaml* steps = value_of(map, keys, "steps"))
    read_steps(reader, *steps, *keys.find("steps")->inner, funnel, into.paths);
  into.paths.use_joins({});
  const std::optional<std::string> name = reader.name(map, keys, "name");
  if (name) {
    claim_name(reader, *value_of(map, keys, "name"), *name, into);
    metric.name = *name;
  }
  std::vector<const Expression*> conditions;
  for (const FunnelStep& step : funnel.steps) conditions.push_back(&step.where);
  metric.where = any_of_a_key(conditions, funnel.by);
  add_columns(metric);
  metric.funnel = std::move(funnel);
  if (name) into.plan.metrics.push_back(std::move(metric));
}

}  // namespace sluice::plan
