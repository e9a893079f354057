// known_answers.h - the questions that clients ask at every connect, answered without the engine.
//
// clickhouse-connect (so Superset, dbt and others) opens a client per statement and asks three things first; clickhouse-go asks who we are
// in a framing that plain Native lacks. system.settings must say readonly = 0, or those clients refuse to send any setting (facts/interop.md 5.6):
// its rows are read once without readonly=1, by a reader's role.
// Promise match() compares tokens, so comments, case of keywords and white space do not matter; anything more than the known text is not it.
// Threads Any. A mutex: workers share the kept answers; held for a copy.
// Bounds  kAnswersMax kept answers.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/sql_text.h"

namespace sluice::store {

enum class KnownQuestion { none, hello, settings, version, check };

class KnownAnswers {
 public:
  static constexpr size_t kAnswersMax = 32;
  static KnownQuestion match(const std::vector<Token>& tokens);
  std::optional<std::string> find(KnownQuestion question, std::string_view format) const;
  void keep(KnownQuestion question, std::string_view format, std::string_view answer);

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<KnownQuestion, std::string>, std::string, std::less<>> answers_;
};

}  // namespace sluice::store
