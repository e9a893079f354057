// clickhouse_join.h - dimensions in ClickHouse SQL: a table for each content, a view of the current one, and events joined with them.
//
// Table   sluice.dimension_<name>_<hash of its rows>: key String; valid_from, valid_to Int64 ms, the ends of time where the file says
//         nothing; texts and numbers by column, as `events` has them by path. It never changes once filled: a statement that names it
//         gives the same numbers whatever the file says later.
// View    sluice.<name>: the file's columns; a column of which every value is a number is a number, all others are texts.
// Join    LEFT JOIN on the key and valid_from <= event_time < valid_to. Intervals of one key do not overlap, so no event is doubled.
//         Without a row the maps are empty and every value NULL, whatever join_use_nulls says: a map is never Nullable.
// Source  semantics R11; facts/engines.md R14.
#pragma once

#include <string>

#include "plan/dimension_table.h"

namespace sluice::plan::clickhouse {

std::string dimension_table_name(const DimensionFile& file);  // without database
std::string create_dimension_table(const DimensionFile& file);
std::string create_dimension_view(const DimensionFile& file);

// What stands behind FROM: sluice.events, with the rows that the metric's expressions read beside it (columns _texts<join> and
// _numbers<join>).
std::string events_sql(const Plan& plan, const Metric& metric);

}  // namespace sluice::plan::clickhouse
