// queries.h - what serve asks of the store: the interface that serve owns and app/ fills with the store's client.
//
// Promise `service` runs our own printed SQL. `reader` runs a person's SQL through the same gate and limits as the SQL port: one
//         statement, read-only. `format` is asked for as the default; a statement that names its own comes back in that.
// Errors  Code::unavailable (store down), Code::invalid (refused or wrong SQL: message is the engine's or the gate's own text),
//         Code::full (the reply is larger than bytes_max), Code::unknown (time-out).
// Threads Any number at once; each call blocks its worker for as long as the query runs, at most `timeout`.
#pragma once

#include <string>

#include "base/result.h"
#include "base/units.h"

namespace sluice::serve {

enum class Role : uint8_t { service, reader };

struct Query {
  Role role = Role::service;
  std::string sql;
  std::string format = "TabSeparated";
  DurationMs timeout{30'000};
  size_t bytes_max = 64_MiB;
  uint64_t rows_max = 0;     // not 0: the store may stop after so many (max_result_rows with result_overflow_mode = 'break')
};

struct Reply {
  std::string body;
  std::string format;        // as the store says it answered; empty: as asked
  uint64_t rows_read = 0;    // from the store's summary; 0 when unknown
};

class Queries {
 public:
  virtual ~Queries() = default;
  virtual Result<Reply> query(const Query& query) = 0;
};

}  // namespace sluice::serve
