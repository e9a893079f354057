// The hub's other half: what leaves, to whom, and what happens to those who do not keep up.
#include <algorithm>

#include "serve/hub.h"

namespace sluice::serve {

Status Hub::admit(const Subscription& subscription) const {
  const std::lock_guard lock(mutex_);
  if (stopping_) return fail(Code::closed, "the server is stopping; connect again in a few seconds");
  if (subscription.panels.size() > options_.panels_max) {
    return fail(Code::invalid, "a stream carries at most " + std::to_string(options_.panels_max) + " panels; ask for fewer");
  }
  for (const std::string& id : subscription.panels) {
    if (!boards_->list().find(id)) return fail(Code::invalid, "there is no panel `" + id + "`; GET /api/project lists them");
  }
  if (subscribers_.size() >= options_.subscribers_max) {
    return fail(Code::full,
                "all " + std::to_string(options_.subscribers_max) + " event streams are taken; close a tab or try again later");
  }
  return ok();
}

Status Hub::subscribe(const Subscription& subscription, std::shared_ptr<net::Stream> stream) {
  SLUICE_CHECK(admit(subscription));
  Pumping pumping;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || subscribers_.size() >= options_.subscribers_max) {
      return fail(Code::full, "the last event stream was taken just now; try again later");
    }
    auto subscriber = std::make_shared<Subscriber>();
    subscriber->stream = std::move(stream);
    subscriber->events = subscription.events;
    subscriber->quarantine = subscription.quarantine;
    subscriber->last_write = clock_.monotonic();
    for (const std::string& id : subscription.panels) {
      const uint32_t panel = *boards_->list().find(id);
      if (std::find(subscriber->panels.begin(), subscriber->panels.end(), panel) != subscriber->panels.end()) continue;
      subscriber->panels.push_back(panel);
      boards_->watch(panel);
    }
    greet(*subscriber, subscription);
    subscribers_.push_back(subscriber);
    wake(subscriber, pumping);
  }
  (void)wake_.try_push(Unit{}, 1);
  pump(pumping);
  return ok();
}

// What a new client needs: state first, then per panel the patches it missed or a snapshot, then the newest events.
void Hub::greet(Subscriber& subscriber, const Subscription& subscription) {
  subscriber.owed_state = true;
  subscriber.owed.assign(subscriber.panels.size(), true);
  catch_up(subscriber, subscription);
  const std::optional<std::string> recent = subscriber.events ? event_feed_.recent() : std::nullopt;
  if (recent) {
    subscriber.outbox.push_back(message("events", *recent));
    subscriber.outbox_bytes += subscriber.outbox.back()->size();
  }
}

void Hub::catch_up(Subscriber& subscriber, const Subscription& subscription) {
  if (!subscription.since || *subscription.since <= ring_lost_) return;
  for (size_t i = 0; i < subscriber.panels.size(); ++i) {
    if (boards_->complete_since(subscriber.panels[i], *subscription.since)) subscriber.owed[i] = false;
  }
  for (const RingItem& item : ring_) {
    if (item.id < *subscription.since) continue;
    const auto at = std::find(subscriber.panels.begin(), subscriber.panels.end(), item.panel);
    if (at == subscriber.panels.end() || subscriber.owed[static_cast<size_t>(at - subscriber.panels.begin())]) continue;
    subscriber.outbox.push_back(item.message);
    subscriber.outbox_bytes += item.message->size();
  }
  // More to catch up with than a client may have waiting: snapshots are the shorter way.
  if (subscriber.outbox_bytes > options_.backlog_bytes_max || subscriber.outbox.size() > Subscriber::kOutboxMax) owe(subscriber);
}

void Hub::owe(Subscriber& subscriber) {
  subscriber.outbox.clear();
  subscriber.outbox_bytes = 0;
  subscriber.owed.assign(subscriber.panels.size(), true);
  subscriber.owed_state = true;
}

void Hub::wake(const std::shared_ptr<Subscriber>& subscriber, Pumping& pumping) {
  if (subscriber->pumping || subscriber->gone) return;
  subscriber->pumping = true;
  pumping.push_back(subscriber);
}

void Hub::offer(const std::shared_ptr<Subscriber>& subscriber, const Message& message, Pumping& pumping) {
  if (subscriber->gone || subscriber->slow_since) return;
  subscriber->outbox.push_back(message);
  subscriber->outbox_bytes += message->size();
  if (subscriber->outbox.size() > Subscriber::kOutboxMax || subscriber->outbox_bytes > options_.stream_bytes_max) {
    ++counters_.slow;
    subscriber->slow_since = clock_.monotonic();
    owe(*subscriber);
    return;
  }
  wake(subscriber, pumping);
}

void Hub::offer_all(const Message& message, Pumping& pumping) {
  for (const auto& subscriber : subscribers_) offer(subscriber, message, pumping);
}

void Hub::offer_changes(const std::vector<BoardChange>& changes, Pumping& pumping) {
  for (const BoardChange& change : changes) {
    const Message news = message(change.whole ? "snapshot" : "patch", change.json);
    remember(change.panel, news);
    for (const auto& subscriber : subscribers_) {
      const auto at = std::find(subscriber->panels.begin(), subscriber->panels.end(), change.panel);
      if (at == subscriber->panels.end()) continue;
      if (subscriber->owed[static_cast<size_t>(at - subscriber->panels.begin())]) {
        wake(subscriber, pumping);  // the snapshot it is owed will hold this
      } else {
        offer(subscriber, news, pumping);
      }
    }
  }
}

