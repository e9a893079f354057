// control.h - how a command reaches a data directory: through a running `up`, or by opening it itself.
//
// Promise Control::connect(): the control socket of a running `up`, when one answers. OpenedData::open(): the data directory alone, with its
//         lock, log and, when asked, a store child: what a command needs without an `up`.
// Errors  OpenedData: Code::conflict when another command holds DATA; Code::not_found when DATA was never used.
// Threads A Control belongs to one thread. OpenedData makes and joins the store's thread.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "app/data_directory.h"
#include "app/proof.h"
#include "app/store_access.h"
#include "log/segment_log.h"
#include "net/client.h"

namespace sluice::app {

class Control {
 public:
  // nullopt: no `up` runs on this data directory.
  static std::optional<Control> connect(os::Ports ports, const DataPaths& paths);
  // The body of a 200; otherwise the error that the reply names.
  Result<std::string> get(const std::string& target);
  Result<std::string> post(const std::string& target, std::string_view body, const net::Headers& headers = {});

 private:
  explicit Control(std::unique_ptr<net::Client> client) : client_(std::move(client)) {}
  Result<std::string> ask(net::ClientRequest request);
  std::unique_ptr<net::Client> client_;
};

class OpenedData {
 public:
  static Result<std::unique_ptr<OpenedData>> open(os::Ports ports, const DataPaths& paths, bool with_store);
  ~OpenedData();
  const DataDirectory& directory() const { return *directory_; }
  log::SegmentLog& log() { return *log_; }
  serve::Queries& queries() { return *queries_; }
  Proof proof();
  // Of the newest journaled plan; not_found before the first `up`.
  Result<std::unique_ptr<plan::Plan>> plan();

 private:
  explicit OpenedData(os::Ports ports) : ports_(ports) {}
  os::Ports ports_;
  std::unique_ptr<DataDirectory> directory_;
  std::unique_ptr<log::SegmentLog> log_;
  std::unique_ptr<StoreChild> child_;
  std::unique_ptr<StoreQueries> queries_;
  std::jthread thread_;
};

}  // namespace sluice::app
