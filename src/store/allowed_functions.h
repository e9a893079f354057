// allowed_functions.h - the functions that a reader's SQL may call: the reviewed list, and names as people type them.
//
// Promise A name that is not on the list is refused by name, however it is written: aliases (CURRENT_DATABASE), any case where the engine
//         ignores case (COUNT), combinators of aggregates (sumIf, uniqMergeState) lead to the function they stand for.
// Why     The embedded engine has functions that read any file (file), sleep, or tell of the machine; a list of what is bad would miss the
//         next one, so this is a list of what is good: pure functions of their arguments, time, chance and this session.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/chdb.h"

namespace sluice::store {

// Canonical names, as in system.functions. The file of record: a new engine version adds nothing here by itself.
std::span<const char* const> allowed_functions();

class FunctionNames {
 public:
  // Asks the engine for its functions, aliases and combinators.
  static Result<FunctionNames> load(Connection& connection);
  bool allowed(std::string_view name) const;
  // Whether the engine would call something by this name: a function, aggregate with combinators, or table function.
  bool known(std::string_view name) const;

 private:
  // The canonical name that `name` leads to; nullopt when the engine has no such function.
  std::optional<std::string> resolve(std::string_view name) const;
  std::optional<std::string> resolve_whole(std::string_view name) const;

  std::map<std::string, std::string, std::less<>> exact_;  // name or alias -> canonical
  std::map<std::string, std::string, std::less<>> any_case_;  // lower case -> canonical
  std::set<std::string, std::less<>> aggregates_;  // canonical
  std::set<std::string, std::less<>> table_functions_;  // lower case
  std::set<std::string, std::less<>> combinators_;
  std::set<std::string, std::less<>> allowed_;
};

}  // namespace sluice::store
