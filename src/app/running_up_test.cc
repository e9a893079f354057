#include "app/running_up_test.h"

#include <signal.h>

#include <thread>

namespace sluice::app {
namespace {

constexpr std::string_view kProject = R"(version: 1
name: load
listeners: {collect: 127.0.0.1:0, web: 127.0.0.1:0, sql: 127.0.0.1:0}
sources:
  - {name: site, disorder: 1s, idle: 2s}
)";
constexpr std::string_view kMetrics = R"(version: 1
metrics:
  - name: clicks
    question: How much is clicked?
    where: event = 'clicked'
    window: {tumble: 10s}
    allowed_lateness: 1s
    dimensions:
      page: properties.page
    measures:
      clicks: count()
      people: distinct(user_key)
      weight: sum(properties.weight)
)";
constexpr std::string_view kDashboards = R"(version: 1
dashboards:
  - name: load
    question: How much comes in?
    rows:
      - [{stat: clicks.clicks, over: 1d}]
      - [{timeseries: clicks.clicks, by: page, over: 1d}]
      - [{table: clicks, columns: [page, clicks, people, weight], over: 1d}]
)";

std::string store_program(os::Processes& processes) {
  const std::optional<std::string> named = processes.environment("SLUICE_STORE_PROGRAM");
  return named ? *named : os::join(os::parent(processes.own_path()), "sluice");
}

}  // namespace

RunningUp::RunningUp() {
  write(project_ + "/sluice.yaml", std::string(kProject));
  write(project_ + "/metrics/clicks.yaml", std::string(kMetrics));
  write(project_ + "/dashboards/load.yaml", std::string(kDashboards));
}

void RunningUp::write(const std::string& path, const std::string& text) {
  SLUICE_ASSERT(real_.ports().files.make_directories(os::parent(path)), "a test's own folder");
  SLUICE_ASSERT(real_.ports().files.replace(path, text), "a test's own file");
}

UpSetup RunningUp::setup() const {
  UpSetup setup;
  setup.project = project_;
  setup.data = data_;
  setup.demo = true;
  setup.version = "test";
  return setup;
}

void RunningUp::start(const std::function<void(UpSetup&)>& change) {
  UpSetup wanted = setup();
  if (change) change(wanted);
  wanted.store_program = store_program(processes_);
  ASSERT_TRUE(real_.ports().files.exists(wanted.store_program))
      << wanted.store_program << " is missing: build `sluice` beside this program, or name one by SLUICE_STORE_PROGRAM";
  Result<std::unique_ptr<Up>> up = Up::start(ports(), wanted);
  ASSERT_TRUE(up) << up.error().message;
  up_ = std::move(*up);
  addresses_ = up_->addresses();
}

DurationMs RunningUp::stop() {
  const auto began = std::chrono::steady_clock::now();
  if (up_) up_->stop();
  const auto took = std::chrono::duration_cast<DurationMs>(std::chrono::steady_clock::now() - began);
  up_.reset();
  return took;
}

void RunningUp::kill_store() {
  const std::vector<int> started = store_pids();
  ASSERT_FALSE(started.empty());
  ASSERT_EQ(::kill(started.back(), SIGKILL), 0) << "the newest child ran";
}

bool RunningUp::eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(DurationMs(20));
  }
  return true;
}

net::Address RunningUp::address_of(const std::string& url) {
  if (url.starts_with('/')) return {{}, url};
  return {*os::parse_endpoint(url.substr(std::string_view("http://").size())), ""};
}

net::Response RunningUp::ask(const std::string& address, net::ClientRequest request) {
  constexpr size_t kReplyMax = 64_MiB;
  request.timeout = kPatience;
  Result<net::Response> reply = net::Client::to(ports(), address_of(address))->send(request, kReplyMax);
  if (reply) return std::move(*reply);
  return {0, {}, reply.error().message};
}

net::Response RunningUp::get(const std::string& address, const std::string& target) {
  net::ClientRequest request;
  request.method = "GET";
  request.target = target;
  return ask(address, std::move(request));
}

net::Response RunningUp::post(const std::string& address, const std::string& target, std::string_view body,
                              net::Headers headers) {
  net::ClientRequest request;
  request.target = target;
  request.body = body;
  request.headers = std::move(headers);
  return ask(address, std::move(request));
}

std::string RunningUp::value(const std::string& sql) {
  net::Response reply = post(addresses_.sql, "/", sql);
  if (reply.status != 200) return "";
  while (reply.body.ends_with('\n')) reply.body.pop_back();
  return std::move(reply.body);
}

nlohmann::json RunningUp::ledger() {
  const net::Response reply = get(control().unix_path, "/api/ledger");
  if (reply.status != 200) return nullptr;
  return nlohmann::json::parse(reply.body, nullptr, false);
}

}  // namespace sluice::app
