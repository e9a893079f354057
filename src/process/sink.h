// sink.h - epochs into the store, exactly once (design 6.3, 6.4; facts/exactly-once.md 1 to 6, 19, 20).
//
// Promise Epochs in order. Per epoch: append tables, restating tables, then the commit mark, then `committed` is called. A fresh epoch is
//         inserted without asking; one that recovery delivers again is asked for first: none - insert, the expected number - skip, else
//         stop. After doubt (a lost reply) the store is fenced, then asked. Only an acknowledged insert or a count earns the mark.
// Errors  step() returns Code::corrupt when the store holds another number of rows than the journal says: the pipeline stops and says
//         which epoch. While the store is away it returns Step::waiting and keeps the epoch; nothing is lost, nothing repeated.
// Threads One.   Lives  Warehouse and Journal outlive it.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "process/fold.h"
#include "process/journal.h"
#include "process/warehouse.h"

namespace sluice::process {

struct Delivery {
  enum class Kind { schema, epoch };
  Kind kind = Kind::epoch;
  std::vector<std::string> statements;  // schema: DDL, idempotent, made durable before anything relies on it
  std::string plan;  // schema: hash of the plan that it is for
  std::vector<std::string> tables;  // schema: of that plan's metrics, in its order
  EpochRows rows;  // schema: only `restating`
  bool again = false;  // folded by recovery: it may be in the store already
  size_t bytes() const { return rows.bytes(); }
};

struct SinkCounters {
  uint64_t epochs = 0;
  uint64_t rows = 0;
  uint64_t inserts = 0;
  uint64_t retries = 0;  // of inserts, after an error
  uint64_t fences = 0;
  uint64_t skipped = 0;  // inserts that recovery found done
};

class Sink {
 public:
  enum class Step { idle, worked, waiting };
  using Committed = std::function<void(EpochRows)>;
  Sink(Warehouse& warehouse, Journal& marks, std::string data_id, Committed committed)
      : warehouse_(warehouse), marks_(marks), data_id_(std::move(data_id)), committed_(std::move(committed)) {}

  // Takes one delivery when none is under way, and carries it as far as the store allows.
  Result<Step> step(std::optional<Delivery> next);
  bool busy() const { return current_.has_value(); }
  // Why it waits; "" when it does not.
  const std::string& waiting_for() const { return waiting_for_; }
  const SinkCounters& counters() const { return counters_; }

 private:
  Result<Step> carry();
  Result<bool> apply_schema();
  // What is known of the append insert under way.
  enum class Doubt {
    none,  // it was never sent
    asked,  // recovery: it may have been stored before the restart; what the store held then decides
    sent,  // its reply was lost: fence, then ask
  };
  // true: stored. false: the store is away, try again later.
  Result<bool> append(size_t index);
  Result<bool> restate(const RestatingRows& rows);
  Result<bool> settle(size_t index, bool& stored);
  Result<uint64_t> count(Table table);
  Result<uint64_t> count_at_recovery(size_t index);
  std::string query_id(std::string_view table) const;
  Result<bool> wait_for(const Error& error);

  Warehouse& warehouse_;
  Journal& marks_;
  const std::string data_id_;
  const Committed committed_;
  std::optional<Delivery> current_;
  size_t next_append_ = 0;
  size_t next_restating_ = 0;
  Doubt doubt_ = Doubt::none;
  // Rows per epoch that the store held when recovery began to deliver; asked once per table (design 6, Recovery).
  std::array<std::optional<std::map<uint64_t, uint64_t>>, kAppendTables.size()> held_;
  std::string waiting_for_;
  SinkCounters counters_;
  uint64_t attempt_ = 0;
};

}  // namespace sluice::process
