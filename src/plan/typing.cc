#include "plan/typing.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/rfc3339.h"
#include "plan/diagnostics.h"
#include "plan/dimension_table.h"
#include "plan/plan.h"

namespace sluice::plan {
namespace {

// A set of types that a node can take.
using Types = uint8_t;
constexpr Types one(Type type) { return static_cast<Types>(1U << static_cast<unsigned>(type)); }
constexpr Types kText = one(Type::text), kNumber = one(Type::number), kTime = one(Type::time), kBoolean = one(Type::boolean);
constexpr Types kAll = kText | kNumber | kTime | kBoolean;

constexpr std::array<std::string_view, 3> kFunctions{"lower", "upper", "length"};
constexpr std::array<std::string_view, 2> kPathFunctions{"text", "number"};
constexpr std::array<std::string_view, 11> kAggregates{"count",      "sum",   "avg",  "min",  "max",     "distinct",
                                                       "percentile", "first", "last", "topk", "quantile"};

std::string types_text(Types types) {
  if (types == (kText | kTime)) types = kText;  // a literal: nobody reads it as a time first
  std::string out;
  for (const Type type : {Type::text, Type::number, Type::time, Type::boolean}) {
    if ((types & one(type)) == 0) continue;
    if (!out.empty()) out += " or ";
    out += type == Type::boolean ? "a condition" : fmt::format("a {}", type_name(type));
  }
  return out;
}

constexpr std::array<std::string_view, 16> kNames{
    "source",   "event",   "message_id", "event_time", "received_at", "user_id",  "anonymous_id", "stitching_key",
    "user_key", "dialect", "session_id", "key",        "started_at",  "ended_at", "events",       "duration_ms"};

Name name_called(std::string_view text) {
  return static_cast<Name>(std::find(kNames.begin(), kNames.end(), text) - kNames.begin());
}

bool flat(Op op) { return op == Op::logical_and || op == Op::logical_or || op == Op::add || op == Op::subtract; }
// + and - are one chain: a - b + c is flat too.
Op chain(Op op) { return op == Op::subtract ? Op::add : op; }

class Typer {
 public:
  Typer(const SyntaxTree& tree, PathTable* paths, const std::vector<std::string>* measures)
      : tree_(tree), paths_(paths), measures_(measures) {}

  // All types that the node can take, 0 after a fault.
  Types infer(uint32_t index) {
    const Syntax& node = tree_.nodes[index];
    switch (node.kind) {
      case Syntax::Kind::text: return kText | kTime;
      case Syntax::Kind::number: return kNumber;
      case Syntax::Kind::boolean: return kText | kBoolean;
      case Syntax::Kind::null: return kAll;
      case Syntax::Kind::path: return infer_path(node);
      case Syntax::Kind::name: return infer_name(node);
      case Syntax::Kind::call: return infer_call(node);
      case Syntax::Kind::operation: return infer_operation(node);
    }
    return 0;
  }

  Typed run(uint32_t root, Types wanted) {
    const Types found = infer(root), types = found & wanted;
    if (!fault_ && types == 0) {
      const Syntax& node = tree_.nodes[root];
      const bool path = wanted == kBoolean && node.kind == Syntax::Kind::path;
      say(node.at, fmt::format("{} stands here, {} is asked for{}", types_text(found), types_text(wanted),
                               path ? fmt::format("; write {} = true", node.text) : ""));
    }
    if (!fault_) emit(root, pick(types));
    if (!fault_) check_depth();
    Typed out;
    if (fault_) {
      out.fault = std::move(fault_);
    } else {
      out.expression = std::move(out_);
    }
    return out;
  }

  // text before number before time before condition: what a lone value that could be several is taken for.
  static Type pick(Types types) {
    for (const Type type : {Type::text, Type::number, Type::time}) {
      if (types & one(type)) return type;
    }
    return Type::boolean;
  }

 private:
  Types say(size_t at, std::string what) {
    if (!fault_) fault_ = Fault{at, std::move(what)};
    return 0;
  }

