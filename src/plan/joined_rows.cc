#include "plan/joined_rows.h"

#include "base/result.h"
#include "plan/dimension_table.h"

namespace sluice::plan {

Value JoinedRows::value(const Node& node, const Row& row) {
  SLUICE_ASSERT(node.index < found_.size(), "an expression names joins of its own plan");
  const Join& join = plan_->joins[node.index];
  const DimensionTable& table = *plan_->dimension_files[join.file].table;
  Found& found = found_[node.index];
  if (found.event != event_) {
    found.event = event_;
    const Value key = evaluator_.evaluate(join.on, row);
    found.row = key.is_null() ? std::nullopt : table.find(key.text, row.event_time);
  }
  if (!found.row) return Value::null();
  const DimensionTable::Cell cell = table.cell(*found.row, node.column);
  if (cell.is_null) return Value::null();
  if (node.op == Op::joined_text) return Value::of(cell.text);
  const std::optional<Decimal> number = cell.number();
  return number ? Value::of(*number) : Value::null();
}

}  // namespace sluice::plan
