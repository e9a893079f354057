// response_parser.h - bytes to Response: what a server answers, piece by piece, without a socket.
//
// Promise Interim replies (1xx) are skipped. feed() takes all bytes unless the reply ends inside them.
// Bounds  Head 64 KiB, 256 fields, 8 KiB for a chunk's size line or the trailers. The body is handed on, never kept.
// Errors  failure(): what was wrong with the bytes, in words.
// Threads One.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/http.h"

namespace sluice::net {

class ResponseParser {
 public:
  static constexpr size_t kHeadBytesMax = 64_KiB;
  static constexpr size_t kFieldsMax = 256;
  static constexpr size_t kChunkLineBytesMax = 8_KiB;
  // Either returning false stops the parser.
  struct Receiver {
    std::function<bool(const Response& head)> on_head;
    std::function<bool(std::string_view)> on_body;
  };

  ResponseParser(Receiver receiver, bool answers_head);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  size_t feed(std::string_view bytes);
  void end();                   // the other side closed: completes a reply without a length, fails any other
  bool head_done() const;
  bool complete() const;
  bool stopped() const;         // by the receiver
  const std::string& failure() const { return failure_; }
  bool keep_alive() const;      // of a complete reply

 private:
  class Sink;
  size_t feed_some(std::string_view bytes);
  const Receiver receiver_;
  const bool answers_head_;
  std::unique_ptr<Sink> sink_;
  std::string held_;            // an unfinished head or chunk line
  std::string failure_;
};

}  // namespace sluice::net
