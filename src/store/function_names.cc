#include <algorithm>

#include "store/allowed_functions.h"

namespace sluice::store {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

// Calls on_row(fields) for each line of TabSeparatedRaw with `count` fields. Names of functions have no tabs.
template <class OnRow>
void for_each_row(std::string_view text, OnRow on_row) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::vector<std::string_view> fields;
    std::string_view line = text.substr(0, end);
    while (true) {
      const size_t tab = line.find('\t');
      fields.push_back(line.substr(0, tab));
      if (tab == std::string_view::npos) break;
      line.remove_prefix(tab + 1);
    }
    on_row(fields);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

constexpr std::string_view kSpecialForms[] = {"lambda", "exists", "grouping"};  // of the parser: in no table of the engine

}  // namespace

Result<FunctionNames> FunctionNames::load(Connection& connection) {
  FunctionNames names;
  const Reply functions = SLUICE_TRY(connection.query(
      "SELECT name, if(alias_to = '', name, alias_to), is_aggregate, case_insensitive FROM system.functions", "TSVRaw"));
  for_each_row(functions.bytes(), [&](const std::vector<std::string_view>& f) {
    names.exact_.emplace(f[0], f[1]);
    if (f[3] == "1") names.any_case_.emplace(lower(f[0]), f[1]);
    if (f[2] == "1") names.aggregates_.emplace(f[1]);
  });
  const Reply tables = SLUICE_TRY(connection.query("SELECT name FROM system.table_functions", "TSVRaw"));
  for_each_row(tables.bytes(), [&](const std::vector<std::string_view>& f) { names.table_functions_.insert(lower(f[0])); });
  const Reply combinators = SLUICE_TRY(connection.query("SELECT name FROM system.aggregate_function_combinators", "TSVRaw"));
  for_each_row(combinators.bytes(), [&](const std::vector<std::string_view>& f) { names.combinators_.emplace(f[0]); });
  for (const std::string_view form : kSpecialForms) names.exact_.emplace(form, form);
  for (const char* name : allowed_functions()) names.allowed_.insert(name);
  return names;
}

std::optional<std::string> FunctionNames::resolve_whole(std::string_view name) const {
  if (const auto found = exact_.find(name); found != exact_.end()) return found->second;
  if (const auto found = any_case_.find(lower(name)); found != any_case_.end()) return found->second;
  return std::nullopt;
}

std::optional<std::string> FunctionNames::resolve(std::string_view name) const {
  if (std::optional<std::string> whole = resolve_whole(name)) return whole;
  for (const std::string& combinator : combinators_) {
    if (name.size() <= combinator.size() || !name.ends_with(combinator)) continue;
    const std::optional<std::string> base = resolve(name.substr(0, name.size() - combinator.size()));
    if (base && aggregates_.contains(*base)) return base;
  }
  return std::nullopt;
}

bool FunctionNames::allowed(std::string_view name) const {
  const std::optional<std::string> canonical = resolve(name);
  return canonical && allowed_.contains(*canonical);
}

bool FunctionNames::known(std::string_view name) const {
  return resolve(name).has_value() || table_functions_.contains(lower(name));
}

}  // namespace sluice::store
