// fold.h - the deterministic fold: frames of the log into state and rows (design 6.2, semantics R1 to R6, R12).
//
// Use     open(), then per epoch: fold() for each of its frames, finish() once. What comes out is a function of the frames, the
//         journal's clocks and the plan; nothing else enters.
// Promise Per record: deduplicate, stitch, event row, operators. Rows carry their epoch and place.
// Budget  Per event about 3 us on one core: decode 0.5, deduplication 0.3, stitching 0.2, row 0.8, operators 0.5 each. Measured in
//         docs/performance.md.
// Errors  Code::corrupt (a record that does not decode under a valid checksum), Code::io, Code::full: the fold is then unusable and is
//         opened again from a checkpoint.
// Plans   plan() is what the project says, shown() what views and pages read. They differ while a definition that replaces another of
//         its name is still being computed over what was stored: until swap() both are folded.
// Threads One.   Lives  Plans and Files must outlive it.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "event/batch.h"
#include "event/record.h"
#include "plan/joined_rows.h"
#include "process/adoption.h"
#include "process/event_block.h"
#include "process/identity.h"
#include "process/journal.h"
#include "process/metric_operator.h"
#include "process/path_binding.h"
#include "process/tables.h"
#include "process/watermark.h"

namespace sluice::process {

struct FoldOptions {
  KeyRunsOptions ids;
  KeyRunsOptions links{
      .open_max = 1'000'000, .filter_bytes_max = 32 * 1024 * 1024, .merge_span_ms = INT64_MAX, .merge_fan_in = 8};
  OperatorBounds operators;
  DurationMs emit_interval{400};  // of `now`, for groups of windows that still fill
  DurationMs emit_interval_minutes{60'000};  // the same with latency minutes
  size_t sample_max = 5;  // events and rejects of an epoch handed to the live feed
};

struct TableRows {
  std::string rows;
  uint64_t count = 0;
};

struct RestatingRows {
  std::string statement;
  std::string name;  // of the table, for query ids and messages
  TableRows rows;
};

struct MetricChange {
  uint32_t metric = 0;  // index into shown()'s metrics
  std::vector<plan::MetricRow> rows;
  MetricOperator::Seen seen;  // of this epoch's events
};

struct SampleEvent {
  std::string source, event, message_id, user_key;
  TimeMs event_time{}, received_at{};
  event::Place place;
  bool duplicate = false;
};
struct SampleReject {
  std::string source, reason, path, raw, dialect;
  TimeMs received_at{};
  event::Place place;
};

// Everything that one epoch changes.
struct EpochRows {
  event::Epoch epoch;
  std::array<TableRows, kAppendTables.size()> appends;  // in the order of kAppendTables
  std::vector<RestatingRows> restating;
  std::vector<MetricChange> changes;
  std::vector<WatermarkClock::SourceState> sources;
  std::vector<SampleEvent> newest;
  std::vector<SampleReject> rejects;
  event::Offset to;  // of the log, behind the epoch
  uint64_t records = 0;
  TimeMs now = kMinusInfinity;
  TimeMs watermark = kMinusInfinity;
  event::LedgerCounts counts;  // of this epoch
  event::LedgerCounts totals;  // since the beginning of the log
  size_t bytes() const;
};

class Fold {
 public:
  using PlanOf = std::function<Result<const plan::Plan*>(const std::string& hash)>;
  // `snapshot` empty: the beginning of the log. `plan_of` finds the plan shown then, if it is another.
  static Result<std::unique_ptr<Fold>> open(os::Files& files, const std::string& directory, const plan::Plan& plan,
                                            FoldOptions options, std::string_view snapshot, const PlanOf& plan_of);

  Status fold(const event::Frame& frame, EpochRows& out);
  void finish(const std::optional<TimeMs>& clock, EpochRows& out);

  // From the next epoch on. Unchanged metrics go on; new and changed ones are born at `birth`. One that joins rows which changed keeps
  // its table and begins anew in it: all its windows are listed and computed again.
  void set_plan(const plan::Plan& plan, event::Epoch birth);
  const plan::Plan& plan() const { return *plan_; }
  const plan::Plan& shown() const { return *shown_; }
  // Of shown()'s definition of that name, whatever its version.
  std::optional<uint32_t> shown_index(std::string_view metric) const;
  // plan() is not shown yet, and every definition in it that replaces another is complete.
  bool may_swap() const;
  // From the next epoch on plan() is shown, and what it does not have is folded no more.
  void swap();

