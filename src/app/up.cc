#include "app/up.h"

#include <thread>

#include "app/control_port.h"
#include "app/journaled.h"
#include "app/live_definitions.h"
#include "app/log_door.h"
#include "app/pipeline.h"
#include "app/project_files.h"
#include "app/proof.h"
#include "app/store_access.h"
#include "app/trace_line.h"
#include "app/watch.h"
#include "collect/collector.h"
#include "os/self.h"
#include "serve/sql_port.h"
#include "serve/web_port.h"

namespace sluice::app {
namespace {

constexpr size_t kWebWorkers = 2;
constexpr size_t kSqlWorkers = 4;          // statements of the SQL port at once
constexpr DurationMs kWorkerWait{250};
constexpr DurationMs kTick{250};
constexpr DurationMs kCommitterWait{50};
constexpr DurationMs kStoreAnswersWithin{3'000};

struct Wanted {
  os::Endpoint collect, web, sql;
};

Result<os::Endpoint> address(const std::string& text, const std::string& name) {
  Result<os::Endpoint> endpoint = os::parse_endpoint(text);
  if (!endpoint) return std::move(endpoint).error().in("listener " + name);
  return endpoint;
}

Result<Wanted> addresses_of(const plan::Plan& plan, const std::vector<std::string>& overrides) {
  std::string collect = plan.collect_address, web = plan.web_address, sql = plan.sql_address;
  for (const std::string& text : overrides) {
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    std::string* target = name == "collect" ? &collect : name == "web" ? &web : name == "sql" ? &sql : nullptr;
    if (equals == std::string::npos || target == nullptr) {
      return fail(Code::invalid, "--listen " + text + ": write NAME=HOST:PORT with NAME collect, web or sql");
    }
    *target = text.substr(equals + 1);
  }
  Wanted wanted;
  wanted.collect = SLUICE_TRY(address(collect, "collect"));
  wanted.web = SLUICE_TRY(address(web, "web"));
  wanted.sql = SLUICE_TRY(address(sql, "sql"));
  return wanted;
}

Result<std::unique_ptr<net::Server>> listen(os::Ports ports, const char* name, const os::Endpoint& endpoint,
                                            net::ServerOptions options, net::Handler handler) {
  Result<std::unique_ptr<net::Server>> server = net::Server::listen(ports, endpoint, "", options, std::move(handler));
  if (!server) return std::move(server).error().in(std::string("listener ") + name);
  return server;
}

}  // namespace

// Declared in the order of dependence, so that destruction runs the other way round.
struct Up::Parts final : serve::Actions {
  Parts(os::Ports p, UpSetup s) : ports(p), setup(std::move(s)) {}

  os::Ports ports;
  UpSetup setup;
  std::shared_ptr<const plan::Plan> plan;  // of the start
  std::unique_ptr<DataDirectory> directory;
  std::string data_id;
  Journaled journaled;
  std::unique_ptr<collect::Keys> keys;
  std::unique_ptr<log::SegmentLog> log;
  std::unique_ptr<log::Committer> committer;
  std::unique_ptr<StoreChild> child;
  std::unique_ptr<StoreQueries> queries;
  std::unique_ptr<LogSubmitter> submitter;
  std::unique_ptr<collect::Collector> collector;
  std::unique_ptr<serve::Hub> hub;
  std::unique_ptr<serve::WebPort> web_port;
  std::unique_ptr<ControlPort> control_port;
  std::unique_ptr<Feed> feed;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<LiveDefinitions> definitions;
  std::unique_ptr<serve::SqlPort> sql_port;
  std::unique_ptr<net::Server> collect_server, web_server, sql_server, control_server;
  std::unique_ptr<Watch> watch;
  Addresses addresses;
  std::vector<std::jthread> threads;          // all but the ones below, which end in order
  std::jthread committer_thread, pipeline_thread, child_thread;
  std::atomic<bool> stopping{false};
  bool stopped = false;

  void say(std::string_view what, std::string_view detail) { trace_line(ports.clock, what, detail); }
  Proof proof() { return Proof({ports, directory->paths(), data_id, *log, *queries}); }

  Result<std::string> trace_json(const std::string& message_id) override {
    const quality::Trace trace = SLUICE_TRY(proof().trace(message_id));
    return quality::trace_json(trace);
  }
  Result<std::string> ledger_json() override {
    const quality::LedgerReport report = SLUICE_TRY(proof().ledger());
    return quality::report_json(report);
  }
  Result<std::string> create_key(const std::string& source, const std::string& label) override {
    for (const plan::Source& known : plan->sources) {
      if (known.name == source) return keys->create(source, label);
    }
    std::string names;
    for (const plan::Source& known : plan->sources) names += (names.empty() ? "" : ", ") + known.name;
    return fail(Code::invalid, "no source is named " + source + "; sluice.yaml has " + names);
  }
  void collect_metrics(serve::MetricsText& into) override { watch->fill_metrics(into); }

