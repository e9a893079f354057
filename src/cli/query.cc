#include "app/control.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "net/http.h"

namespace sluice::cli {

int query(os::Ports ports, const QueryOptions& options) {
  const std::string format = options.json                    ? "JSONEachRow"
                             : options.csv                   ? "CSVWithNames"
                             : standard_output_is_terminal() ? "PrettyCompact"
                                                             : "TabSeparatedWithNames";
  const auto run = [&]() -> Result<std::string> {
    const app::DataPaths paths = SLUICE_TRY(app::data_paths(ports, options.data));
    if (std::optional<app::Control> control = app::Control::connect(ports, paths)) {
      return control->post("/api/query?format=" + net::percent_encode(format), options.sql);
    }
    const std::unique_ptr<app::OpenedData> data = SLUICE_TRY(app::OpenedData::open(ports, paths, true));
    serve::Reply reply = SLUICE_TRY(data->queries().query({.role = serve::Role::reader, .sql = options.sql, .format = format}));
    return std::move(reply.body);
  };
  const Result<std::string> answer = run();
  if (!answer) return report(answer.error());
  print(*answer);
  return 0;
}

}  // namespace sluice::cli
