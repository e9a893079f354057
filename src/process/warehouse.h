// warehouse.h - what the pipeline asks of a store: the interface that process/ owns and app/ fills with the store's client.
//
// Promise insert(): success means all `rows` rows are stored and durable, as one part. An error says what is known:
//         unavailable - nothing of it was or will be stored; unknown - it may be stored now or later; invalid - the engine refused it,
//         nothing is stored. execute(): statements without data. query(): the whole reply in memory, at most reply_bytes_max.
//         fence(): returns once nothing that was sent earlier can still land and the store answers again (facts/exactly-once.md 20).
// Threads One thread per Warehouse.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"

namespace sluice::process {

struct Insert {
  std::string statement;  // INSERT INTO ... (columns) SETTINGS ... FORMAT RowBinary or Native
  std::string_view rows;  // in that format, Native as one block; must outlive the call
  uint64_t row_count = 0;
  std::string query_id;
};

class Warehouse {
 public:
  virtual ~Warehouse() = default;
  virtual Status insert(const Insert& insert) = 0;
  virtual Status execute(const std::string& statement) = 0;
  virtual Result<std::string> query(const std::string& statement, std::string_view format) = 0;
  virtual Status fence() = 0;
  // Makes DDL durable (syncfs of the store's directory): CREATE TABLE is not when it returns (facts/exactly-once.md 13).
  virtual Status sync() = 0;
};

}  // namespace sluice::process
