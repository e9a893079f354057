// watch.h - looks at all stages a few times a second and says how they are: health, the ledger's line, retention, metrics.
//
// Promise /health tells the truth end to end: a stage that waits says how many events, for how long, and why. Only changes are traced.
// Threads tick(): one. fill_metrics(): any.   Lives  Everything in Parts outlives it.
#pragma once

#include <mutex>
#include <optional>

#include "app/feed.h"
#include "app/frames_ahead.h"
#include "app/pipeline.h"
#include "app/store_child.h"
#include "collect/collector.h"
#include "log/committer.h"
#include "net/server.h"
#include "serve/hub.h"
#include "serve/metrics_text.h"

namespace sluice::app {

struct NamedServer {
  const char* name;
  const net::Server* server;
};

class Watch {
 public:
  struct Parts {
    os::Ports ports;
    const DataPaths& paths;
    const plan::Plan& plan;
    log::SegmentLog& log;
    log::Committer& committer;
    StoreChild& child;
    Pipeline& pipeline;
    Feed& feed;
    serve::Hub& hub;
    collect::Collector& collector;
    std::vector<NamedServer> servers;
    std::string version;
  };
  explicit Watch(Parts parts);
  void tick();
  void fill_metrics(serve::MetricsText& into);

 private:
  serve::Health look(const event::LedgerCounts& pending, DurationMs oldest);
  std::string why_refused();
  void publish_ledger();
  void publish_notes();
  void retain();

  Parts parts_;
  PendingFrames pending_;
  const os::MonotonicTime started_at_;
  os::MonotonicTime next_slow_{};
  uint64_t refused_ = 0;  // submissions that found no room, as of the last tick
  std::optional<os::MonotonicTime> refused_at_;
  std::string notes_;
  bool started_ = false;
  bool damaged_ = false;
  std::mutex mutex_;  // guards what fill_metrics() reads of the last tick
  serve::Health health_;
  event::LedgerCounts totals_;
  int64_t missing_ = 0;
};

}  // namespace sluice::app
