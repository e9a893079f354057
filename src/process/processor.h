// processor.h - the stage that turns the log into epochs: cut, journal, fold, deliver, checkpoint, jobs; and recovery (design 6).
//
// Use     open(), then step(now) again and again; between steps the sink takes deliveries and reports commits, the job stage takes
//         tasks and reports their end. All three meet in bounded queues; step() never blocks on them.
// Promise An epoch's journal entry is synced before any of its rows leaves. A checkpoint is published only after the commit marks of all
//         epochs up to it. After a crash the same epochs are folded with the same cuts, clocks and plans.
// Bounds  At most uncommitted_epochs_max epochs or uncommitted_bytes_max bytes folded and not committed; then step() waits.
// Errors  Any error ends this processor (it may be half way through a fold); app/ opens a new one, which recovers. Code::full: after
//         room was made. Code::corrupt: not by itself; the message says what to do.
// Plans   want() names the plan that the project has now; it holds from the next epoch on. See fold.h for what is shown meanwhile.
// Threads One.   Lives  Files, LogSource and queues outlive it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "base/bounded_queue.h"
#include "os/clock.h"
#include "process/checkpoint.h"
#include "process/job_stage.h"
#include "process/log_source.h"
#include "process/sink.h"

namespace sluice::process {

struct ProcessorOptions {
  FoldOptions fold;
  DurationMs cut_interval{200};
  DurationMs cut_interval_busy{1000};  // while two epochs wait for the sink
  size_t cut_records_max = 50'000;
  size_t cut_bytes_max = 32 * 1024 * 1024;
  DurationMs idle_cut_interval{1000};  // of epochs without records
  size_t uncommitted_epochs_max = 64;
  size_t uncommitted_bytes_max = 256 * 1024 * 1024;
  DurationMs checkpoint_interval{10'000};
  uint64_t checkpoint_records = 1'000'000;
  int checkpoint_rest = 10;  // times the last one's duration
  int job_rest = 2;  // times the last job's duration
  DurationMs batch_every{3'600'000};  // of `now`, for metrics with latency batch
  size_t job_windows_max = 4096;
};

struct MetricProgress {
  std::string metric;
  std::optional<uint32_t> shown;  // index into the shown plan's metrics of that name: of itself, or of what it replaces
  uint64_t done = 0;
  uint64_t total = 0;  // windows of its first computation; 0: none was needed
  std::string stopped;  // why it is not computed any more
};

struct DefinitionLoad {
  std::string metric;
  std::string version;
  size_t keys = 0;  // MetricOperator::keys(), items(), state_bytes()
  size_t items = 0;
  size_t bytes = 0;
  size_t dirty = 0;  // windows
  uint64_t evictions = 0;
};

struct ProcessorStatus {
  bool replaying = false;
  Epoch folded;
  Epoch committed;
  event::Offset folded_to;
  event::Offset committed_to;
  TimeMs now = kMinusInfinity;
  TimeMs watermark = kMinusInfinity;
  Epoch journal_begins;  // marks of earlier epochs may be forgotten; 0: not yet
  event::Offset oldest_checkpoint;  // the log may be forgotten before it; 0 without one
  uint64_t records = 0;  // folded since start
  size_t uncommitted_epochs = 0;
  uint64_t dirty_windows = 0;
  uint64_t resting_windows = 0;  // dirty ones of metrics with latency batch, before their hour
  uint64_t jobs_done = 0;
  size_t adopting = 0;  // definitions that do not hold yet what was open at their birth
  uint64_t adopted = 0;  // since start: those that now do
  uint64_t evictions = 0;
  size_t state_bytes = 0;
  event::LedgerCounts totals;
  std::string shown;  // hash of the plan that views read
  std::vector<MetricProgress> progress;
  std::vector<DefinitionLoad> definitions;  // all that is folded, also what is about to be replaced
};

class Processor {
 public:
  using PlanLoader = std::function<Result<std::unique_ptr<plan::Plan>>(const std::string& hash)>;
  struct Setup {
    os::Files& files;
    LogSource& log;
    BoundedQueue<Delivery>& deliveries;
    BoundedQueue<JobTask>& tasks;
    BoundedQueue<Report>& reports;
    std::string directory;  // DATA/process
    std::string data_id;
    std::string wanted;  // hash of the plan; load_plan knows it
    PlanLoader load_plan;
    std::optional<Epoch> first_missing;  // the store lost this epoch and all after it must be folded again
    ProcessorOptions options;
  };
  struct Opened {
    std::unique_ptr<Processor> processor;
    std::vector<std::string> notes;  // for people: cut entries, skipped checkpoints
  };
  static Result<Opened> open(Setup setup);

