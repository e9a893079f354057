// reply_row.h - what the loaders share: asking the store in our own name, and reading the cells of a reply's row from the left.
//
// Errors  A cell that is missing or no number makes the row not whole(); its reader then says odd_reply().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/tab_separated.h"
#include "plan/clickhouse.h"
#include "serve/queries.h"

namespace sluice::serve {

using ReplyCells = std::vector<std::optional<std::string>>;

inline Error odd_reply(std::string_view what) {
  return fail(Code::corrupt, "the store's reply to the query of " + std::string(what) +
                                 " is not what was asked for; see the SQL by \"How do you know?\" and run it on the SQL port");
}

class ReplyRow {
 public:
  explicit ReplyRow(ReplyCells& cells) : cells_(cells) {}
  std::optional<std::string> next() { return at_ < cells_.size() ? std::move(cells_[at_++]) : bad(); }
  TimeMs time() {
    const auto cell = next();
    const auto n = cell ? parse_signed(*cell) : std::nullopt;
    if (!n) bad();
    return time_ms(n.value_or(0));
  }
  uint64_t count() {
    const auto cell = next();
    const auto n = cell ? parse_unsigned(*cell) : std::nullopt;
    if (!n) bad();
    return n.value_or(0);
  }
  std::string text() { return next().value_or(std::string()); }
  std::optional<std::string> top() {  // as the page writes it
    const auto cell = next();
    const auto values = cell ? plan::clickhouse::read_top_cell(*cell) : std::nullopt;
    return values ? plan::top_text(*values) : bad();
  }
  bool whole() const { return !failed_ && at_ == cells_.size(); }

 private:
  std::optional<std::string> bad() {
    failed_ = true;
    return std::nullopt;
  }
  ReplyCells& cells_;
  size_t at_ = 0;
  bool failed_ = false;
};

struct Asker {
  Queries& queries;
  DurationMs timeout;
  Result<std::string> operator()(const std::string& text) const {
    Query query;
    query.sql = text;
    query.timeout = timeout;
    Reply reply = SLUICE_TRY(queries.query(query));
    return std::move(reply.body);
  }
};

}  // namespace sluice::serve
