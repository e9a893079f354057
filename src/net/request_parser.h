// request_parser.h - bytes to Request: the grammar and every refusal of HTTP/1.1, without a socket.
//
// Promise feed() takes all bytes it is given unless the request ends inside them; how they are cut makes no difference. On top of
//         Beast's grammar it refuses: bare LF, obs-fold, any Transfer-Encoding but exactly `chunked`, Transfer-Encoding below
//         HTTP/1.1, both length headers, a missing or doubled Host in HTTP/1.1, any Expect but 100-continue, CONNECT.
// Bounds  Limits, and 256 header fields, 8 KiB for one chunk's size line or the trailers. A body over body_bytes_max keeps its
//         first 64 KiB; the rest is drained, at most 4 * body_bytes_max, then the request counts as complete and must_close().
// Errors  A Refusal: what to answer before the connection is closed. After it feed() may not be called again before reset().
// Threads One.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/http.h"

namespace sluice::net {

struct Refusal {
  int status = 400;
  std::string_view code;
  std::string message;
  std::string_view next;
};

class RequestParser {
 public:
  struct Limits {
    size_t head_bytes_max = 0;
    size_t body_bytes_max = 0;
  };
  static constexpr size_t kFieldsMax = 256;
  static constexpr size_t kChunkLineBytesMax = 8_KiB;
  static constexpr size_t kOverLimitKept = 64_KiB;
  static constexpr size_t kOverLimitDrained = 4;  // times body_bytes_max
  static constexpr size_t kBodyPadding = 64;  // spare capacity behind a body: what simdjson reads beyond the end

  explicit RequestParser(Limits limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  size_t feed(std::string_view bytes);
  bool started() const;  // a byte of a request was seen
  bool complete() const;
  const Refusal* refusal() const;
  // True once per request: its head is here, it asked for `100 Continue`, and nothing of its body came yet.
  bool take_expectation();
  bool keep_alive() const;  // of a complete request
  bool is_head() const;  // of a complete request: the method is HEAD
  bool is_http_1_1() const;
  size_t held_bytes() const;  // memory that the unfinished or complete request holds
  Request take();  // complete() only; reset() follows
  void reset();

 private:
  class Sink;  // the Beast parser
  void refuse(int status, std::string_view code, std::string message, std::string_view next);
  size_t feed_head(std::string_view bytes);
  size_t feed_body(std::string_view bytes);
  size_t scan_head(std::string_view head);
  void finish_head(std::string_view head);

  const Limits limits_;
  std::unique_ptr<Sink> sink_;
  std::string held_;  // an unfinished head, or an unfinished chunk line
  size_t scanned_ = 0;  // bytes of the head that scan_head() accepted
  size_t line_start_ = 0;
  bool head_done_ = false;
  bool expectation_ = false;
  bool refused_ = false;
  Refusal refusal_;
};

}  // namespace sluice::net
