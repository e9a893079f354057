// http.h - HTTP/1.1 as values: what handlers see and answer, without a socket in sight.
//
// Request.body   whole, still encoded (gzip, zstd) as sent. When it was larger than ServerOptions::body_bytes_max only the first
//                64 KiB are here and `body_over_limit` is set: the handler can still say (and keep) what was refused.
// Responder      one per request, move-only; exactly one of send() and start() ends it. A Responder dropped without an answer
//                sends 500. Threads: any; the reply is posted to the connection's own thread.
// Stream         a reply of unknown length (chunked). write() takes bytes at once and keeps at most `buffered_max` of them: false
//                means that the client is gone or too slow (nothing of them was taken); the writer then stops or starts afresh.
//                Dropped without close() it is aborted: half a result never looks whole. Threads: any.
// Exchange       the connection's side of one request. An interface, so that a handler can be tested without a socket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"

namespace sluice::net {

using Headers = std::vector<std::pair<std::string, std::string>>;
// First value of that name, compared without case; nullopt when absent.
std::optional<std::string_view> find_header(const Headers& headers, std::string_view name);

// ?a=b&c=d, percent-decoded, '+' as space, in order of appearance. A broken escape stays as it is.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);
std::string percent_decode(std::string_view text, bool plus_is_space);
std::string percent_encode(std::string_view text);

struct Request {
  std::string method;  // GET, POST, ... as sent
  std::string path;  // percent-decoded, without the query
  std::string query;  // after '?', raw
  Headers headers;
  std::string body;
  bool body_over_limit = false;
  std::string peer;  // numeric address, "unix" on a Unix socket
  std::optional<std::string_view> header(std::string_view name) const { return find_header(headers, name); }
};

struct Response {
  int status = 200;
  Headers headers;  // Content-Length, Connection and Date are the server's
  std::string body;
};

class Stream {
 public:
  virtual ~Stream() = default;
  virtual bool write(std::string bytes) = 0;
  // Waits for room instead of failing at once: for a worker that copies a long result. Never call it on a net thread.
  virtual bool write_within(std::string bytes, DurationMs) { return write(std::move(bytes)); }
  virtual void close() = 0;  // ends the body properly
  virtual void abort() = 0;  // cuts the connection, so that the client sees a broken reply
  virtual bool open() const = 0;  // false once the client left, or after close() or abort()
  virtual size_t buffered_bytes() const = 0;
};

class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual void send(Response response) = 0;
  virtual std::shared_ptr<Stream> start(Response head, size_t buffered_max) = 0;
  virtual bool alive() const = 0;
};

class Responder {
 public:
  explicit Responder(std::shared_ptr<Exchange> exchange);
  Responder(Responder&&) noexcept;
  Responder& operator=(Responder&&) noexcept;
  ~Responder();
  void send(Response response);
  // Sends status and headers now (and `body`, when there is one, as first bytes). buffered_max: bytes that may wait for a slow
  // client. A HEAD request is answered at once and its stream is born closed.
  std::shared_ptr<Stream> start(Response head, size_t buffered_max);
  // false once the client closed its side: work for it may stop, a reply is still tried.
  bool alive() const;

 private:
  std::shared_ptr<Exchange> exchange_;
};

// Called on a net thread: must not block. The Responder may be kept and used later, from any thread.
using Handler = std::function<void(Request, Responder)>;

// {"error":{"code":..., "message":..., "next":...}} with Content-Type application/json: the shape of every error of ours over HTTP.
Response json_error(int status, std::string_view code, std::string_view message, std::string_view next);

}  // namespace sluice::net
