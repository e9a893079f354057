#include "plan/evaluate.h"

#include "base/result.h"
#include "plan/joined_rows.h"
#include "plan/like.h"

namespace sluice::plan {
namespace {

// Three-valued logic: null is "not known".
Value truth(bool b) { return Value::of(b); }
bool is_true(const Value& v) { return v.kind == Value::Kind::boolean && v.boolean; }
bool is_false(const Value& v) { return v.kind == Value::Kind::boolean && !v.boolean; }

Value logical_and(const Value& a, const Value& b) {
  if (is_false(a) || is_false(b)) return truth(false);
  if (a.is_null() || b.is_null()) return Value::null();
  return truth(true);
}
Value logical_or(const Value& a, const Value& b) {
  if (is_true(a) || is_true(b)) return truth(true);
  if (a.is_null() || b.is_null()) return Value::null();
  return truth(false);
}

// Of two values of one type: texts bytewise, as unsigned bytes.
int order(const Value& a, const Value& b) {
  switch (a.kind) {
    case Value::Kind::text: return a.text.compare(b.text);
    case Value::Kind::number: return a.number < b.number ? -1 : a.number > b.number ? 1 : 0;
    case Value::Kind::time: return a.time < b.time ? -1 : a.time > b.time ? 1 : 0;
    default: return 0;
  }
}

Value compare(Op op, const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) return Value::null();
  const int o = order(a, b);
  switch (op) {
    case Op::equal: return truth(o == 0);
    case Op::not_equal: return truth(o != 0);
    case Op::less: return truth(o < 0);
    case Op::less_equal: return truth(o <= 0);
    case Op::greater: return truth(o > 0);
    default: return truth(o >= 0);
  }
}

Value number_or_null(const std::optional<Decimal>& d) { return d ? Value::of(*d) : Value::null(); }

Value text_or_null(std::string_view text) { return text.empty() ? Value::null() : Value::of(text); }

Value session_value(Name name, const SessionColumns& session) {
  switch (name) {
    case Name::session_id: return Value::of(session.session_id);
    case Name::key: return Value::of(session.key);
    case Name::started_at: return Value::of(session.started_at);
    case Name::ended_at: return Value::of(session.ended_at);
    case Name::events: return Value::of(Decimal::whole(static_cast<int64_t>(session.events)));
    default: return Value::of(Decimal::whole((session.ended_at - session.started_at).count()));
  }
}

Value name_value(Name name, const Row& row) {
  if (name >= Name::session_id) return row.session == nullptr ? Value::null() : session_value(name, *row.session);
  switch (name) {
    case Name::source: return Value::of(row.source);
    case Name::event: return Value::of(row.event);
    case Name::message_id: return Value::of(row.message_id);
    case Name::event_time: return Value::of(row.event_time);
    case Name::received_at: return Value::of(row.received_at);
    case Name::user_id: return text_or_null(row.user_id);
    case Name::anonymous_id: return text_or_null(row.anonymous_id);
    case Name::stitching_key: return Value::of(row.stitching_key);
    case Name::user_key: return Value::of(row.user_key);
    case Name::dialect: return Value::of(row.dialect);
    default: break;
  }
  return Value::null();
}

std::string_view changed_case(std::string_view text, char first, std::string& scratch) {
  const char last = static_cast<char>(first + 25);
  scratch.assign(text);
  for (char& c : scratch) {
    if (c >= first && c <= last) c = static_cast<char>(c ^ 0x20);
  }
  return scratch;
}

Value code_points(std::string_view text) {
  int64_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return Value::of(Decimal::whole(n));
}

Value in_list(const Node& node, const std::vector<Value>& values) {
  const Value& value = values[node.inputs[0]];
  if (value.is_null()) return Value::null();
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    if (order(value, values[node.inputs[i]]) == 0) return truth(true);
  }
  return truth(false);
}

Value literal(const Node& node) {
  switch (node.op) {
    case Op::literal_text: return Value::of(std::string_view(node.text));
    case Op::literal_number: return Value::of(node.number);
    case Op::literal_boolean: return Value::of(node.boolean);
    case Op::literal_time: return Value::of(time_ms(node.time_ms));
    default: return Value::null();
  }
}

Value arithmetic(Op op, const Value& a, const Value& b, bool derived) {
  if (a.is_null() || b.is_null()) return Value::null();
  switch (op) {
    case Op::add: return number_or_null(derived ? derived_add(a.number, b.number) : row_add(a.number, b.number));
    case Op::subtract: return number_or_null(derived ? derived_subtract(a.number, b.number) : row_subtract(a.number, b.number));
    case Op::multiply: return number_or_null(derived ? derived_multiply(a.number, b.number) : row_multiply(a.number, b.number));
    default: return number_or_null(derived ? derived_divide(a.number, b.number) : row_divide(a.number, b.number));
  }
}

