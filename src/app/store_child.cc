#include "app/store_child.h"

namespace sluice::app {

using Phase = store::SupervisorState::Phase;

StoreChild::StoreChild(os::Ports ports, store::SupervisorOptions options,
                       std::function<void(const store::SupervisorState&)> changed)
    : ports_(ports), options_(std::move(options)), changed_(std::move(changed)) {}

void StoreChild::run() {
  store::Supervisor supervisor(ports_, options_);
  std::optional<Phase> told;
  for (;;) {
    bool fence = false;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
      fence = std::exchange(fence_wanted_, false);
    }
    if (fence) supervisor.fence(ports_.clock.monotonic());
    const DurationMs next = supervisor.step(ports_.clock.monotonic());
    const store::SupervisorState state = supervisor.state();
    if (told != state.phase) {
      told = state.phase;
      changed_(state);
    }
    std::unique_lock lock(mutex_);
    state_ = state;
    if (fence) ++fences_;
    told_.notify_all();
    told_.wait_for(lock, next, [&] { return stopping_ || fence_wanted_; });
  }
  bool at_once = false;
  {
    const std::lock_guard lock(mutex_);
    at_once = at_once_;
    state_.phase = Phase::stopped;
  }
  if (!at_once) supervisor.stop();
}

void StoreChild::stop(bool at_once) {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  at_once_ = at_once_ || at_once;
  told_.notify_all();
}

bool StoreChild::ready() const {
  const std::lock_guard lock(mutex_);
  return state_.phase == Phase::ready;
}

store::SupervisorState StoreChild::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

Status StoreChild::wait_ready(DurationMs at_most) {
  std::unique_lock lock(mutex_);
  const bool ready = told_.wait_for(lock, at_most, [&] { return stopping_ || state_.phase == Phase::ready; });
  if (stopping_) return fail(Code::closed, "the store is being stopped");
  if (ready) return ok();
  return fail(Code::unavailable, "the store does not answer" + (state_.last_error.empty() ? "" : ": " + state_.last_error));
}

Status StoreChild::fence(DurationMs at_most) {
  std::unique_lock lock(mutex_);
  const uint64_t before = fences_;
  fence_wanted_ = true;
  told_.notify_all();
  const bool done =
      told_.wait_for(lock, at_most, [&] { return stopping_ || (fences_ > before && state_.phase == Phase::ready); });
  if (stopping_) return fail(Code::closed, "the store is being stopped");
  return done ? ok() : Status(fail(Code::unavailable, "the store was ended and does not answer again yet"));
}

}  // namespace sluice::app
