// client.h - a blocking HTTP/1.1 client for our own child, our own ports and a ClickHouse server.
//
// Promise One connection at a time, kept alive; one that the other side closed while idle, or that was idle for more than 2 s, is
//         replaced before a byte of the next request is sent. A reply that comes while the body is still being sent counts.
//         A reply cut before its announced end (Content-Length, last chunk) is an error, never a short success.
// Bounds  A reply's head: 64 KiB and 256 fields. A whole reply: body_bytes_max.
// Errors  Code::unavailable: nothing was sent, repeating is safe. Code::unknown: sent, but no complete reply: the effect is open.
//         Code::full and a callback that says false: the reply began, its rest was not read. Code::invalid: the request itself.
// Threads One thread at a time, except cancel(), which any thread may call and which ends the running request with Code::closed;
//         without a running request it does nothing, so whoever shuts down sets his own flag first. A mutex stands between the
//         two: the flag and whether a request runs must change together.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"
#include "net/http.h"
#include "os/ports.h"

namespace sluice::net {

struct ClientRequest {
  std::string method = "POST";
  std::string target = "/";  // path and query, already encoded
  Headers headers;
  std::string_view body;  // sent with Content-Length; must outlive the call
  DurationMs timeout{30'000};  // for the whole exchange
  std::function<bool()> wanted = nullptr;  // when given, asked four times a second; false ends the exchange with Code::closed
};

struct Address {
  os::Endpoint tcp;
  std::string unix_path;  // not empty: a Unix socket
};

class Client {
 public:
  static std::unique_ptr<Client> to(os::Ports ports, Address address);
  virtual ~Client() = default;
  // Whole reply in memory; beyond body_bytes_max: Code::full.
  virtual Result<Response> send(const ClientRequest& request, size_t body_bytes_max) = 0;
  // Calls on_head once, then on_chunk for pieces as they come; either returning false ends the exchange with Code::closed.
  virtual Status stream(const ClientRequest& request, const std::function<bool(const Response& head)>& on_head,
                        const std::function<bool(std::string_view)>& on_chunk) = 0;
  virtual void cancel() = 0;
};

}  // namespace sluice::net
