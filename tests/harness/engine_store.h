// engine_store.h - the real engine as the pipeline's store, which fails when told.
//
// Use     EngineStore::open() once per program, reset() before each case. EngineWarehouse: what Sink and JobStage are given.
//         The engine runs inside the test process, or, where SLUICE_STORE_PROGRAM names a `sluice`, as its child: a program built with
//         AddressSanitizer cannot load the library.
// Faults  die_after: so many operations succeed, then every one says unavailable and does nothing.
//         lose_reply: the nth insert from now answers Code::unknown; whether it was stored is said too.
//         refuse: the nth insert from now answers Code::unavailable and does nothing, as when memory or disk are short.
// Errors  open(): Code::unavailable where there is no libchdb.so (SLUICE_LIBCHDB, or beside the program).
// Threads One.   Lives  close() before the program ends, and end it by os::exit_now().
#pragma once

#include <memory>
#include <optional>

#include "os/ports.h"
#include "os/temp_folder.h"
#include "process/warehouse.h"
#include "store/chdb.h"
#include "store/supervisor.h"

namespace sluice::harness {

struct StoreFaults {
  std::optional<uint64_t> die_after;
  uint64_t lose_reply = 0;
  bool lost_but_stored = false;
  uint64_t refuse = 0;
  uint64_t fences = 0;  // seen so far
  bool fired = false;  // something was done to an operation since armed
};

class EngineStore {
 public:
  static Result<std::unique_ptr<EngineStore>> open();
  // An empty store without a `sluice` database.
  Status reset();
  // A whole reply, past every fault.
  Result<std::string> query(const std::string& sql, std::string_view format);
  // Code::unknown when another number of rows was written than announced.
  Status insert(const process::Insert& insert);

 private:
  EngineStore() : folder_(os::TempFolder::Place::memory) {}
  Status open_inside();
  Status open_child(const std::string& program);

  os::RealPorts real_;
  os::TempFolder folder_;
  std::unique_ptr<store::Engine> engine_;
  std::optional<store::Connection> connection_;
  std::unique_ptr<store::Supervisor> child_;  // or these two
  std::unique_ptr<store::Client> client_;
};

class EngineWarehouse final : public process::Warehouse {
 public:
  EngineWarehouse(EngineStore& store, StoreFaults& faults) : store_(store), faults_(faults) {}
  Status insert(const process::Insert& insert) override;
  Status execute(const std::string& statement) override;
  Result<std::string> query(const std::string& statement, std::string_view format) override;
  Status fence() override;
  Status sync() override { return alive(); }

 private:
  Status alive();

  EngineStore& store_;
  StoreFaults& faults_;
};

}  // namespace sluice::harness
