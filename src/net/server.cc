#include "net/server.h"

#include <vector>

#include "net/loop.h"

namespace sluice::net {
namespace {

class LoopServer final : public Server {
 public:
  LoopServer(os::Ports ports, ServerOptions options, Handler handler)
      : shared_{options, std::move(handler), ports.clock}, sockets_(ports.sockets) {}

  Status listen_unix(const std::string& path) {
    const os::Listening listening = SLUICE_TRY(sockets_.listen_unix(path));
    bound_ = listening.bound;
    return add_loop(listening, true);
  }

  Status listen_tcp(const os::Endpoint& endpoint) {
    const size_t threads = shared_.options.threads;
    bound_ = endpoint;
    for (size_t i = 0; i < threads; ++i) {
      const os::Listening listening = SLUICE_TRY(sockets_.listen_tcp(bound_, threads > 1));
      bound_ = listening.bound;
      SLUICE_CHECK(add_loop(listening, false));
    }
    return ok();
  }

  os::Endpoint bound() const override { return bound_; }

  void run(size_t thread) override {
    if (thread < loops_.size()) loops_[thread]->run();
  }

  void stop() override {
    for (const auto& loop : loops_) loop->stop();
  }

  ServerCounters counters() const override {
    constexpr auto kRelaxed = std::memory_order_relaxed;
    return {shared_.connections_open.load(kRelaxed), shared_.connections_refused.load(kRelaxed), shared_.requests.load(kRelaxed),
            shared_.bad_requests.load(kRelaxed)};
  }

 private:
  Status add_loop(const os::Listening& listening, bool is_unix) {
    loops_.push_back(std::make_unique<Loop>(shared_, is_unix));
    return loops_.back()->adopt(listening.descriptor, listening.bound.host.find(':') != std::string::npos);
  }

  ServerShared shared_;
  os::Sockets& sockets_;
  os::Endpoint bound_;
  std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(os::Ports ports, const os::Endpoint& endpoint, const std::string& unix_path,
                                               ServerOptions options, Handler handler) {
  SLUICE_ASSERT(options.threads > 0 && handler, "a server needs a thread and a handler");
  auto server = std::make_unique<LoopServer>(ports, options, std::move(handler));
  SLUICE_CHECK(unix_path.empty() ? server->listen_tcp(endpoint) : server->listen_unix(unix_path));
  return Result<std::unique_ptr<Server>>(std::move(server));
}

}  // namespace sluice::net
