// supervisor.h - keeps one store child alive: starts it, sees that it answers, ends it when it hangs, starts it again.
//
// Promise ready() only while a child that answered /ping lives. A child that died or did not answer for hang_after is killed, reaped, and a
//         new one is started after a pause that doubles from restart_pause_min to restart_pause_max and falls back once one was ready.
//         fence(): kills the child and waits until it is reaped, so that nothing it was told can still land (facts/exactly-once.md 20), and
//         starts a new one at once; inserts whose fate is unknown are asked about after the next ready().
//         stop(): SIGTERM, at most stop_within, then SIGKILL.
// Bounds  One child. step() blocks at most ping_timeout. A death is noticed within a quarter of a second of it.
// Errors  Never returned: state().last_error says why it is not ready, for /health.
// Threads One, which must live as long as the child: PR_SET_PDEATHSIG follows the thread that spawned it.
// Lives   Ports must outlive it. Destruction kills the child.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/units.h"
#include "os/ports.h"
#include "store/client.h"

namespace sluice::store {

struct SupervisorOptions {
  std::string program;  // empty: this program
  std::string data_directory;
  std::string socket_path;
  std::string stderr_path;  // empty: ours
  DurationMs ping_every{1'000};
  DurationMs ping_timeout{1'000};
  DurationMs start_within{30'000};  // an engine with many parts needs seconds
  DurationMs hang_after{10'000};  // without an answer to /ping
  DurationMs restart_pause_min{50};
  DurationMs restart_pause_max{5'000};
  DurationMs stop_within{3'000};
};

struct SupervisorState {
  enum class Phase { starting, ready, down, stopped };
  Phase phase = Phase::down;
  os::MonotonicTime since{};  // of this phase; `ready` that misses pings stays ready until it is killed
  uint64_t restarts = 0;  // children started beyond the first
  int pid = 0;  // 0: none
  std::string last_error;  // empty: none yet
};

class Supervisor {
 public:
  Supervisor(os::Ports ports, SupervisorOptions options);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Does what is due and says when it should be called next; call it sooner after news of the child.
  DurationMs step(os::MonotonicTime now);
  void fence(os::MonotonicTime now);
  void stop();
  const SupervisorState& state() const { return state_; }
  bool ready() const { return state_.phase == SupervisorState::Phase::ready; }

 private:
  void start(os::MonotonicTime now);
  void down(os::MonotonicTime now, std::string why);
  void enter(SupervisorState::Phase phase, os::MonotonicTime now);

  os::Ports ports_;
  SupervisorOptions options_;
  Client client_;
  std::unique_ptr<os::Child> child_;
  SupervisorState state_;
  os::MonotonicTime next_start_{};
  os::MonotonicTime next_ping_{};
  os::MonotonicTime answered_{};
  DurationMs pause_;
  bool started_once_ = false;
};

}  // namespace sluice::store
