// fake_warehouse.h - for tests: a store that keeps what it is given, by table and epoch, and fails as told.
//
// Counts, not rows: insert() adds row_count to the table and the epoch told by the last `epoch` set; count queries of Sink and
// store_check are answered from that. Everything that was asked is in `calls`.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "process/row_binary.h"
#include "process/tables.h"
#include "process/warehouse.h"

namespace sluice::process {

class FakeWarehouse final : public Warehouse {
 public:
  // What the next insert does: its code, and whether the rows are stored all the same.
  struct Fate {
    std::optional<Code> code;
    bool stored = true;
  };

  Status insert(const Insert& insert) override {
    const std::string table = table_of(insert.statement);
    calls.push_back("insert " + table);
    query_ids.push_back(insert.query_id);
    const Fate fate = fates.empty() ? Fate{} : fates.front();
    if (!fates.empty()) fates.pop_front();
    if (fate.stored) held[table][epoch] += insert.row_count;
    if (fate.code) return fail(*fate.code, "told to fail");
    return ok();
  }
  Status execute(const std::string& statement) override {
    calls.push_back("execute " + statement.substr(0, statement.find('(')));
    if (away) return fail(Code::unavailable, "away");
    return ok();
  }
  Result<std::string> query(const std::string& statement, std::string_view) override {
    calls.push_back("query");
    if (away) return fail(Code::unavailable, "away");
    std::string reply;
    RowWriter to(reply);
    if (statement.find("system.tables") != std::string::npos) {
      to.u64(held.contains(between(statement, "name = '", "'")) ? 1 : 0);
    } else if (statement.find("DISTINCT id") != std::string::npos) {
      for (const std::string& id : identities) to.text(id);
    } else {
      const std::string table = between(statement + " ", "FROM sluice.", " ");
      if (statement.find("WHERE epoch = ") != std::string::npos) {
        to.u64(held[table][std::stoull(between(statement + " ", "WHERE epoch = ", " "))]);
      } else {
        const size_t at = statement.find("WHERE epoch >= ");
        const uint64_t from = at == std::string::npos ? 0 : std::stoull(statement.substr(at + 15));
        for (const auto& [of_epoch, rows] : held[table]) {
          if (of_epoch < from || rows == 0) continue;
          to.u64(of_epoch);
          to.u64(rows);
        }
      }
    }
    return reply;
  }
  Status fence() override {
    calls.push_back("fence");
    if (fence_fails > 0) {
      --fence_fails;
      return fail(Code::unavailable, "the fence is not up yet");
    }
    return ok();
  }
  Status sync() override {
    calls.push_back("sync");
    return ok();
  }

  uint64_t rows(const std::string& table, uint64_t of_epoch) { return held[table][of_epoch]; }
  size_t count(const std::string& call) const { return static_cast<size_t>(std::count(calls.begin(), calls.end(), call)); }

  uint64_t epoch = 0;
  std::deque<Fate> fates;
  int fence_fails = 0;
  bool away = false;
  std::map<std::string, std::map<uint64_t, uint64_t>> held;
  std::vector<std::string> identities;
  std::vector<std::string> calls;
  std::vector<std::string> query_ids;

 private:
  static std::string between(const std::string& text, const std::string& before, const std::string& after) {
    const size_t begin = text.find(before) + before.size();
    return text.substr(begin, text.find(after, begin) - begin);
  }
  static std::string table_of(const std::string& statement) { return between(statement, "INSERT INTO sluice.`", "`"); }
};

}  // namespace sluice::process
