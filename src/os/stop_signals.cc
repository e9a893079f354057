#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "base/result.h"
#include "os/processes.h"

namespace sluice::os {
namespace {

// Process-wide because signals are. The descriptor becomes readable at the first request and stays so.
std::atomic<bool> stopping{false};
std::atomic<int> stop_event{-1};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free, "used in a signal handler");

void on_signal(int) {
  const int saved = errno;
  request_stop();
  errno = saved;
}

int event_descriptor() {
  int known = stop_event.load();
  if (known >= 0) return known;
  const int made = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  SLUICE_ASSERT(made >= 0, "one descriptor at the start");
  if (stop_event.compare_exchange_strong(known, made)) return made;
  ::close(made);
  return known;
}

}  // namespace

void catch_stop_signals() {
  event_descriptor();
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  SLUICE_ASSERT(::sigaction(SIGINT, &action, nullptr) == 0 && ::sigaction(SIGTERM, &action, nullptr) == 0, "these can be caught");
  // A reader that went away is an error of write(), not the end of the process.
  action.sa_handler = SIG_IGN;
  SLUICE_ASSERT(::sigaction(SIGPIPE, &action, nullptr) == 0, "this can be ignored");
}

bool stop_requested() { return stopping.load(); }

// Async-signal-safe once catch_stop_signals() or wait_for_stop() made the event.
void request_stop() {
  stopping.store(true);
  const int event = stop_event.load();
  const uint64_t one = 1;
  if (event >= 0) (void)!::write(event, &one, sizeof one);
}

void wait_for_stop() {
  pollfd waited{event_descriptor(), POLLIN, 0};
  while (!stopping.load()) (void)::poll(&waited, 1, -1);
}

}  // namespace sluice::os
