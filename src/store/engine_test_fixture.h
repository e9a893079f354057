// engine_test_fixture.h - for tests: one engine for the whole test program, in its own temporary folder, with a table, a view and bait.
//
// Promise The library comes from SLUICE_LIBCHDB or from beside the program; without it the test is skipped, loudly.
//         Tables: sluice.events(id, event, epoch) with 10 rows, sluice.view, default.secret with one row.
// Why     The engine runs on one folder per process. All connections are closed before main returns (store_test_main_test.cc).
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "store/allowed_functions.h"
#include "store/chdb.h"

namespace sluice::store {

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override;
  const Engine& engine() const;
  const FunctionNames& names() const;
  const std::string& folder() const;  // absolute, removed at the end
  Connection open_writer() const;
  Connection open_reader(std::string_view database) const;
  // What a hostile reader tries, from facts/store.md 6 and facts/interop.md 5. OUTFILE targets lie in folder().
  std::vector<std::string> attempts() const;
};

void close_shared_engine();

}  // namespace sluice::store