  // One metric's operator with what belongs to it outside the fold of events.
  struct Operator {
    std::unique_ptr<MetricOperator> state;
    std::string table;
    event::Epoch birth;
    event::Epoch folded_from;  // its state is of the epochs from here on: birth, or when rows that it joins changed last
    bool listed = true;  // false: its stored windows have not been made dirty yet
    uint64_t first_windows = 0;  // of its first computation
    absl::btree_set<plan::Span> unfinished;  // those of them that no job has computed yet
    bool restates = false;  // rows that it joins changed: what is listed next is computed already, but of the rows before
    absl::btree_set<plan::Span> restated;  // those of them that no job has computed since
    const plan::Plan* plan = nullptr;  // of state->metric()
    uint32_t metric = 0;  // index into plan->metrics
    std::optional<uint32_t> shown;  // index into shown()'s metrics, if it is one of them
    TimeMs last_emit = kMinusInfinity;  // of groups of windows that still fill, where the metric has its own pace
    TimeMs next_batch = kMinusInfinity;  // latency batch: its windows are due again; not kept over a restart
    event::Epoch batch_up_to;  // and what was dirtied up to here is due now
    // What will hold what was open at the birth (adoption.h), with the oldest event_time it needs; stored events of the epochs up to
    // adopted_to were given to it.
    std::unique_ptr<MetricOperator> adopting;
    TimeMs adopted_since = kMinusInfinity;
    event::Epoch adopted_to;
    bool complete() const { return listed && unfinished.empty(); }
    bool batch() const { return state->metric().latency == plan::Metric::Latency::batch; }
  };
  // Those of plan()'s metrics in its order, then those that are only shown.
  std::vector<Operator>& operators() { return operators_; }
  const std::vector<Operator>& operators() const { return operators_; }
  // nullptr: neither plan has such a definition any more.
  Operator* operator_of(std::string_view metric, std::string_view version);
  // Between two epochs: a part of the stored events of one that adopts.
  Status adopt(const AdoptedEntry& entry, std::string_view reply, event::Epoch folded);
  const WatermarkClock& clock() const { return clock_; }
  event::LedgerCounts totals() const { return totals_; }
  // Something is due by time alone at that instant: an emission, or a window that silence would close.
  bool due_at(TimeMs clock) const;
  size_t memory_bytes() const;

  Result<std::string> snapshot();  // durable files, and the state as bytes
  // The part of a snapshot that names files: what release() is told of each kept checkpoint.
  static std::string files_of(std::string_view snapshot);
  Status release(const std::vector<std::string>& kept_files);

 private:
  Fold(const plan::Plan& plan, FoldOptions options) : options_(options), plan_(&plan), shown_(&plan) {}
  void bind();
  void begin(Operator& op, event::Epoch from) const;
  Status load(ByteReader& from, const PlanOf& plan_of);
  Result<Operator> load_operator(ByteReader& from) const;
  Status fold_request(const event::Frame& frame, const event::FrameRequest& request, EpochRows& out);
  Status fold_event(const event::EventView& event, const Hash128& id, const event::Place& place, EpochRows& out);
  bool emits_touched(const Operator& op, TimeMs now) const;
  void fold_reject(const event::RejectView& reject, const event::Place& place, EpochRows& out);
  void write_link(std::string_view anonymous_id, std::string_view user_id, const event::Place& place, EpochRows& out);
  Status link(std::string_view anonymous_id, std::string_view user_id, const event::Place& place, EpochRows& out);
  void sample(const event::EventView& event, std::string_view user_key, const event::Place& place, bool duplicate,
              EpochRows& out);
  event::LedgerCounts& ledger();
  void finish_ledger(EpochRows& out);

  FoldOptions options_;
  const plan::Plan* plan_;
  const plan::Plan* shown_;
  std::vector<PathBinding> paths_;  // of plan_, then of shown_ if it is another
  std::vector<plan::JoinedRows> joined_;  // the same
  std::unique_ptr<Deduplication> ids_;
  std::unique_ptr<Links> links_;
  WatermarkClock clock_;
  std::vector<Operator> operators_;
  std::map<event::LedgerKey, event::LedgerCounts> open_minutes_;  // the newest minute of each source
  event::LedgerCounts totals_;
  TimeMs largest_event_time_ = kMinusInfinity;
  TimeMs last_emit_ = kMinusInfinity;
  DurationMs longest_dedup_{};
  // The request being folded.
  std::string source_;
  std::optional<size_t> source_index_;
  DurationMs dedup_{};
  TimeMs received_at_{};
  EventBlock block_;  // of the epoch being folded
  // Scratch.
  std::vector<plan::MetricRow> unseen_;
  // Records are decoded a little ahead of being folded, so that what they will be looked up in is in the processor's cache by then.
  struct Ahead {
    event::RecordView record;
    Hash128 id;  // of an event
  };
  static constexpr uint32_t kAhead = 16;
  std::array<Ahead, kAhead> ahead_;
  plan::Evaluator evaluator_;
};

std::string metric_table_name(const plan::Metric& metric, event::Epoch birth);
// Of the plan's definition of that name, and of that version.
std::optional<uint32_t> index_of(const plan::Plan& plan, std::string_view metric);
std::optional<uint32_t> index_of(const plan::Plan& plan, std::string_view metric, std::string_view version);

}  // namespace sluice::process
