#include "app/control.h"
#include "cli/commands.h"
#include "cli/terminal.h"

namespace sluice::cli {

int apply(os::Ports ports, const ApplyOptions& options) {
  const auto run = [&]() -> Result<std::string> {
    const app::DataPaths paths = SLUICE_TRY(app::data_paths(ports, options.data));
    std::optional<app::Control> control = app::Control::connect(ports, paths);
    if (!control) {
      return fail(Code::unavailable,
                  "no `sluice up` runs on " + options.data + ": its next start takes the definitions as they are then");
    }
    return control->post("/api/apply", "");
  };
  const Result<std::string> answer = run();
  if (!answer) return report(answer.error());
  print(*answer + "\n");
  return 0;
}

}  // namespace sluice::cli
