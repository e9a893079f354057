// commands.h - the program's commands: what each takes and promises. One .cc file each; main.cc reads the arguments.
//
// Exit    0 done, 1 it did not succeed or does not hold (ledger, check), 2 the call itself was wrong.
// Output  Results on standard output, everything else on standard error. --json prints one JSON value for scripts. Colours and progress
//         bars only on a terminal.
// Beside a running `up` commands use its control socket (DATA/control.sock); without one they open DATA themselves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "os/ports.h"

namespace sluice::cli {

inline constexpr const char* kVersion = "0.1.0";

struct InitOptions {
  std::string directory;
  bool schemas = false;
};
// Writes a project that passes `check`, with the JSON Schemas for editors in .sluice/schema, and prints the next three commands.
// Nothing that exists is overwritten. `schemas`: writes only those, anew, into a project that exists.
int init(os::Ports ports, const InitOptions& options);

struct CheckOptions {
  std::string directory;
  bool json = false;
};
// Everything that `up` checks, before anything starts; every error with file:line:column.
int check(os::Ports ports, const CheckOptions& options);

struct FmtOptions {
  std::string directory;
  bool check = false;
};
// Rewrites a project's files in their one form (plan/format.h); what the definitions mean stays the same. Exit 1 where a file was left
// as it is because it cannot be kept whole, and with `check`, which writes nothing, where a file would change.
int fmt(os::Ports ports, const FmtOptions& options);

struct ExplainOptions {
  std::string name;
  std::string directory;
  std::string sql;  // an engine, empty: none
};
// A definition of the project as a person reads it, or as SQL that runs as it is. Needs the files only, no data and no `up`.
int explain(os::Ports ports, const ExplainOptions& options);

struct UpOptions {
  std::string directory;
  std::string data;
  bool demo = false;
  std::vector<std::string> listen;  // NAME=HOST:PORT
  bool watch = true;  // the project's files; else `apply` is waited for
};
// Runs the project until SIGTERM or SIGINT.
int up(os::Ports ports, const UpOptions& options);

struct PlanOptions {
  std::string directory;
  std::string data;
  uint64_t periods = 5;
  bool json = false;
};
// What the project's definitions would change of those that run: windows, rows, time, values side by side. Applies nothing.
int plan(os::Ports ports, const PlanOptions& options);

struct ApplyOptions {
  std::string data;
};
// The running `up` reads its project's files now; exit 1 with every error where they are not valid.
int apply(os::Ports ports, const ApplyOptions& options);

struct SendOptions {
  std::string file;
  std::string data;
  std::string source;  // empty: the project's first
  bool again = false;
  uint64_t rate = 0;  // events a second, 0: as fast as the log takes them
};
// Sends NDJSON, a line an event. Resumes where it stopped; a finished file is sent again only with `again`.
int send(os::Ports ports, const SendOptions& options);

struct QueryOptions {
  std::string sql;
  std::string data;
  bool json = false;
  bool csv = false;
};
int query(os::Ports ports, const QueryOptions& options);

struct LedgerOptions {
  std::string data;
  bool json = false;
};
// Prints the ledger per source and minute; exits 1 where it does not balance.
int ledger(os::Ports ports, const LedgerOptions& options);

struct TraceOptions {
  std::string message_id;
  std::string data;
  bool json = false;
};
// One message id's way: arrival, position, verdict, epoch, row or reason, copies; or "not received" and exit 1.
int trace(os::Ports ports, const TraceOptions& options);

struct KeysOptions {
  enum class Action : uint8_t { create, list } action = Action::list;
  std::string source;
  std::string label;
  std::string data;
  bool json = false;
};
int keys(os::Ports ports, const KeysOptions& options);

struct LogOptions {
  std::string data;
  std::string from;  // "0:1234", empty: the oldest
  uint64_t limit = 20;
};
// Prints records from a position on, a JSON object a line.
int log(os::Ports ports, const LogOptions& options);

struct StoreChildOptions {
  std::string data;
  std::string socket;
};
// The supervised child; not for people.
int store_child(const StoreChildOptions& options);

}  // namespace sluice::cli
