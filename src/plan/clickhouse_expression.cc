#include "plan/clickhouse_expression.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "plan/clickhouse.h"
#include "plan/typing.h"

namespace sluice::plan::clickhouse {
namespace {

constexpr int128 kFactorLimit = static_cast<int128>(Decimal::kOne) * Decimal::kOne;  // R0: operands of * and / are below 10^9

std::string_view infix(Op op) {
  switch (op) {
    case Op::equal: return "=";
    case Op::not_equal: return "!=";
    case Op::less: return "<";
    case Op::less_equal: return "<=";
    case Op::greater: return ">";
    case Op::greater_equal: return ">=";
    case Op::like: return "LIKE";
    case Op::logical_and: return "AND";
    case Op::logical_or: return "OR";
    case Op::add: return "+";
    case Op::subtract: return "-";
    default: return "";
  }
}

const char* nullable_type(Type type) {
  switch (type) {
    case Type::text: return "Nullable(String)";
    case Type::number: return "Nullable(Decimal(38, 9))";
    case Type::time: return "Nullable(Int64)";
    case Type::boolean: return "Nullable(UInt8)";
  }
  return "Nullable(String)";
}

class RowPrinter {
 public:
  RowPrinter(const Expression& expression, const std::vector<std::string>& paths) : expression_(expression), paths_(paths) {}
  std::string print() const { return node(static_cast<uint32_t>(expression_.nodes.size() - 1)); }

 private:
  const Node& at(uint32_t index) const { return expression_.nodes[index]; }

  std::string node(uint32_t index) const {
    const Node& n = at(index);
    switch (n.op) {
      case Op::literal_text: return quote_text(n.text);
      case Op::literal_number: return fmt::format("toDecimal128('{}', 9)", n.number.to_text());
      case Op::literal_boolean: return n.boolean ? "true" : "false";
      case Op::literal_time: return fmt::format("toInt64({})", n.time_ms);
      case Op::literal_null: return fmt::format("CAST(NULL AS {})", nullable_type(n.type));
      case Op::name: return name(static_cast<Name>(n.index));
      case Op::path_text: return element("texts", paths_[n.index]);
      case Op::path_number: return element("numbers", paths_[n.index]);
      // Columns of clickhouse_join.h; no row gives an empty map, which has no such key.
      case Op::joined_text: return element(fmt::format("_texts{}", n.index), n.text);
      case Op::joined_number: return element(fmt::format("_numbers{}", n.index), n.text);
      case Op::logical_and:
      case Op::logical_or:
      case Op::add:
      case Op::subtract: return flat(index);
      case Op::multiply:
        return fmt::format("CAST(round(CAST({} AS Nullable(Decimal(38, 9))) * {}, 9) AS Nullable(Decimal(38, 9)))",
                           factor(n.inputs[0]), factor(n.inputs[1]));
      case Op::divide:
        return fmt::format("CAST(round(CAST({} AS Nullable(Decimal(76, 40))) / nullIf({}, 0), 9) AS Nullable(Decimal(38, 9)))",
                           factor(n.inputs[0]), factor(n.inputs[1]));
      case Op::in: return list(n);
      case Op::is_null: return fmt::format("isNull({})", node(n.inputs[0]));
      case Op::is_not_null: return fmt::format("isNotNull({})", node(n.inputs[0]));
      case Op::logical_not: return fmt::format("NOT ({})", node(n.inputs[0]));
      case Op::lower: return fmt::format("lower({})", node(n.inputs[0]));
      case Op::upper: return fmt::format("upper({})", node(n.inputs[0]));
      case Op::length: return fmt::format("toDecimal128(lengthUTF8({}), 9)", node(n.inputs[0]));
      case Op::measure: return "";  // never in a row
      default: return fmt::format("({} {} {})", node(n.inputs[0]), infix(n.op), node(n.inputs[1]));
    }
  }

  static std::string name(Name name) {
    switch (name) {
      case Name::event_time:
      case Name::received_at: return fmt::format("toUnixTimestamp64Milli({})", name_of(name));
      case Name::user_id:
      case Name::anonymous_id: return fmt::format("nullIf({}, '')", name_of(name));
      case Name::events:
      case Name::duration_ms: return fmt::format("toDecimal128({}, 9)", name_of(name));
      default: return name_of(name);
    }
  }

