// tables.h - the tables that every project has: their DDL, their INSERTs, their rows.
//
// Append tables (events, quarantine, duplicates, identities) are partitioned by arrival date: an epoch never spans two dates, so
// its INSERT is one part, all or nothing. Restating tables replace by key with `version`; version = 2 x epoch for rows of the fold,
// 2 x E + 1 for rows of a job (design 6). Every setting has its reason in facts/exactly-once.md (rule in brackets there).
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "event/ledger.h"
#include "event/position.h"
#include "plan/dimension_table.h"
#include "plan/metric_row.h"
#include "process/row_binary.h"

namespace sluice::process {

enum class Table : uint8_t { events, quarantine, duplicates, identities, ledger, watermarks, revisions, definitions };
inline constexpr std::array kAppendTables{Table::events, Table::quarantine, Table::duplicates, Table::identities};
const char* table_name(Table table);  // without database
std::string create_statement(Table table);  // CREATE TABLE IF NOT EXISTS sluice.<name> ...
std::vector<std::string> create_statements();  // CREATE DATABASE and all of them, in order
// INSERT INTO sluice.<table> (<columns>) SETTINGS ... FORMAT ..., for any table with those columns.
std::string insert_statement(std::string_view table, const std::vector<std::string>& columns,
                             std::string_view format = "RowBinary");
std::string insert_statement(Table table);  // events: Native (event_block.h), all others: RowBinary

// Rows, in the order of insert_statement's columns.
struct LedgerRow {
  event::LedgerKey key;
  event::LedgerCounts counts;  // pending is not stored: it is counted from the log
};
void write_ledger(RowWriter& to, const LedgerRow& row, event::Epoch epoch);
void write_watermark(RowWriter& to, std::string_view source, TimeMs watermark, bool active, event::Epoch epoch);
struct RevisionRow {
  std::string_view metric;
  std::string_view version;  // the metric's
  const plan::Revision& revision;
  uint64_t job = 0;
  TimeMs at{};  // the job's journaled clock
  event::Epoch epoch;
};
void write_revision(RowWriter& to, const RevisionRow& row);
struct DefinitionRow {
  std::string_view metric, version, table, definition;
  event::Epoch birth;
};
void write_definition(RowWriter& to, const DefinitionRow& row);
// A dimension's table (plan/clickhouse_join.h), whole.
std::string dimension_insert_statement(const std::string& table);
void write_dimension(RowWriter& to, const plan::DimensionTable& rows);
// A metric's table: columns as plan::clickhouse::table_columns.
std::string metric_insert_statement(const plan::Metric& metric, const std::string& table);
void write_metric_row(RowWriter& to, const plan::Metric& metric, const plan::MetricRow& row, uint64_t version,
                      event::Epoch epoch);

}  // namespace sluice::process
