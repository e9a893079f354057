// child.h - the store child's inside: requests into lanes, statements onto engine connections, results back.
//
// Promise handle() never blocks: it answers pings, refuses what is malformed and queues the rest. Each statement has a fresh connection,
//         opened with its role, limits and settings and closed after it, so nothing carries over from one request to the next.
//         An INSERT is acknowledged only when the engine reported no error and wrote exactly the rows that X-Sluice-Rows announced.
//         DDL is not durable when it is answered (facts/exactly-once.md 13): whoever relies on it syncs the file system first.
//         A statement whose client left, or that a KILL names, is ended in the engine within about a quarter of a second.
// Bounds  Per lane a number of threads (child_threads.h) and kLaneItemsMax waiting requests of kLaneBytesMax bytes; beyond: 503, Code 202.
// Threads handle(): the net thread. run(lane), watch(): one thread each of child_threads. stop(): any.
// Lives   Engine and ports outlive the Child; Responders may outlive it.
// Why     A lane per kind: live inserts wait neither for dashboards nor for jobs, and readers cannot starve the pipeline's own questions.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "base/bounded_queue.h"
#include "net/http.h"
#include "os/ports.h"
#include "store/allowed_functions.h"
#include "store/chdb.h"
#include "store/engine_config.h"
#include "store/gate.h"
#include "store/known_answers.h"
#include "store/native.h"
#include "store/reply.h"
#include "store/request.h"
#include "store/running.h"

namespace sluice::store {

enum class Lane : size_t { inserts = 0, writers = 1, readers = 2 };
constexpr size_t kLanes = 3;
constexpr std::array<size_t, kLanes> kLaneThreads = {1, 2, 3};
constexpr std::array<size_t, kLanes> kLaneItemsMax = {8, 64, 64};
constexpr size_t kLaneBytesMax = 256_MiB;
constexpr std::string_view kReaderDatabase = "sluice";

class Child {
 public:
  // Opens a connection that stays, so that the engine does, and asks it who it is.
  static Result<std::unique_ptr<Child>> start(const Engine& engine, os::Ports ports, const ReaderLimits& limits);

  void handle(net::Request request, net::Responder responder);
  void run(Lane lane);
  void watch();
  // Takes no more requests and ends running statements; run() and watch() return.
  void stop();
  size_t waiting(Lane lane) const { return lanes_[static_cast<size_t>(lane)].items(); }

 private:
  struct Job {
    StoreRequest request;
    net::Responder responder;
  };
  using Queue = BoundedQueue<std::unique_ptr<Job>>;

  Child(const Engine& engine, os::Ports ports, const ReaderLimits& limits, Connection keep, FunctionNames names,
        Identity identity);
  void refuse(net::Responder& responder, std::string_view query_id, const Error& error) const;
  void execute(Job& job);
  void insert(Job& job, const Statement& statement);
  void write(Job& job, const Statement& statement);
  void read(Job& job, const Statement& statement);
  Result<Connection> open_writer(const StoreRequest& request) const;
  Result<Connection> open_reader(const StoreRequest& request, const std::string& mark, bool read_only, bool document) const;
  void reply(Job& job, Connection& connection, const Admitted& statement, const std::string& mark, Running::Guard& guard);
  // false: the client is gone; nothing more is to be said.
  Result<bool> stream(Job& job, Connection& connection, const Admitted& statement, const std::string& mark, Running::Guard& guard,
                      ResultWriter& writer, Summary& summary);
  Result<std::vector<Column>> describe(const StoreRequest& request, const std::string& sql, const std::string& mark) const;
  std::string fresh_id();

  const Engine& engine_;
  os::Ports ports_;
  const ReaderLimits limits_;
  const FunctionNames names_;
  const Identity identity_;
  const std::string id_prefix_;
  std::atomic<uint64_t> next_id_{1};
  KnownAnswers known_;
  Running running_;
  std::array<Queue, kLanes> lanes_;
  std::atomic<bool> stopping_{false};
  Connection keep_;  // the last connection's end would end the engine
};

}  // namespace sluice::store
