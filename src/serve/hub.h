// hub.h - who watches what, and what they are sent: one event stream per tab, one query for all who ask the same.
//
// Promise A message leaves only after the store has what it tells of. One patch per panel and commit, no timer of its own. A client
//         that is slow loses its patches and gets fresh snapshots once it has caught up, or `bye`; it never gets a backlog.
//         Resume: patches since the client's epoch (inclusive: patches may repeat), as far as the ring has them; else snapshots.
//         Queries run only for what is watched and changed, no sooner than max(5 s, 20 x last duration x such queries watched).
// Bounds  HubOptions. Per subscriber: backlog_bytes_max plus one message.
// Threads Any. One mutex guards all state (commit, net and worker threads meet here, a few times a second); it is never held while
//         querying or writing to a stream. Messages of one subscriber leave in order: one thread at a time pumps its outbox.
// Use     app/ calls commit() first with the newest committed epoch and no changes, then after every commit mark; tick() four times
//         a second; step() on worker threads; stop() before the net threads end.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/bounded_queue.h"
#include "net/http.h"
#include "os/clock.h"
#include "serve/boards.h"
#include "serve/feed.h"
#include "serve/health.h"
#include "serve/panel_range.h"
#include "serve/project.h"
#include "serve/queries.h"
#include "serve/subscriber.h"

namespace sluice::serve {

struct HubOptions {
  size_t subscribers_max = 200;
  size_t panels_max = 100;  // per subscriber
  size_t backlog_bytes_max = 1_MiB;  // unsent bytes beyond which a client counts as slow
  size_t stream_bytes_max = 8_MiB;  // what net may hold of one stream: the largest snapshot
  size_t ring_bytes_max = 16_MiB;
  DurationMs slow_timeout{30'000};
  DurationMs heartbeat{15'000};
  BoardsOptions boards;
  size_t ranges_max = 256;  // answers kept of panels with another range
  size_t ranges_bytes_max = 16_MiB;
  size_t range_points_max = 20'000;  // of one
};

struct HubCounters {
  uint64_t subscribers = 0;
  uint64_t messages = 0;
  uint64_t slow = 0;  // times a client was found slow
  uint64_t queries = 0;
  uint64_t queries_failed = 0;
  DurationMs query_time{};
};

class Hub {
 public:
  Hub(std::shared_ptr<const Project> project, Queries& queries, os::Clock& clock, HubOptions options = {});

  // Another project takes the place of what is shown: streams end with `bye`, whose clients ask what there is and come back; what was
  // computed is computed again. The next commit() must be one that changes nothing, of the newest epoch.
  void replace(std::shared_ptr<const Project> project);
  void commit(Committed committed);
  // With what waits, and how many events the ledger misses (negative: too many). From the first call on, the ledger is what is
  // published here: totals of commits do not know what waits, and the sentence must not go back and forth.
  void publish_ledger(const event::LedgerCounts& totals, int64_t missing);
  void publish_health(const Health& health);
  void publish_definition_error(const std::optional<DefinitionError>& error);
  void publish_notes(std::vector<std::string> notes);
  // Per metric, without database: the table behind its view, for the epochs of single rows.
  void publish_tables(std::vector<std::string> tables);
  void tick();  // heartbeats, slow clients, what nobody watches any more
  // Runs one query that is due; else waits at most `wait` for one. false: there was none.
  bool step(DurationMs wait);
  void stop();  // says `bye` to everyone and takes no one else

  // invalid: unknown panel or too many; full: too many subscribers; closed: stopping. Nothing was sent.
  Status admit(const Subscription& subscription) const;
  Status subscribe(const Subscription& subscription, std::shared_ptr<net::Stream> stream);
  size_t stream_bytes_max() const { return options_.stream_bytes_max; }

  std::shared_ptr<const Project> project() const;
  ProjectNow now() const;
  Health health() const;
  HubCounters counters() const;
  // What a panel shows now, not_found: no such panel, unavailable: not computed yet; or computed by the calling worker when so.
  Result<ShownPanel> shown(std::string_view panel_id) const;
  Result<ShownPanel> shown_or_compute(std::string_view panel_id, const PanelRange& range = {});
  // With another range or filters: from what is kept, else computed by the calling worker.
  Result<std::shared_ptr<const RangedPanel>> ranged(std::string_view panel_id, const PanelRange& range);

 private:
  struct RingItem {
    event::Epoch id;
    uint32_t panel = 0;
    Message message;
  };
  using Pumping = std::vector<std::shared_ptr<Subscriber>>;

  Message message(std::string_view event, std::string_view data) const;
  void offer(const std::shared_ptr<Subscriber>& subscriber, const Message& message, Pumping& pumping);
  void offer_all(const Message& message, Pumping& pumping);
  void offer_changes(const std::vector<BoardChange>& changes, Pumping& pumping);
  void offer_feeds(const Committed& committed, Pumping& pumping);
  void offer_ledger(const event::LedgerCounts& totals, int64_t missing, Pumping& pumping);
  void offer_progress(const std::vector<Progress>& progress, Pumping& pumping);
  void greet(Subscriber& subscriber, const Subscription& subscription);
  void catch_up(Subscriber& subscriber, const Subscription& subscription);
  void owe(Subscriber& subscriber);
  void wake(const std::shared_ptr<Subscriber>& subscriber, Pumping& pumping);
  void remember(uint32_t panel, Message message);
  std::optional<Message> next_message(Subscriber& subscriber);
  void pump(const Pumping& pumping);
  struct Running {  // a query, and for whom it runs: by its end others may be shown
    std::shared_ptr<Boards> boards;
    BoardTask task;
  };
  std::optional<Running> next_query();
  void run(const Running& running);
  void forget(const std::shared_ptr<Subscriber>& subscriber);
  void end_stream(net::Stream& stream, std::string_view reason) const;
  DurationMs until_due(DurationMs wait) const;

  Queries& queries_;
  os::Clock& clock_;
  const HubOptions options_;
  BoundedQueue<Unit> wake_{{1, 1}};  // a viewer came or events changed: a worker looks again

  mutable std::mutex mutex_;  // guards all below
  std::shared_ptr<Boards> boards_;
  std::vector<std::shared_ptr<Subscriber>> subscribers_;
  std::deque<RingItem> ring_;
  size_t ring_bytes_ = 0;
  RangeAnswers ranges_;
  event::Epoch ring_lost_;  // messages up to this id are no longer all in the ring
  EventFeed event_feed_;
  ProjectNow now_;
  std::vector<std::string> tables_;
  std::vector<Progress> progress_;
  Health health_;
  std::string watermark_json_;
  std::string ledger_json_;
  bool ledger_published_ = false;
  std::string status_json_;
  HubCounters counters_;
  bool stopping_ = false;
};

}  // namespace sluice::serve
