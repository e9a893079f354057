// main.cc - reads the arguments and calls one command. The only file that knows CLI11 (5 s of compile time).
#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/commands.h"
#include "cli/terminal.h"

namespace {

using namespace sluice;  // NOLINT: this file only joins names

constexpr const char* kDefaultData = "sluice-data";

struct Arguments {
  cli::InitOptions init;
  cli::CheckOptions check;
  cli::FmtOptions fmt{.directory = ".", .check = false};
  cli::ExplainOptions explain{.name = {}, .directory = ".", .sql = {}};
  cli::UpOptions up{.directory = {}, .data = kDefaultData, .demo = false, .listen = {}, .watch = true};
  cli::PlanOptions plan{.directory = {}, .data = kDefaultData, .periods = 5, .json = false};
  cli::ApplyOptions apply{.data = kDefaultData};
  cli::SendOptions send{.file = {}, .data = kDefaultData, .source = {}, .again = false, .rate = 0};
  cli::QueryOptions query{.sql = {}, .data = kDefaultData, .json = false, .csv = false};
  cli::LedgerOptions ledger{.data = kDefaultData, .json = false};
  cli::TraceOptions trace{.message_id = {}, .data = kDefaultData, .json = false};
  cli::KeysOptions keys{.action = cli::KeysOptions::Action::list, .source = {}, .label = {}, .data = kDefaultData, .json = false};
  cli::LogOptions log{.data = kDefaultData, .from = {}, .limit = 20};
  cli::StoreChildOptions store;
};

void add_data(CLI::App* command, std::string& into) {
  command->add_option("--data", into, "data directory")->capture_default_str();
}

// Options of commands that look into a data directory.
void add_reading_commands(CLI::App& app, Arguments& a) {
  CLI::App* query = app.add_subcommand("query", "Run one read-only SQL statement");
  query->add_option("SQL", a.query.sql, "ClickHouse SQL")->required();
  add_data(query, a.query.data);
  query->add_flag("--json", a.query.json, "a JSON object a row");
  query->add_flag("--csv", a.query.csv, "CSV with a header");
  CLI::App* ledger = app.add_subcommand("ledger", "Prove that every event is accounted for; exit 1 where one is not");
  add_data(ledger, a.ledger.data);
  ledger->add_flag("--json", a.ledger.json, "one JSON value");
  CLI::App* trace = app.add_subcommand("trace", "Tell what became of one message id");
  trace->add_option("MESSAGE_ID", a.trace.message_id)->required();
  add_data(trace, a.trace.data);
  trace->add_flag("--json", a.trace.json, "one JSON value");
  CLI::App* log = app.add_subcommand("log", "Print records of the log from a position on");
  add_data(log, a.log.data);
  log->add_option("--from", a.log.from, "position, such as 0:1234");
  log->add_option("--limit", a.log.limit, "records at most")->capture_default_str();
}

void add_project_commands(CLI::App& app, Arguments& a) {
  CLI::App* init = app.add_subcommand("init", "Write a new project");
  init->add_option("DIR", a.init.directory)->required();
  init->add_flag("--schemas", a.init.schemas, "only the JSON Schemas for editors (DIR/.sluice/schema), of this release");
  CLI::App* check = app.add_subcommand("check", "Check a project's definitions");
  check->add_option("DIR", a.check.directory)->required();
  check->add_flag("--json", a.check.json, "one JSON value");
  CLI::App* fmt = app.add_subcommand("fmt", "Rewrite a project's files in their one form, comments kept");
  fmt->add_option("DIR", a.fmt.directory, "the project")->capture_default_str();
  fmt->add_flag("--check", a.fmt.check, "write nothing; name the files that would change and exit 1 if there are any");
  CLI::App* explain = app.add_subcommand("explain", "Tell what a definition counts, and what that costs; or print its SQL");
  explain->add_option("NAME", a.explain.name, "a metric or a funnel")->required();
  explain->add_option("DIR", a.explain.directory, "the project; nothing needs to run")->capture_default_str();
  explain->add_option("--sql", a.explain.sql, "print SQL for this engine that runs as it is: clickhouse");
  CLI::App* up = app.add_subcommand("up", "Run a project");
  up->add_option("DIR", a.up.directory)->required();
  add_data(up, a.up.data);
  up->add_flag("--demo", a.up.demo, "the write key `demo` sends to the first source");
  up->add_option("--listen", a.up.listen, "NAME=HOST:PORT for collect, web or sql; port 0 lets the system choose");
  up->add_flag("!--no-watch", a.up.watch, "take changed definitions at `sluice apply` and not when a file is saved");
  CLI::App* plan = app.add_subcommand("plan", "Say what the project's definitions would change, and apply nothing");
  plan->add_option("DIR", a.plan.directory)->required();
  add_data(plan, a.plan.data);
  plan->add_option("--periods", a.plan.periods, "values side by side for so many windows")->capture_default_str();
  plan->add_flag("--json", a.plan.json, "one JSON value");
  add_data(app.add_subcommand("apply", "Let a running `up --no-watch` take the definitions as they are now"), a.apply.data);
  CLI::App* send = app.add_subcommand("send", "Send a file of NDJSON events");
  send->add_option("FILE", a.send.file)->required();
  add_data(send, a.send.data);
  send->add_option("--source", a.send.source, "source of the events (the project's first)");
  send->add_flag("--again", a.send.again, "also when this file was sent before");
  send->add_option("--rate", a.send.rate, "events a second at most");
  CLI::App* keys = app.add_subcommand("keys", "Write keys: create SOURCE, list");
  keys->require_subcommand(1);
  CLI::App* create = keys->add_subcommand("create", "Make a key; it is printed once");
  create->add_option("SOURCE", a.keys.source)->required();
  create->add_option("--label", a.keys.label, "for people");
  add_data(create, a.keys.data);
  create->callback([&a] { a.keys.action = cli::KeysOptions::Action::create; });
  CLI::App* list = keys->add_subcommand("list", "List keys by the first digits of their hash");
  add_data(list, a.keys.data);
  list->add_flag("--json", a.keys.json, "one JSON value");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Sluice: events in, numbers you can trust out."};
  app.require_subcommand(1);
  Arguments a;
  add_project_commands(app, a);
  add_reading_commands(app, a);
  CLI::App* store = app.add_subcommand("store", "")->group("");  // hidden: the supervised child
  store->add_option("--data", a.store.data)->required();
  store->add_option("--socket", a.store.socket)->required();
  app.add_subcommand("version", "Print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {  // --help is one, too
    return app.exit(e) == 0 ? 0 : 2;
  }

  os::RealPorts real;
  const os::Ports ports = real.ports();
  const std::string command = app.get_subcommands().front()->get_name();
  if (command == "init") return cli::init(ports, a.init);
  if (command == "check") return cli::check(ports, a.check);
  if (command == "fmt") return cli::fmt(ports, a.fmt);
  if (command == "explain") return cli::explain(ports, a.explain);
  if (command == "up") return cli::up(ports, a.up);
  if (command == "plan") return cli::plan(ports, a.plan);
  if (command == "apply") return cli::apply(ports, a.apply);
  if (command == "send") return cli::send(ports, a.send);
  if (command == "query") return cli::query(ports, a.query);
  if (command == "ledger") return cli::ledger(ports, a.ledger);
  if (command == "trace") return cli::trace(ports, a.trace);
  if (command == "keys") return cli::keys(ports, a.keys);
  if (command == "log") return cli::log(ports, a.log);
  if (command == "store") return cli::store_child(a.store);
  cli::print(std::string("sluice ") + cli::kVersion + "\n");
  return 0;
}
