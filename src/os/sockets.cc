#include "os/sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "os/descriptor.h"
#include "os/system_error.h"

namespace sluice::os {
namespace {

constexpr int kBacklog = 4096;
constexpr int kConnectTimeoutMs = 10'000;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Result<Address> address_of(const Endpoint& endpoint) {
  const std::string host = endpoint.host == "localhost" ? "127.0.0.1" : endpoint.host;
  Address address;
  if (sockaddr_in four{}; ::inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(endpoint.port);
    std::memcpy(&address.storage, &four, sizeof four);
    address.size = sizeof four;
    return address;
  }
  if (sockaddr_in6 six{}; ::inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(endpoint.port);
    std::memcpy(&address.storage, &six, sizeof six);
    address.size = sizeof six;
    return address;
  }
  return fail(Code::invalid,
              "\"" + endpoint.host + "\" is not a numeric IPv4 or IPv6 address; names other than localhost are not looked up");
}

Result<Address> address_of(const std::string& path) {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  if (path.size() >= sizeof local.sun_path) {
    return fail(Code::invalid, "the socket path " + path + " is longer than the system's " +
                                   std::to_string(sizeof local.sun_path - 1) +
                                   " bytes; use a data directory with a shorter path");
  }
  std::memcpy(local.sun_path, path.c_str(), path.size() + 1);
  Address address;
  std::memcpy(&address.storage, &local, sizeof local);
  address.size = sizeof local;
  return address;
}

Result<Descriptor> open_socket(const Address& address, const std::string& where) {
  Descriptor made(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made) return system_error(errno, "opening a socket for " + where);
  return made;
}

void set_option(const Descriptor& socket, int level, int option) {
  const int on = 1;
  SLUICE_ASSERT(::setsockopt(socket.get(), level, option, &on, sizeof on) == 0, "every TCP socket of Linux has this option");
}

Result<int> connect_to(const Address& address, const std::string& where) {
  Descriptor made = SLUICE_TRY(open_socket(address, where));
  if (::connect(made.get(), address.get(), address.size) == 0) return made.release();
  if (errno == ENOENT || errno == EAGAIN) return fail(Code::unavailable, "connecting to " + where + ": nobody accepts there now");
  if (errno != EINPROGRESS && errno != EINTR) return system_error(errno, "connecting to " + where);
  pollfd waited{made.get(), POLLOUT, 0};
  int ready = 0;
  do {
    ready = ::poll(&waited, 1, kConnectTimeoutMs);
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) return system_error(ETIMEDOUT, "connecting to " + where);
  int outcome = 0;
  socklen_t size = sizeof outcome;
  SLUICE_ASSERT(::getsockopt(made.get(), SOL_SOCKET, SO_ERROR, &outcome, &size) == 0, "a socket knows its error");
  if (outcome != 0) return system_error(outcome, "connecting to " + where);
  return made.release();
}

Error listen_error(int number, const Endpoint& endpoint) {
  if (number == EADDRINUSE) {
    return fail(Code::conflict, endpoint.text() +
                                    " is taken by another program; stop it, or choose another address with --listen "
                                    "NAME=HOST:PORT (port 0: any free one)");
  }
  Error error = system_error(number, "listening on " + endpoint.text());
  if (number == EADDRNOTAVAIL || number == EACCES) error.code = Code::invalid;
  return error;
}

class RealSockets final : public Sockets {
 public:
  Result<Listening> listen_tcp(const Endpoint& endpoint, bool shared) override {
    // Two processes of one user may share a port without noticing: the first of ours asks for the port alone.
    const bool first = std::ranges::find(shared_, endpoint.text()) == shared_.end();
    if (shared && first) {
      const Listening alone = SLUICE_TRY(bind_tcp(endpoint, false));
      ::close(alone.descriptor);
      const Listening made = SLUICE_TRY(bind_tcp(alone.bound, true));
      shared_.push_back(made.bound.text());
      return made;
    }
    return bind_tcp(endpoint, shared);
  }

  Result<Listening> listen_unix(const std::string& path) override {
    const Address address = SLUICE_TRY(address_of(path));
    if (auto other = connect_to(address, path)) {
      ::close(*other);
      return fail(Code::conflict, "another process listens on " + path + "; stop it first");
    }
    struct stat status{};
    if (::lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode)) {
      return fail(Code::conflict, path + " exists and is no socket; move it away or use another data directory");
    }
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error(errno, "replacing the stale socket " + path);
    Descriptor made = SLUICE_TRY(open_socket(address, path));
    // Before bind: the name appears with this mode, so there is no moment in which others may connect.
    if (::fchmod(made.get(), 0600) != 0) return system_error(errno, "protecting the socket " + path);
    if (::bind(made.get(), address.get(), address.size) != 0) return system_error(errno, "binding " + path);
    if (::chmod(path.c_str(), 0600) != 0) return system_error(errno, "protecting the socket " + path);
    if (::listen(made.get(), kBacklog) != 0) return system_error(errno, "listening on " + path);
    return Listening{made.release(), Endpoint{path, 0}};
  }

  Result<int> connect_tcp(const Endpoint& endpoint) override {
    const Address address = SLUICE_TRY(address_of(endpoint));
    const int made = SLUICE_TRY(connect_to(address, endpoint.text()));
    const int on = 1;
    (void)::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return made;
  }

  Result<int> connect_unix(const std::string& path) override {
    const Address address = SLUICE_TRY(address_of(path));
    return connect_to(address, path);
  }

 private:
  static Result<Listening> bind_tcp(const Endpoint& endpoint, bool shared) {
    Address address = SLUICE_TRY(address_of(endpoint));
    Descriptor made = SLUICE_TRY(open_socket(address, endpoint.text()));
    set_option(made, SOL_SOCKET, SO_REUSEADDR);
    if (shared) set_option(made, SOL_SOCKET, SO_REUSEPORT);
    if (::bind(made.get(), address.get(), address.size) != 0) return listen_error(errno, endpoint);
    if (::listen(made.get(), kBacklog) != 0) return listen_error(errno, endpoint);
    if (::getsockname(made.get(), address.get(), &address.size) != 0) return listen_error(errno, endpoint);
    Endpoint bound = endpoint;
    bound.port = ntohs(address.storage.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_port
                                                             : reinterpret_cast<const sockaddr_in*>(address.get())->sin_port);
    return Listening{made.release(), bound};
  }

  std::vector<std::string> shared_;  // addresses that several of our threads accept on; one entry per listener
};

}  // namespace

std::unique_ptr<Sockets> real_sockets() { return std::make_unique<RealSockets>(); }

}  // namespace sluice::os
