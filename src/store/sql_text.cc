#include "store/sql_text.h"

#include <algorithm>

#include "store/errors.h"

namespace sluice::store {

namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_start(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_word_part(char c) { return is_word_start(c) || is_digit(c) || c == '$'; }
char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

constexpr size_t kUnterminated = std::string_view::npos;

// The offset after a quoted piece that begins at `at`: a doubled quote and a backslash keep it open.
size_t end_of_quoted(std::string_view sql, size_t at) {
  const char quote = sql[at];
  for (size_t i = at + 1; i < sql.size(); ++i) {
    if (sql[i] == '\\') {
      ++i;
    } else if (sql[i] == quote) {
      if (i + 1 < sql.size() && sql[i + 1] == quote) {
        ++i;
      } else {
        return i + 1;
      }
    }
  }
  return kUnterminated;
}

// The offset after white space and comments from `at` on.
size_t skip_blank(std::string_view sql, size_t at) {
  while (at < sql.size()) {
    const std::string_view rest = sql.substr(at);
    if (is_space(rest.front())) {
      ++at;
    } else if (rest.starts_with("--") || rest.starts_with("#!") || rest.starts_with("# ")) {
      const size_t line = rest.find('\n');
      at = line == std::string_view::npos ? sql.size() : at + line + 1;
    } else if (rest.starts_with("/*")) {
      const size_t end = rest.find("*/", 2);
      if (end == std::string_view::npos) return kUnterminated;
      at += end + 2;
    } else {
      break;
    }
  }
  return at;
}

// $tag$ ... $tag$; the offset after it, or `at` when this is no heredoc.
size_t end_of_heredoc(std::string_view sql, size_t at) {
  size_t i = at + 1;
  while (i < sql.size() && is_word_part(sql[i]) && sql[i] != '$') ++i;
  if (i >= sql.size() || sql[i] != '$') return at;
  const std::string_view tag = sql.substr(at, i + 1 - at);
  const size_t end = sql.find(tag, i + 1);
  return end == std::string_view::npos ? at : end + tag.size();
}

size_t end_of_number(std::string_view sql, size_t at) {
  while (at < sql.size() && (is_word_part(sql[at]) || sql[at] == '.')) {
    const bool exponent = (sql[at] == 'e' || sql[at] == 'E') && at + 2 < sql.size() && (sql[at + 1] == '+' || sql[at + 1] == '-');
    at += exponent ? 2 : 1;
  }
  return at;
}

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view sql) {
  std::vector<Token> tokens;
  size_t at = 0;
  while (true) {
    at = skip_blank(sql, at);
    if (at == kUnterminated) return exception(kSyntaxError, "a comment is not closed");
    if (at >= sql.size()) return tokens;
    if (tokens.size() == kTokensMax)
      return exception(kQueryTooLarge, "the statement has more than 200000 tokens; make it shorter");
    const char c = sql[at];
    TokenKind kind = TokenKind::symbol;
    size_t end = at + 1;
    if (is_word_start(c)) {
      kind = TokenKind::word;
      while (end < sql.size() && is_word_part(sql[end])) ++end;
    } else if (is_digit(c)) {
      kind = TokenKind::number;
      end = end_of_number(sql, at);
    } else if (c == '\'' || c == '"' || c == '`') {
      kind = c == '\'' ? TokenKind::string : TokenKind::quoted_name;
      end = end_of_quoted(sql, at);
      if (end == kUnterminated) return exception(kSyntaxError, "a quote is not closed");
    } else if (c == '$') {
      if (const size_t heredoc = end_of_heredoc(sql, at); heredoc != at) {
        kind = TokenKind::string;
        end = heredoc;
      }
    }
    tokens.push_back(Token{kind, sql.substr(at, end - at), at});
    at = end;
  }
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), to_upper);
  return out;
}

bool is_word(const Token& token, std::string_view upper_case) {
  return token.kind == TokenKind::word && token.text.size() == upper_case.size() &&
         std::equal(upper_case.begin(), upper_case.end(), token.text.begin(), [](char a, char b) { return a == to_upper(b); });
}

bool is_symbol(const Token& token, char symbol) {
  return token.kind == TokenKind::symbol && token.text.size() == 1 && token.text.front() == symbol;
}

std::optional<std::string> name_of(const Token& token) {
  if (token.kind == TokenKind::word) return std::string(token.text);
  if (token.kind != TokenKind::quoted_name) return std::nullopt;
  const char quote = token.text.front();
  const std::string_view inside = token.text.substr(1, token.text.size() - 2);
  std::string name;
  for (size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] == '\\' || static_cast<unsigned char>(inside[i]) < 0x20) return std::nullopt;
    if (inside[i] == quote) ++i;  // doubled
    name += inside[i];
  }
  return name;
}

std::string quote_name(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    if (c == '`' || c == '\\') out += '\\';
    out += c;
  }
  return out + '`';
}

std::string quote_string(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + '\'';
}

Result<Statement> split_statement(std::string_view sql) {
  Statement statement;
  statement.tokens = SLUICE_TRY(tokenize(sql));
  std::vector<Token>& tokens = statement.tokens;
  while (!tokens.empty() && is_symbol(tokens.back(), ';')) tokens.pop_back();
  if (tokens.size() >= 3 && is_word(tokens[tokens.size() - 2], "FORMAT") && tokens.back().kind == TokenKind::word &&
      !is_symbol(tokens[tokens.size() - 3], '.')) {
    statement.format = tokens.back().text;
    tokens.resize(tokens.size() - 2);
  }
  statement.text = tokens.empty() ? std::string_view() : sql.substr(0, tokens.back().at + tokens.back().text.size());
  return statement;
}

}  // namespace sluice::store
