#include "app/explain.h"

#include "app/project_files.h"
#include "cli/commands.h"
#include "cli/terminal.h"

namespace sluice::cli {

int explain(os::Ports ports, const ExplainOptions& options) {
  const auto answer = [&]() -> Result<std::string> {
    const std::vector<plan::SourceFile> files = SLUICE_TRY(app::read_project(ports.files, options.directory));
    const std::unique_ptr<plan::Plan> plan = SLUICE_TRY(app::compile_project(files));
    const plan::Metric* metric = SLUICE_TRY(app::find_definition(*plan, options.name));
    if (options.sql.empty()) return app::explain_text(*plan, *metric);
    return app::explain_sql(*plan, *metric, options.sql);
  };
  const Result<std::string> text = answer();
  if (!text) return report(text.error());
  print(*text);
  return 0;
}

}  // namespace sluice::cli