Value path_value(const Node& node, const Row& row) {
  SLUICE_ASSERT(node.index < row.paths.size(), "a row carries a slot for every path of the plan");
  const event::ScalarView* scalar = row.paths[node.index];
  if (scalar == nullptr) return Value::null();
  return node.op == Op::path_text ? Value::of(scalar->text) : number_or_null(scalar->number);
}

// What every operation gives from its inputs' values. Names, paths and measures are the caller's.
Value operate(const Node& node, const std::vector<Value>& values, std::string& scratch) {
  const auto input = [&](size_t i) -> const Value& { return values[node.inputs[i]]; };
  switch (node.op) {
    case Op::equal:
    case Op::not_equal:
    case Op::less:
    case Op::less_equal:
    case Op::greater:
    case Op::greater_equal: return compare(node.op, input(0), input(1));
    case Op::like: return input(0).is_null() || input(1).is_null() ? Value::null() : truth(like(input(0).text, input(1).text));
    case Op::in: return in_list(node, values);
    case Op::is_null: return truth(input(0).is_null());
    case Op::is_not_null: return truth(!input(0).is_null());
    case Op::logical_not: return input(0).is_null() ? Value::null() : truth(!input(0).boolean);
    case Op::logical_and: return logical_and(input(0), input(1));
    case Op::logical_or: return logical_or(input(0), input(1));
    case Op::lower: return input(0).is_null() ? Value::null() : Value::of(changed_case(input(0).text, 'A', scratch));
    case Op::upper: return input(0).is_null() ? Value::null() : Value::of(changed_case(input(0).text, 'a', scratch));
    case Op::length: return input(0).is_null() ? Value::null() : code_points(input(0).text);
    default: return literal(node);
  }
}

// event = 'x': what most conditions are.
bool compares_name(const Expression& expression) {
  const std::vector<Node>& nodes = expression.nodes;
  return nodes.size() == 3 && nodes[2].op == Op::equal && nodes[0].op == Op::name && nodes[0].type == Type::text &&
         nodes[1].op == Op::literal_text;
}

}  // namespace

Value Evaluator::evaluate(const Expression& expression, const Row& row) {
  SLUICE_ASSERT(!expression.empty(), "an empty expression has no value; passes() takes it for true");
  const size_t count = expression.nodes.size();
  if (count == 1) {  // what most dimensions and arguments are
    const Node& node = expression.root();
    if (node.op == Op::name) return name_value(static_cast<Name>(node.index), row);
    if (node.op == Op::path_text || node.op == Op::path_number) return path_value(node, row);
  }
  // Grown before any view is taken: a string that moves may take its bytes along.
  if (values_.size() < count) values_.resize(count);
  if (scratch_.size() < count) scratch_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const Node& node = expression.nodes[i];
    switch (node.op) {
      case Op::name: values_[i] = name_value(static_cast<Name>(node.index), row); break;
      case Op::path_text:
      case Op::path_number: values_[i] = path_value(node, row); break;
      case Op::joined_text:
      case Op::joined_number:
        SLUICE_ASSERT(row.joined != nullptr, "a row of a plan with joins comes with their rows");
        values_[i] = row.joined->value(node, row);
        break;
      case Op::add:
      case Op::subtract:
      case Op::multiply:
      case Op::divide: values_[i] = arithmetic(node.op, values_[node.inputs[0]], values_[node.inputs[1]], false); break;
      default: values_[i] = operate(node, values_, scratch_[i]); break;
    }
  }
  return values_[count - 1];
}

bool Evaluator::passes(const Expression& expression, const Row& row) {
  if (expression.empty()) return true;
  if (compares_name(expression)) {
    const Value name = name_value(static_cast<Name>(expression.nodes[0].index), row);
    return !name.is_null() && name.text == expression.nodes[1].text;
  }
  return is_true(evaluate(expression, row));
}

Value Evaluator::derive(const Expression& expression, std::span<const Value> measures) {
  SLUICE_ASSERT(!expression.empty(), "a derived measure has an expression");
  const size_t count = expression.nodes.size();
  if (values_.size() < count) values_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const Node& node = expression.nodes[i];
    if (node.op == Op::measure) {
      SLUICE_ASSERT(node.index < measures.size(), "a group has a value for every measure");
      values_[i] = measures[node.index];
    } else if (node.inputs.empty()) {
      values_[i] = literal(node);
    } else {
      values_[i] = arithmetic(node.op, values_[node.inputs[0]], values_[node.inputs[1]], true);
    }
  }
  return values_[count - 1];
}

}  // namespace sluice::plan
