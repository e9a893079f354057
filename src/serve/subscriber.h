// subscriber.h - one open event stream: what it wants, what it was promised, and how far behind it is.
//
// Threads All fields but `stream` belong to the hub's mutex. `pumping` names the one thread that may write to the stream.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "event/position.h"
#include "net/http.h"
#include "os/clock.h"
#include "serve/feed.h"

namespace sluice::serve {

using Message = std::shared_ptr<const std::string>;  // bytes of one server-sent event, shared by all who get it

// event: <event>\nid: <id>\ndata: <data>\n\n
Message sse_message(std::string_view event, event::Epoch id, std::string_view data);

struct Subscription {
  std::vector<std::string> panels;
  bool events = false;                    // the feed of newest events
  bool quarantine = false;
  std::optional<event::Epoch> since;      // resume
};

struct Subscriber {
  static constexpr size_t kOutboxMax = 1000;
  std::shared_ptr<net::Stream> stream;
  std::vector<uint32_t> panels;
  std::vector<bool> owed;                 // per panel of `panels`: a snapshot is owed, patches are pointless until it left
  bool events = false;
  bool quarantine = false;
  std::deque<Message> outbox;
  size_t outbox_bytes = 0;
  bool owed_state = false;                // watermark, ledger and status are owed
  bool pumping = false;
  bool gone = false;
  std::optional<os::MonotonicTime> slow_since;
  os::MonotonicTime last_write{};
};

// At most kRowsPerSecond rows of newest events a second; the others are counted. Who comes later is told the last kRecentRows of them.
class EventFeed {
 public:
  static constexpr int kRowsPerSecond = 5;
  static constexpr size_t kRecentRows = 20;
  static constexpr size_t kRecentRowBytesMax = 8 * 1024;  // longer ones are not kept
  // nullopt: nothing to say now. JSON of an `events` message.
  std::optional<std::string> take(const std::vector<NewEvent>& newest, uint64_t more, os::MonotonicTime now);
  // The last rows that take() gave, newest first, as JSON of an `events` message; nullopt: there were none.
  std::optional<std::string> recent() const;

 private:
  void refill(os::MonotonicTime now);
  int allowance_ = kRowsPerSecond;
  os::MonotonicTime refilled_{};
  uint64_t held_ = 0;
  std::deque<std::string> recent_;  // JSON, newest first
};

std::string new_event_json(const NewEvent& row);
std::string new_reject_json(const NewReject& row);
std::string rejects_json(const std::vector<NewReject>& rows, uint64_t more);

}  // namespace sluice::serve
