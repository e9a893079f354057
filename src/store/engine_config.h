// engine_config.h - the engine's two configuration files, and the settings of a reader's session.
//
// Promise Tables sync what they write and merge (facts/exactly-once.md 2.7); caches and pools are small enough for an idle machine.
//         Roles: `writer` may do everything, `reader` may SELECT and SHOW sluice.* and a few system tables. A session starts as writer.
// Errors  Code::io when the files cannot be written.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"
#include "os/files.h"
#include "store/chdb.h"

namespace sluice::store {

struct EngineLimits {
  size_t memory_bytes_max = 1'000'000'000;
  size_t merges_memory_bytes_max = 400'000'000;
};

// Writes config.xml and users.xml into `directory` and returns config.xml's path.
Result<std::string> write_engine_config(os::Files& files, const std::string& directory, const EngineLimits& limits);

// What one reader's statement may use. A request can lower these, never raise them.
struct ReaderLimits {
  uint64_t execution_seconds_max = 30;
  uint64_t memory_bytes_max = 250'000'000;
  uint64_t threads_max = 2;
  uint64_t temporary_bytes_max = 1'000'000'000;  // spilled to disk
  uint64_t document_bytes_max = 256'000'000;  // of a result whose format cannot be streamed
};
Settings reader_settings(const ReaderLimits& limits);
// Turns a fresh connection into a reader's, in this order: URL settings, database, role, readonly=1 last.
Status become_reader(Connection& connection, const Settings& settings, std::string_view database, bool read_only);
// SET a = '1', b = '2'. Names must be plain; values are quoted.
Result<std::string> set_statement(const Settings& settings);

}  // namespace sluice::store
