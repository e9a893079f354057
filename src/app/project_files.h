// project_files.h - a project's directory as the compiler takes it, and plans kept by their hash.
//
// Reads sluice.yaml, metrics/*.yaml, dimensions/*.yaml and dashboards/*.yaml, and later kinds' folders when they exist, in order of
// name; the files of dimensions that these name; and the zone files that they name from plan::kZoneFolder.
// Bounds  A file of definitions plan::kFileBytesMax, of a dimension plan::kDimensionFileBytesMax, all together kProjectBytesMax.
// Errors  Code::not_found: no sluice.yaml (the message says how to make a project). Code::invalid: over a bound.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "os/files.h"
#include "plan/compile.h"

namespace sluice::app {

inline constexpr uint64_t kProjectBytesMax = 48ULL << 20;

Result<std::vector<plan::SourceFile>> read_project(os::Files& files, const std::string& directory);
// Another text whenever a file that read_project() takes came, went or was written; no file is read. `dimension_files`: those that the
// definitions named when they were read last (plan::dimension_files_of).
Result<std::string> project_stamp(os::Files& files, const std::string& directory,
                                  const std::vector<std::string>& dimension_files);

// The compiled plan, or every diagnostic as one text, a line each.
Result<std::unique_ptr<plan::Plan>> compile_project(const std::vector<plan::SourceFile>& files);

// DATA/plans/<hash>: written before the journal first names it, read by recovery.
Status keep_plan(os::Files& files, const std::string& directory, const std::string& hash,
                 const std::vector<plan::SourceFile>& sources);
Result<std::unique_ptr<plan::Plan>> load_plan(os::Files& files, const std::string& directory, const std::string& hash);

}  // namespace sluice::app
