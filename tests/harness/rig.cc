#include "harness/rig.h"

#include "base/bytes.h"
#include "event/record.h"
#include "plan/zone.h"
#include "process/store_check.h"

namespace sluice::harness {
namespace {

constexpr DurationMs kRound{1100};        // longer than every interval of the processor but the checkpoint's
constexpr int kRoundsMax = 20'000;
constexpr int kQuietRounds = 3;

log::CommitterOptions at_once() {
  log::CommitterOptions options;
  options.frame_wait = DurationMs(0);
  return options;
}

// The records of a request one by one: what one request each would have put into the log.
Result<std::vector<event::Submission>> split(const event::Submission& submission) {
  std::vector<event::Submission> out;
  ByteReader from(submission.records);
  event::RecordView record;
  while (!from.at_end()) {
    const std::string_view bytes = from.text();
    SLUICE_CHECK(event::decode(bytes, record));
    event::Submission one;
    const bool accepted = std::holds_alternative<event::EventView>(record);
    one.manifest = {submission.manifest.source, 1, accepted ? 1U : 0U, accepted ? 0U : 1U};
    ByteWriter(one.records).text(bytes);
    one.record_count = 1;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

struct Rig::Frames final : process::LogSource {
  Frames(log::SegmentLog& of, log::Committer& by) : log(of), committer(by), reader(of.reader()) {}
  Result<std::optional<event::Frame>> next(event::Offset from) override {
    if (from >= log.synced_end()) return std::optional<event::Frame>();
    return reader->read(from);
  }
  event::Offset begin() override { return log.begin(); }
  event::Offset end() override { return log.synced_end(); }
  std::optional<process::ClockReading> clock_reading() override {
    const std::optional<log::ClockReading> reading = committer.clock_reading();
    if (!reading) return std::nullopt;
    return process::ClockReading{reading->time, reading->synced_end};
  }
  log::SegmentLog& log;
  log::Committer& committer;
  std::unique_ptr<log::LogReader> reader;
};

Rig::Rig(EngineStore& store, RigOptions options) : store_(store), options_(options), clock_(options.wall) {
  entropy_.fill(std::as_writable_bytes(std::span(data_id_.bytes)));
}

Rig::~Rig() { close_stages(); }

Status Rig::open(const Project& project) {
  SLUICE_CHECK(store_.reset());
  os::Ports ports{clock_, real_.ports().files, entropy_, real_.ports().processes, real_.ports().sockets};
  keys_ = SLUICE_TRY(collect::Keys::open(ports, folder_.file("keys"), ""));
  SLUICE_CHECK(use(project));
  return open_stages();
}

Status Rig::use(const Project& definitions) {
  Project project = definitions;
  for (const std::string& zone : plan::zones_of(definitions)) {
    const std::string path = os::join(plan::kZoneFolder, zone);
    if (real_.ports().files.exists(path))
      project.push_back(
          {std::string(plan::kZonePrefix) + zone, SLUICE_TRY(real_.ports().files.read_all(path, plan::kZoneBytesMax))});
  }
  plan::Compiled compiled = plan::compile(project);
  if (!compiled.plan) {
    std::string all;
    for (const plan::Diagnostic& diagnostic : compiled.diagnostics) all += diagnostic.text() + "\n";
    return fail(Code::invalid, all);
  }
  plan_ = std::make_unique<plan::Plan>(std::move(*compiled.plan));
  projects_[plan_->hash] = project;
  return ok();
}

Status Rig::restart() {
  const Project same = projects_.at(plan_->hash);
  return restart(same);
}

Status Rig::restart(const Project& project) {
  close_stages();
  files_.heal();
  SLUICE_CHECK(files_.lose_unsynced());
  faults_ = StoreFaults{};
  SLUICE_CHECK(use(project));
  return open_stages();
}

Status Rig::define(const Project& project) {
  SLUICE_CHECK(use(project));
  processor_->want(plan_->hash);
  return ok();
}

void Rig::power_cut_after(uint64_t file_changes) { files_.stop_after(file_changes); }

void Rig::close_stages() {
  jobs_.reset();
  ended_ = counts();
  sink_.reset();
  processor_.reset();
  warehouse_.reset();
  marks_.reset();
  reports_.reset();
  tasks_.reset();
  deliveries_.reset();
  frames_.reset();
  collector_.reset();
  committer_.reset();
  log_.reset();
}

// As app/pipeline.cc and app/up.cc do it, on one thread.
Status Rig::open_stages() {
  os::Ports ports{clock_, files_, entropy_, real_.ports().processes, real_.ports().sockets};
  log::Options log_options;
  log_options.reserve_step_bytes = 64_KiB;
  log_options.free_bytes_min = 0;
  log_ = SLUICE_TRY(log::SegmentLog::open(files_, folder_.file("log"), data_id_, log_options));
  committer_ = std::make_unique<log::Committer>(*log_, clock_, at_once());
  const std::string process = folder_.file("process");
  for (const process::JournalEntry& entry : SLUICE_TRY(process::Journal::read(files_, process + "/cuts", data_id_.text()))) {
    const auto* cut = std::get_if<process::CutEntry>(&entry);
    if (cut != nullptr && cut->clock) committer_->not_before(*cut->clock);
  }
  std::vector<std::string> sources;
  for (const plan::Source& source : plan_->sources) sources.push_back(source.name);
  collector_ =
      std::make_unique<collect::Collector>(collect::Collector::Parts{ports, *keys_, *this}, sources, collect::CollectOptions{});
  frames_ = std::make_unique<Frames>(*log_, *committer_);
  deliveries_ = std::make_unique<BoundedQueue<process::Delivery>>(QueueBounds{8, 64_MiB});
  tasks_ = std::make_unique<BoundedQueue<process::JobTask>>(QueueBounds{1, 1});
  reports_ = std::make_unique<BoundedQueue<process::Report>>(QueueBounds{1024, 1024});
  warehouse_ = std::make_unique<EngineWarehouse>(store_, faults_);

  process::Journal::Opened marks = SLUICE_TRY(process::Journal::open(files_, process + "/marks", data_id_.text()));
  marks_ = std::move(marks.journal);
  std::vector<process::CommitEntry> commits;
  for (process::JournalEntry& entry : marks.entries) {
    if (auto* commit = std::get_if<process::CommitEntry>(&entry)) commits.push_back(*commit);
  }
  SLUICE_CHECK(process::claim_store(*warehouse_, data_id_.text()));
  const std::optional<process::Epoch> missing = SLUICE_TRY(process::check_store(*warehouse_, commits));
  if (missing) notes_.push_back("store lost epoch " + std::to_string(missing->value));
  process::Processor::Setup setup{files_,
                                  *frames_,
                                  *deliveries_,
                                  *tasks_,
                                  *reports_,
                                  process,
                                  data_id_.text(),
                                  plan_->hash,
                                  [this](const std::string& hash) -> Result<std::unique_ptr<plan::Plan>> {
                                    const auto known = projects_.find(hash);
                                    if (known == projects_.end()) return fail(Code::not_found, "no plan " + hash);
                                    return std::make_unique<plan::Plan>(std::move(*plan::compile(known->second).plan));
                                  },
                                  missing,
                                  options_.processor};
  process::Processor::Opened opened = SLUICE_TRY(process::Processor::open(std::move(setup)));
  processor_ = std::move(opened.processor);
  for (std::string& note : opened.notes) notes_.push_back(std::move(note));
  sink_ = std::make_unique<process::Sink>(*warehouse_, *marks_, data_id_.text(), [this](process::EpochRows rows) {
    SLUICE_ASSERT(!reports_->try_push(process::CommittedReport{rows.epoch}, 1), "reports are wider than the epochs under way");
  });
  jobs_ = std::make_unique<process::JobStage>(*warehouse_, [this](const process::JobTask& task, process::JobResult result) {
    ++ended_.jobs;
    ended_.windows += task.entry.windows.size();
    ended_.revisions += result.revisions.size();
  });
  return ok();
}

Result<std::string> Rig::key_of(const std::string& source) {
  std::string& key = keys_by_source_[source];
  if (key.empty()) key = SLUICE_TRY(keys_->create(source, ""));
  return key;
}

net::Response Rig::send(const std::string& source, std::string body, net::Headers headers, std::string path) {
  const Result<std::string> key = key_of(source);
  if (!key) return net::json_error(500, "rig", key.error().message, "");
  headers.emplace_back("Authorization", "Bearer " + *key);
  std::optional<net::Response> answer;
  collector_->answer(net::Request{"POST", std::move(path), "", std::move(headers), std::move(body), false, "127.0.0.1"},
                     [&](net::Response response) { answer = std::move(response); });
  while (!answer && committer_->step(DurationMs(0)) == log::Progress::worked) {
  }
  return answer.value_or(net::json_error(500, "rig", "the edge did not answer", ""));
}

bool Rig::submit(event::Submission submission, std::function<void(Result<event::Receipt>)> done) {
  if (options_.one_record_per_frame && submission.record_count > 1) {
    Result<std::vector<event::Submission>> records = split(submission);
    if (!records) {
      done(std::move(records).error());
      return true;
    }
    const event::Offset first = log_->synced_end();
    for (event::Submission& one : *records) {
      log::Pending pending{std::move(one), [](const Result<event::Receipt>&) {}};
      if (Status taken = committer_->offer(pending); !taken) {
        done(std::move(taken).error());
        return true;
      }
      committer_->step(DurationMs(0));
      if (Status stepped = cut(); !stepped) notes_.push_back(stepped.error().message);
    }
    done(event::Receipt{{event::PartitionId(0), first}, clock_.wall()});
    return true;
  }
  log::Pending pending{std::move(submission), std::move(done)};
  return committer_->offer(pending).has_value();
}

RigCounts Rig::counts() const {
  RigCounts all = ended_;
  if (processor_) {
    all.evictions += processor_->status().evictions;
    all.adopted += processor_->status().adopted;
  }
  if (!sink_) return all;
  const process::SinkCounters& now = sink_->counters();
  all.sink.epochs += now.epochs;
  all.sink.rows += now.rows;
  all.sink.inserts += now.inserts;
  all.sink.retries += now.retries;
  all.sink.fences += now.fences;
  all.sink.skipped += now.skipped;
  return all;
}

Result<bool> Rig::step() {
  clock_.pass(kRound);
  const bool replaying = processor_->status().replaying;
  const uint64_t folded = processor_->status().folded.value;
  const process::Processor::Step processed = SLUICE_TRY(processor_->step(clock_.monotonic()));
  if (replaying) ended_.replayed += processor_->status().folded.value - folded;
  bool worked = processed == process::Processor::Step::worked;

  std::optional<process::Delivery> delivery;
  if (!sink_->busy()) delivery = deliveries_->try_pop();
  worked |= SLUICE_TRY(sink_->step(std::move(delivery))) == process::Sink::Step::worked;

  std::optional<process::JobTask> task;
  if (!jobs_->busy()) task = tasks_->try_pop();
  std::optional<process::JobReport> report;
  worked |= SLUICE_TRY(jobs_->step(std::move(task), report)) == process::JobStage::Step::worked;
  if (report)
    SLUICE_ASSERT(!reports_->try_push(process::Report(std::move(*report)), 1), "reports are wider than the jobs under way");
  return worked;
}

Status Rig::cut() {
  // Folding begins the epoch, and the next round, later than its interval, ends it.
  for (int round = 0; round < kRoundsMax; ++round) {
    SLUICE_CHECK(step());
    if (!processor_->gathering() && !processor_->status().replaying && processor_->status().folded_to == log_->synced_end())
      return ok();
    if (sink_->busy() && !sink_->waiting_for().empty()) return ok();   // the store is away: nothing more can be done now
  }
  return fail(Code::unavailable, "the rig does not get to the end of the log");
}

Status Rig::settle() {
  int quiet = 0;
  for (int round = 0; round < kRoundsMax && quiet < kQuietRounds; ++round) {
    const bool worked = SLUICE_TRY(step());
    const process::ProcessorStatus& s = processor_->status();
    const bool busy = worked || sink_->busy() || jobs_->busy() || s.replaying || processor_->gathering() ||
                      s.uncommitted_epochs > 0 || s.dirty_windows > 0 || s.adopting > 0 || s.folded_to != log_->synced_end();
    quiet = busy ? 0 : quiet + 1;
    if (faults_.die_after && !sink_->waiting_for().empty()) return fail(Code::unavailable, sink_->waiting_for());
    if (faults_.die_after && !jobs_->waiting_for().empty()) return fail(Code::unavailable, jobs_->waiting_for());
  }
  if (quiet >= kQuietRounds) return ok();
  const process::ProcessorStatus& s = processor_->status();
  return fail(Code::unavailable, "the rig does not come to rest: " + std::to_string(s.dirty_windows) + " dirty windows, " +
                                     std::to_string(s.uncommitted_epochs) + " epochs uncommitted; sink: " + sink_->waiting_for() +
                                     "; jobs: " + jobs_->waiting_for());
}

}  // namespace sluice::harness
