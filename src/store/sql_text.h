// sql_text.h - SQL text as tokens: enough to take clauses off its end and to recognise fixed sentences, no more.
//
// Promise Never decides alone what a text may do: every text that runs was also parsed by the engine (gate.h). A wrong token here
//         can refuse a good statement or spoil it, not let a bad one through.
// Bounds  O(length), at most kTokensMax tokens; a longer text is Code::invalid.
// Lives   Tokens are views into the text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::store {

enum class TokenKind { word, quoted_name, string, number, symbol };

struct Token {
  TokenKind kind;
  std::string_view text;  // as written, with its quotes
  size_t at;  // offset in the statement
};

constexpr size_t kTokensMax = 200'000;

// Comments and white space are dropped. An unterminated quote or comment is an error.
Result<std::vector<Token>> tokenize(std::string_view sql);

bool is_word(const Token& token, std::string_view upper_case);  // a bare word, compared without case
bool is_symbol(const Token& token, char symbol);
std::string upper(std::string_view text);
// The name that a bare word or quoted name stands for; nullopt for other tokens and for names with a backslash or control character.
std::optional<std::string> name_of(const Token& token);
// `name` or 'text' as the engine reads it back.
std::string quote_name(std::string_view name);
std::string quote_string(std::string_view text);

// A statement without its tail: trailing semicolons and FORMAT clause.
struct Statement {
  std::string_view text;  // ends where the tail begins
  std::vector<Token> tokens;  // of text
  std::string format;  // empty: none was written
};
Result<Statement> split_statement(std::string_view sql);

}  // namespace sluice::store
