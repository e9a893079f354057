// store_child.h - the thread that keeps the store's child alive, and what other threads may ask of it.
//
// Promise run() owns the Supervisor for as long as the child should live (a child dies with the thread that started it).
//         fence(): kills the child, waits until a new one answers, or until `at_most` (Code::unavailable).
// Threads run(): one. Everything else: any.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "store/supervisor.h"

namespace sluice::app {

class StoreChild {
 public:
  // `changed` is told each change of phase, on the run() thread: ready or not, and why not; before anybody who waits for it returns.
  StoreChild(os::Ports ports, store::SupervisorOptions options, std::function<void(const store::SupervisorState&)> changed);

  void run();
  // The child is asked to end, and killed when it does not; `at_once`: killed, since nobody waits any longer.
  void stop(bool at_once = false);
  bool ready() const;
  store::SupervisorState state() const;
  Status wait_ready(DurationMs at_most);
  Status fence(DurationMs at_most);

 private:
  os::Ports ports_;
  store::SupervisorOptions options_;
  const std::function<void(const store::SupervisorState&)> changed_;
  mutable std::mutex mutex_;
  std::condition_variable told_;
  store::SupervisorState state_;
  bool stopping_ = false;
  bool at_once_ = false;
  bool fence_wanted_ = false;
  uint64_t fences_ = 0;
};

}  // namespace sluice::app
