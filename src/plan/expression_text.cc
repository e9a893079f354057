#include "plan/expression_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/rfc3339.h"
#include "plan/typing.h"

namespace sluice::plan {
namespace {

// How tightly an operation holds, weakest first, as the grammar has it (syntax.cc).
enum Level : int { kOr = 1, kAnd, kNot, kCompare, kSum, kProduct, kAtom };

Level level_of(Op op) {
  switch (op) {
    case Op::logical_or: return kOr;
    case Op::logical_and: return kAnd;
    case Op::logical_not: return kNot;
    case Op::equal:
    case Op::not_equal:
    case Op::less:
    case Op::less_equal:
    case Op::greater:
    case Op::greater_equal:
    case Op::like:
    case Op::in:
    case Op::is_null:
    case Op::is_not_null: return kCompare;
    case Op::add:
    case Op::subtract: return kSum;
    case Op::multiply:
    case Op::divide: return kProduct;
    default: return kAtom;
  }
}

std::string_view infix(Op op) {
  switch (op) {
    case Op::logical_or: return "or";
    case Op::logical_and: return "and";
    case Op::equal: return "=";
    case Op::not_equal: return "!=";
    case Op::less: return "<";
    case Op::less_equal: return "<=";
    case Op::greater: return ">";
    case Op::greater_equal: return ">=";
    case Op::like: return "like";
    case Op::add: return "+";
    case Op::subtract: return "-";
    case Op::multiply: return "*";
    case Op::divide: return "/";
    default: return "";
  }
}

std::string text_literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

// properties.a, properties['an odd key']: the stored form has a backslash before a dot or backslash inside a key.
std::string path_text(std::string_view path) {
  std::string out, key;
  bool first = true;
  const auto end_key = [&] {
    bool word = !key.empty() && !(key[0] >= '0' && key[0] <= '9');
    for (const char c : key)
      word = word && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_');
    out += first ? key : word ? "." + key : "[" + text_literal(key) + "]";
    first = false;
    key.clear();
  };
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '.') {
      end_key();
    } else {
      if (path[i] == '\\' && i + 1 < path.size()) ++i;
      key += path[i];
    }
  }
  end_key();
  return out;
}

class TextPrinter {
 public:
  TextPrinter(const Expression& expression, const Plan& plan, const Metric& metric)
      : nodes_(expression.nodes), plan_(plan), metric_(metric) {}

  // `as_is`: the place asks for this path's type by itself.
  std::string print(uint32_t index, Level least, bool as_is) const {
    const Node& node = nodes_[index];
    const Level level = level_of(node.op);
    std::string out = level == kAtom ? atom(node, as_is) : operation(node, level);
    return level < least ? "(" + out + ")" : out;
  }

 private:
  // Alone it does not say whether its other side is a text or a number.
  bool says_nothing(uint32_t index) const {
    const Op op = nodes_[index].op;
    return op == Op::path_text || op == Op::path_number || op == Op::joined_text || op == Op::joined_number ||
           op == Op::literal_null;
  }

  std::string joined(const Node& node) const {
    const auto same = [&](const NamedJoin& join) { return join.join == node.index; };
    return path_text(std::find_if(metric_.joins.begin(), metric_.joins.end(), same)->name + "." + node.text);
  }

  std::string atom(const Node& node, bool as_is) const {
    switch (node.op) {
      case Op::literal_text: return text_literal(node.text);
      case Op::literal_number: return node.number.to_text();
      case Op::literal_boolean: return node.boolean ? "true" : "false";
      case Op::literal_time: return text_literal(format_rfc3339(time_ms(node.time_ms)));
      case Op::literal_null: return "null";
      case Op::name: return name_of(static_cast<Name>(node.index));
      case Op::path_text: return as_is ? path_text(plan_.paths[node.index]) : "text(" + path_text(plan_.paths[node.index]) + ")";
      case Op::path_number:
        return as_is ? path_text(plan_.paths[node.index]) : "number(" + path_text(plan_.paths[node.index]) + ")";
      case Op::joined_text: return as_is ? joined(node) : "text(" + joined(node) + ")";
      case Op::joined_number: return as_is ? joined(node) : "number(" + joined(node) + ")";
      case Op::measure: return metric_.measures[node.index].name;
      case Op::lower: return "lower(" + print(node.inputs[0], kOr, true) + ")";
      case Op::upper: return "upper(" + print(node.inputs[0], kOr, true) + ")";
      case Op::length: return "length(" + print(node.inputs[0], kOr, true) + ")";
      default: return "";
    }
  }

