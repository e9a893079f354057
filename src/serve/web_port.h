// web_port.h - the web port: the page, its JSON, the event stream, /health and /metrics (docs/formats/live-api.md).
//
// Promise A `Host` that is neither loopback nor configured and any foreign `Origin` get 403 with the reason (guard.h). Strict CSP on
//         every answer. Hashed assets are immutable; index.html has a strong ETag.
//         Trust::control (the Unix socket DATA/control.sock, file mode 0600) skips both checks and has two routes more:
//         GET /api/ledger and POST /api/keys with body {"source": NAME}, answered with {"key": KEY}.
// Bounds  kJobsMax requests wait for a worker; beyond that 503 with Retry-After. SQL: kSqlBodyMax in, 10,000 rows or 8 MiB out.
// Threads handle(): any net thread, never blocks. step(): worker threads of app/, any number; two, so that a slow query of one
//         person does not hold up another's. The queue between them has its own lock; all else is constant.
// Lives   Everything given must outlive the port.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bounded_queue.h"
#include "net/http.h"
#include "os/clock.h"
#include "serve/assets.h"
#include "serve/flights.h"
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
  virtual Result<std::string> create_key(const std::string& source, const std::string& label) = 0;  // the new key, shown once
  virtual void collect_metrics(MetricsText& into) = 0;  // counters only: runs on a net thread
};

enum class Trust : uint8_t { network, control };

struct WebOptions {
  std::vector<std::string> host_names;  // allowed in Host beside loopback, without port, lower case
};

class WebPort {
 public:
  static constexpr size_t kJobsMax = 64;
  static constexpr size_t kSqlBodyMax = 1_MiB;
  WebPort(Hub& hub, Queries& queries, Actions& actions, os::Clock& clock, WebOptions options,
          std::span<const EmbeddedFile> files = embedded_files());

  void handle(net::Request request, net::Responder responder, Trust trust);
  // Answers one waiting request; waits at most `wait` for one. false: there was none.
  bool step(DurationMs wait);
  // From now on nothing waits: those that do get 503.
  void stop();

 private:
  using Answer = std::function<Result<std::string>()>;
  struct Job {
    net::Responder responder;
    Answer answer;
    std::string content_type;
    std::string attachment;  // file name, "" for none
    std::string flight;  // whom others may have joined, "" for none
  };

  void route(const net::Request& request, net::Responder responder, Trust trust);
  bool route_control(const net::Request& request, net::Responder& responder);
  bool route_panel(const net::Request& request, net::Responder& responder);
  void live(const net::Request& request, net::Responder responder);
  void later(net::Responder responder, Answer answer, std::string content_type = "application/json", std::string attachment = {});
  void later_once(const std::string& key, net::Responder responder, Answer answer);
  void push(Job job);
  void answer_all(Job& job, const Result<std::string>& answer);
  void answer_page(const net::Request& request, net::Responder responder);
  Result<std::string> run_sql(const std::string& text);

  Hub& hub_;
  Queries& queries_;
  Actions& actions_;
  os::Clock& clock_;
  const WebOptions options_;
  const Assets assets_;
  Flights flights_;
  BoundedQueue<Job> jobs_{{kJobsMax, kJobsMax}};  // a job counts as one byte: requests are bounded by net
};

}  // namespace sluice::serve
