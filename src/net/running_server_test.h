// running_server_test.h - for tests: a server that runs, handlers to give it, and the bytes of requests.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/raw_peer_test.h"
#include "net/server.h"
#include "os/ports.h"

namespace sluice::net {

class RunningServer {
 public:
  explicit RunningServer(Handler handler, ServerOptions options = {}, const std::string& unix_path = "") : unix_path_(unix_path) {
    Result<std::unique_ptr<Server>> made =
        Server::listen(real_.ports(), os::Endpoint{"127.0.0.1", 0}, unix_path, options, std::move(handler));
    SLUICE_ASSERT(made, "the test's server listens");
    server_ = std::move(made).value();
    for (size_t i = 0; i < options.threads; ++i) threads_.emplace_back([this, i] { server_->run(i); });
  }
  ~RunningServer() { stop(); }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  void stop() {
    server_->stop();
    threads_.clear();
  }
  Server& operator*() { return *server_; }
  Server* operator->() { return server_.get(); }
  os::Ports ports() { return real_.ports(); }
  RawPeer connect() {
    Result<int> descriptor =
        unix_path_.empty() ? real_.ports().sockets.connect_tcp(server_->bound()) : real_.ports().sockets.connect_unix(unix_path_);
    SLUICE_ASSERT(descriptor, "the test's server accepts");
    return RawPeer(*descriptor);
  }
  // One connection, these bytes, everything that comes back until the server closes.
  std::string ask(std::string_view bytes) {
    RawPeer peer = connect();
    peer.send(bytes);
    return peer.read_to_end();
  }

 private:
  os::RealPorts real_;
  const std::string unix_path_;
  std::unique_ptr<Server> server_;
  std::vector<std::jthread> threads_;
};

// Answers at once with what it saw.
inline void echo(Request request, Responder responder) {
  Response reply;
  reply.body = request.method + " " + request.path + (request.body_over_limit ? " over " : " ") +
               (request.body.size() > 1'000 ? std::to_string(request.body.size()) : request.body);
  responder.send(std::move(reply));
}

// Keeps responders until the test answers them.
class Held {
 public:
  Handler handler() {
    return [this](Request, Responder responder) {
      const std::lock_guard lock(mutex_);
      held_.push_back(std::move(responder));
    };
  }
  size_t count() {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  Responder take() {
    if (!eventually([&] { return count() > 0; })) ADD_FAILURE() << "no request came";
    const std::lock_guard lock(mutex_);
    Responder first = std::move(held_.front());
    held_.pop_front();
    return first;
  }

 private:
  std::mutex mutex_;
  std::deque<Responder> held_;
};

inline std::string post(std::string_view body, std::string_view extra = "") {
  return fmt::format("POST /p HTTP/1.1\r\nHost: x\r\n{}Content-Length: {}\r\n\r\n{}", extra, body.size(), body);
}
inline std::string chunked(std::string_view chunks) {
  return fmt::format("POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{}", chunks);
}
inline const std::string kGet = "GET /g HTTP/1.1\r\nHost: x\r\n\r\n";

inline std::string body_of(const std::string& reply) {
  const size_t at = reply.find("\r\n\r\n");
  return at == std::string::npos ? "" : reply.substr(at + 4);
}
inline size_t occurrences(std::string_view text, std::string_view what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size())) ++n;
  return n;
}

}  // namespace sluice::net
