// rig.h - the whole pipeline on one thread: edge, log, processor, sink and jobs, stepped by hand under a clock that stands still.
//
// Use     Rig(store, options), open(project), then send(), set_clock(), cut(), settle(), restart(); rows are read with query().
// Frames  Each send() is one frame of the log. Options::one_record_per_frame: each of its records is, and each is an epoch, too.
// Time    Arrival clocks are the simulated wall clock. The stages' intervals pass by themselves while the rig steps them.
// Crash   restart() drops every stage and the log as they are and opens all of them again from the disk, as after kill -9.
//         power_cut_after(n): the nth change of a file from now is the last; what was not synced is gone after restart().
//         Faults of the store: faults().
// Errors  What a stage says ends the generation, as in the program; settle() and cut() return it, restart() recovers.
// Threads One.   Lives  The EngineStore outlives it and belongs to one Rig at a time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collect/collector.h"
#include "harness/engine_store.h"
#include "harness/simulated_world.h"
#include "log/committer.h"
#include "os/faulty_files.h"
#include "os/temp_folder.h"
#include "plan/compile.h"
#include "process/processor.h"

namespace sluice::harness {

// What happened since open(), over all generations.
struct RigCounts {
  uint64_t jobs = 0;
  uint64_t windows = 0;  // recomputed by them
  uint64_t revisions = 0;
  uint64_t evictions = 0;
  uint64_t replayed = 0;  // epochs folded again
  uint64_t adopted = 0;  // definitions that took over what was open at their birth
  process::SinkCounters sink;
};

struct RigOptions {
  process::ProcessorOptions processor;
  bool one_record_per_frame = false;
  TimeMs wall = time_ms(1'774'706'400'000);  // 2026-03-28T14:00:00Z
};

class Rig final : public collect::Submitter {
 public:
  Rig(EngineStore& store, RigOptions options);
  ~Rig() override;

  using Project = std::vector<plan::SourceFile>;
  // Empties the store and begins with that project.
  Status open(const Project& project);

  void set_clock(TimeMs wall) { clock_.set_wall(wall); }
  TimeMs clock() { return clock_.wall(); }
  // One request; its records are in the log when this returns.
  net::Response send(const std::string& source, std::string body, net::Headers headers = {}, std::string path = "/v1/events");
  // What was sent becomes an epoch and goes as far as the store takes it in one round.
  Status cut();
  // Until all that was sent is committed, no window is dirty and nothing is due. Code::unavailable: it does not come to rest.
  Status settle();
  // One round of all stages, in which some time passes. true: somebody did something.
  Result<bool> step();

  StoreFaults& faults() { return faults_; }
  os::FaultyFiles& files() { return files_; }
  void power_cut_after(uint64_t file_changes);
  // From the same project, or from another one. Heals every fault.
  Status restart();
  Status restart(const Project& project);
  // The definitions become these while everything runs.
  Status define(const Project& project);

  Result<std::string> query(const std::string& sql, std::string_view format) { return store_.query(sql, format); }
  const plan::Plan& plan() const { return *plan_; }
  const process::ProcessorStatus& status() const { return processor_->status(); }
  RigCounts counts() const;
  const std::vector<std::string>& notes() const { return notes_; }
  const std::string& folder() const { return folder_.path(); }

  bool submit(event::Submission submission, std::function<void(Result<event::Receipt>)> done) override;

 private:
  struct Frames;
  Status use(const Project& project);
  Status open_stages();
  void close_stages();
  Result<std::string> key_of(const std::string& source);

  EngineStore& store_;
  RigOptions options_;
  os::TempFolder folder_{os::TempFolder::Place::memory};
  SimulatedClock clock_;
  SeededEntropy entropy_{1};
  os::RealPorts real_;
  os::FaultyFiles files_{real_.ports().files};
  event::DataId data_id_;
  StoreFaults faults_;
  std::map<std::string, Project> projects_;  // by plan hash: DATA/plans
  std::map<std::string, std::string> keys_by_source_;
  std::unique_ptr<plan::Plan> plan_;
  std::unique_ptr<collect::Keys> keys_;
  std::vector<std::string> notes_;
  RigCounts ended_;  // of generations before this one, and what is counted as it happens

  // One generation: from open to restart.
  std::unique_ptr<log::SegmentLog> log_;
  std::unique_ptr<log::Committer> committer_;
  std::unique_ptr<collect::Collector> collector_;
  std::unique_ptr<Frames> frames_;
  std::unique_ptr<BoundedQueue<process::Delivery>> deliveries_;
  std::unique_ptr<BoundedQueue<process::JobTask>> tasks_;
  std::unique_ptr<BoundedQueue<process::Report>> reports_;
  std::unique_ptr<process::Journal> marks_;
  std::unique_ptr<EngineWarehouse> warehouse_;
  std::unique_ptr<process::Processor> processor_;
  std::unique_ptr<process::Sink> sink_;
  std::unique_ptr<process::JobStage> jobs_;
};

}  // namespace sluice::harness
