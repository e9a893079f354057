// feed.h - what the pipeline commits, in the words of the page: EpochRows and JobResults as serve::Committed.
//
// Promise publish() is called only after the store acknowledged what it tells of. A job's changes go out under the newest epoch.
// Threads The sink's and the job stage's; one mutex keeps the newest epoch's header for jobs.
// Lives   The hub outlives it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "process/processor.h"
#include "serve/feed.h"

namespace sluice::app {

class Feed {
 public:
  // committed_to: where the newest committed epoch ends in the log, as the journals say at start.
  Feed(std::function<void(serve::Committed)> publish, event::Offset committed_to, std::shared_ptr<const plan::Plan> shown)
      : publish_(std::move(publish)), to_(committed_to), plan_(std::move(shown)) {
    newest_.plan = plan_->hash;
  }
  // Whose metrics the page shows from now on.
  void show(std::shared_ptr<const plan::Plan> plan);
  // The newest epoch once more, without changes: for a page that has just changed over.
  void repeat();
  // Tables and views of this project are there, and the store holds all up to that epoch: from now on epochs are published.
  void opened(serve::Committed newest, event::Offset to);
  // Epochs that were published before a recovery are not published again.
  void epoch(process::EpochRows rows);
  void job(const process::JobTask& task, process::JobResult result);
  // Of first computations, as the plan of that hash has them; goes out when it changed.
  void progress(const std::string& plan, const std::vector<process::MetricProgress>& progress);
  // Totals of the newest committed epoch, and where it ends in the log: both of one moment.
  struct Newest {
    bool open = false;             // false: nothing was published yet, totals are not known
    event::Epoch epoch;
    event::LedgerCounts totals;
    event::Offset to;
  };
  Newest newest();

 private:
  const std::function<void(serve::Committed)> publish_;
  std::mutex mutex_;
  bool open_ = false;
  serve::Committed newest_;      // without changes and samples
  event::Offset to_;
  std::shared_ptr<const plan::Plan> plan_;
  std::vector<serve::Progress> progress_;
};

}  // namespace sluice::app
