// web_port.h - the web port: the page, its JSON, the event stream, /health and /metrics (docs/formats/live-api.md).
//
// Promise A `Host` that is neither loopback nor configured and any foreign `Origin` get 403 with the reason (DNS rebinding, foreign
//         pages). Strict CSP on every answer. Hashed assets are immutable; index.html has a strong ETag.
//         Trust::control (the Unix socket DATA/control.sock, file mode 0600) skips both checks and has two routes more:
//         GET /api/ledger and POST /api/keys with body {"source": NAME}.
// Bounds  kJobsMax requests wait for a worker, beyond that 503 with Retry-After. SQL results: 10,000 rows or 8 MiB, then `truncated`.
// Threads handle(): any net thread, never blocks. step(): worker threads of app/, any number. The queue between them has its own lock.
// Lives   Everything given must outlive the port.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bounded_queue.h"
#include "net/http.h"
#include "os/clock.h"
#include "serve/hub.h"
#include "serve/metrics_text.h"
#include "serve/queries.h"

namespace sluice::serve {

// What the web port asks of the rest of the program; app/ fills it. All but collect_metrics run on a worker and may block.
class Actions {
 public:
  virtual ~Actions() = default;
  virtual Result<std::string> trace_json(const std::string& message_id) = 0;
  virtual Result<std::string> ledger_json() = 0;
  virtual Result<std::string> create_key(const std::string& source) = 0;  // the new key, shown once
  virtual void collect_metrics(MetricsText& into) = 0;                     // counters only: runs on a net thread
};

enum class Trust : uint8_t { network, control };

struct WebOptions {
  std::vector<std::string> host_names;  // allowed in Host beside loopback, without port, lower case
};

class WebPort {
 public:
  static constexpr size_t kJobsMax = 64;
  WebPort(const Project& project, Hub& hub, Queries& queries, Actions& actions, os::Clock& clock, WebOptions options);

  void handle(net::Request request, net::Responder responder, Trust trust);
  // Answers one waiting request; waits at most `wait` for one. false: there was none.
  bool step(DurationMs wait);
  // No request waits any longer: those that do get 503.
  void stop();

 private:
  struct Job {
    net::Responder responder;
    std::function<net::Response()> answer;
  };
  using Answer = std::function<net::Response()>;

  std::optional<net::Response> refuse(const net::Request& request) const;
  void route(net::Request request, net::Responder responder, Trust trust);
  void route_panel(const net::Request& request, net::Responder responder);
  void live(const net::Request& request, net::Responder responder);
  void later(net::Responder responder, Answer answer);
  net::Response quarantine(const net::Request& request);
  net::Response sql(const std::string& text);
  net::Response metrics();

  const Project& project_;
  Hub& hub_;
  Queries& queries_;
  Actions& actions_;
  os::Clock& clock_;
  const WebOptions options_;
  BoundedQueue<Job> jobs_;
};

}  // namespace sluice::serve
