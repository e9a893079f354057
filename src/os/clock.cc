#include "os/clock.h"

#include <ctime>
#include <thread>

#include "base/result.h"

namespace sluice::os {
namespace {

timespec read_clock(clockid_t id) {
  timespec now{};
  SLUICE_ASSERT(clock_gettime(id, &now) == 0, "the kernel has this clock");
  return now;
}

class RealClock final : public Clock {
 public:
  TimeMs wall() override {
    const timespec now = read_clock(CLOCK_REALTIME);
    return time_ms(static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000);
  }
  MonotonicTime monotonic() override { return std::chrono::steady_clock::now(); }
  void sleep_for(DurationMs duration) override { std::this_thread::sleep_for(duration); }
  int64_t thread_cpu_us() override {
    const timespec used = read_clock(CLOCK_THREAD_CPUTIME_ID);
    return static_cast<int64_t>(used.tv_sec) * 1'000'000 + used.tv_nsec / 1000;
  }
};

}  // namespace

std::unique_ptr<Clock> real_clock() { return std::make_unique<RealClock>(); }

}  // namespace sluice::os
