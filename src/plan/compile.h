// compile.h - from the project's files to a Plan, or to every error at once.
//
// Input   Files as text with their path relative to the project's folder: sluice.yaml, metrics/*.yaml, dimensions/*.yaml,
//         dashboards/*.yaml; and what definitions name: the files of dimensions, and zone files as zones/NAME (zone.h).
// Promise Pure: no file access, no clock. Unknown or duplicate keys, wrong types, unknown names, reserved kinds ("not in this
//         release") each give a Diagnostic; compilation goes on to find the next one. `sluice check` shows exactly these.
// Bounds  A file of kFileBytesMax, YAML depth 32, kDiagnosticsMax diagnostics.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "plan/plan.h"

namespace sluice::plan {

struct SourceFile {
  std::string path;
  std::string text;
};

struct Diagnostic {
  Location at;
  std::string message;  // what, and what to do: "unknown key `dimension`; did you mean `dimensions`?"
  std::string text() const;  // file:line:column: message
};

struct Compiled {
  std::optional<Plan> plan;  // only without diagnostics
  std::vector<Diagnostic> diagnostics;  // in order of file, line, column
};

inline constexpr size_t kFileBytesMax = 1024 * 1024;
inline constexpr size_t kDiagnosticsMax = 100;

Compiled compile(const std::vector<SourceFile>& files);

// The files as one text and back, for DATA/plans/<hash>: what recovery compiles again.
std::string pack(const std::vector<SourceFile>& files);
Result<std::vector<SourceFile>> unpack(std::string_view packed);

}  // namespace sluice::plan
