#include "app/control.h"
#include "app/plan_preview.h"
#include "app/project_files.h"
#include "cli/commands.h"
#include "cli/terminal.h"

namespace sluice::cli {
namespace {

Result<app::PlanPreview> ask(os::Ports ports, const PlanOptions& options) {
  const std::vector<plan::SourceFile> files = SLUICE_TRY(app::read_project(ports.files, options.directory));
  const std::unique_ptr<plan::Plan> after = SLUICE_TRY(app::compile_project(files));
  const app::DataPaths paths = SLUICE_TRY(app::data_paths(ports, options.data));
  if (std::optional<app::Control> control = app::Control::connect(ports, paths)) {
    const std::string hash = SLUICE_TRY(control->get("/api/plan"));
    const std::unique_ptr<plan::Plan> before = SLUICE_TRY(app::load_plan(ports.files, paths.plans(), hash));
    return app::preview(
        *before, *after, options.periods,
        [&](const std::string& sql, const std::string& format) { return control->post("/api/query?format=" + format, sql); },
        ports.clock);
  }
  const std::unique_ptr<app::OpenedData> data = SLUICE_TRY(app::OpenedData::open(ports, paths, true));
  const std::unique_ptr<plan::Plan> before = SLUICE_TRY(data->plan());
  return app::preview(
      *before, *after, options.periods,
      [&](const std::string& sql, const std::string& format) -> Result<std::string> {
        serve::Reply reply = SLUICE_TRY(data->queries().query({.role = serve::Role::reader, .sql = sql, .format = format}));
        return std::move(reply.body);
      },
      ports.clock);
}

}  // namespace

int plan(os::Ports ports, const PlanOptions& options) {
  const Result<app::PlanPreview> answer = ask(ports, options);
  if (!answer) return report(answer.error());
  print(options.json ? app::preview_json(*answer) + "\n" : app::preview_text(*answer));
  return 0;
}

}  // namespace sluice::cli
