// simulated_world.h - a clock that moves only when told, and entropy from a seed: all that a whole pipeline on one thread needs.
//
// Threads One.
#pragma once

#include <random>
#include <span>

#include "os/clock.h"
#include "os/entropy.h"

namespace sluice::harness {

// Wall and monotonic clock apart: time as events see it, and time as the stages' intervals see it.
class SimulatedClock final : public os::Clock {
 public:
  explicit SimulatedClock(TimeMs wall) : wall_(wall) {}
  TimeMs wall() override { return wall_; }
  os::MonotonicTime monotonic() override { return monotonic_; }
  void sleep_for(DurationMs duration) override {
    wall_ += duration;
    monotonic_ += duration;
  }
  int64_t thread_cpu_us() override { return 0; }

  void set_wall(TimeMs wall) { wall_ = wall; }   // also back: a machine's clock does that
  void pass(DurationMs duration) { monotonic_ += duration; }

 private:
  TimeMs wall_;
  os::MonotonicTime monotonic_{std::chrono::hours(1)};
};

class SeededEntropy final : public os::Entropy {
 public:
  explicit SeededEntropy(uint64_t seed) : random_(seed) {}
  void fill(std::span<std::byte> out) override {
    for (std::byte& b : out) b = static_cast<std::byte>(random_());
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace sluice::harness
