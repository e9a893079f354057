#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/control.h"
#include "base/json_text.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "collect/keys.h"

namespace sluice::cli {
namespace {

Status check_source(app::OpenedData& data, const std::string& source) {
  const std::unique_ptr<plan::Plan> plan = SLUICE_TRY(data.plan());
  std::string names;
  for (const plan::Source& known : plan->sources) {
    if (known.name == source) return ok();
    names += (names.empty() ? "" : ", ") + known.name;
  }
  return fail(Code::invalid, "no source is named " + source + "; the project has " + names);
}

Result<std::string> create(os::Ports ports, const KeysOptions& options) {
  const app::DataPaths paths = SLUICE_TRY(app::data_paths(ports, options.data));
  if (std::optional<app::Control> control = app::Control::connect(ports, paths)) {
    const std::string body = "{\"source\":" + json_string(options.source) + ",\"label\":" + json_string(options.label) + "}";
    const std::string reply = SLUICE_TRY(control->post("/api/keys", body));
    const nlohmann::json parsed = nlohmann::json::parse(reply, nullptr, false);
    if (!parsed.is_object() || !parsed.contains("key"))
      return fail(Code::unavailable, "the running program gave no key; try again");
    return parsed.value("key", "");
  }
  const std::unique_ptr<app::OpenedData> data = SLUICE_TRY(app::OpenedData::open(ports, paths, false));
  SLUICE_CHECK(check_source(*data, options.source));
  const std::unique_ptr<collect::Keys> keys = SLUICE_TRY(collect::Keys::open(ports, paths.keys(), ""));
  return keys->create(options.source, options.label);
}

Result<std::string> list(os::Ports ports, const KeysOptions& options) {
  const app::DataPaths paths = SLUICE_TRY(app::data_paths(ports, options.data));
  const std::unique_ptr<collect::Keys> keys = SLUICE_TRY(collect::Keys::open(ports, paths.keys(), ""));
  std::string out;
  for (const collect::KeyInfo& key : keys->list()) {
    const std::string hash = key.hash.substr(0, 12);
    if (options.json) {
      out += fmt::format("{{\"hash\":{},\"source\":{},\"created_at\":{},\"label\":{}}}\n", json_string(hash),
                         json_string(key.source), json_string(key.created_at), json_string(key.label));
    } else {
      out += fmt::format("{}  {}  {}  {}\n", hash, key.created_at, key.source, key.label);
    }
  }
  return out;
}

}  // namespace

int keys(os::Ports ports, const KeysOptions& options) {
  const bool creating = options.action == KeysOptions::Action::create;
  const Result<std::string> answer = creating ? create(ports, options) : list(ports, options);
  if (!answer) return report(answer.error());
  print(creating ? *answer + "\n" : *answer);
  if (creating) fmt::print(stderr, "Keep it: it is stored as a hash and cannot be shown again.\n");
  return 0;
}

}  // namespace sluice::cli
