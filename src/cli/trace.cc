#include <nlohmann/json.hpp>

#include "app/control.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "net/http.h"

namespace sluice::cli {
namespace {

struct Answer {
  std::string text;
  bool found = false;
};

Result<Answer> ask(os::Ports ports, const TraceOptions& options) {
  const app::DataPaths paths = SLUICE_TRY(app::data_paths(ports, options.data));
  if (std::optional<app::Control> control = app::Control::connect(ports, paths)) {
    const std::string id = net::percent_encode(options.message_id);
    const std::string json = SLUICE_TRY(control->get("/api/trace?id=" + id));
    const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, false);
    const bool found = parsed.is_object() && parsed.value("found", false);
    if (options.json) return Answer{json + "\n", found};
    const std::string text = SLUICE_TRY(control->get("/api/trace?format=text&id=" + id));
    return Answer{text, found};
  }
  const std::unique_ptr<app::OpenedData> data = SLUICE_TRY(app::OpenedData::open(ports, paths, true));
  const quality::Trace trace = SLUICE_TRY(data->proof().trace(options.message_id));
  return Answer{options.json ? quality::trace_json(trace) + "\n" : quality::trace_text(trace), !trace.copies.empty()};
}

}  // namespace

int trace(os::Ports ports, const TraceOptions& options) {
  const Result<Answer> answer = ask(ports, options);
  if (!answer) return report(answer.error());
  print(answer->text);
  return answer->found ? 0 : 1;
}

}  // namespace sluice::cli
