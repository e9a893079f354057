// control_port.h - what commands ask of a running `up` over DATA/control.sock, beyond the page's own interface.
//
// Routes  POST /api/query?format=F (a person's SQL, gated) · GET /api/log?from=N&limit=N · GET /api/ledger and /api/trace?id= with
//         format=text · GET /api/plan (hash of the definitions that hold) · POST /api/apply (reads the project's files now) · POST /api/send?source=NAME (native events, no key needed: the socket's file mode is the permission).
//         Everything else is the web port's, with Trust::control.
// Bounds  kJobsMax requests wait for a worker; beyond that 503 with Retry-After.
// Threads handle(): net threads, never blocks. step(): workers.   Lives  Everything in Parts outlives it.
#pragma once

#include <functional>

#include "app/proof.h"
#include "base/bounded_queue.h"
#include "collect/collector.h"
#include "serve/web_port.h"

namespace sluice::app {

class ControlPort {
 public:
  static constexpr size_t kJobsMax = 32;
  struct Parts {
    serve::WebPort& web;
    serve::Queries& queries;
    collect::Collector& collector;
    log::SegmentLog& log;
    std::function<Proof()> proof;
    std::function<std::string()> plan;
    std::function<Result<std::string>()> apply;
  };
  explicit ControlPort(Parts parts) : parts_(std::move(parts)), jobs_({kJobsMax, kJobsMax}) {}
  void handle(net::Request request, net::Responder responder);
  void step(DurationMs wait);
  // What waits is told that the program stops; nothing more is taken.
  void stop();

 private:
  struct Job {
    net::Responder responder;
    std::function<net::Response()> answer;
  };
  void later(net::Responder responder, std::function<net::Response()> answer);
  net::Response refusal() const;

  Parts parts_;
  BoundedQueue<Job> jobs_;
};

}  // namespace sluice::app
