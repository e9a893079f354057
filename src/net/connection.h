// connection.h - one client's connection: reads requests, asks the handler, writes replies, in order.
//
// Promise One request at a time; what a client sends ahead waits, at most 64 KiB beyond one read. A reading stays open while the
//         handler works, so that a client that leaves is noticed. After a last reply the sending side is shut and the rest of the
//         client's bytes are read away for at most 2 s, so that the reply is not lost to a reset.
// Threads The loop's.
// Lives   Kept by its pending operations and by the loop's list; the Loop must outlive it.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "net/loop.h"
#include "net/request_parser.h"

namespace sluice::net {

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  static constexpr size_t kAheadBytesMax = 64_KiB;
  static constexpr DurationMs kLinger{2'000};

  Connection(Loop& loop, StreamSocket socket, std::string peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void begin();
  void begin_refused();  // over connections_max: says 503
  void on_news(const std::shared_ptr<ServerExchange>& exchange);
  void check_deadline(os::MonotonicTime now);
  void drain();  // the server stops: idle ones end now, others after their reply
  void close();
  bool refused() const { return refused_; }

  size_t index = 0;  // of the loop's list

 private:
  enum class Phase { receiving, handling, replying, streaming, lingering, closed };

  void read();
  void on_read(ErrorCode error, size_t size);
  void on_end(ErrorCode error);
  void receive(std::string_view bytes);
  void send_continue();
  void dispatch();
  void refuse(const Refusal& refusal);

  void pump();
  void begin_reply(ServerExchange::Reply reply);
  void flush();
  bool write_now();
  void on_write(ErrorCode error, size_t size);
  bool take_stream_output();
  void finish_reply();
  void go_on();
  void linger();
  void linger_read(size_t size);
  bool account();
  std::array<asio::const_buffer, 2> unwritten() const;
  void set_deadline(DurationMs from_now) { deadline_ = loop_.now() + from_now; }

  Loop& loop_;
  StreamSocket socket_;
  const std::string peer_;
  RequestParser parser_;
  Phase phase_ = Phase::receiving;
  bool refused_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool at_end_ = false;  // the client sends no more
  bool keep_alive_ = true;
  bool is_head_ = false;
  bool http_1_1_ = true;
  bool chunked_ = false;
  bool stream_ended_ = false;
  std::optional<os::MonotonicTime> deadline_;
  std::shared_ptr<ServerExchange> exchange_;
  std::string ahead_;  // received behind the current request
  size_t handled_bytes_ = 0;  // the body that the handler has
  size_t accounted_ = 0;  // our share of bytes_in_flight
  std::string out_;  // being written: out_, then body_
  std::string body_;
  size_t written_ = 0;
  size_t stream_bytes_ = 0;  // of out_, without chunk framing
  size_t lingered_ = 0;
  std::array<char, 4096> inbox_;
};

}  // namespace sluice::net
