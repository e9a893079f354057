// live_definitions.h - the project's files while `up` runs: what they say now, what is folded, what the page shows.
//
// Promise A file that was saved is compiled within a second; a valid change is wanted of the pipeline at once, an invalid one is told on
//         the page and on stderr with file, line and column while the old definitions go on. The page follows the pipeline: it shows a
//         plan once the store has its tables and views, and a plan that replaces definitions once those are complete (process/fold.h).
// Limits  Sources, listeners, retention and the project's name are read at the start of `up`: a change of them is refused with that reason.
// Bounds  look() reads files only when a name, size or time of change differs and nothing changed since the look before.
// Threads Any.   Lives  Everything in Parts outlives it.
#pragma once

#include <memory>
#include <mutex>

#include "app/feed.h"
#include "app/pipeline.h"
#include "app/project_files.h"
#include "serve/hub.h"

namespace sluice::app {

class LiveDefinitions {
 public:
  struct Parts {
    os::Ports ports;
    const DataPaths& paths;
    std::string project;  // directory
    Pipeline& pipeline;
    Feed& feed;
    serve::Hub& hub;
    std::function<void(const std::string& what, const std::string& detail)> say;
  };
  // `first`: what `up` started with.
  LiveDefinitions(Parts parts, std::shared_ptr<const plan::Plan> first);

  void tick();
  // Reads the files now. What changed, in words; Code::invalid: everything that is wrong with them.
  Result<std::string> apply();
  // Hash of the plan that the files said when they were last valid.
  std::string wanted();
  // The pipeline's views are those of that plan now; `tables` behind them, in the order of its metrics.
  void show(const std::string& hash, const std::vector<std::string>& tables);

 private:
  std::string stamp() const;
  Result<std::string> read();
  Result<std::string> use(const std::vector<plan::SourceFile>& files);
  Error refuse(const std::vector<plan::SourceFile>& files, const std::vector<plan::Diagnostic>& why);
  void put(std::shared_ptr<const plan::Plan> plan);

  Parts parts_;
  const std::shared_ptr<const plan::Plan> first_;
  std::mutex reading_;  // guards the stamps; held while files are read and compiled, and taken before the other
  std::string seen_;  // of the files that were read
  std::string changing_;  // of the look before
  std::vector<std::string> dimension_files_;  // that they named then: part of the stamp
  std::mutex mutex_;  // guards all below; held while the page changes over
  std::shared_ptr<const plan::Plan> newest_;  // what the files say, when they are valid
  std::shared_ptr<const plan::Plan> shown_;
  std::vector<std::string> tables_;
};

}  // namespace sluice::app