  Types infer_path(const Syntax& node) {
    if (measures_ != nullptr)
      return say(node.at, fmt::format("{} is of an event; a derived measure reads measures: sum({}) in a measure of its own",
                                      quoted(node.text), node.text));
    if (paths_->reads_sessions())
      return say(node.at, fmt::format("{} is of an event; a session has {}", quoted(node.text), listed(session_names())));
    if (is_joined(node.text) && joined(node) == nullptr) return 0;
    return kText | kNumber;
  }

  static bool is_joined(const std::string& path) { return !path.starts_with("properties.") && !path.starts_with("context."); }

  // The join that a path begins with, if its dimension has such a column; else a fault.
  const PathTable::JoinScope* joined(const Syntax& node) {
    const std::string name = node.text.substr(0, node.text.find('.'));
    const std::string column = node.text.substr(name.size() + 1);
    std::vector<std::string> names;
    for (const PathTable::JoinScope& scope : paths_->joins()) {
      names.push_back(scope.join.name);
      if (scope.join.name != name) continue;
      const DimensionTable* table = scope.file == nullptr ? nullptr : scope.file->table.get();
      if (table == nullptr || table->column(column)) return &scope;  // without a table something was reported
      std::string hint = did_you_mean(column, table->columns());
      if (hint.empty()) hint = "; it has " + listed(table->columns());
      say(node.at, fmt::format("no column {} in {}{}", quoted(column), scope.file->path, hint));
      return nullptr;
    }
    names.insert(names.end(), {"properties", "context"});
    std::string hint = did_you_mean(name, names);
    if (hint.empty()) {
      hint = fmt::format(
          "; an event has properties and context, and `joins: {{{}: {{dimension: NAME, on: properties.ID}}}}` joins it with "
          "a dimension",
          name);
    }
    say(node.at, fmt::format("no join {} here{}", quoted(name), hint));
    return nullptr;
  }

  Types infer_name(const Syntax& node) {
    if (measures_ != nullptr) {
      if (std::find(measures_->begin(), measures_->end(), node.text) != measures_->end()) return kNumber;
      const auto& rows = row_names();
      if (std::find(rows.begin(), rows.end(), node.text) != rows.end()) {
        return say(node.at, fmt::format("{} is of an event; a measure needs an aggregate around it: count({}), distinct({})",
                                        quoted(node.text), node.text, node.text));
      }
      std::string hint = did_you_mean(node.text, *measures_);
      if (hint.empty()) hint = fmt::format("; it has {}", listed(*measures_));
      return say(node.at, fmt::format("no measure {} in this metric{}", quoted(node.text), hint));
    }
    const bool sessions = paths_->reads_sessions();
    const auto& names = sessions ? session_names() : row_names();
    if (std::find(names.begin(), names.end(), node.text) == names.end()) {
      std::string hint = did_you_mean(node.text, names);
      if (hint.empty())
        hint = sessions ? "; a session has " + listed(names) : fmt::format("; a property is properties.{}", node.text);
      return say(node.at, fmt::format("unknown name {}{}", quoted(node.text), hint));
    }
    switch (name_called(node.text)) {
      case Name::event_time:
      case Name::received_at:
      case Name::started_at:
      case Name::ended_at: return kTime;
      case Name::events:
      case Name::duration_ms: return kNumber;
      default: return kText;
    }
  }

