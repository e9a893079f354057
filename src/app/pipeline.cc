#include "app/pipeline.h"

#include <thread>

#include "app/project_files.h"
#include "os/self.h"
#include "process/store_check.h"

namespace sluice::app {
namespace {

using process::Report;

constexpr DurationMs kRetryAfter{1000};
constexpr DurationMs kIdleWait{250};          // the bell rings earlier; time alone is looked at four times a second
constexpr DurationMs kStoreRetry{100};
constexpr DurationMs kNeighbourWait{100};

}  // namespace

// Everything that lives from one recovery to the next error.
struct Pipeline::Generation {
  explicit Generation(Parts& parts)
      : frames(parts.log, parts.committer),
        sink_store(parts.warehouse()),
        jobs_store(parts.warehouse()),
        deliveries({8, 64_MiB}),
        tasks({1, 1}),
        reports({1024, 1024}) {}

  LogFrames frames;
  std::unique_ptr<process::Warehouse> sink_store;
  std::unique_ptr<process::Warehouse> jobs_store;
  BoundedQueue<process::Delivery> deliveries;
  BoundedQueue<process::JobTask> tasks;
  BoundedQueue<Report> reports;             // wider than all epochs that can be under way: no neighbour ever waits for it
  std::unique_ptr<process::Journal> marks;
  std::unique_ptr<process::Processor> processor;
  uint64_t incarnation = 0;                 // of the store that was asked what it holds
  serve::Committed header;                  // of the newest committed epoch when this generation began
  event::Offset header_to;
  std::mutex error_mutex;
  std::optional<Error> error;               // of sink or jobs

  void fail_with(Error e) {
    const std::lock_guard lock(error_mutex);
    if (!error) error = std::move(e);
  }
  std::optional<Error> failed() {
    const std::lock_guard lock(error_mutex);
    return error;
  }
};

void Pipeline::set(const std::function<void(PipelineStatus&)>& change) {
  const std::lock_guard lock(mutex_);
  change(status_);
}

PipelineStatus Pipeline::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Pipeline::want(std::string plan) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = std::move(plan);
  }
  wants_ = true;
  bell_.ring();
}

std::string Pipeline::wanted() const {
  const std::lock_guard lock(mutex_);
  return wanted_;
}

void Pipeline::drain() {
  draining_ = true;
  bell_.ring();
}

void Pipeline::stop() {
  stopping_ = true;
  bell_.ring();
}

void Pipeline::run() {
  while (!stopping_) {
    Generation generation(parts_);
    Status opened = open(generation);
    Error error = opened ? live(generation) : std::move(opened).error();
    const bool hopeless = error.code == Code::corrupt || error.code == Code::conflict;
    set([&](PipelineStatus& s) {
      s.running = false;
      s.stopped_by = error.message;
      s.store_away = error.code == Code::unavailable;
      s.hopeless = hopeless;
    });
    if (error.code == Code::closed) return;
    if (error.code != Code::unavailable) parts_.say(hopeless ? "processing stopped" : "processing interrupted", error.message);
    const os::MonotonicTime until = parts_.ports.clock.monotonic() + kRetryAfter;
    while (!stopping_ && !draining_ && (hopeless || parts_.ports.clock.monotonic() < until)) bell_.wait_for(kIdleWait);
    if (draining_ && hopeless) return;
    if (draining_ && parts_.ports.clock.monotonic() < until) parts_.ports.clock.sleep_for(kStoreRetry);
  }
}

Status Pipeline::open(Generation& g) {
  g.incarnation = parts_.store_incarnation();
  process::Journal::Opened marks = SLUICE_TRY(process::Journal::open(parts_.ports.files, parts_.paths.marks(), parts_.data_id));
  g.marks = std::move(marks.journal);
  SLUICE_CHECK(process::claim_store(*g.sink_store, parts_.data_id));
  const std::optional<process::Epoch> missing =
      SLUICE_TRY(process::check_store(*g.sink_store, process::commits_of(marks.entries)));
  if (missing) {
    parts_.say("store lost rows",
               "folding again from before epoch " + std::to_string(missing->value) + ", so that they are stored again");
  }
  process::Processor::Setup setup{
      parts_.ports.files,
      g.frames,
      g.deliveries,
      g.tasks,
      g.reports,
      parts_.paths.process(),
      parts_.data_id,
      wanted(),
      [this](const std::string& hash) { return load_plan(parts_.ports.files, parts_.paths.plans(), hash); },
      missing,
      parts_.options};
  process::Processor::Opened opened = SLUICE_TRY(process::Processor::open(std::move(setup)));
  g.processor = std::move(opened.processor);
  for (const std::string& note : opened.notes) parts_.say("recovery", note);
  const process::ProcessorStatus& status = g.processor->status();
  g.header.epoch = status.committed;
  g.header.clock = status.now == kMinusInfinity ? parts_.ports.clock.wall() : status.now;
  g.header.watermark = status.watermark;
  g.header.totals = status.totals;
  g.header_to = status.committed_to;
  return ok();
}

Error Pipeline::live(Generation& g) {
  set([](PipelineStatus& s) {
    s.running = true;
    s.stopped_by.clear();
    s.store_away = false;
    ++s.generations;
  });
  std::jthread sink([&] {
    os::name_thread("sink");
    run_sink(g);
  });
  std::jthread jobs([&] {
    os::name_thread("jobs");
    run_jobs(g);
  });
  Error end{Code::closed, "stopped"};
  while (!stopping_) {
    if (std::optional<Error> failed = g.failed()) {
      end = std::move(*failed);
      break;
    }
    if (draining_) g.processor->drain();
    if (wants_.exchange(false)) g.processor->want(wanted());
    Result<process::Processor::Step> step = g.processor->step(parts_.ports.clock.monotonic());
    note(*g.processor);
    if (!step) {
      end = std::move(step).error();
      break;
    }
    if (draining_ && g.processor->settled()) break;
    if (*step == process::Processor::Step::worked) continue;
    bell_.wait_for(g.processor->gathering() || draining_ ? DurationMs(20) : kIdleWait);
  }
  g.deliveries.close();
  g.tasks.close();
  return end;
}