  enum class Step { worked, idle, waiting };
  // idle: nothing to do before new frames or `wake_after`. waiting: a neighbour's queue is full.
  Result<Step> step(os::MonotonicTime now);
  // Everything folded is committed and a checkpoint of it is published: a good moment to stop.
  bool settled() const;
  // An epoch is open: it is cut when its interval ends, so step() soon.
  bool gathering() const { return gathering_since_.has_value(); }
  // No more frames are taken; what was taken is cut, and a checkpoint is made.
  void drain() { draining_ = true; }
  // load_plan knows that hash already.
  void want(std::string plan) { setup_.wanted = std::move(plan); }
  const ProcessorStatus& status() const { return status_; }

 private:
  explicit Processor(Setup setup)
      : setup_(std::move(setup)), checkpoints_(setup_.files, setup_.directory + "/checkpoints", setup_.data_id) {}
  Result<const plan::Plan*> plan_of(const std::string& hash);
  Status recover(std::vector<JournalEntry> entries, std::vector<std::string>& notes);
  Status use_wanted_plan();
  Status use_plan(const std::string& hash, Epoch first);
  Status swap();
  void deliver_schema();
  void fill_dimensions(std::set<std::string>& tables, std::map<std::string, std::string>& views,
                       std::vector<std::string>& view_statements);
  void drop_tables();
  void forget_plans();

  Status take_reports();
  void committed(Epoch epoch);
  Status job_ended(JobReport report);
  bool flush_outbox();

  Result<Step> replay(os::MonotonicTime now);
  Status replay_cut(const CutEntry& cut);
  Result<Step> gather(os::MonotonicTime now);
  bool cut_is_due(os::MonotonicTime now, bool more) const;
  Status cut(os::MonotonicTime now);
  void deliver(EpochRows rows, bool again);
  bool over_bounds() const;

  Status checkpoint(os::MonotonicTime now);
  Status publish_checkpoint(os::MonotonicTime now);
  void keep(const Checkpoint& checkpoint);
  Status schedule_job(os::MonotonicTime now);
  Status start_job(Fold::Operator& op, Epoch dirtied_up_to, os::MonotonicTime now);
  Epoch due_up_to(Fold::Operator& op);
  void apply_listing(const ListedEntry& listed);
  void give_back(const JobEntry& job);  // its windows are dirty again
  void finish_first(const JobEntry& job);  // its windows are computed
  bool stopped(const Fold::Operator& op) const;  // until the next start
  // Stored events for one that adopts (adoption.h): asked for, then taken between two epochs.
  bool ask_to_adopt(Fold::Operator& op, const AdoptedEntry& part);
  Status take_adopted();
  Result<bool> replay_adopted(const AdoptedEntry& entry);  // false: not read yet
  void note_status();

  Setup setup_;
  std::map<std::string, std::unique_ptr<plan::Plan>> plans_;
  std::unique_ptr<Journal> journal_;
  Checkpoints checkpoints_;
  std::unique_ptr<Fold> fold_;
  std::string plan_hash_;
  std::deque<JournalEntry> to_replay_;

  // The epoch being gathered.
  EpochRows rows_;
  event::Offset next_;  // of the log
  event::Offset from_;  // where rows_ begins
  std::optional<event::Frame> held_;  // read, but of another arrival date
  size_t gathered_bytes_ = 0;
  std::optional<os::MonotonicTime> gathering_since_;
  std::string gathered_date_;
  os::MonotonicTime last_idle_cut_{};
  bool draining_ = false;

  struct Uncommitted {
    Epoch epoch;
    event::Offset to;
    TimeMs watermark;
    size_t bytes;
  };
  std::deque<Uncommitted> uncommitted_;
  size_t uncommitted_bytes_ = 0;
  Epoch folded_;
  Epoch committed_;
  TimeMs committed_watermark_ = kMinusInfinity;
  std::deque<Delivery> outbox_;  // what the queue had no room for: at most an epoch, and schemas

  struct KeptCheckpoint {
    Epoch epoch;
    event::Offset begins;
    std::string files;
  };
  std::deque<KeptCheckpoint> kept_;  // oldest first: those on disk
  std::optional<Checkpoint> pending_checkpoint_;
  os::MonotonicTime last_checkpoint_{};
  std::chrono::steady_clock::duration last_checkpoint_took_{};  // folding stood still for so long
  std::optional<os::MonotonicTime> checkpointing_since_;  // of the step before: this one knows how long it took
  uint64_t records_since_checkpoint_ = 0;
  Epoch checkpointed_;

  JobId next_job_{1};
  std::optional<JobEntry> running_;
  bool running_sent_ = false;
  bool listing_ = false;
  bool adopt_asked_ = false;  // until what was read is taken
  std::optional<JobReport> adopt_read_;
  os::MonotonicTime job_started_{};
  os::MonotonicTime next_job_at_{};
  os::MonotonicTime last_step_{};
  size_t last_job_operator_ = 0;
  std::map<std::pair<std::string, std::string>, std::string> stopped_;  // metric and version: why
  std::set<std::string> tables_;  // that the store was told to have
  std::map<std::string, std::string> views_;  // the same: of which table
  std::vector<std::string> to_drop_;  // tables that nobody reads, while a job may still write into one
  ProcessorStatus status_;
};

}  // namespace sluice::process
