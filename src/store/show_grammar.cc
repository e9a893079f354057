#include "store/show_grammar.h"

#include <fmt/format.h>

#include "store/errors.h"
#include "store/gate.h"

namespace sluice::store {

namespace {

// Walks the tokens; every take_ either moves on or says that it does not fit.
class Sentence {
 public:
  Sentence(std::span<const Token> tokens, std::string_view database) : tokens_(tokens), database_(database) {}

  bool take(std::string_view word) {
    if (at_ == tokens_.size() || !is_word(tokens_[at_], word)) return false;
    ++at_;
    return true;
  }
  bool at_end() const { return at_ == tokens_.size(); }

  Result<std::string> name() {
    std::optional<std::string> name = at_ < tokens_.size() ? name_of(tokens_[at_]) : std::nullopt;
    if (!name) return exception(kSyntaxError, "A name is expected here");
    ++at_;
    return std::move(*name);
  }

  Result<std::string> open_database() {
    std::string name = SLUICE_TRY(this->name());
    if (!is_open_database(name))
      return exception(kAccessDenied, fmt::format("Database {} is not open to readers", quote_name(name)));
    return quote_name(name);
  }

  // [db.]table
  Result<std::string> open_table() {
    std::string database(database_);
    std::string table = SLUICE_TRY(name());
    if (at_ < tokens_.size() && is_symbol(tokens_[at_], '.')) {
      ++at_;
      database = std::exchange(table, SLUICE_TRY(name()));
    }
    if (!is_open_table(database, table)) {
      return exception(kAccessDenied, fmt::format("Table {}.{} is not open to readers", quote_name(database), quote_name(table)));
    }
    return quote_name(database) + "." + quote_name(table);
  }

  // [[NOT] LIKE|ILIKE 'x'] [LIMIT n]
  Result<std::string> filter() {
    std::string out;
    const bool negated = take("NOT");
    const char* like = take("LIKE") ? "LIKE" : take("ILIKE") ? "ILIKE" : nullptr;
    if (negated && like == nullptr) return exception(kSyntaxError, "NOT must be followed by LIKE or ILIKE");
    if (like != nullptr) {
      if (at_end() || tokens_[at_].kind != TokenKind::string) return exception(kSyntaxError, "A string is expected after LIKE");
      out += fmt::format(" {}{} {}", negated ? "NOT " : "", like, tokens_[at_++].text);
    }
    if (take("LIMIT")) {
      if (at_end() || tokens_[at_].kind != TokenKind::number) return exception(kSyntaxError, "A number is expected after LIMIT");
      out += fmt::format(" LIMIT {}", tokens_[at_++].text);
    }
    return out;
  }

  Result<std::string> ended(std::string text) const {
    if (!at_end()) return exception(kSyntaxError, fmt::format("Readers may not write {} here", tokens_[at_].text));
    return text;
  }

 private:
  std::span<const Token> tokens_;
  std::string_view database_;
  size_t at_ = 0;
};

Result<std::string> read_show_sentence(Sentence& s) {
  if (s.take("DATABASES")) return s.ended("SHOW DATABASES" + SLUICE_TRY(s.filter()));
  if (s.take("CREATE")) {
    const char* kind = s.take("VIEW") ? "VIEW" : (s.take("TABLE"), "TABLE");
    return s.ended(fmt::format("SHOW CREATE {} {}", kind, SLUICE_TRY(s.open_table())));
  }
  const char* full = s.take("FULL") ? "FULL " : "";
  if (!s.take("TABLES"))
    return exception(kAccessDenied, "Readers may use SHOW DATABASES, SHOW TABLES and SHOW CREATE TABLE only");
  std::string from;
  if (s.take("FROM") || s.take("IN")) from = " FROM " + SLUICE_TRY(s.open_database());
  return s.ended(fmt::format("SHOW {}TABLES{}{}", full, from, SLUICE_TRY(s.filter())));
}

Result<std::string> read_exists_sentence(Sentence& s) {
  if (s.take("DATABASE")) return s.ended("EXISTS DATABASE " + SLUICE_TRY(s.open_database()));
  const char* kind = s.take("VIEW") ? "VIEW" : (s.take("TABLE"), "TABLE");
  return s.ended(fmt::format("EXISTS {} {}", kind, SLUICE_TRY(s.open_table())));
}

}  // namespace

std::optional<Result<std::string>> read_show(std::span<const Token> tokens, std::string_view database) {
  Sentence s(tokens, database);
  if (s.take("SHOW")) return read_show_sentence(s);
  if (s.take("EXISTS")) return read_exists_sentence(s);
  if (!s.take("DESCRIBE") && !s.take("DESC")) return std::nullopt;
  s.take("TABLE");
  Result<std::string> table = s.open_table();
  if (!table) return table;
  return s.ended("DESCRIBE TABLE " + *table);
}

}  // namespace sluice::store
