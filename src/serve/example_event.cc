#include "serve/example_event.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "plan/evaluate.h"
#include "serve/json_out.h"

namespace sluice::serve {
namespace {

using plan::Expression;
using plan::Name;
using plan::Node;
using plan::Op;

// JSON objects within objects, keys in order of appearance. A leaf holds JSON.
struct Tree {
  std::string leaf;
  std::vector<std::pair<std::string, Tree>> inner;
};

// properties.a\.b.c -> properties, a.b, c
std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names(1);
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '.') {
      names.emplace_back();
    } else {
      if (path[i] == '\\' && i + 1 < path.size()) ++i;
      names.back() += path[i];
    }
  }
  return names;
}

// Puts a value at its place; false where a scalar is already on the way, or something inside.
bool put(Tree& tree, const std::vector<std::string>& names, const std::string& json) {
  Tree* at = &tree;
  for (const std::string& name : names) {
    if (!at->leaf.empty()) return false;
    const auto found = std::find_if(at->inner.begin(), at->inner.end(), [&](const auto& one) { return one.first == name; });
    at = found != at->inner.end() ? &found->second : &at->inner.emplace_back(name, Tree{}).second;
  }
  if (!at->inner.empty() || !at->leaf.empty()) return false;
  at->leaf = json;
  return true;
}

void write(JsonOut& out, const Tree& tree) {
  if (!tree.leaf.empty()) {
    out.raw(tree.leaf);
    return;
  }
  out.object([&] {
    for (const auto& [name, inner] : tree.inner) {
      out.key(name);
      write(out, inner);
    }
  });
}

bool is_path(const Node& node) { return node.op == Op::path_text || node.op == Op::path_number; }

// An event that is being made up: what conditions ask first, the rest by example.
class Draft {
 public:
  Draft(const plan::Plan& plan, const plan::Metric& metric) : plan_(plan), metric_(metric) {}

  // `filtered`: it also tries to be counted by measures that have their own `where`, which may contradict the metric's.
  std::optional<std::string> make(bool filtered) {
    meet(condition());
    fill(condition());
    for (const plan::Dimension& dimension : metric_.dimensions) {
      if (!metric_.sessions) fill(dimension.value);
    }
    for (const plan::Measure& measure : metric_.measures) {
      if (metric_.sessions) break;  // of sessions, not of events
      if (measure.kind == plan::MeasureKind::derived) continue;  // of measures, not of events
      if (filtered) meet(measure.where);
      fill(measure.argument);
    }
    default_names();
    const Tree tree = as_tree();
    if (depends_on_arrival() || !passes()) return std::nullopt;
    JsonOut out;
    write(out, tree);
    return out.take();
  }

 private:
  struct Slot {
    uint32_t path = 0;  // index into Plan::paths
    std::string json;
    event::ScalarView scalar;
    std::string text;
    bool asked = false;  // by a condition, so no example takes its place
  };
  static constexpr size_t kNames = static_cast<size_t>(Name::dialect) + 1;

  // What makes an event count.
  const Expression& condition() const { return metric_.sessions ? metric_.sessions->where : metric_.where; }
  std::string& name(Name which) { return names_[static_cast<size_t>(which)]; }
  bool without(Name which) const { return without_[static_cast<size_t>(which)]; }

  void default_names() {
    if (name(Name::event).empty()) name(Name::event) = "page_viewed";
    if (name(Name::user_id).empty() && !without(Name::user_id)) name(Name::user_id) = "u_1";
    if (without(Name::user_id) && !without(Name::anonymous_id) && name(Name::anonymous_id).empty()) {
      name(Name::anonymous_id) = "anon_1";
    }
  }