  Types infer_call(const Syntax& node) {
    const auto is = [&](std::span<const std::string_view> set) {
      return std::find(set.begin(), set.end(), node.text) != set.end();
    };
    if (is(kAggregates)) {
      return say(node.at,
                 measures_ != nullptr
                     ? fmt::format("{} stands alone in a measure; name it as a measure of its own and calculate with the names",
                                   quoted(node.text + "()"))
                     : fmt::format("{} is an aggregate; it stands alone in a measure", quoted(node.text + "()")));
    }
    const bool known = is(kPathFunctions) || is(kFunctions);
    if (measures_ != nullptr && known)
      return say(node.at, fmt::format("a derived measure knows + - * / only, not {}", quoted(node.text + "()")));
    if (is(kPathFunctions)) {
      if (node.inputs.size() != 1 || tree_.nodes[node.inputs[0]].kind != Syntax::Kind::path) {
        return say(node.at, fmt::format("{} takes one path: {}(properties.name)", quoted(node.text + "()"), node.text));
      }
      return node.text == "text" ? kText : kNumber;
    }
    if (is(kFunctions)) {
      if (node.inputs.size() != 1) return say(node.at, fmt::format("{} takes one text", quoted(node.text + "()")));
      if (!want(node.inputs[0], kText, fmt::format("what {} takes", quoted(node.text + "()")))) return 0;
      return node.text == "length" ? kNumber : kText;
    }
    static const std::vector<std::string_view> kKnown{"lower", "upper", "length",   "text",       "number", "count", "sum", "avg",
                                                      "min",   "max",   "distinct", "percentile", "first",  "last",  "topk"};
    return say(node.at, fmt::format("unknown function {}{}", quoted(node.text + "()"), did_you_mean(node.text, kKnown)));
  }

  bool want(uint32_t index, Types wanted, std::string_view place) {
    const Types types = infer(index);
    if (fault_) return false;
    if (types & wanted) return true;
    const Syntax& node = tree_.nodes[index];
    std::string hint;
    if (wanted == kBoolean && node.kind == Syntax::Kind::path) hint = fmt::format("; write {} = true", node.text);
    say(node.at, fmt::format("{} is {}, not {}{}", place, types_text(wanted), types_text(types), hint));
    return false;
  }

  Types infer_operation(const Syntax& node) {
    switch (node.op) {
      case Op::logical_not:
      case Op::logical_and:
      case Op::logical_or:
        if (measures_ != nullptr) return say(node.at, "a derived measure knows + - * / only");
        for (const uint32_t input : node.inputs) {
          if (!want(input, kBoolean, "each side of and, or, not")) return 0;
        }
        return kBoolean;
      case Op::add:
      case Op::subtract:
      case Op::multiply:
      case Op::divide:
        for (const uint32_t input : node.inputs) {
          if (!want(input, kNumber, "each side of + - * /")) return 0;
        }
        return kNumber;
      case Op::is_null:
      case Op::is_not_null:
        if (measures_ != nullptr) return say(node.at, "a derived measure knows + - * / only");
        return infer(node.inputs[0]) == 0 ? Types{0} : kBoolean;
      case Op::like:
        if (measures_ != nullptr) return say(node.at, "a derived measure knows + - * / only");
        return want(node.inputs[0], kText, "what stands before `like`") ? kBoolean : Types{0};
      default: return common_type(node) == 0 ? Types{0} : kBoolean;
    }
  }

  // Of a comparison or a list: the types that all sides can take.
  Types common_type(const Syntax& node) {
    if (measures_ != nullptr) return say(node.at, "a derived measure knows + - * / only");
    Types common = kAll;
    for (const uint32_t input : node.inputs) {
      const Types types = infer(input);
      if (fault_) return 0;
      if ((common & types) == 0) {
        return say(
            tree_.nodes[input].at,
            fmt::format(
                "{} stands beside {}; both sides have one type{}", types_text(types), types_text(common),
                ((types | common) & (kText | kNumber)) == (kText | kNumber) ? " (numbers without quotes, texts with)" : ""));
      }
      common &= types;
    }
    if (common == kBoolean) return say(node.at, "conditions are not compared; join them with and, or, not");
    common &= static_cast<Types>(~kBoolean);
    const auto is_path = [&](uint32_t i) { return tree_.nodes[i].kind == Syntax::Kind::path; };
    if (common == (kText | kNumber) && std::any_of(node.inputs.begin(), node.inputs.end(), is_path)) {
      const auto path = std::find_if(node.inputs.begin(), node.inputs.end(), is_path);
      const std::string& text = tree_.nodes[*path].text;
      return say(node.at, fmt::format("text or number? Say text({}) or number({})", text, text));
    }
    return common;
  }

