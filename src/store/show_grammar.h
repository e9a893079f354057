// show_grammar.h - SHOW, EXISTS and DESCRIBE of a table: sentences of a fixed grammar, printed anew from their parts.
//
//   SHOW DATABASES [[NOT] LIKE|ILIKE 'x'] [LIMIT n]
//   SHOW [FULL] TABLES [FROM|IN db] [[NOT] LIKE|ILIKE 'x'] [LIMIT n]      SHOW CREATE [TABLE|VIEW] t
//   EXISTS [TABLE|VIEW] t      EXISTS DATABASE db      DESCRIBE|DESC [TABLE] t
//
// Promise What is returned holds keywords of ours, and names and strings quoted by us; nothing of the text passes through unread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/sql_text.h"

namespace sluice::store {

// nullopt: the text begins with none of these words. An error: it does, but is no sentence of the grammar or names what is not open.
std::optional<Result<std::string>> read_show(std::span<const Token> tokens, std::string_view database);

}  // namespace sluice::store
