#include "serve/tables_json.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/tab_separated.h"
#include "event/reasons.h"
#include "plan/clickhouse.h"
#include "serve/json_out.h"

namespace sluice::serve {
namespace {

using Cells = std::vector<std::optional<std::string>>;

constexpr DurationMs kTimeout{10'000};
constexpr size_t kRawShown = 4096;

std::string_view meaning_of(std::string_view reason) {
  for (const event::Reason& known : event::kReasons) {
    if (known.word == reason) return known.meaning;
  }
  return "";
}

Error odd_reply() { return fail(Code::corrupt, "the store's reply to the query of sluice.quarantine is not what was asked for"); }

Result<std::string> ask(Queries& queries, std::string sql) {
  Query query;
  query.sql = std::move(sql);
  query.timeout = kTimeout;
  Reply reply = SLUICE_TRY(queries.query(query));
  return std::move(reply.body);
}

void write_reject(JsonOut& out, const Cells& cells) {
  constexpr std::string_view kNames[] = {"source", "received_at", "reason", "path", "raw", "raw_bytes", "dialect", "place"};
  out.object([&] {
    for (size_t i = 0; i < std::size(kNames); ++i) {
      out.key(kNames[i]);
      if (kNames[i] == "received_at" || kNames[i] == "raw_bytes") {
        out.raw(parse_signed(cells[i].value_or("")) ? *cells[i] : "null");
      } else {
        out.text_or_null(cells[i]);
      }
    }
  });
}

}  // namespace

Result<std::string> sql_json(const Reply& reply, DurationMs took) {
  TabSeparatedReader reader(reply.body);
  Cells names;
  Cells types;
  const bool has_head = reader.next(names) && reader.next(types) && names.size() == types.size();
  if (!has_head && !reply.body.empty()) {
    return fail(Code::corrupt, "the store did not answer in the format that was asked for; leave FORMAT out of the statement");
  }
  JsonOut out;
  size_t rows = 0;
  out.object([&] {
    out.key("columns").array([&] {
      for (size_t i = 0; i < names.size(); ++i) {
        out.object([&] {
          out.key("name").text(names[i].value_or("NULL"));
          out.key("type").text(types[i].value_or("NULL"));
        });
      }
    });
    Cells cells;
    bool truncated = false;
    out.key("rows").array([&] {
      while (!truncated && reader.next(cells)) {
        if (rows == kSqlRowsMax) {
          truncated = true;
          break;
        }
        ++rows;
        out.array([&] {
          for (const auto& cell : cells) out.text_or_null(cell);
        });
      }
    });
    out.key("rows_read").count(reply.rows_read);
    out.key("took_ms").number(took.count());
    out.key("truncated").boolean(truncated);
  });
  if (reader.failed()) return fail(Code::unknown, "the store's reply was cut off; run the statement again");
  return out.take();
}

Result<std::string> quarantine_json(Queries& queries, size_t limit, std::string_view reason) {
  const std::string counts = SLUICE_TRY(
      ask(queries, "SELECT reason, count() AS n FROM sluice.quarantine GROUP BY reason ORDER BY n DESC, reason LIMIT 100"));
  const std::string where = reason.empty() ? "" : fmt::format("WHERE reason = {} ", plan::clickhouse::quote_text(reason));
  const std::string newest = SLUICE_TRY(
      ask(queries,
          fmt::format(
              "SELECT source, toUnixTimestamp64Milli(received_at), reason, path, substring(raw, 1, {}), length(raw), dialect, "
              "concat(toString(log_partition), ':', toString(log_offset)) FROM sluice.quarantine {}"
              "ORDER BY received_at DESC, log_offset DESC LIMIT {}",
              kRawShown, where, std::clamp<size_t>(limit, 1, kQuarantineRowsMax))));
  uint64_t total = 0;
  bool odd = false;
  Cells cells;
  JsonOut reasons;
  TabSeparatedReader count_reader(counts);
  reasons.array([&] {
    while (count_reader.next(cells)) {
      const auto n = cells.size() == 2 && cells[0] && cells[1] ? parse_unsigned(*cells[1]) : std::nullopt;
      odd = odd || !n;
      if (!n) continue;
      total += *n;
      reasons.object([&] {
        reasons.key("reason").text(*cells[0]);
        reasons.key("count").count(*n);
        reasons.key("meaning").text(meaning_of(*cells[0]));
      });
    }
  });
  JsonOut rows;
  TabSeparatedReader row_reader(newest);
  rows.array([&] {
    while (row_reader.next(cells)) {
      odd = odd || cells.size() != 8;
      if (cells.size() == 8) write_reject(rows, cells);
    }
  });
  if (odd || count_reader.failed() || row_reader.failed()) return odd_reply();
  JsonOut out;
  out.object([&] {
    out.key("total").count(total);
    out.key("reasons").raw(reasons.take());
    out.key("rows").raw(rows.take());
  });
  return out.take();
}

}  // namespace sluice::serve
