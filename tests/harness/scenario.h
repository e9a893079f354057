// scenario.h - a history as text: definitions, what is sent when, crashes, and questions with the answers that are expected.
//
// Format  Sections begin with a line `== name`; lines before the first one say what the file shows.
//           == sources          list of sources as in sluice.yaml; without it there is `site` with the defaults
//           == metrics [NAME]   list of metrics; NAME: another project, for `restart NAME` and `define NAME`
//           == funnels [NAME], == retention [NAME], == sessions [NAME]   lists of these, of that project
//           == dimensions [NAME]   a list of these, of that project
//           == file PATH [NAME]    the lines of a file that they name
//           == run              one step a line; lines that begin with two spaces are the answer expected to the step above them
//         Steps: at TIME · advance DURATION · send [SOURCE] JSON · segment SOURCE PATH JSON · cut · settle · restart [NAME] · define NAME
//           emit every DURATION, groups at most N, dedup open at most N, job windows at most N, checkpoint every DURATION: before all others
//           power cut after N · store dies after N · store back · lose reply N stored|absent · refuse insert N
//         Questions, each after a settle: rows METRIC · definition METRIC · over, series, dropped (panel_question.h) · events [COLUMNS] · quarantine · duplicates · identities ·
//           ledger · watermarks · revisions · sql SELECT ...; and reply (of the last request), notes, counts
//         `as written:` in front of a question: it is not asked when the file is rerun under another Rerun.
// Bounds  Files of kStepsMax steps.   Errors  Code::invalid names the line.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/rig.h"

namespace sluice::harness {

enum class Rerun {
  as_written,
  ones,  // each record its own frame and epoch
  restarts,  // all stages dropped at another moment after every request
};
inline constexpr Rerun kReruns[]{Rerun::as_written, Rerun::ones, Rerun::restarts};
const char* rerun_name(Rerun rerun);

struct Step {
  size_t line = 0;  // in the file, from 1
  std::string text;
  bool as_written_only = false;
  std::vector<std::string> expected;  // without indentation
};

struct Scenario {
  std::map<std::string, Rig::Project> projects;  // "" is the first
  std::vector<Step> steps;
};

Result<Scenario> parse_scenario(std::string_view text);

// What a step said: nullopt for one that asks nothing. `table`: tab-separated with a header line, as the engine escapes it.
struct Answer {
  bool table = false;
  std::string text;
};

class ScenarioRun {
 public:
  ScenarioRun(EngineStore& store, const Scenario& scenario, Rerun rerun);
  // The answers, one per step. Stops at the first step that fails.
  Result<std::vector<std::optional<Answer>>> run();
  Rig& rig() { return *rig_; }

 private:
  Result<std::optional<Answer>> take(const Step& step);
  Result<std::optional<Answer>> ask(std::string_view word, std::string_view rest);
  Status option(std::string_view text);
  Status send(const std::string& source, const std::string& body, const std::string& path);
  Status interrupt();
  Status settle();

  EngineStore& store_;
  const Scenario& scenario_;
  const Rerun rerun_;
  RigOptions options_;
  std::unique_ptr<Rig> rig_;
  std::string project_;
  net::Response reply_;
  uint64_t requests_ = 0;
};

// A table as people read it: cells apart by ` | `, '' for the empty text, \N for NULL, `.000` of times left out.
std::vector<std::string> lines_of(const Answer& answer);

}  // namespace sluice::harness
