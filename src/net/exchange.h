// exchange.h - where a handler's thread and the connection's thread meet over one reply.
//
// Threads Mailbox and ServerExchange: any. The part under "of the connection" belongs to the loop's thread.
// Lives   An exchange may outlive its connection and its server: then everything it is told is dropped.
// Why     A mutex here and not asio::post per call: a committer that answers a thousand requests wakes the loop once, a stream's
//         bound must hold before the loop ran, and what waits must not keep a dead io_context alive. Held for a few moves only.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "net/http.h"

namespace sluice::net {

class Connection;
class ServerExchange;

// Exchanges that have news for their connection. `notify` is called when the first one comes in, never after close().
class Mailbox {
 public:
  explicit Mailbox(std::function<void()> notify) : notify_(std::move(notify)) {}
  void put(std::shared_ptr<ServerExchange> exchange);
  std::vector<std::shared_ptr<ServerExchange>> take();
  void close();

 private:
  std::mutex mutex_;
  std::function<void()> notify_;
  std::vector<std::shared_ptr<ServerExchange>> waiting_;  // at most one entry per wake; an exchange wakes once until it is taken
  bool closed_ = false;
};

class ServerExchange final : public Exchange, public std::enable_shared_from_this<ServerExchange> {
 public:
  ServerExchange(std::shared_ptr<Mailbox> mailbox, std::weak_ptr<Connection> connection, bool is_head);

  void send(Response response) override;
  std::shared_ptr<Stream> start(Response head, size_t buffered_max) override;
  bool alive() const override { return alive_.load(std::memory_order_relaxed); }

  // Of a stream.
  bool write(std::string bytes);
  bool write_within(std::string bytes, DurationMs timeout);
  void close(bool whole);
  bool open() const;
  size_t buffered_bytes() const;

  // Of the connection.
  struct Reply {
    Response response;
    bool streamed = false;
  };
  struct Output {
    std::string bytes;
    bool closed = false;
    bool aborted = false;
  };
  // While the handler runs on the loop's own thread its reply needs no wake: the connection looks when the handler returns.
  class Handling {
   public:
    explicit Handling(const ServerExchange* exchange);
    ~Handling();
    Handling(const Handling&) = delete;
    Handling& operator=(const Handling&) = delete;
  };
  const std::weak_ptr<Connection>& connection() const { return connection_; }
  std::optional<Reply> take_reply();
  Output take_output();
  void written(size_t bytes);  // the system took them
  void client_left();
  void look_again();  // puts itself into the mailbox: a stream whose turn was long enough
  void taken_from_mailbox() { in_mailbox_.store(false); }

 private:
  bool has_room(size_t bytes) const { return bytes <= buffered_max_ && buffered_ <= buffered_max_ - bytes; }
  void wake();

  const std::shared_ptr<Mailbox> mailbox_;
  const std::weak_ptr<Connection> connection_;
  const bool is_head_;
  std::atomic<bool> alive_{true};
  std::atomic<bool> in_mailbox_{false};

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable room_;
  std::optional<Reply> reply_;
  std::string output_;
  size_t buffered_ = 0;  // output_ and what the connection still writes
  size_t buffered_max_ = 0;
  bool answered_ = false;
  bool closed_ = false;
  bool aborted_ = false;
};

}  // namespace sluice::net