void Pipeline::note(const process::Processor& processor) {
  const int64_t cpu = parts_.ports.clock.thread_cpu_us();
  set([&](PipelineStatus& s) {
    s.process = processor.status();
    s.oldest_checkpoint = processor.status().oldest_checkpoint;
    s.process_cpu_us = cpu;
  });
  parts_.feed.progress(processor.status().shown, processor.status().progress);
}

void Pipeline::run_sink(Generation& g) {
  process::Sink sink(*g.sink_store, *g.marks, parts_.data_id, [&](process::EpochRows rows) {
    const process::CommittedReport report{rows.epoch};
    parts_.feed.epoch(std::move(rows));
    SLUICE_ASSERT(!g.reports.try_push(report, 1), "reports are wider than the epochs under way");
    bell_.ring();
  });
  std::string waited_for;
  std::string plan;  // whose tables and views are being made
  std::vector<std::string> tables;
  while (!g.deliveries.closed() && !g.failed()) {
    std::optional<process::Delivery> next;
    if (!sink.busy()) {
      next = g.deliveries.pop_for(kNeighbourWait);
      if (!next) continue;
    }
    if (next && next->kind == process::Delivery::Kind::schema && !next->plan.empty()) {
      plan = next->plan;
      tables = next->tables;
    }
    while (!g.deliveries.closed() && !g.failed()) {
      Status same = check_incarnation(g);
      if (same) break;
      const bool passes = same.error().code == Code::unavailable || same.error().code == Code::unknown;
      if (!passes) {
        g.fail_with(std::move(same).error());
        bell_.ring();
        return;  // nothing more goes into a store that lost epochs: the next generation folds them again
      }
      parts_.ports.clock.sleep_for(kStoreRetry);
    }
    Result<process::Sink::Step> step = sink.step(std::move(next));
    if (!step) {
      g.fail_with(std::move(step).error());
      bell_.ring();
      return;
    }
    if (sink.waiting_for() != waited_for) {
      if (waited_for.empty()) parts_.say("store away", sink.waiting_for() + "; events wait in the log, none is lost");
      if (sink.waiting_for().empty()) parts_.say("store back", "what waited is being stored");
      waited_for = sink.waiting_for();
    }
    if (!plan.empty() && !sink.busy()) {
      parts_.shown(std::exchange(plan, {}), tables);
      parts_.feed.opened(g.header, g.header_to);
    }
    const process::Epoch begins = status().process.journal_begins;
    if (begins.value > 0) {
      if (Status forgotten = g.marks->forget(begins, event::Offset(UINT64_MAX)); !forgotten)
        parts_.say("old marks stay", forgotten.error().message);
    }
    const int64_t cpu = parts_.ports.clock.thread_cpu_us();
    set([&](PipelineStatus& s) {
      s.sink = sink.counters();
      s.stopped_by = sink.waiting_for();
      s.store_away = !sink.waiting_for().empty();
      s.sink_cpu_us = cpu;
    });
    if (*step == process::Sink::Step::waiting) parts_.ports.clock.sleep_for(kStoreRetry);
    bell_.ring();
  }
}

// ok: the store that answers is one that was asked. A restarted one may be an older copy: it is asked for every epoch again.
Status Pipeline::check_incarnation(Generation& g) {
  const uint64_t now = parts_.store_incarnation();
  if (now == g.incarnation) return ok();
  const std::vector<process::JournalEntry> marks =
      SLUICE_TRY(process::Journal::read(parts_.ports.files, parts_.paths.marks(), parts_.data_id));
  const std::optional<process::Epoch> missing = SLUICE_TRY(process::check_store(*g.sink_store, process::commits_of(marks)));
  if (missing) return fail(Code::io, "the store came back without epoch " + std::to_string(missing->value));
  g.incarnation = now;
  return ok();
}

void Pipeline::run_jobs(Generation& g) {
  process::JobStage stage(*g.jobs_store, [this](const process::JobTask& task, process::JobResult result) {
    parts_.feed.job(task, std::move(result));
  });
  while (!g.tasks.closed() && !g.failed()) {
    std::optional<process::JobTask> next;
    if (!stage.busy()) {
      next = g.tasks.pop_for(kNeighbourWait);
      if (!next) continue;
    }
    std::optional<process::JobReport> report;
    Result<process::JobStage::Step> step = stage.step(std::move(next), report);
    if (!step) {
      g.fail_with(std::move(step).error());
      bell_.ring();
      return;
    }
    if (report) {
      if (!report->stopped.empty()) parts_.say("metric stopped", report->task.entry.metric + ": " + report->stopped);
      SLUICE_ASSERT(!g.reports.try_push(Report(std::move(*report)), 1), "reports are wider than the jobs under way");
    }
    const int64_t cpu = parts_.ports.clock.thread_cpu_us();
    set([&](PipelineStatus& s) { s.jobs_cpu_us = cpu; });
    if (*step == process::JobStage::Step::waiting) parts_.ports.clock.sleep_for(kStoreRetry);
    bell_.ring();
  }
}

}  // namespace sluice::app
