// engine.h - the real ClickHouse engine inside the test process: libchdb, opened by name (SLUICE_LIBCHDB).
//
// Lives   One Engine per process; closed before the process ends, else the library crashes on its way out.
// Why     Printed SQL is only worth what the real engine makes of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sluice::agreement {

using Cell = std::optional<std::string>;   // nullopt: NULL
using Table = std::vector<std::vector<Cell>>;

class Engine {
 public:
  // nullptr with a reason when the library cannot be opened.
  static Engine* open(std::string& reason);
  static void close();

  // Runs one statement without a result; fails the test with the engine's words.
  void run(const std::string& sql);
  // Rows as the engine writes them in TSV, unescaped. nullopt after an error, which `error` then holds.
  std::optional<Table> ask(const std::string& sql, std::string& error);

 private:
  void* library_ = nullptr;
  void** connection_ = nullptr;
};

}  // namespace sluice::agreement
