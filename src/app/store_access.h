// store_access.h - the store's client in the shapes that its users own: process::Warehouse and serve::Queries.
//
// Threads A StoreWarehouse belongs to one thread. StoreQueries: any; each query takes an idle connection or makes one, at most
//         kIdleMax stay open.
// Lives   StoreChild and Ports outlive both.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "app/store_child.h"
#include "process/warehouse.h"
#include "serve/queries.h"
#include "store/client.h"

namespace sluice::app {

class StoreWarehouse final : public process::Warehouse {
 public:
  StoreWarehouse(os::Ports ports, StoreChild& child, std::string store_directory, std::string socket);
  Status insert(const process::Insert& insert) override;
  Status execute(const std::string& statement) override;
  Result<std::string> query(const std::string& statement, std::string_view format) override;
  Status fence() override;
  Status sync() override;

 private:
  os::Ports ports_;
  StoreChild& child_;
  const std::string directory_;
  store::Client client_;
};

class StoreQueries final : public serve::Queries {
 public:
  static constexpr size_t kIdleMax = 8;
  // `closed` says why nothing may be asked yet, e.g. because tables are missing; empty: go on.
  StoreQueries(os::Ports ports, StoreChild& child, std::string socket, std::function<std::string()> closed = {})
      : ports_(ports), child_(child), socket_(std::move(socket)), closed_(std::move(closed)) {}
  Result<serve::Reply> query(const serve::Query& query) override;
  // Ends what is being asked within a quarter of a second and refuses all else: Code::closed.
  void stop() { stopping_ = true; }

 private:
  std::unique_ptr<net::Client> take();
  void give_back(std::unique_ptr<net::Client> client);

  os::Ports ports_;
  StoreChild& child_;
  const std::string socket_;
  const std::function<std::string()> closed_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<std::unique_ptr<net::Client>> idle_;
};

}  // namespace sluice::app
