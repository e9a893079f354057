// clickhouse_expression.h - one expression in ClickHouse SQL, NULL-exact (semantics R0, R8).
//
// Promise Every input stands in the text once, so that its length follows the expression's, whatever the nesting; chains of and, or,
//         + and - are printed flat. Texts are String or LowCardinality(String), numbers Decimal(38, 9), times Int64 ms, each Nullable
//         where a value can be absent; conditions are UInt8 or Nullable(UInt8).
// Rounding ClickHouse cuts when it casts or divides decimals. So products and quotients are computed with more digits and then
//         rounded by round(), which is half away from zero on decimals; a quotient that was cut at 20 or more digits lies on the
//         same side of a half as the exact one. NULL beyond a bound: toDecimal64OrNull and toDecimal128OrNull count the digits of
//         a text, the one conversion that does not compare with the machine's range instead.
#pragma once

#include <string>
#include <vector>

#include "plan/expression.h"

namespace sluice::plan::clickhouse {

// Of one row of `events`; `paths` is Plan::paths.
std::string row_sql(const Expression& expression, const std::vector<std::string>& paths);
// The same as an argument of an aggregate or a dimension: Nullable(String), Nullable(Decimal(38, 9)), a time as Nullable(Int64) ms, or
// a condition. A time is no DateTime64 here because the engine's compiled min and max take that for unsigned: seen on 26.7 to give
// the wrong end for instants before 1970, and only from the fourth run of a query on.
std::string value_sql(const Expression& expression, const std::vector<std::string>& paths);
// A derived measure; `measures[i]` is the SQL of the visible value of measure i, a Decimal(38, 9) or Nullable of it.
std::string derived_sql(const Expression& expression, const std::vector<std::string>& measures);

}  // namespace sluice::plan::clickhouse
