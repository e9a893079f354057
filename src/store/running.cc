#include "store/running.h"

namespace sluice::store {

Running::Guard::~Guard() {
  const std::lock_guard lock(running_.mutex_);
  running_.entries_.erase(entry_);
}

void Running::Guard::reply_begins() {
  const std::lock_guard lock(running_.mutex_);
  entry_->responder = nullptr;
}

void Running::Guard::streams(std::shared_ptr<const net::Stream> stream) {
  const std::lock_guard lock(running_.mutex_);
  entry_->stream = std::move(stream);
}

std::unique_ptr<Running::Guard> Running::enter(std::string mark, std::string query_id, const net::Responder& responder) {
  const std::lock_guard lock(mutex_);
  entries_.push_back(Entry{std::move(mark), std::move(query_id), &responder, nullptr, false});
  changed_.notify_all();
  return std::make_unique<Guard>(*this, std::prev(entries_.end()));
}

bool Running::ask_to_end(const std::string& query_id) {
  const std::lock_guard lock(mutex_);
  bool found = false;
  for (Entry& entry : entries_) {
    if (entry.query_id != query_id) continue;
    entry.asked_to_end = true;
    found = true;
  }
  woken_ = woken_ || found;
  changed_.notify_all();
  return found;
}

void Running::end_all() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  changed_.notify_all();
}

std::vector<std::string> Running::gone() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> marks;
  for (const Entry& entry : entries_) {
    const bool left = (entry.responder != nullptr && !entry.responder->alive()) || (entry.stream && !entry.stream->open());
    if (ending_ || entry.asked_to_end || left) marks.push_back(entry.mark);
  }
  return marks;
}

void Running::wait(DurationMs pause) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return woken_ || ending_ || !entries_.empty(); });
  if (!woken_) changed_.wait_for(lock, pause, [&] { return woken_; });
  woken_ = false;
}

void Running::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

}  // namespace sluice::store
