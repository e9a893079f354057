// store_main.h - the program `sluice store`: the embedded engine behind ClickHouse's HTTP interface on a Unix socket.
//
// Promise run_store() confines itself (Landlock), takes the data directory's lock, opens the engine, listens, and serves until SIGTERM
//         or SIGINT; then it lets running statements end for a moment, closes every connection and ends the process: it does not return
//         once the engine was open.
// Errors  Exit codes: 0 stopped, 1 cannot start (said on standard error as one JSON line), 3 the directory is held by another process:
//         the supervisor tries again, since the other one may be a child that is just dying.
// Threads Creates its own: child_threads.h.
#pragma once

#include <string>

#include "base/result.h"
#include "os/ports.h"
#include "store/engine_config.h"

namespace sluice::store {

struct StoreOptions {
  std::string data_directory;  // absolute; holds engine/, config.xml, users.xml and the lock
  std::string socket_path;
  std::string library_path;  // empty: find_library()
  EngineLimits engine;
  ReaderLimits readers;
};

constexpr int kExitHeldElsewhere = 3;

// SLUICE_LIBCHDB, else libchdb.so beside the program.
Result<std::string> find_library(os::Ports ports);

int run_store(const StoreOptions& options);

}  // namespace sluice::store