  std::string why_closed();
  Status open_data(const std::vector<plan::SourceFile>& files);
  Status open_log();
  std::shared_ptr<const serve::Project> project() const;
  void wire();
  Status listen_all(const Wanted& wanted);
  void start_threads();
  void stop();
};

Status Up::Parts::open_data(const std::vector<plan::SourceFile>& files) {
  directory = SLUICE_TRY(DataDirectory::open(ports, setup.data, setup.lock_wait));
  data_id = directory->data_id().text();
  SLUICE_CHECK(keep_plan(ports.files, directory->paths().plans(), plan->hash, files));
  keys = SLUICE_TRY(collect::Keys::open(ports, directory->paths().keys(), setup.demo ? plan->sources.front().name : ""));
  return ok();
}

Status Up::Parts::open_log() {
  log = SLUICE_TRY(log::SegmentLog::open(ports.files, directory->paths().log(), directory->data_id(), log::Options{}));
  if (!log->recovery().reason.empty()) say(log->recovery().read_only ? "log read-only" : "log recovered", log->recovery().reason);
  committer = std::make_unique<log::Committer>(*log, ports.clock, log::CommitterOptions{});
  journaled = SLUICE_TRY(read_journals(ports, directory->paths(), data_id));
  committer->not_before(journaled.clock);
  return ok();
}

// The store answers a moment before its tables are looked at or made: nobody should read that a table is unknown. Where the
// pipeline cannot go on, what is there may be read.
std::string Up::Parts::why_closed() {
  const PipelineStatus status = pipeline->status();
  if (feed->newest().open || (!status.stopped_by.empty() && !status.store_away)) return "";
  return "the store has just started and its tables are being made; ask again in a second";
}

std::shared_ptr<const serve::Project> Up::Parts::project() const {
  return std::make_shared<const serve::Project>(
      serve::Project{plan, setup.version, addresses.collect, addresses.sql, setup.demo});
}

void Up::Parts::wire() {
  store::SupervisorOptions options;
  options.program = setup.store_program;
  options.data_directory = directory->paths().store();
  options.socket_path = directory->paths().store_socket();
  child = std::make_unique<StoreChild>(ports, options, [this](const store::SupervisorState& state) {
    const bool ready = state.phase == store::SupervisorState::Phase::ready;
    say(ready ? "store ready" : "store not ready", ready ? "" : state.last_error);
  });
  queries = std::make_unique<StoreQueries>(ports, *child, directory->paths().store_socket(), [this] { return why_closed(); });
  submitter = std::make_unique<LogSubmitter>(*committer);
  std::vector<std::string> sources;
  for (const plan::Source& source : plan->sources) sources.push_back(source.name);
  collector = std::make_unique<collect::Collector>(collect::Collector::Parts{ports, *keys, *submitter}, sources,
                                                   collect::CollectOptions{});
  hub = std::make_unique<serve::Hub>(project(), *queries, ports.clock);
  web_port = std::make_unique<serve::WebPort>(*hub, *queries, *this, ports.clock, serve::WebOptions{});
  control_port = std::make_unique<ControlPort>(
      ControlPort::Parts{*web_port, *queries, *collector, *log, [this] { return proof(); },
                         [this] { return definitions->wanted(); }, [this] { return definitions->apply(); }});
  serve::SqlOptions sql;
  sql.socket_path = directory->paths().store_socket();
  sql_port = std::make_unique<serve::SqlPort>(ports, sql, [this]() -> std::string {
    if (child->ready()) return why_closed();
    const std::string why = child->state().last_error;
    return "the store is restarting" + (why.empty() ? "" : " (" + why + ")") + "; events are kept, ask again in a second";
  });
  feed = std::make_unique<Feed>([this](serve::Committed committed) { hub->commit(std::move(committed)); }, journaled.committed_to,
                                plan);
  pipeline = std::make_unique<Pipeline>(Pipeline::Parts{
      ports, directory->paths(), data_id, *log, *committer, plan->hash,
      [this]() -> std::unique_ptr<process::Warehouse> {
        return std::make_unique<StoreWarehouse>(ports, *child, directory->paths().store(), directory->paths().store_socket());
      },
      [this] { return child->state().restarts; },
      [this](const std::string& hash, const std::vector<std::string>& tables) { definitions->show(hash, tables); }, *feed,
      [this](const std::string& what, const std::string& detail) { say(what, detail); }, process::ProcessorOptions{}});
  definitions = std::make_unique<LiveDefinitions>(
      LiveDefinitions::Parts{ports, directory->paths(), setup.project, *pipeline, *feed, *hub,
                             [this](const std::string& what, const std::string& detail) { say(what, detail); }},
      plan);
}

Status Up::Parts::listen_all(const Wanted& wanted) {
  collect_server =
      SLUICE_TRY(listen(ports, "collect", wanted.collect, net::ServerOptions{},
                        [this](net::Request q, net::Responder r) { collector->handle(std::move(q), std::move(r)); }));
  net::ServerOptions small;
  small.body_bytes_max = 4_MiB;
  small.connections_max = 1'000;
  web_server = SLUICE_TRY(listen(ports, "web", wanted.web, small, [this](net::Request q, net::Responder r) {
    web_port->handle(std::move(q), std::move(r), serve::Trust::network);
  }));
  sql_server = SLUICE_TRY(listen(ports, "sql", wanted.sql, small,
                                 [this](net::Request q, net::Responder r) { sql_port->handle(std::move(q), std::move(r)); }));
  control_server = SLUICE_TRY(
      net::Server::listen(ports, {}, directory->paths().control_socket(), net::ServerOptions{},
                          [this](net::Request q, net::Responder r) { control_port->handle(std::move(q), std::move(r)); }));
  addresses = {"http://" + collect_server->bound().text(), "http://" + web_server->bound().text(),
               "http://" + sql_server->bound().text()};
  hub->replace(project());
  watch = std::make_unique<Watch>(Watch::Parts{ports,
                                               directory->paths(),
                                               *plan,
                                               *log,
                                               *committer,
                                               *child,
                                               *pipeline,
                                               *feed,
                                               *hub,
                                               *collector,
                                               {{"collect", collect_server.get()},
                                                {"web", web_server.get()},
                                                {"sql", sql_server.get()},
                                                {"control", control_server.get()}},
                                               setup.version});
  return ok();
}

void Up::Parts::start_threads() {
  child_thread = std::jthread([this] {
    os::name_thread("supervisor");
    child->run();
  });
  committer_thread = std::jthread([this] {
    os::name_thread("committer");
    for (;;) {
      const log::Progress progress = committer->step(kCommitterWait);
      if (progress == log::Progress::finished) return;
      if (progress == log::Progress::worked) pipeline->ring();
    }
  });
  pipeline_thread = std::jthread([this] {
    os::name_thread("processor");
    (void)child->wait_ready(kStoreAnswersWithin);  // else it says itself what it waits for
    pipeline->run();
  });
  const auto start = [this](const char* name, std::function<void()> body) {
    threads.emplace_back([name, body = std::move(body)] {
      os::name_thread(name);
      body();
    });
  };
  for (const auto& [name, server] : {std::pair{"net collect", collect_server.get()},
                                     {"net web", web_server.get()},
                                     {"net sql", sql_server.get()},
                                     {"net control", control_server.get()}}) {
    start(name, [served = server] { served->run(0); });
  }
  start("hub", [this] {
    while (!stopping) hub->step(kWorkerWait);
  });
  for (size_t i = 0; i < kWebWorkers; ++i) {
    start("web worker", [this] {
      while (!stopping) web_port->step(kWorkerWait);
    });
  }
  for (size_t i = 0; i < kSqlWorkers; ++i) start("sql worker", [this] { sql_port->run_worker(); });
  start("control worker", [this] {
    while (!stopping) control_port->step(kWorkerWait);
  });
  start("watch", [this] {
    while (!stopping) {
      watch->tick();
      if (setup.watch) definitions->tick();
      ports.clock.sleep_for(kTick);
    }
  });
}

void Up::Parts::stop() {
  const os::MonotonicTime deadline = ports.clock.monotonic() + setup.stop_within;
  say("stopping", "no more events are taken; what was taken is being stored");
  collect_server->stop();
  committer->close();
  committer_thread.join();
  pipeline->drain();
  std::jthread watchdog([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && ports.clock.monotonic() < deadline) ports.clock.sleep_for(DurationMs(20));
    if (stop.stop_requested()) return;
    pipeline->stop();
    child->stop(true);  // an insert or a job may wait for a store that hangs
  });
  pipeline_thread.join();
  watchdog.request_stop();
  watchdog.join();
  stopping = true;
  queries->stop();
  hub->stop();
  web_port->stop();
  control_port->stop();
  sql_port->stop();
  sql_server->stop();
  web_server->stop();
  control_server->stop();
  threads.clear();
  child->stop();
  child_thread.join();
  say("stopped", "");
}

Result<std::unique_ptr<Up>> Up::start(os::Ports ports, UpSetup setup) {
  auto parts = std::make_unique<Parts>(ports, std::move(setup));
  const std::vector<plan::SourceFile> files = SLUICE_TRY(read_project(ports.files, parts->setup.project));
  parts->plan = SLUICE_TRY(compile_project(files));
  const Wanted wanted = SLUICE_TRY(addresses_of(*parts->plan, parts->setup.listen));
  SLUICE_CHECK(parts->open_data(files));
  SLUICE_CHECK(parts->open_log());
  parts->wire();
  SLUICE_CHECK(parts->listen_all(wanted));
  parts->start_threads();
  return std::unique_ptr<Up>(new Up(std::move(parts)));
}

Up::Up(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Up::~Up() { stop(); }
const Addresses& Up::addresses() const { return parts_->addresses; }

void Up::run() {
  os::wait_for_stop();
  stop();
}

void Up::stop() {
  if (!std::exchange(parts_->stopped, true)) parts_->stop();
}

}  // namespace sluice::app