  Slot* slot(uint32_t path) {
    const auto found = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& one) { return one.path == path; });
    if (found != slots_.end()) return &*found;
    if (slots_.size() == kExamplePathsMax || names_in(plan_.paths[path]).size() > kExampleDepthMax) return nullptr;
    slots_.push_back({path, "", {}, "", false});
    return &slots_.back();
  }

  // What the edge would make of it: `true` has the text 'true', a number is also a decimal.
  void set_path(const Node& field, const std::string& text, bool asked) {
    Slot* const at = slot(field.index);
    if (at == nullptr || at->asked || (!at->text.empty() && !asked && field.op != Op::path_number)) return;
    const bool raw = field.op == Op::path_number || text == "true" || text == "false";
    at->json = raw ? text : json_string(text);
    at->text = text;
    at->asked = asked;
    at->scalar = {plan_.paths[field.index], "", field.op == Op::path_number ? Decimal::from_json(text) : std::nullopt};
  }

  void set(const Node& field, const std::string& text) {
    if (is_path(field)) {
      set_path(field, text, true);
    } else if (field.op == Op::name && name(static_cast<Name>(field.index)).empty()) {
      name(static_cast<Name>(field.index)) = text;
    }
  }

  static std::optional<std::string> literal(const Node& node, int64_t more = 0) {
    if (node.op == Op::literal_text) return node.text;
    if (node.op != Op::literal_number) return std::nullopt;
    const std::optional<Decimal> sum = row_add(node.number, Decimal::whole(more));
    return sum ? std::optional(sum->to_text()) : std::nullopt;
  }

  // All sides of a conjunction, the first of an alternative.
  void meet(const Expression& condition) {
    if (!condition.empty()) meet(condition, condition.nodes.size() - 1);
  }
  void meet(const Expression& condition, size_t index) {
    const Node& node = condition.nodes[index];
    const auto input = [&](size_t i) -> const Node& { return condition.nodes[node.inputs[i]]; };
    switch (node.op) {
      case Op::logical_and:
        for (const uint32_t one : node.inputs) meet(condition, one);
        break;
      case Op::logical_or: meet(condition, node.inputs.front()); break;
      case Op::is_null:
        if (input(0).op == Op::name) without_[input(0).index] = true;
        if (is_path(input(0))) absent_.push_back(input(0).index);
        break;
      case Op::equal:
      case Op::in:
      case Op::greater:
      case Op::greater_equal:
      case Op::less:
      case Op::less_equal: compare(node.op, input(0), input(1)); break;
      default: break;
    }
  }
  // A number on the right side of the bound; the literal itself for equality.
  void compare(Op op, const Node& left, const Node& right) {
    const int64_t up = op == Op::greater || op == Op::greater_equal ? 1 : op == Op::less || op == Op::less_equal ? -1 : 0;
    if (const auto value = literal(right, up)) return set(left, *value);
    if (const auto value = literal(left, -up)) set(right, *value);
  }

  // What an expression reads and no condition has decided.
  void fill(const Expression& expression) {
    for (const Node& node : expression.nodes) {
      const bool anonymous = node.op == Op::name && static_cast<Name>(node.index) == Name::anonymous_id;
      if (anonymous && !without(Name::anonymous_id) && name(Name::anonymous_id).empty()) name(Name::anonymous_id) = "anon_1";
      if (!is_path(node) || std::find(absent_.begin(), absent_.end(), node.index) != absent_.end()) continue;
      set_path(node, node.op == Op::path_number ? "1" : "example", false);
    }
  }

  // Paths that find no place in the tree are taken out: what is judged is what is sent.
  Tree as_tree() {
    Tree tree;
    for (const auto& [key, which] : {std::pair{"event", Name::event},
                                     {"user_id", Name::user_id},
                                     {"anonymous_id", Name::anonymous_id},
                                     {"message_id", Name::message_id}}) {
      if (!name(which).empty()) put(tree, {key}, json_string(name(which)));
    }
    std::erase_if(slots_,
                  [&](const Slot& one) { return one.json.empty() || !put(tree, names_in(plan_.paths[one.path]), one.json); });
    return tree;
  }

  // The clock and the derived id are not known before the event is there; somebody with neither id is known by the latter.
  bool depends_on_arrival() {
    const bool nobody = name(Name::user_id).empty() && name(Name::anonymous_id).empty();
    return std::any_of(condition().nodes.begin(), condition().nodes.end(), [&](const Node& node) {
      if (node.op != Op::name) return false;
      const Name read = static_cast<Name>(node.index);
      return read == Name::event_time || read == Name::received_at || (read == Name::message_id && name(read).empty()) ||
             ((read == Name::user_key || read == Name::stitching_key) && nobody);
    });
  }

  bool passes() {
    std::vector<const event::ScalarView*> paths(plan_.paths.size());
    for (Slot& one : slots_) {
      one.scalar.text = one.text;
      paths[one.path] = &one.scalar;
    }
    plan::Row row;
    row.source = plan_.sources.front().name;
    row.event = name(Name::event);
    row.message_id = name(Name::message_id);
    row.user_id = name(Name::user_id);
    row.anonymous_id = name(Name::anonymous_id);
    row.stitching_key = row.anonymous_id.empty() ? row.user_id : row.anonymous_id;
    row.user_key = row.user_id.empty() ? row.anonymous_id : row.user_id;
    row.dialect = event::dialect_name(event::Dialect::native);
    row.paths = paths;
    return plan::Evaluator().passes(condition(), row);
  }

  const plan::Plan& plan_;
  const plan::Metric& metric_;
  std::array<std::string, kNames> names_;
  std::array<bool, kNames> without_{};
  std::vector<uint32_t> absent_;
  std::vector<Slot> slots_;
};

std::vector<uint32_t> as_shown(const plan::Plan& plan) {
  std::vector<uint32_t> order;
  const auto add = [&](uint32_t metric) {
    if (std::find(order.begin(), order.end(), metric) == order.end()) order.push_back(metric);
  };
  for (const plan::Dashboard& dashboard : plan.dashboards) {
    for (const std::vector<plan::Panel>& row : dashboard.rows) {
      for (const plan::Panel& panel : row) add(panel.metric);
    }
  }
  for (uint32_t i = 0; i < plan.metrics.size(); ++i) add(i);
  return order;
}

}  // namespace

std::optional<std::string> example_event(const plan::Plan& plan) {
  if (plan.sources.empty()) return std::nullopt;
  std::vector<uint32_t> metrics = as_shown(plan);
  metrics.resize(std::min(metrics.size(), kExampleMetricsMax));
  for (const uint32_t metric : metrics) {
    for (const bool filtered : {true, false}) {
      if (std::optional<std::string> json = Draft(plan, plan.metrics[metric]).make(filtered)) return json;
    }
  }
  return std::nullopt;
}

}  // namespace sluice::serve
