// server.h - the HTTP/1.1 server: Boost.Beast by the tuned recipe of facts/dependencies.md 1.
//
// Promise Hardened: any Transfer-Encoding but exactly `chunked` in HTTP/1.1, both length headers, bare LF, heads over the bound are
//         answered with 400/431/501 and closed (request_parser.h has the list); a body over its limit reaches the handler with
//         body_over_limit, then the connection ends; Expect: 100-continue is answered; idle and slow connections end at a
//         deadline that is looked at once a second. Pipelined requests are answered in order, one at a time.
// Bounds  ServerOptions, all of them; beyond connections_max a new connection is answered 503 and closed.
// Threads listen() once; run(i) is called by `threads` threads of app/ and returns after stop(). On a Unix socket the first
//         thread serves all, the others return at once. stop() from any thread: closes the acceptors and idle connections, lets
//         requests in flight and streams end until the deadline, then cuts. Streams have no end of their own: close them.
// Lives   Sockets and Clock must outlive the server; what the handler refers to must outlive run(). Responders and streams may
//         outlive the server; what they are told is then dropped.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "base/units.h"
#include "net/http.h"
#include "os/ports.h"

namespace sluice::net {

struct ServerOptions {
  size_t threads = 1;
  size_t head_bytes_max = 64_KiB;  // callers put parameters of 20,000 characters into the URL (facts/interop.md 3.2)
  size_t body_bytes_max = 16_MiB;
  size_t connections_max = 10'000;
  size_t request_bytes_in_flight_max = 256_MiB;  // bodies being read or handled, over all connections; beyond: 503 Retry-After: 1
  DurationMs idle_timeout{60'000};  // between requests
  DurationMs request_timeout{30'000};  // from the first byte of a head to the last of its body
  DurationMs drain_timeout{3'000};  // after stop()
};

struct ServerCounters {
  uint64_t connections_open = 0;
  uint64_t connections_refused = 0;
  uint64_t requests = 0;
  uint64_t bad_requests = 0;  // refused before a handler saw them
};

class Server {
 public:
  // unix_path empty: TCP at `endpoint`; otherwise a Unix socket at that path.
  static Result<std::unique_ptr<Server>> listen(os::Ports ports, const os::Endpoint& endpoint, const std::string& unix_path,
                                                ServerOptions options, Handler handler);
  virtual ~Server() = default;
  virtual os::Endpoint bound() const = 0;
  virtual void run(size_t thread) = 0;
  virtual void stop() = 0;
  virtual ServerCounters counters() const = 0;
};

}  // namespace sluice::net
