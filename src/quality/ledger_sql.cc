#include "quality/ledger_sql.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/tab_separated.h"

namespace sluice::quality {
namespace {

using Cells = std::vector<std::optional<std::string>>;

Error odd_reply(std::string_view table) {
  return fail(
      Code::corrupt,
      fmt::format("the store's reply about sluice.{} is not what was asked for; is another program writing there?", table));
}

// A cell as a count; `odd` is set when it is none.
uint64_t count_of(const Cells& cells, size_t at, bool& odd) {
  const auto n = at < cells.size() && cells[at] ? parse_unsigned(*cells[at]) : std::nullopt;
  odd = odd || !n;
  return n.value_or(0);
}

event::LedgerKey key_of(const Cells& cells, bool& odd) {
  const auto minute = cells.size() > 1 && cells[1] ? parse_signed(*cells[1]) : std::nullopt;
  odd = odd || !minute || !cells[0];
  return odd ? event::LedgerKey{} : event::LedgerKey{*cells[0], time_ms(*minute)};
}

// Minutes of received_at, both tables beside each other.
std::string counts_sql(std::string_view columns, std::string_view where) {
  return fmt::format(
      "SELECT {0}, sum(is_event), sum(1 - is_event) FROM ("
      "SELECT source, received_at, epoch, 1 AS is_event FROM sluice.events WHERE {1} UNION ALL "
      "SELECT source, received_at, epoch, 0 AS is_event FROM sluice.quarantine WHERE {1}) GROUP BY {0} ORDER BY {0}",
      columns, where);
}

}  // namespace

std::string folded_sql() {
  return "SELECT source, toUnixTimestamp64Milli(minute), received, stored, quarantined, duplicate, conflict, epoch FROM "
         "sluice.ledger FINAL "
         "ORDER BY source, minute";
}

std::string stored_sql(event::Epoch as_of) {
  return counts_sql("source, intDiv(toUnixTimestamp64Milli(received_at), 60000) * 60000",
                    fmt::format("epoch <= {}", as_of.value));
}

std::string stored_by_epoch_sql(event::Epoch after, event::Epoch as_of) {
  return counts_sql("epoch", fmt::format("epoch > {} AND epoch <= {}", after.value, as_of.value));
}

Result<Folded> parse_folded(std::string_view reply) {
  Folded folded;
  TabSeparatedReader reader(reply);
  Cells cells;
  bool odd = false;
  while (reader.next(cells)) {
    event::LedgerCounts counts;
    const event::LedgerKey key = key_of(cells, odd);
    counts.received = count_of(cells, 2, odd);
    counts.stored = count_of(cells, 3, odd);
    counts.quarantined = count_of(cells, 4, odd);
    counts.duplicate = count_of(cells, 5, odd);
    counts.conflict = count_of(cells, 6, odd);
    folded.as_of = std::max(folded.as_of, event::Epoch(count_of(cells, 7, odd)));
    if (odd) return odd_reply("ledger");
    folded.rows[key] = counts;
  }
  if (reader.failed()) return odd_reply("ledger");
  return folded;
}

Result<StoreTable> parse_stored(std::string_view reply) {
  StoreTable table;
  TabSeparatedReader reader(reply);
  Cells cells;
  bool odd = false;
  while (reader.next(cells)) {
    const event::LedgerKey key = key_of(cells, odd);
    const StoreCounts counts{count_of(cells, 2, odd), count_of(cells, 3, odd)};
    if (odd) return odd_reply("events and sluice.quarantine");
    table[key] = counts;
  }
  if (reader.failed()) return odd_reply("events and sluice.quarantine");
  return table;
}

Result<std::map<event::Epoch, StoreCounts>> parse_stored_by_epoch(std::string_view reply) {
  std::map<event::Epoch, StoreCounts> table;
  TabSeparatedReader reader(reply);
  Cells cells;
  bool odd = false;
  while (reader.next(cells)) {
    const event::Epoch epoch(count_of(cells, 0, odd));
    const StoreCounts counts{count_of(cells, 1, odd), count_of(cells, 2, odd)};
    if (odd) return odd_reply("events and sluice.quarantine");
    table[epoch] = counts;
  }
  if (reader.failed()) return odd_reply("events and sluice.quarantine");
  return table;
}

}  // namespace sluice::quality
