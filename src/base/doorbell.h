// doorbell.h - "look again": wakes one sleeping thread when there may be work, without saying what.
//
// Promise A ring between two waits is never lost. Many rings before a wait are one.
// Threads Any may ring; one waits.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace sluice {

class Doorbell {
 public:
  void ring() {
    {
      const std::lock_guard lock(mutex_);
      rung_ = true;
    }
    bell_.notify_one();
  }
  template <class Rep, class Period>
  void wait_for(std::chrono::duration<Rep, Period> at_most) {
    std::unique_lock lock(mutex_);
    bell_.wait_for(lock, at_most, [&] { return rung_; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable bell_;
  bool rung_ = false;
};

}  // namespace sluice
