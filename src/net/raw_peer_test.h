// raw_peer_test.h - for tests: a client of bytes that knows nothing of HTTP, and patience.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/units.h"

namespace sluice::net {

constexpr auto kTestPatience = std::chrono::seconds(20);  // a deadline for what should come at once

// Waits for a condition of another thread; false after the deadline.
inline bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds patience = kTestPatience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

class RawPeer {
 public:
  explicit RawPeer(int descriptor) : descriptor_(descriptor) {}
  RawPeer(RawPeer&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), received_(std::move(other.received_)) {}
  ~RawPeer() { close(); }
  RawPeer& operator=(RawPeer&&) = delete;

  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  void shut_sending() { ::shutdown(descriptor_, SHUT_WR); }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }

  // All bytes, or as many as the other side takes before it closes.
  size_t send(std::string_view bytes) {
    size_t sent = 0;
    while (sent < bytes.size()) {
      if (!wait(POLLOUT, kTestPatience)) break;
      const ssize_t n = ::send(descriptor_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) break;
      sent += static_cast<size_t>(n);
    }
    return sent;
  }

  // Everything until the other side closes or the patience ends.
  std::string read_to_end(std::chrono::milliseconds patience = kTestPatience) {
    read_until([] { return false; }, patience);
    return std::exchange(received_, {});
  }
  // Up to and with `mark`; what came at all when it never came.
  std::string read_through(std::string_view mark) {
    read_until([&] { return received_.find(mark) != std::string::npos; }, kTestPatience);
    const size_t at = received_.find(mark);
    if (at == std::string::npos) return std::exchange(received_, {});
    std::string out = received_.substr(0, at + mark.size());
    received_.erase(0, out.size());
    return out;
  }
  std::string read_bytes(size_t size) {
    read_until([&] { return received_.size() >= size; }, kTestPatience);
    std::string out = received_.substr(0, size);
    received_.erase(0, out.size());
    return out;
  }
  // One reply with Content-Length, head and body.
  std::string read_reply() {
    std::string head = read_through("\r\n\r\n");
    const size_t at = head.find("Content-Length: ");
    return at == std::string::npos ? head : head + read_bytes(std::stoul(head.substr(at + 16)));
  }
  bool closed_within(std::chrono::milliseconds patience) {
    read_until([] { return false; }, patience);
    return at_end_;
  }

 private:
  bool wait(short events, std::chrono::milliseconds patience) {
    pollfd waited{descriptor_, events, 0};
    return ::poll(&waited, 1, static_cast<int>(patience.count())) == 1;
  }
  void read_until(const std::function<bool()>& done, std::chrono::milliseconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!done() && !at_end_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      if (left.count() <= 0 || !wait(POLLIN, left)) return;
      std::string piece(64_KiB, '\0');
      const ssize_t n = ::recv(descriptor_, piece.data(), piece.size(), 0);
      if (n <= 0) {
        at_end_ = true;
        return;
      }
      received_.append(piece, 0, static_cast<size_t>(n));
    }
  }

  int descriptor_;
  bool at_end_ = false;
  std::string received_;
};

}  // namespace sluice::net
