// client.h - the pipeline's side of ClickHouse's HTTP interface: our child on its Unix socket, or a ClickHouse server at an address.
//
// Promise insert(): success means that the server reported no error and wrote exactly `rows` rows. It is never repeated here.
//         Statements carry their query id also as setting log_comment, by which is_running() and kill() find them on the embedded engine.
// Errors  insert(): unavailable - nothing of it is or will be stored, try again later; unknown - it may be stored now or later: fence,
//         then ask; invalid - refused, nothing is stored. Others: unavailable, unknown, full (memory, or a reply over its bound), closed
//         (cancelled, too slow), not_found (table, database), invalid. The message is the server's; exception_code() reads its number.
// Threads One thread at a time per Client, except cancel().
// Lives   Ports must outlive it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"
#include "net/client.h"
#include "store/chdb.h"

namespace sluice::store {

struct ClientOptions {
  net::Address address;
  std::string database = "sluice";
  std::string user;  // empty: none is sent
  std::string password;
};

class Client {
 public:
  Client(os::Ports ports, ClientOptions options);

  // statement: INSERT INTO ... FORMAT f, without rows. `rows_bytes` must outlive the call.
  Status insert(std::string_view statement, std::string_view rows_bytes, uint64_t rows, std::string_view query_id,
                DurationMs timeout);
  // The whole reply in `format`, at most reply_bytes_max. Settings are URL keys: query_id and param_x among them.
  Result<std::string> query(std::string_view sql, std::string_view format, const Settings& settings, DurationMs timeout,
                            size_t reply_bytes_max = 64_MiB);
  // The same in pieces; `on_chunk` may return false to end it (Code::closed). An exception after the first piece is an error.
  Status stream(std::string_view sql, std::string_view format, const Settings& settings, DurationMs timeout,
                const std::function<bool(std::string_view)>& on_chunk);
  // DDL and the like: no reply.
  Status execute(std::string_view sql, DurationMs timeout);

  Status ping(DurationMs timeout);
  // KILL QUERY ... ASYNC: a request, not a promise; ask is_running() until it says no.
  Status kill(std::string_view query_id, DurationMs timeout);
  Result<bool> is_running(std::string_view query_id, DurationMs timeout);
  void cancel() { http_->cancel(); }

 private:
  net::ClientRequest request(const Settings& settings, std::string_view query_id, std::string_view format,
                             std::string_view sql_in_url) const;

  ClientOptions options_;
  std::unique_ptr<net::Client> http_;
};

}  // namespace sluice::store