void Hub::remember(uint32_t panel, Message message) {
  ring_bytes_ += message->size();
  ring_.push_back({boards_->epoch(), panel, std::move(message)});
  while (ring_bytes_ > options_.ring_bytes_max && !ring_.empty()) {
    ring_bytes_ -= ring_.front().message->size();
    ring_lost_ = ring_.front().id;
    ring_.pop_front();
  }
}

// With the lock held. nullopt: nothing to send now, and `pumping` is given back.
std::optional<Message> Hub::next_message(Subscriber& subscriber) {
  const auto rest = [&]() -> std::optional<Message> {
    subscriber.pumping = false;
    return std::nullopt;
  };
  if (subscriber.gone || subscriber.slow_since) return rest();
  if (subscriber.owed_state) {
    subscriber.owed_state = false;
    std::vector<Message> state;
    if (!status_json_.empty()) state.push_back(message("status", status_json_));
    if (!watermark_json_.empty()) state.push_back(message("watermark", watermark_json_));
    if (!ledger_json_.empty()) state.push_back(message("ledger", ledger_json_));
    state.push_back(message("definition_error", now_.definition_error));
    state.push_back(message("notes", notes_json(now_.notes)));
    for (auto at = state.rbegin(); at != state.rend(); ++at) {
      subscriber.outbox_bytes += (*at)->size();
      subscriber.outbox.push_front(*at);
    }
  }
  if (!subscriber.outbox.empty()) {
    Message next = std::move(subscriber.outbox.front());
    subscriber.outbox.pop_front();
    subscriber.outbox_bytes -= next->size();
    return next;
  }
  if (subscriber.stream->buffered_bytes() > options_.backlog_bytes_max) return rest();
  const auto owed = std::find(subscriber.owed.begin(), subscriber.owed.end(), true);
  if (owed == subscriber.owed.end()) return rest();
  *owed = false;
  return message("snapshot", boards_->snapshot_json(subscriber.panels[static_cast<size_t>(owed - subscriber.owed.begin())]));
}

void Hub::pump(const Pumping& pumping) {
  for (const auto& subscriber : pumping) {
    for (;;) {
      std::optional<Message> next;
      {
        const std::lock_guard lock(mutex_);
        next = next_message(*subscriber);
      }
      if (!next) break;
      const bool too_far_behind = subscriber->stream->buffered_bytes() > options_.backlog_bytes_max;
      const bool taken = !too_far_behind && subscriber->stream->write(**next);
      const std::lock_guard lock(mutex_);
      if (taken) {
        ++counters_.messages;
        subscriber->last_write = clock_.monotonic();
      } else if (!subscriber->stream->open()) {
        forget(subscriber);
      } else {
        ++counters_.slow;
        subscriber->slow_since = clock_.monotonic();
        owe(*subscriber);
      }
    }
  }
}

void Hub::forget(const std::shared_ptr<Subscriber>& subscriber) {
  if (subscriber->gone) return;
  subscriber->gone = true;
  subscriber->outbox.clear();
  const os::MonotonicTime now = clock_.monotonic();
  for (const uint32_t panel : subscriber->panels) boards_->unwatch(panel, now);
  std::erase(subscribers_, subscriber);
}

void Hub::tick() {
  Pumping pumping;
  std::vector<std::shared_ptr<net::Stream>> beats;
  std::vector<std::shared_ptr<net::Stream>> ended;
  {
    const std::lock_guard lock(mutex_);
    const os::MonotonicTime now = clock_.monotonic();
    const auto copy = subscribers_;
    for (const auto& subscriber : copy) {
      if (!subscriber->stream->open()) {
        forget(subscriber);
        continue;
      }
      if (subscriber->slow_since && subscriber->stream->buffered_bytes() == 0) subscriber->slow_since.reset();
      if (subscriber->slow_since && now - *subscriber->slow_since >= options_.slow_timeout) {
        forget(subscriber);
        ended.push_back(subscriber->stream);
        continue;
      }
      if (!subscriber->slow_since) wake(subscriber, pumping);  // for what it is still owed
      if (now - subscriber->last_write >= options_.heartbeat) {
        subscriber->last_write = now;
        beats.push_back(subscriber->stream);
      }
    }
    boards_->expire(now);
    if (const auto json = event_feed_.take({}, 0, now)) {
      const Message news = message("events", *json);
      for (const auto& subscriber : subscribers_) {
        if (subscriber->events) offer(subscriber, news, pumping);
      }
    }
  }
  for (const auto& stream : beats) (void)stream->write(": still here\n\n");
  for (const auto& stream : ended) end_stream(*stream, "slow");
  pump(pumping);
}

void Hub::stop() {
  std::vector<std::shared_ptr<Subscriber>> all;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    all = subscribers_;
    for (const auto& subscriber : all) forget(subscriber);
  }
  wake_.close();
  for (const auto& subscriber : all) end_stream(*subscriber->stream, "stopping");
}

// A client that cannot even take the farewell is cut off.
void Hub::end_stream(net::Stream& stream, std::string_view reason) const {
  event::Epoch id;
  {
    const std::lock_guard lock(mutex_);
    id = boards_->epoch();
  }
  const Message bye = sse_message("bye", id, "{\"reason\":\"" + std::string(reason) + "\"}");
  if (stream.write(*bye)) {
    stream.close();
  } else {
    stream.abort();
  }
}

}  // namespace sluice::serve
