// clock.h - the port through which time enters.
//
// wall() may jump either way; monotonic() never goes back and has no meaning across processes. Only os/, app/ and cli/ ask;
// process/ and plan/ never do (semantics: time reaches a number through the journal alone).
// Threads Any.
#pragma once

#include <chrono>
#include <memory>

#include "base/units.h"

namespace sluice::os {

using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimeMs wall() = 0;
  virtual MonotonicTime monotonic() = 0;
  // Blocks the calling thread. A simulated clock moves on instead.
  virtual void sleep_for(DurationMs duration) = 0;
  // CPU time of the calling thread, user and system, microseconds: for budgets per stage.
  virtual int64_t thread_cpu_us() = 0;
};

std::unique_ptr<Clock> real_clock();

}  // namespace sluice::os
