// project.h - the project as the page needs to know it: the plan and where things are.
//
// Lives  Shared and never changed: a newer plan is another Project, and who still shows the older one keeps it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plan/plan.h"
#include "serve/feed.h"

namespace sluice::serve {

struct Project {
  std::shared_ptr<const plan::Plan> plan;
  std::string version;                     // of the program
  std::string collect_url;                 // as bound: http://127.0.0.1:18080
  std::string sql_url;
  bool demo = false;
};

// A definition that does not compile while the old ones go on.
struct DefinitionError {
  std::string file;
  int line = 0;
  int column = 0;
  std::string message;
  std::string source_line;
};

struct ProjectNow {                        // the parts that change while the program runs
  std::vector<std::string> notes;          // sentences for people: "Times of the git history are shifted by 12 weeks ..."
  std::string definition_error = "null";   // JSON
  std::vector<Progress> progress;          // of metrics that are not done
};

std::string definition_error_json(const DefinitionError& error);
std::string notes_json(const std::vector<std::string>& notes);  // {"notes":[...]}
// /api/project of docs/formats/live-api.md; `example_event` as of example_event.h.
std::string project_json(const Project& project, const ProjectNow& now, const std::optional<std::string>& example_event);
// <dashboard>.<row>.<column>
std::string panel_id(const plan::Dashboard& dashboard, size_t row, size_t column);

}  // namespace sluice::serve
