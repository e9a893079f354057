// processes.h - the port through which child processes live and die.
//
// Promise spawn() gives the child /dev/null as standard input, the given environment on top of ours, and SIGKILL when the
//         *thread* that spawned it ends (PR_SET_PDEATHSIG), so spawn from a thread that lives as long as the child should.
//         Other descriptors are not inherited. The child has its own process group (Ctrl-C reaches us alone) and default signals.
// Threads A Child belongs to one thread, except kill(), which any thread may call.
#pragma once

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace sluice::os {

class Child {
 public:
  virtual ~Child() = default;  // kills and reaps a child that still runs
  virtual int pid() const = 0;
  virtual void kill(int signal) = 0;
  virtual std::optional<int> poll() = 0;  // exit code once it ended (128 + signal when killed); does not block
  virtual int wait() = 0;  // blocks until it ended
};

struct Command {
  std::vector<std::string> arguments;  // [0] is the program's path
  std::vector<std::string> environment;  // NAME=VALUE, added
  std::string stderr_path;  // empty: ours
};

class Processes {
 public:
  virtual ~Processes() = default;
  virtual Result<std::unique_ptr<Child>> spawn(const Command& command) = 0;
  virtual std::string own_path() = 0;  // this program's file
  virtual std::optional<std::string> environment(const std::string& name) = 0;
  virtual int64_t resident_bytes() = 0;  // of this process
};

std::unique_ptr<Processes> real_processes();

// SIGINT and SIGTERM set a flag that stop_requested() reads and end wait_for_stop(); SIGPIPE is ignored. Call once, before
// threads start.
void catch_stop_signals();
bool stop_requested();
void request_stop();  // as if a signal had come
void wait_for_stop();

}  // namespace sluice::os
