// reply.h - ClickHouse's HTTP replies: headers, content types, exceptions before and after the first byte.
//
// Promise A result is held back until it is whole or larger than kHeldBytes: an error up to there is a clean status with
//         X-ClickHouse-Exception-Code. After that the formats that clients check for it (Native, JSONEachRow) carry the exception at
//         their end in ClickHouse's framing, all others are cut, which every client sees as an error (facts/interop.md 5.7).
// Bounds  kHeldBytes held, kSlowClientBytes waiting for a slow client, who gets kSlowClientTimeout for each piece.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/units.h"
#include "net/http.h"
#include "store/chdb.h"

namespace sluice::store {

constexpr size_t kHeldBytes = 4_MiB;
constexpr size_t kSlowClientBytes = 8_MiB;
constexpr DurationMs kSlowClientTimeout{30'000};

// What every reply says of the server.
struct Identity {
  std::string version;  // of the engine: major.minor.patch.build
  std::string timezone;
  std::string display_name = "sluice";
};

struct Summary {
  uint64_t rows_read = 0;
  uint64_t bytes_read = 0;
  uint64_t rows_written = 0;
  uint64_t bytes_written = 0;
  uint64_t result_rows = 0;
  uint64_t result_bytes = 0;
  double elapsed_seconds = 0;
  void add(const Reply& reply);
};

net::Response success_head(const Identity& identity, std::string_view query_id, std::string_view format);
void add_summary(net::Response& response, const Summary& summary);
net::Response exception_response(const Identity& identity, std::string_view query_id, const Error& error);

// One result on its way to a client.
class ResultWriter {
 public:
  // `tag`: 16 random characters that mark an exception at the end of this reply.
  ResultWriter(const Identity& identity, net::Responder& responder, std::string query_id, std::string format, std::string tag);
  // false: the client is gone or too slow; the writer stops.
  bool write(std::string_view bytes);
  void finish(const Summary& summary);
  void fail(const Error& error);
  // For the watch over clients that leave: set once streaming began.
  const std::shared_ptr<net::Stream>& stream() const { return stream_; }
  size_t bytes() const { return bytes_; }
  // Called before the head goes out; the Responder is not used after it.
  void on_start(std::function<void()> callback) { on_start_ = std::move(callback); }

 private:
  void start();
  const Identity& identity_;
  net::Responder& responder_;
  std::string query_id_;
  std::string format_;
  std::string tag_;
  std::string held_;
  size_t bytes_ = 0;
  std::shared_ptr<net::Stream> stream_;
  std::function<void()> on_start_;
};

}  // namespace sluice::store
