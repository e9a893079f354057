// clickhouse_measure.h - what tables, view and queries share about a metric's columns.
//
// Names   Columns that a query makes for itself begin with an underscore, which no name of an author does, and every column of the
//         author is qualified or renamed on its way: a dimension may be called `version` or `epoch`.
#pragma once

#include <algorithm>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "plan/clickhouse.h"
#include "plan/clickhouse_expression.h"

namespace sluice::plan::clickhouse {

// The column of a dimension or measure in the metric's table: its name, with an underscore in front where it would clash.
std::string stored_name(const std::string& name);
std::vector<Column> stored_columns(const Measure& measure);

// Milliseconds as SQL; nullopt: the store's own newest, which never decreases. -infinity is stored as 1900-01-01 (R4).
std::string watermark_sql(std::optional<TimeMs> watermark);

// SELECT columns FROM a table, or FROM another SELECT in brackets; `rest` follows as it is.
std::string select(const std::vector<std::string>& columns, const std::string& from, const std::string& rest);

// The visible value of every measure, from its stored columns as `column` writes them.
std::vector<std::string> visible_sql(const Metric& metric, const std::function<std::string(const std::string&)>& column);

// The condition on a dimension's value, given as SQL of type Nullable(String).
std::string filter_sql(const std::string& value, const DimensionFilter& filter);

// Indexes of dimensions or measures in the order as written.
template <class Item>
std::vector<uint32_t> written_order(const std::vector<Item>& items) {
  std::vector<uint32_t> order(items.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return items[a].written < items[b].written; });
  return order;
}

}  // namespace sluice::plan::clickhouse
