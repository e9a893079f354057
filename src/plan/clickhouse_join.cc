#include "plan/clickhouse_join.h"

#include <fmt/format.h>

#include "plan/clickhouse.h"
#include "plan/clickhouse_expression.h"

namespace sluice::plan::clickhouse {
namespace {

// Whether every value of the column is a number, and there is one.
bool is_number_column(const DimensionTable& table, uint32_t column) {
  bool any = false;
  for (uint32_t row = 0; row < table.rows().size(); ++row) {
    const DimensionTable::Cell cell = table.cell(row, column);
    if (cell.is_null) continue;
    if (!cell.number()) return false;
    any = true;
  }
  return any;
}

// An instant of the file, NULL at the ends of time; what the engine's type cannot hold is shown as its nearest end.
std::string instant_sql(std::string_view column, TimeMs end) {
  constexpr int64_t kFirst = -2'208'988'800'000, kLast = 10'413'791'999'999;  // 1900-01-01, 2299-12-31
  return fmt::format(
      "if({0} = {1}, NULL, fromUnixTimestamp64Milli(greatest(least({0}, toInt64({2})), toInt64({3})), 'UTC'))", column,
      to_ms(end) == INT64_MIN ? "toInt64(-9223372036854775807) - 1" : fmt::format("toInt64({})", to_ms(end)), kLast, kFirst);
}

}  // namespace

std::string dimension_table_name(const DimensionFile& file) {
  return fmt::format("dimension_{}_{}", file.name, file.table->hash());
}

// Filled by one INSERT, that is at once or not at all; again the same rows are the same rows.
std::string create_dimension_table(const DimensionFile& file) {
  return fmt::format(
      "CREATE TABLE IF NOT EXISTS sluice.{} (\n  key String,\n  valid_from Int64,\n  valid_to Int64,\n  texts Map(String, "
      "String),\n"
      "  numbers Map(String, Decimal(38, 9)))\nENGINE = ReplacingMergeTree\nORDER BY (key, valid_from)\n"
      "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,\n"
      "  min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 10, non_replicated_deduplication_window = 0",
      quote_name(dimension_table_name(file)));
}

std::string create_dimension_view(const DimensionFile& file) {
  const DimensionTable& table = *file.table;
  std::string columns = fmt::format("  _t.key AS {}", quote_name(file.key));
  if (!file.valid_from.empty())
    columns += fmt::format(",\n  {} AS {}", instant_sql("_t.valid_from", kFromTheBeginning), quote_name(file.valid_from));
  if (!file.valid_to.empty())
    columns += fmt::format(",\n  {} AS {}", instant_sql("_t.valid_to", kWithoutEnd), quote_name(file.valid_to));
  for (uint32_t i = 0; i < table.columns().size(); ++i) {
    const std::string& name = table.columns()[i];
    if (name == file.key) continue;
    const bool number = is_number_column(table, i);
    columns +=
        fmt::format(",\n  CAST(if(mapContains(_t.{0}, {1}), _t.{0}[{1}], NULL) AS {2}) AS {3}", number ? "numbers" : "texts",
                    quote_text(name), number ? "Nullable(Decimal(38, 9))" : "Nullable(String)", quote_name(name));
  }
  return fmt::format("CREATE OR REPLACE VIEW sluice.{} AS\nSELECT\n{}\nFROM sluice.{} AS _t FINAL", quote_name(file.name),
                     columns, quote_name(dimension_table_name(file)));
}

std::string events_sql(const Plan& plan, const Metric& metric) {
  std::string out = "sluice.events";
  for (const NamedJoin& named : metric.joins) {
    const Join& join = plan.joins[named.join];
    out += fmt::format(
        "\n    LEFT JOIN (\n      SELECT key AS _key{0}, valid_from AS _from{0}, valid_to AS _to{0}, texts AS _texts{0}, numbers "
        "AS "
        "_numbers{0}\n      FROM sluice.{1} FINAL\n    ) AS _join{0}\n      ON {2} = _key{0} AND "
        "toUnixTimestamp64Milli(event_time) >= "
        "_from{0} AND toUnixTimestamp64Milli(event_time) < _to{0}",
        named.join, quote_name(dimension_table_name(plan.dimension_files[join.file])), value_sql(join.on, plan.paths));
  }
  return out;
}

}  // namespace sluice::plan::clickhouse