  uint32_t push(Node node) {
    out_.nodes.push_back(std::move(node));
    return static_cast<uint32_t>(out_.nodes.size() - 1);
  }

  uint32_t emit(uint32_t index, Type as) {
    const Syntax& syntax = tree_.nodes[index];
    Node node;
    node.type = as;
    switch (syntax.kind) {
      case Syntax::Kind::text: return as == Type::time ? emit_time(syntax) : emit_text(syntax.text);
      case Syntax::Kind::number:
        node.op = Op::literal_number;
        node.number = syntax.number;
        return push(std::move(node));
      case Syntax::Kind::boolean:
        if (as == Type::text) return emit_text(syntax.boolean ? "true" : "false");
        node.op = Op::literal_boolean;
        node.boolean = syntax.boolean;
        return push(std::move(node));
      case Syntax::Kind::null: return push(std::move(node));
      case Syntax::Kind::path: return emit_path(syntax, as);
      case Syntax::Kind::name: return emit_name(syntax, as);
      case Syntax::Kind::call: return emit_call(syntax, as);
      case Syntax::Kind::operation: return emit_operation(syntax, as);
    }
    return 0;
  }

  uint32_t emit_text(std::string_view text) {
    Node node;
    node.op = Op::literal_text;
    node.type = Type::text;
    node.text = std::string(text);
    return push(std::move(node));
  }

  uint32_t emit_time(const Syntax& syntax) {
    Node node;
    node.op = Op::literal_time;
    node.type = Type::time;
    const std::optional<ParsedTime> time = parse_rfc3339(syntax.text);
    if (!time || !time->has_zone) {
      say(syntax.at, fmt::format("{} is no instant; write it as '2026-03-28T14:22:01Z', with its zone", quoted(syntax.text)));
    } else {
      node.time_ms = to_ms(time->time);
    }
    return push(std::move(node));
  }

  uint32_t emit_joined(const Syntax& syntax, Type as) {
    Node node;
    node.op = as == Type::number ? Op::joined_number : Op::joined_text;
    node.type = as;
    if (const PathTable::JoinScope* scope = joined(syntax)) {
      node.index = scope->join.join;
      node.text = syntax.text.substr(scope->join.name.size() + 1);
      if (scope->file != nullptr && scope->file->table) node.column = scope->file->table->column(node.text).value_or(0);
    }
    return push(std::move(node));
  }

  uint32_t emit_path(const Syntax& syntax, Type as) {
    if (is_joined(syntax.text)) return emit_joined(syntax, as);
    Node node;
    node.op = as == Type::number ? Op::path_number : Op::path_text;
    node.type = as;
    const std::optional<uint32_t> index = paths_->index_of(syntax.text);
    if (!index) say(syntax.at, fmt::format("more than {} different paths in one project", kPathsMax));
    node.index = index.value_or(0);
    return push(std::move(node));
  }

  uint32_t emit_name(const Syntax& syntax, Type as) {
    Node node;
    node.type = as;
    if (measures_ != nullptr) {
      node.op = Op::measure;
      node.index = static_cast<uint32_t>(std::find(measures_->begin(), measures_->end(), syntax.text) - measures_->begin());
    } else {
      node.op = Op::name;
      node.index = static_cast<uint32_t>(name_called(syntax.text));
    }
    return push(std::move(node));
  }

  uint32_t emit_call(const Syntax& syntax, Type as) {
    if (syntax.text == "text") return emit(syntax.inputs[0], Type::text);
    if (syntax.text == "number") return emit(syntax.inputs[0], Type::number);
    Node node;
    node.type = as;
    node.op = syntax.text == "lower" ? Op::lower : syntax.text == "upper" ? Op::upper : Op::length;
    node.inputs = {emit(syntax.inputs[0], Type::text)};
    return push(std::move(node));
  }

