#include <fmt/format.h>

#include "app/project_files.h"
#include "base/json_text.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "plan/compile.h"

namespace sluice::cli {
namespace {

void print_json(const plan::Compiled& compiled) {
  std::string out = fmt::format("{{\"valid\":{},\"errors\":[", compiled.plan.has_value());
  for (size_t i = 0; i < compiled.diagnostics.size(); ++i) {
    const plan::Diagnostic& d = compiled.diagnostics[i];
    if (i > 0) out += ',';
    out += fmt::format("{{\"file\":{},\"line\":{},\"column\":{},\"message\":{}}}", json_string(d.at.file), d.at.line, d.at.column,
                       json_string(d.message));
  }
  out += "]";
  if (compiled.plan) out += ",\"plan\":" + json_string(compiled.plan->hash);
  print(out + "}\n");
}

}  // namespace

int check(os::Ports ports, const CheckOptions& options) {
  const Result<std::vector<plan::SourceFile>> files = app::read_project(ports.files, options.directory);
  if (!files) return report(files.error());
  const plan::Compiled compiled = plan::compile(*files);
  if (options.json) {
    print_json(compiled);
  } else if (compiled.plan) {
    const plan::Plan& plan = *compiled.plan;
    print(fmt::format("{}: good. {}, {}, {}, {}.\n", plan.project, counted(files->size(), "file"),
                      counted(plan.sources.size(), "source"), counted(plan.metrics.size(), "metric"),
                      counted(plan.dashboards.size(), "dashboard")));
  } else {
    for (const plan::Diagnostic& d : compiled.diagnostics) print(d.text() + "\n");
    fmt::print(stderr, "{}: {}\n", options.directory, counted(compiled.diagnostics.size(), "error"));
  }
  return compiled.plan ? 0 : 1;
}

}  // namespace sluice::cli
