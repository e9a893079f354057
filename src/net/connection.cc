#include "net/connection.h"

#include <fmt/format.h>

#include "net/reply_head.h"

namespace sluice::net {
namespace {

constexpr int kReadsPerTurn = 16;         // of the loop's scratch; then other connections have their turn
constexpr int kWritesPerTurn = 16;        // of one stream
constexpr size_t kGatherBytes = 16_KiB;   // a smaller body is copied behind its head: one buffer to write

Response refusal_reply(const Refusal& refusal) {
  Response response = json_error(refusal.status, refusal.code, refusal.message, refusal.next);
  if (refusal.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace

Connection::Connection(Loop& loop, StreamSocket socket, std::string peer)
    : loop_(loop),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      parser_({loop.shared().options.head_bytes_max, loop.shared().options.body_bytes_max}) {}

Connection::~Connection() = default;

void Connection::begin() {
  set_deadline(loop_.shared().options.idle_timeout);
  read();
}

void Connection::begin_refused() {
  refused_ = true;
  refuse(Refusal{503, "connections_full",
                 fmt::format("All {} connections of this listener are taken.", loop_.shared().options.connections_max),
                 "Try again in a second; reuse connections instead of opening one per request."});
  read();
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  const auto self = shared_from_this();
  phase_ = Phase::closed;
  if (exchange_) exchange_->client_left();
  exchange_.reset();
  handled_bytes_ = 0;
  ahead_ = {};
  parser_.reset();
  account();
  ErrorCode ignored;
  socket_.close(ignored);
  loop_.forget(*this);
}

void Connection::check_deadline(os::MonotonicTime now) {
  if (!deadline_ || now < *deadline_) return;
  if (phase_ != Phase::receiving || !parser_.started()) return close();
  refuse(Refusal{408, "request_timeout", "The request did not arrive whole in time.", "Send it again, in one go."});
  read();
}

void Connection::drain() {
  if (phase_ == Phase::receiving && !parser_.started()) close();
}

// Counts what this connection holds into the server's total; false when that went over the bound by growing.
bool Connection::account() {
  const size_t holds = parser_.held_bytes() + handled_bytes_ + ahead_.size();
  std::atomic<size_t>& total = loop_.shared().bytes_in_flight;
  if (holds <= accounted_) {
    if (holds < accounted_) total.fetch_sub(accounted_ - holds, std::memory_order_relaxed);
    accounted_ = holds;
    return true;
  }
  const size_t more = holds - accounted_;
  accounted_ = holds;
  return total.fetch_add(more, std::memory_order_relaxed) + more <= loop_.shared().options.request_bytes_in_flight_max;
}

// ---- requests

void Connection::read() {
  if (reading_ || at_end_ || phase_ == Phase::closed || ahead_.size() >= kAheadBytesMax) return;
  reading_ = true;
  socket_.async_read_some(asio::buffer(inbox_),
                          [self = shared_from_this()](ErrorCode error, size_t size) { self->on_read(error, size); });
}

void Connection::on_read(ErrorCode error, size_t size) {
  reading_ = false;
  if (phase_ == Phase::closed) return;
  if (error) return on_end(error);
  if (phase_ == Phase::lingering) return linger_read(size);
  receive({inbox_.data(), size});
  // A full inbox means that more is there. The loop's large buffer takes it, so that a connection itself needs only a small one.
  bool more = size == inbox_.size();
  for (int i = 0; more && i < kReadsPerTurn && phase_ == Phase::receiving; ++i) {
    std::string& scratch = loop_.scratch();
    const size_t got = socket_.read_some(asio::buffer(scratch), error);
    if (error == asio::error::would_block) break;
    if (error) return on_end(error);
    receive({scratch.data(), got});
    more = got == scratch.size();
  }
  read();
}

void Connection::on_end(ErrorCode error) {
  at_end_ = true;
  if (exchange_) exchange_->client_left();
  // Whoever shuts only its sending side still reads: the reply in progress is tried, except on a stream, which may have no end.
  const bool owed = error == asio::error::eof && (phase_ == Phase::handling || phase_ == Phase::replying);
  if (!owed) close();
}

void Connection::receive(std::string_view bytes) {
  std::string joined;
  if (!ahead_.empty()) {
    joined = std::exchange(ahead_, {});
    joined += bytes;
    bytes = joined;
  }
  while (phase_ == Phase::receiving && !bytes.empty()) {
    if (!parser_.started()) set_deadline(loop_.shared().options.request_timeout);
    bytes.remove_prefix(parser_.feed(bytes));
    if (const Refusal* refusal = parser_.refusal()) return refuse(*refusal);
    if (!account()) {
      return refuse(
          Refusal{503, "busy", "The requests that are being read or handled fill their memory.", "Send it again in a second."});
    }
    if (parser_.complete()) {
      dispatch();
    } else if (parser_.take_expectation()) {
      send_continue();
    }
  }
  if (phase_ == Phase::closed || phase_ == Phase::lingering) return;
  ahead_ = bytes;
  account();
}

void Connection::send_continue() {
  constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  ErrorCode error;
  const size_t sent = socket_.write_some(asio::buffer(kContinue), error);
  if (error || sent != kContinue.size())
    close();  // nothing else is unsent here, so a full buffer means a client that never reads
}

void Connection::dispatch() {
  is_head_ = parser_.is_head();
  http_1_1_ = parser_.is_http_1_1();
  keep_alive_ = parser_.keep_alive();
  Request request = parser_.take();
  parser_.reset();
  request.peer = peer_;
  handled_bytes_ = request.body.size();
  phase_ = Phase::handling;
  deadline_.reset();
  exchange_ = std::make_shared<ServerExchange>(loop_.mailbox(), weak_from_this(), is_head_);
  loop_.shared().requests.fetch_add(1, std::memory_order_relaxed);
  {
    const ServerExchange::Handling here(exchange_.get());
    loop_.shared().handler(std::move(request), Responder(exchange_));
  }
  pump();
}

void Connection::refuse(const Refusal& refusal) {
  if (!refused_) loop_.shared().bad_requests.fetch_add(1, std::memory_order_relaxed);
  const ServerExchange::Reply reply{refusal_reply(refusal), false};
  parser_.reset();
  ahead_ = {};
  account();
  keep_alive_ = false;
  is_head_ = false;
  begin_reply(reply);
  flush();
}

// ---- replies

void Connection::on_news(const std::shared_ptr<ServerExchange>& exchange) {
  if (exchange != exchange_ || phase_ == Phase::closed) return;
  pump();
  go_on();
}

void Connection::pump() {
  if (phase_ == Phase::handling) {
    std::optional<ServerExchange::Reply> reply = exchange_->take_reply();
    if (!reply) return;
    begin_reply(std::move(*reply));
  }
  flush();
}

void Connection::begin_reply(ServerExchange::Reply reply) {
  Response& response = reply.response;
  if (loop_.stopping()) keep_alive_ = false;
  BodyEnd end = BodyEnd::length;
  phase_ = Phase::replying;
  if (is_head_ || !has_body(response.status)) {
    end = BodyEnd::none;
    if (reply.streamed) exchange_->close(true);
  } else if (reply.streamed) {
    phase_ = Phase::streaming;
    stream_ended_ = false;
    chunked_ = http_1_1_;
    end = chunked_ ? BodyEnd::chunked : BodyEnd::close;
    if (!chunked_) keep_alive_ = false;
  }
  const std::string_view connection = !keep_alive_ ? "close" : http_1_1_ ? "" : "keep-alive";
  append_reply_head(out_, response, end, connection, loop_.date());
  if (end != BodyEnd::length) return;
  if (response.body.size() <= kGatherBytes) {
    out_ += response.body;
  } else {
    body_ = std::move(response.body);
  }
}

void Connection::flush() {
  for (int turn = 0; !writing_ && write_now(); ++turn) {
    if (phase_ == Phase::replying) return finish_reply();
    if (phase_ != Phase::streaming) return;
    if (stream_bytes_ > 0) exchange_->written(std::exchange(stream_bytes_, 0));
    if (stream_ended_) return finish_reply();
    deadline_.reset();
    if (turn == kWritesPerTurn) return exchange_->look_again();
    if (!take_stream_output()) return;
  }
}

std::array<asio::const_buffer, 2> Connection::unwritten() const {
  const size_t of_out = std::min(written_, out_.size());
  return {asio::buffer(std::string_view(out_).substr(of_out)), asio::buffer(std::string_view(body_).substr(written_ - of_out))};
}

// True when all is written. Otherwise the rest goes on when the client reads, or the connection is closed.
bool Connection::write_now() {
  while (written_ < out_.size() + body_.size()) {
    ErrorCode error;
    const size_t size = socket_.write_some(unwritten(), error);
    if (error == asio::error::would_block) {
      writing_ = true;
      set_deadline(loop_.shared().options.idle_timeout);
      socket_.async_write_some(unwritten(), [self = shared_from_this()](ErrorCode e, size_t sent) { self->on_write(e, sent); });
      return false;
    }
    if (error) {
      close();
      return false;
    }
    written_ += size;
  }
  out_.clear();
  body_ = {};
  written_ = 0;
  return phase_ != Phase::closed;
}

void Connection::on_write(ErrorCode error, size_t size) {
  writing_ = false;
  if (phase_ == Phase::closed) return;
  if (error) return close();
  written_ += size;
  flush();
  go_on();
}

// False: nothing to do until the handler has more, or closed.
bool Connection::take_stream_output() {
  ServerExchange::Output output = exchange_->take_output();
  if (output.aborted) {
    // Without chunks an orderly end would look like the end of the body.
    ErrorCode ignored;
    if (!chunked_) socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    close();
    return false;
  }
  stream_bytes_ = output.bytes.size();
  body_ = std::move(output.bytes);
  if (chunked_ && stream_bytes_ > 0) {
    out_ = fmt::format("{:x}\r\n", stream_bytes_);
    body_ += "\r\n";
  }
  if (chunked_ && output.closed) body_ += "0\r\n\r\n";
  stream_ended_ = output.closed;
  return stream_bytes_ > 0 || stream_ended_;
}

void Connection::finish_reply() {
  exchange_.reset();
  handled_bytes_ = 0;
  account();
  if (!keep_alive_ || loop_.stopping()) return linger();
  phase_ = Phase::receiving;
  set_deadline(loop_.shared().options.idle_timeout);
}

// After a reply: what the client sent ahead, or its end, or the next bytes.
void Connection::go_on() {
  if (phase_ == Phase::receiving && !ahead_.empty()) receive({});
  if (phase_ == Phase::receiving && at_end_) return close();
  read();
}

void Connection::linger() {
  if (at_end_) return close();
  phase_ = Phase::lingering;
  ahead_ = {};
  account();
  lingered_ = 0;
  set_deadline(kLinger);
  ErrorCode error;
  socket_.shutdown(asio::socket_base::shutdown_send, error);
  if (error) close();
}

void Connection::linger_read(size_t size) {
  lingered_ += size;
  ErrorCode error;
  for (int i = 0; i < kReadsPerTurn && !error; ++i) lingered_ += socket_.read_some(asio::buffer(loop_.scratch()), error);
  const size_t bytes_max = RequestParser::kOverLimitDrained * loop_.shared().options.body_bytes_max + 64_KiB;
  if ((error && error != asio::error::would_block) || lingered_ > bytes_max) return close();
  read();
}

}  // namespace sluice::net
