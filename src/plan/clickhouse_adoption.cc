#include "plan/clickhouse_adoption.h"

#include <algorithm>

#include <fmt/format.h>

#include "plan/clickhouse.h"
#include "plan/clickhouse_expression.h"
#include "plan/clickhouse_join.h"
#include "plan/reads.h"

namespace sluice::plan::clickhouse {
namespace {

std::string where_sql(const Plan& plan, const Metric& metric, const StoredPart& part) {
  std::string out = fmt::format("epoch > {} AND epoch <= {}", part.after, part.up_to);
  if (part.since != kMinusInfinity) {
    out += fmt::format("\n  AND event_time >= fromUnixTimestamp64Milli(toInt64({}), 'UTC')",
                       std::max(to_ms(part.since), kStoredMinusInfinityMs));
  }
  if (!metric.where.empty()) out += fmt::format("\n  AND {}", row_sql(metric.where, plan.paths));
  return out;
}

std::string read_sql(const Plan& plan, Op op, uint32_t index, Type type) {
  Expression expression;
  expression.nodes.resize(1);
  expression.nodes[0].op = op;
  expression.nodes[0].index = index;
  expression.nodes[0].type = type;
  return value_sql(expression, plan.paths);
}

}  // namespace

std::string stored_part_end_query(const Plan& plan, const Metric& metric, const StoredPart& part, uint64_t most) {
  return fmt::format("SELECT max(epoch), count()\nFROM (SELECT epoch FROM {}\nWHERE {}\nORDER BY epoch LIMIT {})\n",
                     events_sql(plan, metric), where_sql(plan, metric, part), most);
}

std::string stored_events_query(const Plan& plan, const Metric& metric, const StoredPart& part) {
  std::string columns =
      "toUnixTimestamp64Milli(event_time),\n  toUnixTimestamp64Milli(received_at),\n  log_partition,\n  log_offset";
  const Reads reads = reads_of(plan, metric);
  for (const Name name : reads.names) columns += ",\n  " + read_sql(plan, Op::name, static_cast<uint32_t>(name), Type::text);
  for (const uint32_t path : reads.paths) {
    columns += ",\n  " + read_sql(plan, Op::path_text, path, Type::text);
    columns += ",\n  " + read_sql(plan, Op::path_number, path, Type::number);
  }
  return fmt::format("SELECT\n  {}\nFROM {}\nWHERE {}\n", columns, events_sql(plan, metric), where_sql(plan, metric, part));
}

}  // namespace sluice::plan::clickhouse
