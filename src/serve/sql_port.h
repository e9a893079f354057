// sql_port.h - the public SQL listener: ClickHouse's HTTP interface, read-only, in front of the store child.
//
// Promise Only what this port lets pass reaches the child, and always as a reader: the child's gate decides what a statement may do. A `Host`
//         that is neither loopback nor configured and any foreign `Origin` get 403 (guard.h). With a password configured it must be given (Basic,
//         X-ClickHouse-User and -Key, or ?user=&password=); without one any user and password are taken, since BI tools insist on sending some:
//         the port then binds loopback (plan). While the store is away: 503 and why, as a ClickHouse exception. Results are passed on as they
//         come; a client that leaves takes its statement with it within about half a second, and so does stop().
// Bounds  kWaitingMax requests wait for a worker, beyond: 503. kHeldBytes of a short reply, kSlowClientBytes for a slow client, which
//         gets kSlowClientTimeout per piece. One statement per worker thread.
// Threads handle(): net threads, never blocks. run_worker(): as many threads of app/ as statements may run at once, until stop(). stop(): any.
// Lives   Ports must outlive it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/bounded_queue.h"
#include "base/units.h"
#include "net/client.h"
#include "net/http.h"
#include "os/ports.h"

namespace sluice::serve {

struct SqlOptions {
  std::string socket_path;  // of the store child
  std::vector<std::string> host_names;  // allowed in Host beside loopback, without port, lower case
  std::string user;  // empty: any
  std::string password;  // empty: any
};

class SqlPort {
 public:
  static constexpr size_t kWaitingMax = 128;
  static constexpr size_t kWaitingBytesMax = 64_MiB;
  static constexpr size_t kHeldBytes = 4_MiB;
  static constexpr size_t kSlowClientBytes = 8_MiB;
  static constexpr DurationMs kSlowClientTimeout{30'000};
  static constexpr DurationMs kStatementTimeout{600'000};  // the engine's own limit is shorter; this one bounds slow readers

  // `away`: why the store cannot answer now; empty: it can. Called on net threads, must not block.
  SqlPort(os::Ports ports, SqlOptions options, std::function<std::string()> away);

  void handle(net::Request request, net::Responder responder);
  void run_worker();
  void stop();

 private:
  struct Job {
    net::Request request;
    net::Responder responder;
  };
  bool admits(const net::Request& request) const;
  void forward(net::Client& client, Job& job) const;

  os::Ports ports_;
  const SqlOptions options_;
  const std::function<std::string()> away_;
  BoundedQueue<std::unique_ptr<Job>> jobs_{{kWaitingMax, kWaitingBytesMax}};
};

}  // namespace sluice::serve
