// running_up_test.h - for tests: the whole program inside this process, on free ports and in a folder of its own.
//
// Use     RunningUp up; up.start(); then ask() at its addresses, kill_store(), stop(), start() again on the same data.
// Store   The child is SLUICE_STORE_PROGRAM (a program with a sanitizer cannot load the engine's library), else the `sluice` beside
//         this test program. Only children that this object started are killed, by id.
// Threads start(), stop(): one. The rest: any.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/up.h"
#include "net/client.h"
#include "os/temp_folder.h"

namespace sluice::app {

// The real processes, with a note of who was started.
class NotedProcesses final : public os::Processes {
 public:
  explicit NotedProcesses(os::Processes& real) : real_(real) {}
  Result<std::unique_ptr<os::Child>> spawn(const os::Command& command) override {
    Result<std::unique_ptr<os::Child>> child = real_.spawn(command);
    if (child) {
      const std::lock_guard lock(mutex_);
      started_.push_back((*child)->pid());
    }
    return child;
  }
  std::string own_path() override { return real_.own_path(); }
  std::optional<std::string> environment(const std::string& name) override { return real_.environment(name); }
  int64_t resident_bytes() override { return real_.resident_bytes(); }

  std::vector<int> started() {
    const std::lock_guard lock(mutex_);
    return started_;
  }

 private:
  os::Processes& real_;
  std::mutex mutex_;
  std::vector<int> started_;
};

class RunningUp {
 public:
  static constexpr DurationMs kPatience{120'000};  // for what should come within seconds, also under a sanitizer

  RunningUp();
  ~RunningUp() { stop(); }
  RunningUp(const RunningUp&) = delete;
  RunningUp& operator=(const RunningUp&) = delete;

  void start(const std::function<void(UpSetup&)>& change = {});
  // How long it took.
  DurationMs stop();
  std::unique_ptr<Up> take() { return std::move(up_); }
  const Addresses& addresses() const { return addresses_; }
  os::Ports ports() {
    return {real_.ports().clock, real_.ports().files, real_.ports().entropy, processes_, real_.ports().sockets};
  }
  std::vector<int> store_pids() { return processes_.started(); }
  // The newest child; it must be running.
  void kill_store();

  // Tells whether it holds before the patience ends.
  bool eventually(const std::function<bool()>& condition);
  // One request on a connection of its own; an error of the transport is status 0.
  net::Response ask(const std::string& address, net::ClientRequest request);
  net::Response get(const std::string& address, const std::string& target);
  net::Response post(const std::string& address, const std::string& target, std::string_view body, net::Headers headers = {});
  net::Address control() const { return {{}, data_ + "/control.sock"}; }
  static net::Address address_of(const std::string& url);
  // One value by SQL; "" while the store does not answer.
  std::string value(const std::string& sql);
  // Over the control socket; null while the store does not answer.
  nlohmann::json ledger();
  bool ready() { return get(addresses_.web, "/health").body.find(R"("status":"ready")") != std::string::npos; }

  const std::string& folder() const { return folder_.path(); }
  UpSetup setup() const;

 private:
  void write(const std::string& path, const std::string& text);

  os::RealPorts real_;
  NotedProcesses processes_{real_.ports().processes};
  os::TempFolder folder_;
  const std::string project_ = folder_.file("project");
  const std::string data_ = folder_.file("data");
  Addresses addresses_;
  std::unique_ptr<Up> up_;
};

}  // namespace sluice::app
