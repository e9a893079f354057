// request.h - one HTTP request of ClickHouse's interface as a value.
//
// Promise SQL is ?query=, a newline, and the body; only where ?query= is an INSERT of rows the body is its rows, never SQL. Header or
//         URL names user, database, format and query id as ClickHouse's clients do. Every key that the protocol does not know is a setting.
//         Without the header `X-Sluice-Role: writer` the role is reader: what forgets to say who it is gets the smaller right.
// Errors  ClickHouse's exceptions (errors.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "net/http.h"
#include "store/chdb.h"

namespace sluice::store {

enum class Role { reader, writer };

struct StoreRequest {
  Role role = Role::reader;
  bool is_head = false;
  bool is_ping = false;  // GET /ping, /replicas_status, and / without a query
  bool is_insert = false;  // sql is an INSERT whose rows are in `rows`
  std::string sql;
  std::string rows;
  std::optional<uint64_t> rows_announced;  // X-Sluice-Rows
  Parameters parameters;
  Settings settings;
  std::string database;  // empty: none was named
  std::string default_format;
  std::string query_id;  // never empty after read_request
  uint64_t protocol_version = 0;  // client_protocol_version: Native with block info is expected
};

// `fresh_query_id` stands where the client named none.
Result<StoreRequest> read_request(net::Request request, const std::string& fresh_query_id);

}  // namespace sluice::store
