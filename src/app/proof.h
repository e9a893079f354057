// proof.h - the ledger and the trace of an opened data directory: gathers what quality/ judges.
//
// Promise ledger(): the three counts are of one moment (quality/ledger.h, As of). trace(): also of what is still in the log only, and
//         within a second, whether the store answers or hangs.
// Errors  Code::unavailable: the store does not answer (trace: and no copy waits in the log).
// Threads One at a time per Proof; beside a running pipeline.   Lives  Everything in Parts outlives it.
#pragma once

#include <string>

#include "app/data_directory.h"
#include "log/segment_log.h"
#include "process/journal.h"
#include "quality/ledger.h"
#include "quality/trace.h"
#include "serve/queries.h"

namespace sluice::app {

// Records of the log from a place on, one JSON object a line.
Result<std::string> log_records(log::SegmentLog& log, event::Offset from, uint64_t limit);

class Proof {
 public:
  struct Parts {
    os::Ports ports;
    const DataPaths& paths;
    std::string data_id;
    log::SegmentLog& log;
    serve::Queries& queries;
  };
  explicit Proof(Parts parts) : parts_(std::move(parts)) {}

  Result<quality::LedgerReport> ledger();
  Result<quality::Trace> trace(const std::string& message_id);

 private:
  static constexpr DurationMs kLedgerQueryTimeout{30'000};
  Result<std::string> ask(const std::string& sql, DurationMs timeout = kLedgerQueryTimeout);
  // Where each journaled epoch ends in the log, and the newest commit mark at or after `epoch`.
  struct Ends {
    std::map<event::Epoch, event::Offset> to;
    std::vector<process::CommitEntry> marks;
    event::Epoch committed;
  };
  Result<Ends> ends();
  Result<Ends> wait_for(event::Epoch epoch);
  // From the log behind `from`.
  Result<std::vector<quality::Copy>> waiting_copies(const std::string& message_id, event::Offset from);
  Status store_copies(const std::string& message_id, std::vector<quality::Copy>& into);
  Status count_edge(const Ends& ends, const std::vector<event::LedgerKey>& minutes, std::vector<quality::EdgeCount>& into);

  Parts parts_;
};

}  // namespace sluice::app
