#include "store/supervisor.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

namespace sluice::store {

namespace {

constexpr DurationMs kStartingPause{20};  // between looks at a child that starts
constexpr DurationMs kLookPause{200};     // between looks whether a ready child still lives
constexpr DurationMs kStopPause{5};

ClientOptions client_options(const SupervisorOptions& options) {
  ClientOptions out;
  out.address.unix_path = options.socket_path;
  return out;
}

DurationMs until(os::MonotonicTime when, os::MonotonicTime now) {
  return when <= now ? DurationMs(0) : std::chrono::ceil<DurationMs>(when - now);
}

}  // namespace

Supervisor::Supervisor(os::Ports ports, SupervisorOptions options)
    : ports_(ports), options_(std::move(options)), client_(ports_, client_options(options_)), pause_(options_.restart_pause_min) {
  if (options_.program.empty()) options_.program = ports_.processes.own_path();
}

Supervisor::~Supervisor() = default;

void Supervisor::enter(SupervisorState::Phase phase, os::MonotonicTime now) {
  state_.phase = phase;
  state_.since = now;
}

void Supervisor::start(os::MonotonicTime now) {
  os::Command command;
  command.arguments = {options_.program, "store", "--data", options_.data_directory, "--socket", options_.socket_path};
  command.stderr_path = options_.stderr_path;
  if (std::exchange(started_once_, true)) ++state_.restarts;
  Result<std::unique_ptr<os::Child>> child = ports_.processes.spawn(command);
  if (!child) return down(now, child.error().message);
  child_ = std::move(*child);
  state_.pid = child_->pid();
  answered_ = now;
  enter(SupervisorState::Phase::starting, now);
}

void Supervisor::down(os::MonotonicTime now, std::string why) {
  child_.reset();
  state_.pid = 0;
  state_.last_error = std::move(why);
  next_start_ = now + pause_;
  pause_ = std::min(pause_ * 2, options_.restart_pause_max);
  enter(SupervisorState::Phase::down, now);
}

DurationMs Supervisor::step(os::MonotonicTime now) {
  using Phase = SupervisorState::Phase;
  if (state_.phase == Phase::stopped) return options_.ping_every;
  if (state_.phase == Phase::down) {
    if (now < next_start_) return until(next_start_, now);
    start(now);
    return state_.phase == Phase::down ? until(next_start_, now) : kStartingPause;
  }
  if (const std::optional<int> code = child_->poll()) {
    down(now, fmt::format("the store process ended with code {}{}; it is started again", *code,
                          *code > 128 ? fmt::format(" (signal {})", *code - 128) : ""));
    return until(next_start_, now);
  }
  if (state_.phase == Phase::ready && now < next_ping_) return std::min(until(next_ping_, now), kLookPause);

  const Status answer = client_.ping(options_.ping_timeout);
  const os::MonotonicTime later = ports_.clock.monotonic();
  if (answer) {
    answered_ = later;
    next_ping_ = later + options_.ping_every;
    if (state_.phase == Phase::starting) {
      pause_ = options_.restart_pause_min;
      enter(Phase::ready, later);
    }
    return std::min(options_.ping_every, kLookPause);
  }
  const DurationMs patience = state_.phase == Phase::starting ? options_.start_within : options_.hang_after;
  if (later - answered_ < patience) return kStartingPause;
  down(later, fmt::format("the store process did not answer for {} ms and was killed; it is started again ({})", patience.count(),
                          answer.error().message));
  return until(next_start_, later);
}

void Supervisor::fence(os::MonotonicTime now) {
  if (state_.phase == SupervisorState::Phase::stopped) return;
  pause_ = options_.restart_pause_min;
  down(now, "the store process was ended because an insert's fate was unknown");
  next_start_ = now;
}

void Supervisor::stop() {
  if (child_) {
    child_->kill(SIGTERM);
    const os::MonotonicTime deadline = ports_.clock.monotonic() + options_.stop_within;
    while (!child_->poll() && ports_.clock.monotonic() < deadline) ports_.clock.sleep_for(kStopPause);
  }
  child_.reset();  // kills what is left
  state_.pid = 0;
  enter(SupervisorState::Phase::stopped, ports_.clock.monotonic());
}

}  // namespace sluice::store
