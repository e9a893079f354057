// up.h - the whole program on one machine: everything wired, started in order, ended in order.
//
// Start   project checked -> DATA locked -> log opened -> listeners bound -> threads: store child, committer, pipeline, net, workers, ticker.
//         Events are accepted at once, also while the store starts; the log absorbs them.
// End     collect stops taking requests -> the log commits what waits -> the pipeline commits and checkpoints -> page and SQL end -> the
//         store child ends. Whole within stop_within; what is not committed by then is folded again at the next start.
// Errors  start(): Code::invalid (every diagnostic of the project), conflict (an address or DATA is taken), io. After it: /health.
// Threads start(), run() and stop() by one; the object makes and joins all others.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "os/ports.h"

namespace sluice::app {

struct UpSetup {
  std::string project;  // directory
  std::string data;
  bool demo = false;
  std::vector<std::string> listen;  // NAME=HOST:PORT with NAME collect, web or sql
  std::string version;
  std::string store_program;  // runs the store's child; empty: this program itself
  bool watch = true;  // the project's files
  DurationMs lock_wait{10'000};
  DurationMs stop_within{4'000};
};

struct Addresses {
  std::string collect;
  std::string web;
  std::string sql;
};

class Up {
 public:
  static Result<std::unique_ptr<Up>> start(os::Ports ports, UpSetup setup);
  ~Up();
  const Addresses& addresses() const;
  // Until os::wait_for_stop() returns; then stop().
  void run();
  // Ends everything in order; a second call does nothing. The destructor does it, too.
  void stop();

 private:
  struct Parts;
  explicit Up(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::app
