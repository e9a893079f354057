#include <nlohmann/json.hpp>

#include "app/control.h"
#include "cli/commands.h"
#include "cli/terminal.h"

namespace sluice::cli {
namespace {

struct Answer {
  std::string text;
  bool balances = false;
};

Result<Answer> ask(os::Ports ports, const LedgerOptions& options) {
  const app::DataPaths paths = SLUICE_TRY(app::data_paths(ports, options.data));
  if (std::optional<app::Control> control = app::Control::connect(ports, paths)) {
    const std::string json = SLUICE_TRY(control->get("/api/ledger"));
    const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, false);
    if (!parsed.is_object() || !parsed.contains("balances"))
      return fail(Code::unavailable, "the running program gave no ledger; try again");
    if (options.json) return Answer{json + "\n", parsed.value("balances", false)};
    const std::string text = SLUICE_TRY(control->get("/api/ledger?format=text"));
    return Answer{text, parsed.value("balances", false)};
  }
  const std::unique_ptr<app::OpenedData> data = SLUICE_TRY(app::OpenedData::open(ports, paths, true));
  const quality::LedgerReport ledger = SLUICE_TRY(data->proof().ledger());
  return Answer{options.json ? quality::report_json(ledger) + "\n" : quality::table_text(ledger), ledger.balances()};
}

}  // namespace

int ledger(os::Ports ports, const LedgerOptions& options) {
  const Result<Answer> answer = ask(ports, options);
  if (!answer) return report(answer.error());
  print(answer->text);
  return answer->balances ? 0 : 1;
}

}  // namespace sluice::cli