  uint32_t emit_operation(const Syntax& syntax, Type as) {
    Type inputs = Type::number;
    switch (syntax.op) {
      case Op::logical_not:
      case Op::logical_and:
      case Op::logical_or: inputs = Type::boolean; break;
      case Op::add:
      case Op::subtract:
      case Op::multiply:
      case Op::divide: inputs = Type::number; break;
      case Op::is_null:
      case Op::is_not_null: inputs = pick(infer(syntax.inputs[0])); break;
      case Op::like: inputs = Type::text; break;
      default: inputs = pick(common_type(syntax)); break;
    }
    Node node;
    node.op = syntax.op;
    node.type = as;
    for (const uint32_t input : syntax.inputs) node.inputs.push_back(emit(input, inputs));
    return push(std::move(node));
  }

  void check_depth() {
    std::vector<uint32_t> depth(out_.nodes.size(), 0);
    for (size_t i = 0; i < out_.nodes.size(); ++i) {
      const Node& node = out_.nodes[i];
      for (const uint32_t input : node.inputs) {
        const bool same_chain = flat(node.op) && chain(out_.nodes[input].op) == chain(node.op);
        depth[i] = std::max(depth[i], depth[input] + (same_chain ? 0 : 1));
      }
      if (depth[i] > kDepthMax) {
        say(tree_.nodes.back().at, fmt::format("nested deeper than {} levels", kDepthMax));
        return;
      }
    }
  }

  const SyntaxTree& tree_;
  PathTable* paths_;
  const std::vector<std::string>* measures_;
  Expression out_;
  std::optional<Fault> fault_;
};

}  // namespace

const char* type_name(Type type) {
  switch (type) {
    case Type::text: return "text";
    case Type::number: return "number";
    case Type::time: return "time";
    case Type::boolean: return "condition";
  }
  return "text";
}

const std::vector<std::string_view>& row_names() {
  static const std::vector<std::string_view> kOfEvents(kNames.begin(), kNames.begin() + static_cast<size_t>(Name::session_id));
  return kOfEvents;
}

const std::vector<std::string_view>& session_names() {
  static const std::vector<std::string_view> kOfSessions{"session_id", "source",   "key",    "user_key",
                                                         "started_at", "ended_at", "events", "duration_ms"};
  return kOfSessions;
}

const char* name_of(Name name) { return kNames[static_cast<size_t>(name)].data(); }

std::optional<uint32_t> PathTable::index_of(std::string_view path) {
  const auto at = std::find(paths_.begin(), paths_.end(), path);
  if (at != paths_.end()) return static_cast<uint32_t>(at - paths_.begin());
  if (paths_.size() >= kPathsMax) return std::nullopt;
  paths_.emplace_back(path);
  return static_cast<uint32_t>(paths_.size() - 1);
}

Typed type_row(const SyntaxTree& tree, uint32_t root, Type wanted, PathTable& paths) {
  return Typer(tree, &paths, nullptr).run(root, one(wanted));
}

Typed type_any(const SyntaxTree& tree, uint32_t root, PathTable& paths) { return Typer(tree, &paths, nullptr).run(root, kAll); }

Typed type_extreme(const SyntaxTree& tree, uint32_t root, PathTable& paths) {
  // Of a path the number, of a text literal the text.
  const Types wanted = tree.nodes[root].kind == Syntax::Kind::path ? kNumber : kText | kNumber | kTime;
  return Typer(tree, &paths, nullptr).run(root, wanted);
}

Typed type_kept(const SyntaxTree& tree, uint32_t root, PathTable& paths) {
  return Typer(tree, &paths, nullptr).run(root, kText | kNumber | kTime);
}

Typed type_derived(const SyntaxTree& tree, const std::vector<std::string>& measures) {
  return Typer(tree, nullptr, &measures).run(static_cast<uint32_t>(tree.nodes.size() - 1), kNumber);
}

}  // namespace sluice::plan
