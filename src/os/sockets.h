// sockets.h - the port through which addresses are bound and reached; net/ drives what comes back.
//
// Promise Listening sockets are non-blocking, close-on-exec, with SO_REUSEADDR (and SO_REUSEPORT when asked, so that several
//         threads may accept on one address; a port that another process holds is a conflict all the same). Descriptors are
//         owned by whoever receives them.
// Errors  Code::conflict: the address is taken (message names it and the option to change it); Code::invalid: not an address;
//         Code::unavailable: nobody answers (connecting waits at most 10 s).
// Threads listen_*: one at a time. connect_*: any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"

namespace sluice::os {

struct Endpoint {
  std::string host;   // numeric IPv4 or IPv6 address, or localhost
  uint16_t port = 0;  // 0: the system chooses
  std::string text() const;
};

Result<Endpoint> parse_endpoint(std::string_view text);  // 127.0.0.1:8080, [::1]:8080, localhost:8080

struct Listening {
  int descriptor = -1;
  Endpoint bound;  // with the port that was chosen
};

class Sockets {
 public:
  virtual ~Sockets() = default;
  virtual Result<Listening> listen_tcp(const Endpoint& endpoint, bool shared) = 0;
  virtual Result<Listening> listen_unix(const std::string& path) = 0;  // replaces a stale socket file; mode 0600
  virtual Result<int> connect_tcp(const Endpoint& endpoint) = 0;       // blocking connect, then non-blocking descriptor
  virtual Result<int> connect_unix(const std::string& path) = 0;
};

std::unique_ptr<Sockets> real_sockets();

}  // namespace sluice::os
