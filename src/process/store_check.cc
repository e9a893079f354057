#include "process/store_check.h"

#include <fmt/format.h>

#include <map>

#include "process/row_binary.h"
#include "process/tables.h"

namespace sluice::process {
namespace {

constexpr size_t kEpochsNamed = 10;

Result<bool> exists(Warehouse& warehouse, std::string_view table) {
  const std::string reply = SLUICE_TRY(warehouse.query(
      fmt::format("SELECT count() FROM system.tables WHERE database = 'sluice' AND name = '{}'", table), "RowBinary"));
  return RowReader(reply).u64() > 0;
}

Result<std::map<uint64_t, uint64_t>> counts_of(Warehouse& warehouse, Table table) {
  std::map<uint64_t, uint64_t> counts;
  if (!SLUICE_TRY(exists(warehouse, table_name(table)))) return counts;
  const std::string reply = SLUICE_TRY(
      warehouse.query(fmt::format("SELECT epoch, count() FROM sluice.{} GROUP BY epoch SETTINGS use_query_condition_cache = 0",
                                  table_name(table)),
                      "RowBinary"));
  for (RowReader from(reply); from.more();) {
    const uint64_t epoch = from.u64();
    counts[epoch] = from.u64();
  }
  return counts;
}

}  // namespace

Status claim_store(Warehouse& warehouse, const std::string& data_id) {
  SLUICE_CHECK(warehouse.execute("CREATE DATABASE IF NOT EXISTS sluice"));
  SLUICE_CHECK(
      warehouse.execute("CREATE TABLE IF NOT EXISTS sluice.store_identity (id String, version UInt64) ENGINE = "
                        "ReplacingMergeTree(version) ORDER BY id "
                        "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, "
                        "min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 60"));
  SLUICE_CHECK(warehouse.sync());
  const std::string reply = SLUICE_TRY(warehouse.query("SELECT DISTINCT id FROM sluice.store_identity", "RowBinary"));
  for (RowReader from(reply); from.more();) {
    const std::string_view id = from.text();
    if (id != data_id) {
      return fail(Code::conflict,
                  fmt::format("the store belongs to data id {}, this data directory is {}: its `store` folder was copied "
                              "from elsewhere. Put the right one back, or remove it to have it built again from the log",
                              id, data_id));
    }
  }
  if (!reply.empty()) return ok();
  std::string row;
  RowWriter to(row);
  to.text(data_id);
  to.u64(1);
  return warehouse.insert({insert_statement("store_identity", {"id", "version"}), row, 1, "sluice-identity"});
}

Result<std::optional<Epoch>> check_store(Warehouse& warehouse, const std::vector<CommitEntry>& marks) {
  std::optional<Epoch> first_missing;
  std::string damaged;
  size_t named = 0;
  if (marks.empty()) return first_missing;
  for (size_t t = 0; t < kAppendTables.size(); ++t) {
    const std::map<uint64_t, uint64_t> counts = SLUICE_TRY(counts_of(warehouse, kAppendTables[t]));
    for (const CommitEntry& mark : marks) {
      const auto it = counts.find(mark.epoch.value);
      const uint64_t found = it == counts.end() ? 0 : it->second;
      if (found == mark.rows[t]) continue;
      if (found == 0) {
        if (!first_missing || mark.epoch < *first_missing) first_missing = mark.epoch;
        continue;
      }
      if (named++ < kEpochsNamed) {
        damaged += fmt::format(" epoch {} of sluice.{}: {} rows, {} were acknowledged;", mark.epoch.value,
                               table_name(kAppendTables[t]), found, mark.rows[t]);
      }
    }
  }
  if (named > 0) {
    return fail(Code::corrupt,
                fmt::format("the store does not hold what it acknowledged:{} in all {} epochs differ. Events go on to be kept in "
                            "the log; restore DATA/store from a copy, or stop, remove DATA/store and start: it is then built "
                            "again from the log",
                            damaged, named));
  }
  return first_missing;
}

}  // namespace sluice::process
