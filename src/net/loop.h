// loop.h - one thread's part of a server: its listening socket, its connections, its second hand.
//
// Promise Every deadline is looked at once per tick (1 s, or a quarter of the shortest timeout where that is less): one timer for
//         all connections instead of one per operation.
// Threads run() on one thread; stop() any; the rest on run()'s thread.
// Lives   ServerShared must outlive it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "net/boost_asio.h"
#include "net/exchange.h"
#include "net/server.h"

namespace sluice::net {

class Connection;

// What the loops of one server have in common.
struct ServerShared {
  ServerOptions options;
  Handler handler;
  os::Clock& clock;
  std::atomic<uint64_t> connections_open{0};
  std::atomic<uint64_t> connections_refused{0};
  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> bad_requests{0};
  std::atomic<size_t> bytes_in_flight{0};
};

class Loop {
 public:
  static constexpr size_t kScratchBytes = 128_KiB;
  static constexpr size_t kRefusingMax = 64;  // connections over connections_max that still hear why

  Loop(ServerShared& shared, bool is_unix);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Status adopt(int listening_descriptor, bool is_v6);
  void run();
  void stop();

  // Of the connections.
  ServerShared& shared() { return shared_; }
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }
  os::MonotonicTime now() { return shared_.clock.monotonic(); }
  bool stopping() const { return stopping_; }
  std::string_view date() const { return date_; }
  std::string& scratch() { return scratch_; }
  void forget(Connection& connection);

 private:
  using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol, asio::io_context::executor_type>;
  void accept();
  void admit(StreamSocket socket);
  std::string peer_text() const;
  void tick();
  void schedule_tick();
  void begin_stop();
  void deliver();

  ServerShared& shared_;
  const bool is_unix_;
  DurationMs tick_every_;
  asio::io_context io_{1};
  Acceptor acceptor_{io_};
  asio::generic::stream_protocol::endpoint peer_;
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                             asio::io_context::executor_type>
      timer_{io_};
  std::shared_ptr<Mailbox> mailbox_;
  std::vector<std::shared_ptr<Connection>> connections_;
  size_t refusing_ = 0;
  std::string scratch_;
  std::string date_;
  bool accept_paused_ = false;  // out of descriptors: tried again at the next tick
  bool stopping_ = false;
  os::MonotonicTime drain_until_{};
};

}  // namespace sluice::net
