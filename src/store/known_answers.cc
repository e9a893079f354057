#include "store/known_answers.h"

#include <array>

namespace sluice::store {

namespace {

struct Known {
  KnownQuestion question;
  std::string_view text;  // tokens joined by spaces, in upper case
};

constexpr std::array<Known, 5> kKnown = {{
    {KnownQuestion::hello, "SELECT DISPLAYNAME ( ) , VERSION ( ) , REVISION ( ) , TIMEZONE ( )"},
    {KnownQuestion::settings, "SELECT NAME , VALUE , READONLY FROM SYSTEM . SETTINGS LIMIT 10000"},
    {KnownQuestion::settings, "SELECT NAME , VALUE , READONLY AS READONLY FROM SYSTEM . SETTINGS LIMIT 10000"},
    {KnownQuestion::version, "SELECT VERSION ( ) , TIMEZONE ( )"},
    {KnownQuestion::check, "SELECT 1 AS CHECK"},
}};
constexpr size_t kTokensOfKnownMax = 16;

}  // namespace

KnownQuestion KnownAnswers::match(const std::vector<Token>& tokens) {
  if (tokens.size() > kTokensOfKnownMax) return KnownQuestion::none;
  std::string text;
  for (const Token& token : tokens) {
    if (token.kind == TokenKind::string || token.kind == TokenKind::quoted_name) return KnownQuestion::none;
    if (!text.empty()) text += ' ';
    text += upper(token.text);
  }
  for (const Known& known : kKnown) {
    if (text == known.text) return known.question;
  }
  return KnownQuestion::none;
}

std::optional<std::string> KnownAnswers::find(KnownQuestion question, std::string_view format) const {
  const std::lock_guard lock(mutex_);
  const auto found = answers_.find(std::pair(question, std::string(format)));
  return found == answers_.end() ? std::nullopt : std::optional(found->second);
}

void KnownAnswers::keep(KnownQuestion question, std::string_view format, std::string_view answer) {
  const std::lock_guard lock(mutex_);
  if (answers_.size() < kAnswersMax) answers_.emplace(std::pair(question, std::string(format)), std::string(answer));
}

}  // namespace sluice::store