  static std::string element(std::string_view map, const std::string& path) {
    const std::string key = quote_text(path);
    return fmt::format("if(mapContains({0}, {1}), {0}[{1}], NULL)", map, key);
  }

  // a AND b AND c; a + b - c. Follows the left side in a loop: chains are as long as an expression may be.
  std::string flat(uint32_t index) const {
    const auto same = [&](Op a, Op b) {
      const bool sum = a == Op::add || a == Op::subtract;
      return sum ? b == Op::add || b == Op::subtract : a == b;
    };
    std::vector<std::pair<Op, uint32_t>> rest;
    uint32_t left = index;
    while (same(at(index).op, at(left).op)) {
      rest.emplace_back(at(left).op, at(left).inputs[1]);
      left = at(left).inputs[0];
    }
    std::string out = "(" + node(left);
    for (auto part = rest.rbegin(); part != rest.rend(); ++part)
      out += fmt::format(" {} {}", infix(part->first), node(part->second));
    return out + ")";
  }

  // An operand of * or /: NULL from 10^9 on.
  std::string factor(uint32_t index) const {
    const Node& n = at(index);
    if (n.op == Op::literal_number) {
      if (n.number.raw >= kFactorLimit || n.number.raw <= -kFactorLimit) return "CAST(NULL AS Nullable(Decimal(18, 9)))";
      return fmt::format("toDecimal64('{}', 9)", n.number.to_text());
    }
    return fmt::format("toDecimal64OrNull(toString({}), 9)", node(index));
  }

  std::string list(const Node& n) const {
    std::string out = fmt::format("({} IN (", node(n.inputs[0]));
    for (size_t i = 1; i < n.inputs.size(); ++i) out += (i > 1 ? ", " : "") + node(n.inputs[i]);
    return out + "))";
  }

  const Expression& expression_;
  const std::vector<std::string>& paths_;
};

}  // namespace

std::string row_sql(const Expression& expression, const std::vector<std::string>& paths) {
  return RowPrinter(expression, paths).print();
}

std::string value_sql(const Expression& expression, const std::vector<std::string>& paths) {
  const std::string sql = row_sql(expression, paths);
  switch (expression.root().type) {
    case Type::text: return fmt::format("CAST({} AS Nullable(String))", sql);
    case Type::number: return fmt::format("CAST({} AS Nullable(Decimal(38, 9)))", sql);
    case Type::time: return fmt::format("CAST({} AS Nullable(Int64))", sql);
    case Type::boolean: return sql;
  }
  return sql;
}

std::string derived_sql(const Expression& expression, const std::vector<std::string>& measures) {
  std::vector<std::string> printed(expression.nodes.size());
  for (size_t i = 0; i < expression.nodes.size(); ++i) {
    const Node& n = expression.nodes[i];
    const auto input = [&](size_t k) -> const std::string& { return printed[n.inputs[k]]; };
    // Each step ends in toDecimal128OrNull: exact below 10^29, NULL from there on (R8).
    switch (n.op) {
      case Op::measure: printed[i] = measures[n.index]; break;
      case Op::literal_number: printed[i] = fmt::format("toDecimal128('{}', 9)", n.number.to_text()); break;
      case Op::add:
      case Op::subtract:
        printed[i] = fmt::format("toDecimal128OrNull(toString(CAST({} AS Nullable(Decimal(76, 9))) {} {}), 9)", input(0),
                                 infix(n.op), input(1));
        break;
      case Op::multiply:
        printed[i] = fmt::format("toDecimal128OrNull(toString(round(CAST({} AS Nullable(Decimal(76, 9))) * {}, 9)), 9)", input(0),
                                 input(1));
        break;
      case Op::divide:
        printed[i] =
            fmt::format("toDecimal128OrNull(toString(round(CAST({} AS Nullable(Decimal(76, 20))) / nullIf({}, 0), 9)), 9)",
                        input(0), input(1));
        break;
      default: printed[i] = "CAST(NULL AS Nullable(Decimal(38, 9)))"; break;
    }
  }
  // A lone count or number is not Nullable by itself; the column is, always.
  return expression.root().inputs.empty() ? fmt::format("CAST({} AS Nullable(Decimal(38, 9)))", printed.back()) : printed.back();
}

}  // namespace sluice::plan::clickhouse
