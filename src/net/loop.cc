#include "net/loop.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "net/connection.h"
#include "net/reply_head.h"

namespace sluice::net {

Loop::Loop(ServerShared& shared, bool is_unix) : shared_(shared), is_unix_(is_unix) {
  const ServerOptions& o = shared.options;
  const DurationMs shortest = std::min({o.idle_timeout, o.request_timeout, o.drain_timeout}) / 4;
  tick_every_ = std::clamp(shortest, DurationMs(10), DurationMs(1'000));
  scratch_.resize(kScratchBytes);
  mailbox_ = std::make_shared<Mailbox>([this] { asio::post(io_, [this] { deliver(); }); });
}

Loop::~Loop() { mailbox_->close(); }

Status Loop::adopt(int listening_descriptor, bool is_v6) {
  const int family = is_unix_ ? AF_UNIX : is_v6 ? AF_INET6 : AF_INET;
  ErrorCode error;
  acceptor_.assign(asio::generic::stream_protocol(family, 0), listening_descriptor, error);
  if (error) return fail(Code::io, "taking over a listening socket: " + error.message());
  return ok();
}

void Loop::run() {
  date_ = http_date(shared_.clock.wall());
  if (acceptor_.is_open() && !stopping_) accept();
  schedule_tick();
  io_.run();
  mailbox_->close();
}

void Loop::stop() {
  asio::post(io_, [this] { begin_stop(); });
}

void Loop::begin_stop() {
  if (stopping_) return;
  stopping_ = true;
  ErrorCode ignored;
  acceptor_.close(ignored);
  drain_until_ = now() + shared_.options.drain_timeout;
  for (size_t i = connections_.size(); i-- > 0;) std::shared_ptr(connections_[i])->drain();
  if (connections_.empty()) timer_.cancel();
}

void Loop::accept() {
  acceptor_.async_accept(peer_, [this](ErrorCode error, StreamSocket socket) {
    if (stopping_ || error == asio::error::operation_aborted) return;
    if (error) {
      // Out of descriptors or memory: the connection stays in the queue, so asking again at once would spin.
      shared_.connections_refused.fetch_add(1, std::memory_order_relaxed);
      accept_paused_ = true;
      return;
    }
    admit(std::move(socket));
    accept();
  });
}

void Loop::admit(StreamSocket socket) {
  ErrorCode error;
  socket.non_blocking(true, error);
  if (error) return;
  if (!is_unix_) socket.set_option(asio::ip::tcp::no_delay(true), error);
  const bool full = shared_.connections_open.fetch_add(1, std::memory_order_relaxed) >= shared_.options.connections_max;
  if (full) {
    shared_.connections_open.fetch_sub(1, std::memory_order_relaxed);
    shared_.connections_refused.fetch_add(1, std::memory_order_relaxed);
    if (refusing_ >= kRefusingMax) return;
    ++refusing_;
  }
  const auto connection = std::make_shared<Connection>(*this, std::move(socket), peer_text());
  connection->index = connections_.size();
  connections_.push_back(connection);
  if (full) {
    connection->begin_refused();
  } else {
    connection->begin();
  }
}

std::string Loop::peer_text() const {
  if (is_unix_) return "unix";
  asio::ip::tcp::endpoint endpoint;
  if (peer_.size() > endpoint.capacity()) return "unknown";
  std::memcpy(endpoint.data(), peer_.data(), peer_.size());
  endpoint.resize(peer_.size());
  return endpoint.address().to_string();
}

void Loop::forget(Connection& connection) {
  if (connection.refused()) {
    --refusing_;
  } else {
    shared_.connections_open.fetch_sub(1, std::memory_order_relaxed);
  }
  const size_t index = connection.index;
  if (index + 1 != connections_.size()) {
    connections_[index] = std::move(connections_.back());
    connections_[index]->index = index;
  }
  connections_.pop_back();
  if (stopping_ && connections_.empty()) timer_.cancel();
}

void Loop::schedule_tick() {
  timer_.expires_after(tick_every_);
  timer_.async_wait([this](ErrorCode) {
    if (stopping_ && connections_.empty()) return;
    tick();
    schedule_tick();
  });
}

void Loop::tick() {
  date_ = http_date(shared_.clock.wall());
  const os::MonotonicTime at = now();
  const bool cut = stopping_ && at >= drain_until_;
  // From the end: a connection that closes is replaced by the last one, which was already looked at.
  for (size_t i = connections_.size(); i-- > 0;) {
    const std::shared_ptr<Connection> connection = connections_[i];
    if (cut) {
      connection->close();
    } else {
      connection->check_deadline(at);
    }
  }
  if (std::exchange(accept_paused_, false) && !stopping_) accept();
}

void Loop::deliver() {
  for (const std::shared_ptr<ServerExchange>& exchange : mailbox_->take()) {
    exchange->taken_from_mailbox();
    if (const std::shared_ptr<Connection> connection = exchange->connection().lock()) connection->on_news(exchange);
  }
}

}  // namespace sluice::net
