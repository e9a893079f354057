#include "app/control.h"

#include <nlohmann/json.hpp>

#include "app/project_files.h"
#include "process/journal.h"

namespace sluice::app {
namespace {

constexpr DurationMs kTimeout{60'000};
constexpr DurationMs kStoreWait{30'000};
constexpr DurationMs kLockWait{5'000};
constexpr size_t kReplyMax = 64_MiB;

Error error_of(const net::Response& response) {
  const nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
  std::string message = response.body;
  if (body.is_object() && body.contains("error") && body["error"].is_object()) {
    message = body["error"].value("message", "");
    const std::string next = body["error"].value("next", "");
    if (!next.empty()) message += "; " + next;
  }
  while (message.ends_with('\n')) message.pop_back();
  const Code code = response.status == 404   ? Code::not_found
                    : response.status == 429 ? Code::full
                    : response.status >= 500 ? Code::unavailable
                                             : Code::invalid;
  return fail(code, message);
}

}  // namespace

std::optional<Control> Control::connect(os::Ports ports, const DataPaths& paths) {
  if (!ports.files.exists(paths.control_socket())) return std::nullopt;
  Control control(net::Client::to(ports, net::Address{{}, paths.control_socket()}));
  net::ClientRequest probe;
  probe.method = "GET";
  probe.target = "/health";
  probe.timeout = DurationMs(5'000);
  if (!control.client_->send(probe, kReplyMax)) return std::nullopt;  // a socket that a killed `up` left behind
  return control;
}

Result<std::string> Control::ask(net::ClientRequest request) {
  request.timeout = kTimeout;
  net::Response response = SLUICE_TRY(client_->send(request, kReplyMax));
  if (response.status != 200) return error_of(response);
  return std::move(response.body);
}

Result<std::string> Control::get(const std::string& target) {
  net::ClientRequest request;
  request.method = "GET";
  request.target = target;
  return ask(request);
}

Result<std::string> Control::post(const std::string& target, std::string_view body, const net::Headers& headers) {
  net::ClientRequest request;
  request.target = target;
  request.body = body;
  request.headers = headers;
  return ask(request);
}

Result<std::unique_ptr<OpenedData>> OpenedData::open(os::Ports ports, const DataPaths& paths, bool with_store) {
  if (!ports.files.exists(paths.root + "/data-id")) {
    return fail(Code::not_found, paths.root + " holds no data yet; `sluice up DIR --data " + paths.root + "` begins it");
  }
  std::unique_ptr<OpenedData> data(new OpenedData(ports));
  data->directory_ = SLUICE_TRY(DataDirectory::open(ports, paths.root, kLockWait));
  data->log_ = SLUICE_TRY(log::SegmentLog::open(ports.files, paths.log(), data->directory_->data_id(), log::Options{}));
  if (!with_store) return data;
  store::SupervisorOptions options;
  options.data_directory = paths.store();
  options.socket_path = paths.store_socket();
  data->child_ = std::make_unique<StoreChild>(ports, options, [](const store::SupervisorState&) {});
  data->thread_ = std::jthread([child = data->child_.get()] { child->run(); });
  SLUICE_CHECK(data->child_->wait_ready(kStoreWait));
  data->queries_ = std::make_unique<StoreQueries>(ports, *data->child_, paths.store_socket());
  return data;
}

OpenedData::~OpenedData() {
  if (!child_) return;
  child_->stop();
  thread_.join();
}

Proof OpenedData::proof() {
  SLUICE_ASSERT(queries_ != nullptr, "a proof asks the store");
  return Proof({ports_, directory_->paths(), directory_->data_id().text(), *log_, *queries_});
}

Result<std::unique_ptr<plan::Plan>> OpenedData::plan() {
  const std::vector<process::JournalEntry> entries =
      SLUICE_TRY(process::Journal::read(ports_.files, directory_->paths().process() + "/cuts", directory_->data_id().text()));
  std::string hash;
  for (const process::JournalEntry& entry : entries) {
    if (const auto* plan = std::get_if<process::PlanEntry>(&entry)) hash = plan->hash;
    if (const auto* cut = std::get_if<process::CutEntry>(&entry)) hash = cut->plan;  // the entry of its plan may be forgotten
  }
  if (hash.empty()) return fail(Code::not_found, "no project ran on this data directory yet; run `sluice up` first");
  return load_plan(ports_.files, directory_->paths().plans(), hash);
}

}  // namespace sluice::app