  std::string operation(const Node& node, Level level) const {
    const std::vector<uint32_t>& in = node.inputs;
    const auto tighter = static_cast<Level>(level + 1);
    switch (node.op) {
      case Op::logical_not: return "not " + print(in[0], kNot, true);
      case Op::is_null: return print(in[0], tighter, nodes_[in[0]].type == Type::text) + " is null";
      case Op::is_not_null: return print(in[0], tighter, nodes_[in[0]].type == Type::text) + " is not null";
      case Op::in: {
        std::string list;
        for (size_t i = 1; i < in.size(); ++i) list += (i == 1 ? "" : ", ") + print(in[i], kOr, true);
        return print(in[0], tighter, true) + " in (" + list + ")";
      }
      default: break;
    }
    const bool both = level == kCompare && says_nothing(in[0]) && says_nothing(in[1]);
    const Level left = level == kCompare ? tighter : level;
    return print(in[0], left, !both) + " " + std::string(infix(node.op)) + " " + print(in[1], tighter, !both);
  }

  const std::vector<Node>& nodes_;
  const Plan& plan_;
  const Metric& metric_;
};

std::string print(const Expression& expression, const Plan& plan, const Metric& metric, bool as_is) {
  if (expression.empty()) return "";
  return TextPrinter(expression, plan, metric).print(static_cast<uint32_t>(expression.nodes.size() - 1), kOr, as_is);
}

std::string_view function_of(MeasureKind kind) {
  switch (kind) {
    case MeasureKind::count:
    case MeasureKind::count_of: return "count";
    case MeasureKind::sum: return "sum";
    case MeasureKind::avg: return "avg";
    case MeasureKind::min: return "min";
    case MeasureKind::max: return "max";
    case MeasureKind::distinct: return "distinct";
    case MeasureKind::percentile: return "percentile";
    case MeasureKind::first: return "first";
    case MeasureKind::last: return "last";
    case MeasureKind::topk: return "topk";
    case MeasureKind::derived: break;
  }
  return "";
}

// What a path is inside this aggregate when nobody says.
Type natural_type(MeasureKind kind) {
  const bool text =
      kind == MeasureKind::distinct || kind == MeasureKind::topk || kind == MeasureKind::first || kind == MeasureKind::last;
  return text ? Type::text : Type::number;
}

}  // namespace

std::string expression_text(const Expression& expression, const Plan& plan, const Metric& metric) {
  return print(expression, plan, metric, expression.empty() || expression.root().type != Type::number);
}

std::string measure_text(const Measure& measure, const Plan& plan, const Metric& metric) {
  if (measure.kind == MeasureKind::derived) return print(measure.argument, plan, metric, true);
  const bool as_is = measure.kind == MeasureKind::count_of || measure.argument.empty() ||
                     measure.argument.root().type == natural_type(measure.kind);
  std::string inside = print(measure.argument, plan, metric, as_is);
  if (measure.kind == MeasureKind::percentile) {
    const auto one = static_cast<uint64_t>(Decimal::kOne);
    inside += ", " + Decimal{static_cast<int128>(measure.p_numerator * (one / measure.p_denominator))}.to_text();
  }
  if (measure.kind == MeasureKind::topk) inside += fmt::format(", {}", measure.top);
  return fmt::format("{}({})", function_of(measure.kind), inside);
}

}  // namespace sluice::plan
