// session_rows.h - the operator of sessions: a row for each (semantics R7).
//
// Unit    Cold windows here are keys, as ranges of plan::clickhouse::key_hash: a job computes all sessions of its keys, and takes back
//         those of them that were shown and are no more. Beyond kKeysDirty dirty keys whole ranges are dirty.
// Cold    session_runs.h. Over the budget the runs that close first go cold; a cold run keeps its span until it is closed, so that its
//         sessions are computed when they become final: kColdBytes for each, which the budget counts but cannot give back.
// Birth   Born over stored events, it knows no runs until the list came, which brings the spans of those still open.
// Promise metric_operator.h; a session whose first event is another one now leaves a tombstone.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <vector>

#include "process/metric_operator.h"
#include "process/session_runs.h"

namespace sluice::process {

class SessionRows final : public MetricOperator {
 public:
  static constexpr size_t kKeysDirty = 16'384;

  SessionRows(const plan::Metric& metric, OperatorBounds bounds, TimeMs born_after);

  void add(const plan::Row& row, bool future, TimeMs watermark, event::Epoch epoch, plan::Evaluator& evaluator) override;
  void emit(TimeMs watermark, event::Epoch epoch, bool touched_too, std::vector<plan::MetricRow>& into) override;
  bool has_touched() const override { return !touched_.empty() || !removed_.empty(); }
  std::optional<TimeMs> next_close() const override { return runs_.next_close(); }
  void listed(const std::vector<plan::Span>& spans) override;
  size_t groups() const override { return runs_.live(); }
  size_t items() const override { return runs_.cold_runs(); }
  size_t state_bytes() const override { return runs_.bytes(); }
  void save(ByteWriter& to) const override;
  void load(ByteReader& from) override;
  const SessionRuns& runs() const { return runs_; }

 private:
  struct Removed {
    TimeMs start;
    std::string id;
  };
  struct Sweep;

  void dirty(int64_t hash, event::Epoch epoch);
  plan::MetricRow row_of(const SessionKey& key, const Run& run, const Piece& piece, TimeMs watermark) const;
  void bound_memory(event::Epoch epoch);

  SessionRuns runs_;
  absl::flat_hash_set<uint32_t> touched_;  // slots; their pieces know
  // By key: sessions that are no more, not yet taken back. All are: one that was never emitted may have been in what a job computed for
  // its key. Those of a key that is dirty since are left to the job.
  absl::flat_hash_map<int64_t, std::vector<Removed>> removed_;
};

// The ranges of a list, without what follows them.
std::vector<plan::Span> ranges_of(const std::vector<plan::Span>& listed);

}  // namespace sluice::process
