#include <fmt/format.h>

#include "app/control.h"
#include "cli/commands.h"
#include "cli/terminal.h"

namespace sluice::cli {
namespace {

// "0:1234" or "1234".
Result<event::Offset> parse_place(const std::string& text) {
  if (text.empty()) return event::Offset(0);
  const size_t colon = text.find(':');
  const std::string digits = colon == std::string::npos ? text : text.substr(colon + 1);
  const bool plain = !digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos && digits.size() < 19;
  if (!plain || (colon != std::string::npos && text.substr(0, colon) != "0")) {
    return fail(Code::invalid, "--from " + text + " is no position; write it as replies do, such as 0:1234");
  }
  return event::Offset(std::stoull(digits));
}

Result<std::string> ask(os::Ports ports, const LogOptions& options) {
  const event::Offset from = SLUICE_TRY(parse_place(options.from));
  const app::DataPaths paths = SLUICE_TRY(app::data_paths(ports, options.data));
  if (std::optional<app::Control> control = app::Control::connect(ports, paths)) {
    return control->get(fmt::format("/api/log?from={}&limit={}", from.value, options.limit));
  }
  const std::unique_ptr<app::OpenedData> data = SLUICE_TRY(app::OpenedData::open(ports, paths, false));
  return app::log_records(data->log(), from, options.limit);
}

}  // namespace

int log(os::Ports ports, const LogOptions& options) {
  const Result<std::string> answer = ask(ports, options);
  if (!answer) return report(answer.error());
  print(*answer);
  return 0;
}

}  // namespace sluice::cli
