// gate.h - what a reader's SQL may do: one statement, read-only, of allowed names, decided on the engine's own parse.
//
// Promise check() answers with the text to run, or refuses with ClickHouse's exception. Order: the engine counts and classes the
//         statements before anything else touches the text (EXPLAIN AST runs what follows a semicolon); then either a sentence of the
//         fixed grammar of SHOW, DESCRIBE, EXISTS (printed anew from its parts), or a SELECT whose every node is on a list: kinds of
//         nodes, functions, tables of the databases `sluice` and (a few) `system`. EXPLAIN only in front of such a SELECT.
//         Refused whatever the rest: SETTINGS, INTO OUTFILE, table functions, APPLY (the tree hides its function), names with control
//         characters, casts to aggregate states.
//         Function names are checked twice, on the tree and on the tokens, because the tree hides some.
// Bounds  As sql_text.h; three round trips inside the process, about 1 ms.
// Why     The gate is the second of four walls: engine role, gate, readonly=1 set last, Landlock. facts/store.md 6, interop.md 5.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "store/allowed_functions.h"
#include "store/chdb.h"
#include "store/sql_text.h"

namespace sluice::store {

struct Admitted {
  std::string sql;  // without FORMAT clause
  std::string format;  // of the FORMAT clause; empty: none
  bool is_select = false;  // it can be streamed and described
};

class Gate {
 public:
  Gate(const FunctionNames& functions, std::string_view database) : functions_(functions), database_(database) {}
  // `connection` must already be a reader's: its role, limits and readonly=1 set.
  Result<Admitted> check(Connection& connection, std::string_view sql, const Parameters& parameters) const;

 private:
  Status check_select(Connection& connection, std::string_view sql, const Parameters& parameters) const;
  Status check_tokens(const std::vector<Token>& tokens) const;
  Status check_tree(std::string_view print) const;
  Status check_table(std::string_view name) const;
  Result<Admitted> check_explain(Connection& connection, const Statement& statement, const Parameters& parameters) const;
  Result<Admitted> check_describe(Connection& connection, const Statement& statement, const Parameters& parameters) const;

  const FunctionNames& functions_;
  std::string database_;  // what unqualified names mean
};

// Whether readers may name this table: any of `sluice`, and of `system`: one settings tables columns databases functions formats.
bool is_open_database(std::string_view database);
bool is_open_table(std::string_view database, std::string_view table);

}  // namespace sluice::store
