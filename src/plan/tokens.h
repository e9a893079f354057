// tokens.h - an expression's text cut into words (grammar: syntax.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/syntax.h"

namespace sluice::plan {

struct Token {
  enum class Kind : uint8_t { word, text, number, symbol, end };
  Kind kind = Kind::end;
  size_t at = 0;
  std::string_view raw;      // as written; symbols are compared by it
  std::string text;          // text: its value, '' undone
};

// Ends with an `end` token; a fault says the first thing that is no word.
struct Tokens {
  std::vector<Token> list;
  std::optional<Fault> fault;
};
Tokens cut_tokens(std::string_view text);

}  // namespace sluice::plan
