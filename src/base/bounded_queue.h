// bounded_queue.h - the only thing that stands between two threads.
//
// Promise First in, first out. Bounded in items and in bytes (a single item larger than bytes_max is let in when the queue is
//         empty, so that nothing is stuck for ever). try_push returns the item when there is no room: full means slower, not lost.
// Threads Any number on either side. close() wakes everyone; what is inside can still be taken.
// Why     One mutex and three condition variables: the queue is taken once per batch, not per event.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "base/result.h"

namespace sluice {

struct QueueBounds {
  size_t items_max = 1;
  size_t bytes_max = 1;
};

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(QueueBounds bounds) : bounds_(bounds) {
    SLUICE_ASSERT(bounds.items_max > 0 && bounds.bytes_max > 0, "a queue without room would block for ever");
  }
  BoundedQueue(const BoundedQueue&) = delete;
  BoundedQueue& operator=(const BoundedQueue&) = delete;

  // nullopt: taken. Otherwise the item comes back, because the queue is full or closed.
  [[nodiscard]] std::optional<T> try_push(T item, size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (closed_ || !has_room(bytes)) return std::optional<T>(std::move(item));
    put(std::move(item), bytes);
    return std::nullopt;
  }

  // Waits for room. false: closed, the item is dropped.
  [[nodiscard]] bool push(T item, size_t bytes) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || has_room(bytes); });
    if (closed_) return false;
    put(std::move(item), bytes);
    return true;
  }

  std::optional<T> try_pop() {
    const std::lock_guard lock(mutex_);
    return take();
  }

  // Waits at most `timeout`; nullopt after it, or when closed and empty.
  template <class Rep, class Period>
  std::optional<T> pop_for(std::chrono::duration<Rep, Period> timeout) {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, timeout, [&] { return closed_ || !items_.empty(); });
    return take();
  }

  // Waits at most `timeout` until `bytes` wait inside, or no more items fit, or it is closed: for a taker of whole batches, whom
  // each single item must not wake. One such waiter at a time.
  template <class Rep, class Period>
  void wait_for_bytes(size_t bytes, std::chrono::duration<Rep, Period> timeout) {
    std::unique_lock lock(mutex_);
    wanted_bytes_ = bytes;
    enough_.wait_for(lock, timeout, [&] { return closed_ || has_enough(); });
    wanted_bytes_ = kNobodyWaits;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    room_.notify_all();
    filled_.notify_all();
    enough_.notify_all();
  }
  bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  size_t items() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }
  size_t bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  bool has_room(size_t bytes) const {
    if (items_.empty()) return true;
    return items_.size() < bounds_.items_max && bytes <= bounds_.bytes_max && bytes_ <= bounds_.bytes_max - bytes;
  }
  bool has_enough() const { return bytes_ >= wanted_bytes_ || items_.size() >= bounds_.items_max; }
  void put(T item, size_t bytes) {
    items_.emplace_back(std::move(item), bytes);
    bytes_ += bytes;
    filled_.notify_one();
    if (wanted_bytes_ != kNobodyWaits && has_enough()) enough_.notify_one();
  }
  std::optional<T> take() {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front().first));
    bytes_ -= items_.front().second;
    items_.pop_front();
    room_.notify_all();
    return item;
  }

  static constexpr size_t kNobodyWaits = static_cast<size_t>(-1);

  const QueueBounds bounds_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable filled_;
  std::condition_variable enough_;
  size_t wanted_bytes_ = kNobodyWaits;
  std::deque<std::pair<T, size_t>> items_;
  size_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace sluice
