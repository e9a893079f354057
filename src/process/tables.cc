#include "process/tables.h"

#include <fmt/format.h>

#include "base/result.h"
#include "plan/clickhouse.h"

namespace sluice::process {
namespace {

// Inserts and merges are synced; merged sources stay a while as a second line of defence (exactly-once.md 10 to 14).
constexpr std::string_view kDurable =
    "fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, "
    "min_compressed_bytes_to_fsync_after_merge = 1";

struct Shape {
  const char* name;
  std::vector<std::string> columns;
  std::string definition;  // column list and engine, up to SETTINGS
  int old_parts_lifetime_s;
};

const Shape& shape_of(Table table) {
  static const std::array<Shape, 8> shapes{
      Shape{"events",
            {"source",        "event",     "message_id", "event_time",    "received_at", "user_id", "anonymous_id",
             "stitching_key", "user_key",  "texts",      "numbers",       "properties",  "context", "extra",
             "flags",         "watermark", "dialect",    "log_partition", "log_offset",  "epoch"},
            "(source LowCardinality(String), event LowCardinality(String), message_id String, "
            "event_time DateTime64(3, 'UTC') CODEC(Delta, LZ4), received_at DateTime64(3, 'UTC') CODEC(Delta, LZ4), "
            "user_id String, anonymous_id String, stitching_key String, user_key String, "
            "texts Map(LowCardinality(String), String), numbers Map(LowCardinality(String), Decimal(38, 9)), "
            "properties String CODEC(ZSTD(1)), context String CODEC(ZSTD(1)), extra String CODEC(ZSTD(1)), "
            "flags Array(LowCardinality(String)), watermark DateTime64(3, 'UTC') CODEC(Delta, LZ4), dialect "
            "LowCardinality(String), "
            "log_partition UInt16, log_offset UInt64 CODEC(Delta, LZ4), epoch UInt64 CODEC(Delta, LZ4), "
            "INDEX epoch_minmax epoch TYPE minmax GRANULARITY 1, INDEX message_bloom message_id TYPE bloom_filter(0.01) "
            "GRANULARITY 4, "
            "CONSTRAINT epoch_set CHECK epoch > 0) "
            "ENGINE = MergeTree PARTITION BY toDate(received_at) ORDER BY (event, event_time)",
            60},
      Shape{"quarantine",
            {"source", "received_at", "reason", "path", "raw", "message_id", "dialect", "log_partition", "log_offset", "epoch"},
            "(source LowCardinality(String), received_at DateTime64(3, 'UTC'), reason LowCardinality(String), path String, "
            "raw String CODEC(ZSTD(1)), message_id String, dialect LowCardinality(String), log_partition UInt16, log_offset "
            "UInt64, "
            "epoch UInt64, INDEX epoch_minmax epoch TYPE minmax GRANULARITY 1, CONSTRAINT epoch_set CHECK epoch > 0) "
            "ENGINE = MergeTree PARTITION BY toDate(received_at) ORDER BY (received_at, log_offset)",
            60},
      Shape{"duplicates",
            {"source", "message_id", "received_at", "first_received_at", "conflict", "log_partition", "log_offset", "epoch"},
            "(source LowCardinality(String), message_id String, received_at DateTime64(3, 'UTC'), "
            "first_received_at DateTime64(3, 'UTC'), conflict UInt8, log_partition UInt16, log_offset UInt64, epoch UInt64, "
            "INDEX epoch_minmax epoch TYPE minmax GRANULARITY 1, CONSTRAINT epoch_set CHECK epoch > 0) "
            "ENGINE = MergeTree PARTITION BY toDate(received_at) ORDER BY (message_id, log_offset)",
            60},
      Shape{"identities",
            {"source", "anonymous_id", "user_id", "received_at", "log_partition", "log_offset", "epoch"},
            "(source LowCardinality(String), anonymous_id String, user_id String, received_at DateTime64(3, 'UTC'), "
            "log_partition UInt16, log_offset UInt64, epoch UInt64, "
            "INDEX epoch_minmax epoch TYPE minmax GRANULARITY 1, CONSTRAINT epoch_set CHECK epoch > 0) "
            "ENGINE = MergeTree PARTITION BY toDate(received_at) ORDER BY (source, anonymous_id, log_offset)",
            60},
      Shape{"ledger",
            {"source", "minute", "received", "stored", "quarantined", "duplicate", "conflict", "version", "epoch"},
            "(source String, minute DateTime64(3, 'UTC'), received UInt64, stored UInt64, quarantined UInt64, duplicate UInt64, "
            "conflict UInt64, version UInt64, epoch UInt64) ENGINE = ReplacingMergeTree(version) ORDER BY (source, minute)",
            10},
      Shape{"watermarks",
            {"source", "watermark", "active", "version", "epoch"},
            "(source String, watermark DateTime64(3, 'UTC'), active UInt8, version UInt64, epoch UInt64) "
            "ENGINE = ReplacingMergeTree(version) ORDER BY source",
            10},
      Shape{"revisions",
            {"metric", "metric_version", "window_start", "window_end", "group_key", "dimensions", "measure", "job", "old", "new",
             "cause", "at", "version", "epoch"},
            "(metric LowCardinality(String), metric_version LowCardinality(String), window_start DateTime64(3, 'UTC'), "
            "window_end DateTime64(3, 'UTC'), group_key String, dimensions Array(Nullable(String)), measure "
            "LowCardinality(String), "
            "job UInt64, old String, new String, cause LowCardinality(String), at DateTime64(3, 'UTC'), version UInt64, epoch "
            "UInt64) "
            "ENGINE = ReplacingMergeTree(version) ORDER BY (metric, metric_version, window_start, window_end, group_key, "
            "measure, job)",
            10},
      Shape{"definitions",
            {"metric", "metric_version", "table_name", "definition", "birth", "version", "epoch"},
            "(metric String, metric_version String, table_name String, definition String, birth UInt64, version UInt64, epoch "
            "UInt64) "
            "ENGINE = ReplacingMergeTree(version) ORDER BY (metric, metric_version, birth)",
            10},
  };
  return shapes[static_cast<size_t>(table)];
}

uint64_t fold_version(event::Epoch epoch) { return 2 * epoch.value; }

void write_value(RowWriter& to, const plan::StoredValue& value) {
  switch (value.kind) {
    case plan::Value::Kind::null: to.null(); return;
    case plan::Value::Kind::text:
      to.not_null();
      to.text(value.text);
      return;
    case plan::Value::Kind::number:
      to.not_null();
      to.decimal(value.number);
      return;
    case plan::Value::Kind::time:
      to.not_null();
      to.time(value.time);
      return;
    case plan::Value::Kind::boolean:
    case plan::Value::Kind::top: break;
  }
  SLUICE_ASSERT(false, "no such measure is a boolean or a list");
}

// Counts are whole decimals in memory and UInt64 in the table.
void write_count(RowWriter& to, const plan::StoredValue& value) {
  to.u64(static_cast<uint64_t>(value.number.raw / Decimal::kOne));
}

// Array(Tuple(value String, count UInt64)); a tombstone's is empty.
void write_top(RowWriter& to, const plan::StoredValue& value) {
  to.count(value.top.size());
  for (const plan::TopValue& item : value.top) {
    to.text(item.value);
    to.u64(item.count);
  }
}

}  // namespace

const char* table_name(Table table) { return shape_of(table).name; }

std::string create_statement(Table table) {
  const Shape& shape = shape_of(table);
  return fmt::format(
      "CREATE TABLE IF NOT EXISTS sluice.{} {} SETTINGS {}, old_parts_lifetime = {}, non_replicated_deduplication_window = 0",
      shape.name, shape.definition, kDurable, shape.old_parts_lifetime_s);
}

std::vector<std::string> create_statements() {
  std::vector<std::string> statements{"CREATE DATABASE IF NOT EXISTS sluice"};
  for (const Table table : {Table::events, Table::quarantine, Table::duplicates, Table::identities, Table::ledger,
                            Table::watermarks, Table::revisions, Table::definitions}) {
    statements.push_back(create_statement(table));
  }
  return statements;
}

std::string insert_statement(std::string_view table, const std::vector<std::string>& columns, std::string_view format) {
  std::string list;
  for (const std::string& column : columns) {
    if (!list.empty()) list += ", ";
    list += plan::clickhouse::quote_name(column);
  }
  // One block, one partition, no token: exactly-once.md 2 to 4 and 2.3.
  return fmt::format(
      "INSERT INTO sluice.{} ({}) SETTINGS async_insert = 0, max_partitions_per_insert_block = 1, "
      "throw_on_max_partitions_per_insert_block = 1, max_insert_block_size = 4000000, min_insert_block_size_rows = 4000000, "
      "min_insert_block_size_bytes = 4000000000, max_threads = 1, max_insert_threads = 1 FORMAT {}",
      plan::clickhouse::quote_name(table), list, format);
}

std::string insert_statement(Table table) {
  return insert_statement(shape_of(table).name, shape_of(table).columns, table == Table::events ? "Native" : "RowBinary");
}

void write_ledger(RowWriter& to, const LedgerRow& row, event::Epoch epoch) {
  to.text(row.key.source);
  to.time(row.key.minute);
  to.u64(row.counts.received);
  to.u64(row.counts.stored);
  to.u64(row.counts.quarantined);
  to.u64(row.counts.duplicate);
  to.u64(row.counts.conflict);
  to.u64(fold_version(epoch));
  to.u64(epoch.value);
}

void write_watermark(RowWriter& to, std::string_view source, TimeMs watermark, bool active, event::Epoch epoch) {
  to.text(source);
  to.watermark(watermark);
  to.u8(active ? 1 : 0);
  to.u64(fold_version(epoch));
  to.u64(epoch.value);
}

void write_revision(RowWriter& to, const RevisionRow& row) {
  to.text(row.metric);
  to.text(row.version);
  to.time(row.revision.window.start);
  to.time(row.revision.window.end);
  to.text(plan::clickhouse::group_key(row.revision.dimensions));
  to.count(row.revision.dimensions.size());
  for (const auto& dimension : row.revision.dimensions) to.nullable_text(dimension);
  to.text(row.revision.measure);
  to.u64(row.job);
  to.text(row.revision.old_value);
  to.text(row.revision.new_value);
  to.text(plan::cause_name(row.revision.cause));
  to.time(row.at);
  to.u64(fold_version(row.epoch) + 1);
  to.u64(row.epoch.value);
}

void write_definition(RowWriter& to, const DefinitionRow& row) {
  to.text(row.metric);
  to.text(row.version);
  to.text(row.table);
  to.text(row.definition);
  to.u64(row.birth.value);
  to.u64(fold_version(row.birth));
  to.u64(row.birth.value);
}

std::string dimension_insert_statement(const std::string& table) {
  return insert_statement(table, {"key", "valid_from", "valid_to", "texts", "numbers"});
}

void write_dimension(RowWriter& to, const plan::DimensionTable& table) {
  for (uint32_t row = 0; row < table.rows().size(); ++row) {
    const plan::DimensionTable::Row& one = table.rows()[row];
    to.text(one.key);
    to.time(one.valid.start);
    to.time(one.valid.end);
    to.count(one.cells);
    size_t numbers = 0;
    table.each_cell(row, [&](const std::string& column, const plan::DimensionTable::Cell& cell) {
      to.text(column);
      to.text(cell.text);
      numbers += cell.number() ? 1 : 0;
    });
    to.count(numbers);
    table.each_cell(row, [&](const std::string& column, const plan::DimensionTable::Cell& cell) {
      const std::optional<Decimal> number = cell.number();
      if (!number) return;
      to.text(column);
      to.decimal(*number);
    });
  }
}

std::string metric_insert_statement(const plan::Metric& metric, const std::string& table) {
  std::vector<std::string> columns;
  for (const plan::clickhouse::Column& column : plan::clickhouse::table_columns(metric)) columns.push_back(column.name);
  return insert_statement(table, columns);
}

void write_metric_row(RowWriter& to, const plan::Metric& metric, const plan::MetricRow& row, uint64_t version,
                      event::Epoch epoch) {
  to.time(row.window.start);
  to.time(row.window.end);
  to.text(plan::clickhouse::group_key(row.dimensions));
  for (const auto& dimension : row.dimensions) to.nullable_text(dimension);
  size_t at = 0;
  for (const plan::Measure& measure : metric.measures) {
    switch (measure.kind) {
      case plan::MeasureKind::count:
      case plan::MeasureKind::count_of:
      case plan::MeasureKind::distinct: write_count(to, row.stored[at++]); break;
      case plan::MeasureKind::avg:
        write_value(to, row.stored[at++]);
        write_count(to, row.stored[at++]);
        break;
      case plan::MeasureKind::derived: break;
      case plan::MeasureKind::topk: write_top(to, row.stored[at++]); break;
      case plan::MeasureKind::sum:
      case plan::MeasureKind::min:
      case plan::MeasureKind::max:
      case plan::MeasureKind::first:
      case plan::MeasureKind::last:
      case plan::MeasureKind::percentile: write_value(to, row.stored[at++]); break;
    }
  }
  to.text(plan::state_name(row.state));
  to.u64(version);
  to.u8(row.removed ? 1 : 0);
  to.u64(epoch.value);
}

}  // namespace sluice::process
