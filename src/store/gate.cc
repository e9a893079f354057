#include "store/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "store/errors.h"
#include "store/show_grammar.h"
#include "store/tree.h"

namespace sluice::store {

namespace {

constexpr std::array<std::string_view, 7> kSystemTables = {"one",       "settings",  "tables", "columns",
                                                           "databases", "functions", "formats"};

// Nodes that hold only what is checked as nodes of their own. TableExpression, Function, TableIdentifier and Literal have rules besides.
constexpr std::array<std::string_view, 28> kNodes = {"SelectWithUnionQuery",
                                                     "SelectIntersectExceptQuery",
                                                     "SelectQuery",
                                                     "ExpressionList",
                                                     "Function",
                                                     "Identifier",
                                                     "Literal",
                                                     "TablesInSelectQuery",
                                                     "TablesInSelectQueryElement",
                                                     "TableExpression",
                                                     "TableJoin",
                                                     "TableIdentifier",
                                                     "Subquery",
                                                     "WithElement",
                                                     "Asterisk",
                                                     "QualifiedAsterisk",
                                                     "OrderByElement",
                                                     "ArrayJoin",
                                                     "WindowDefinition",
                                                     "WindowListElement",
                                                     "SampleRatio",
                                                     "ColumnsRegexpMatcher",
                                                     "ColumnsListMatcher",
                                                     "QualifiedColumnsRegexpMatcher",
                                                     "QualifiedColumnsListMatcher",
                                                     "ColumnsTransformerList",
                                                     "ColumnsExceptTransformer",
                                                     "InterpolateElement"};

constexpr std::array<std::string_view, 7> kExplainKinds = {"AST", "SYNTAX", "PLAN", "PIPELINE", "ESTIMATE", "QUERY", "TREE"};
constexpr std::array<std::string_view, 10> kExplainSettings = {"header",  "description", "indexes",    "actions",     "json",
                                                               "sorting", "compact",     "run_passes", "dump_passes", "oneline"};

bool is_in(const auto& list, std::string_view name) { return std::find(list.begin(), list.end(), name) != list.end(); }

bool is_plain_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

Error not_allowed(std::string_view what) { return exception(kAccessDenied, fmt::format("Readers may not use {}", what)); }

// The engine's own words for a text that does not parse. formatQuery only parses; EXPLAIN or the text itself would run the statements
// in front of the broken one.
Error syntax_error(Connection& connection, std::string_view sql) {
  const Result<Reply> parsed = connection.query("SELECT formatQuery({q:String})", "Null", {{"q", escape_tsv(sql)}});
  if (!parsed && exception_code(parsed.error().message) == kSyntaxError.number) return parsed.error();
  return exception(kSyntaxError, "The statement does not parse");
}

bool is_in_operator(std::string_view function) {
  return function == "in" || function == "notIn" || function == "nullIn" || function == "notNullIn" ||
         function.starts_with("globalIn") || function.starts_with("globalNotIn") || function.starts_with("globalNullIn") ||
         function.starts_with("globalNotNullIn") || function.ends_with("IgnoreSet");
}

}  // namespace

bool is_open_database(std::string_view database) { return database == "sluice" || database == "system"; }

bool is_open_table(std::string_view database, std::string_view table) {
  if (database == "sluice") return true;
  return database == "system" && is_in(kSystemTables, table);
}

Status Gate::check_table(std::string_view name) const {
  std::string_view database = database_;
  std::string_view table = name;
  if (const size_t dot = name.find('.'); dot != std::string_view::npos) {
    database = name.substr(0, dot);
    table = name.substr(dot + 1);
  }
  // A dot or quote inside a name would make its print ambiguous; no table of ours has one.
  if (!is_plain_name(database) || !is_plain_name(table) || !is_open_table(database, table)) {
    return exception(kAccessDenied, fmt::format("Table {} is not open to readers: the database sluice and system.{{{}}} are",
                                                name, fmt::join(kSystemTables, ",")));
  }
  return ok();
}

// The tree leaves out some expressions (APPLY), so a word before '(' that the engine would call must be allowed here as well.
Status Gate::check_tokens(const std::vector<Token>& tokens) const {
  for (size_t i = 0; i < tokens.size(); ++i) {
    // The engine takes some of these for spaces or quotes; nothing of ours needs them outside quotes.
    const auto first = static_cast<unsigned char>(tokens[i].text.front());
    if (tokens[i].kind == TokenKind::symbol && (first < 0x20 || first >= 0x7F))
      return not_allowed("characters outside ASCII, but in quotes");
    if (tokens[i].kind != TokenKind::word && tokens[i].kind != TokenKind::quoted_name) continue;
    const std::optional<std::string> name = name_of(tokens[i]);
    if (!name) return not_allowed("names with backslashes or control characters");
    if (i + 1 == tokens.size() || !is_symbol(tokens[i + 1], '(')) continue;
    if (functions_.known(*name) && !functions_.allowed(*name)) {
      // `values (` and the like are also keywords; as functions they are refused by name either way.
      return exception(kAccessDenied, fmt::format("Readers may not use function {}", *name));
    }
  }
  return ok();
}

Status Gate::check_tree(std::string_view print) const {
  const std::vector<Node> nodes = SLUICE_TRY(read_tree(print));
  if (nodes.front().kind != "SelectWithUnionQuery") return not_allowed("this kind of statement");
  for (const Node& node : nodes) {
    const Node& parent = nodes[node.parent];
    if (node.kind == "Set") return not_allowed("SETTINGS inside SQL; give settings in the URL");
    if (!is_in(kNodes, node.kind)) return not_allowed(node.kind);
    // Children of a whole query other than its selects: INTO OUTFILE's file, FORMAT's name.
    if (parent.kind == "SelectWithUnionQuery" && &node != &parent && node.kind != "ExpressionList")
      return not_allowed("INTO OUTFILE");
    if (node.kind == "TableIdentifier") SLUICE_CHECK(check_table(node.detail));
    // A hostile state could crash the engine that reads it back.
    if (node.kind == "Literal" && node.detail.find("AggregateFunction") != std::string_view::npos) {
      return not_allowed("states of aggregate functions as values");
    }
    if (node.kind != "Function") continue;
    if (parent.kind == "TableExpression") return not_allowed(fmt::format("table function {}", node.detail));
    if (!functions_.allowed(node.detail)) {
      return functions_.known(node.detail) ? not_allowed(fmt::format("function {}", node.detail))
                                           : exception(kUnknownFunction, fmt::format("Unknown function {}", node.detail));
    }
  }
  for (const Node& node : nodes) {
    const Node& list = nodes[node.parent];
    const Node& function = nodes[list.parent];
    if (list.kind != "ExpressionList" || function.kind != "Function" || node.position != 1) continue;
    // x IN t: the tree shows the table as a plain identifier.
    if (node.kind == "Identifier" && is_in_operator(function.detail)) SLUICE_CHECK(check_table(node.detail));
  }
  return ok();
}

Status Gate::check_select(Connection& connection, std::string_view sql, const Parameters& parameters) const {
  const Statement statement = SLUICE_TRY(split_statement(sql));
  SLUICE_CHECK(check_tokens(statement.tokens));
  const std::string explain = "EXPLAIN AST " + std::string(sql);
  for (const std::string_view text : {std::string_view(sql), std::string_view(explain)}) {
    const Analysis analysis = connection.classify(text);
    if (analysis.statement_count != 1 || analysis.statement_class != StatementClass::read_only)
      return not_allowed("this statement");
  }
  const Reply print = SLUICE_TRY(connection.query(explain, "TSVRaw", parameters));
  return check_tree(print.bytes());
}

Result<Admitted> Gate::check_explain(Connection& connection, const Statement& statement, const Parameters& parameters) const {
  const std::vector<Token>& tokens = statement.tokens;
  std::string head = "EXPLAIN";
  size_t at = 1;
  while (at < tokens.size() && tokens[at].kind == TokenKind::word && is_in(kExplainKinds, upper(tokens[at].text))) {
    head += ' ' + upper(tokens[at++].text);
  }
  while (at + 2 < tokens.size() && tokens[at].kind == TokenKind::word && is_symbol(tokens[at + 1], '=')) {
    if (!is_in(kExplainSettings, tokens[at].text) || tokens[at + 2].kind != TokenKind::number) {
      return not_allowed(fmt::format("the EXPLAIN option {}", tokens[at].text));
    }
    head += fmt::format(" {} = {}", tokens[at].text, tokens[at + 2].text);
    at += 3;
    if (at < tokens.size() && is_symbol(tokens[at], ',')) {
      head += ',';
      ++at;
    }
  }
  if (at >= tokens.size()) return exception(kSyntaxError, "EXPLAIN needs a SELECT behind it");
  const std::string_view inner = statement.text.substr(tokens[at].at);
  SLUICE_CHECK(check_select(connection, inner, parameters));
  Admitted admitted{head + ' ' + std::string(inner), statement.format, false};
  const Analysis whole = connection.classify(admitted.sql);
  if (whole.statement_count != 1 || whole.statement_class != StatementClass::read_only) return not_allowed("this EXPLAIN");
  return admitted;
}

Result<Admitted> Gate::check_describe(Connection& connection, const Statement& statement, const Parameters& parameters) const {
  const std::string_view inner = statement.text.substr(statement.tokens[1].at);
  SLUICE_CHECK(check_select(connection, inner, parameters));
  return Admitted{"DESCRIBE " + std::string(inner), statement.format, false};
}

Result<Admitted> Gate::check(Connection& connection, std::string_view sql, const Parameters& parameters) const {
  const Analysis whole = connection.classify(sql);
  if (whole.statement_count == 0) {
    const Statement attempt = SLUICE_TRY(split_statement(sql));  // its own error is clearer when a quote is open
    if (attempt.tokens.empty()) return exception(kSyntaxError, "Empty query");
    return syntax_error(connection, sql);
  }
  if (whole.statement_count > 1)
    return exception(kSyntaxError, "Multi-statements are not allowed: send one statement per request");
  if (whole.statement_class != StatementClass::read_only) {
    return exception(kReadonly, "This interface is read-only: SELECT, WITH, EXPLAIN, SHOW, DESCRIBE and EXISTS are open");
  }
  const Statement statement = SLUICE_TRY(split_statement(sql));
  if (statement.tokens.empty()) return exception(kSyntaxError, "Empty query");
  const Token& first = statement.tokens.front();
  if (is_word(first, "EXPLAIN")) return check_explain(connection, statement, parameters);
  const bool describes = is_word(first, "DESCRIBE") || is_word(first, "DESC");
  if (describes && statement.tokens.size() > 1 && is_symbol(statement.tokens[1], '(')) {
    return check_describe(connection, statement, parameters);
  }
  if (std::optional<Result<std::string>> sentence = read_show(statement.tokens, database_)) {
    return Admitted{SLUICE_TRY(std::move(*sentence)), statement.format, false};
  }
  SLUICE_CHECK(check_select(connection, statement.text, parameters));
  return Admitted{std::string(statement.text), statement.format, true};
}

}  // namespace sluice::store
