#include "serve/person.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::serve {
namespace {

constexpr DurationMs kTimeout{30'000};

std::optional<event::Place> read_place(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto partition = parse_unsigned(text.substr(0, colon)), offset = parse_unsigned(text.substr(colon + 1));
  if (!partition || *partition > UINT16_MAX || !offset) return std::nullopt;
  return event::Place{event::PartitionId(static_cast<uint16_t>(*partition)), event::Offset(*offset)};
}

}  // namespace

Result<PersonWanted> read_person(std::string key, std::string_view before, std::string_view place, std::string_view limit) {
  PersonWanted wanted;
  if (key.empty() || key.size() > kUserKeyMax || key.find('\0') != std::string::npos)
    return fail(Code::invalid, "a person is asked for by ?key=USER_KEY, of 1 to 4096 bytes");
  wanted.key = std::move(key);
  if (!before.empty()) {
    const auto ms = parse_signed(before);
    if (!ms || *ms < plan::clickhouse::kStoredMinusInfinityMs || *ms > 4'133'980'800'000)
      return fail(Code::invalid, "`before` must be an instant in milliseconds since 1970");
    wanted.before = time_ms(*ms);
  }
  if (!place.empty()) {
    wanted.place = read_place(place);
    if (!wanted.place || !wanted.before) return fail(Code::invalid, "`place` is that of the row whose time is `before`: 0:123");
  }
  if (!limit.empty()) {
    const auto rows = parse_unsigned(limit);
    if (!rows || *rows < 1 || *rows > kPersonRowsMax)
      return fail(Code::invalid, fmt::format("`limit` must be from 1 to {}; ask for the next page instead", kPersonRowsMax));
    wanted.limit = *rows;
  }
  return wanted;
}

std::string event_columns() {
  return fmt::format(
      "toUnixTimestamp64Milli(event_time), toUnixTimestamp64Milli(received_at), event, source, user_key, message_id, "
      "concat(toString(log_partition), ':', toString(log_offset)), substring(properties, 1, {})",
      kPropertiesShown);
}

void write_event_row(JsonOut& out, ReplyRow& row) {
  out.object([&] {
    out.key("time").time(row.time());
    out.key("received_at").time(row.time());
    for (const char* name : {"event", "source", "user_key", "message_id", "place", "properties"}) out.key(name).text(row.text());
  });
}

Result<std::string> person_json(Queries& queries, const PersonWanted& wanted) {
  const Asker ask{queries, kTimeout};
  const std::string who = fmt::format("FROM sluice.events WHERE user_key = {}", plan::clickhouse::quote_text(wanted.key));
  const std::string seen = SLUICE_TRY(ask(fmt::format(
      "SELECT minOrNull(toUnixTimestamp64Milli(event_time)), maxOrNull(toUnixTimestamp64Milli(event_time)), count() {}", who)));
  std::string earlier;
  if (wanted.before) {
    const std::string at = fmt::format("fromUnixTimestamp64Milli(toInt64({}), 'UTC')", to_ms(*wanted.before));
    earlier = fmt::format(" AND event_time < {}", at);
    if (wanted.place) {
      earlier = fmt::format(" AND event_time <= {0} AND (event_time, log_partition, log_offset) < ({0}, {1}, {2})", at,
                            wanted.place->partition.value, wanted.place->offset.value);
    }
  }
  const std::string reply =
      SLUICE_TRY(ask(fmt::format("SELECT {} {}{} ORDER BY event_time DESC, log_partition DESC, log_offset DESC LIMIT {}",
                                 event_columns(), who, earlier, wanted.limit + 1)));
  TabSeparatedReader seen_reader(seen), reader(reply);
  ReplyCells cells;
  if (!seen_reader.next(cells) || cells.size() != 3 || !cells[2]) return odd_reply("sluice.events");
  const ReplyCells bounds = cells;
  bool odd = false, more = false;
  JsonOut out;
  out.object([&] {
    out.key("key").text(wanted.key);
    out.key("first_seen").raw(bounds[0] && parse_signed(*bounds[0]) ? *bounds[0] : "null");
    out.key("last_seen").raw(bounds[1] && parse_signed(*bounds[1]) ? *bounds[1] : "null");
    out.key("events").text(*bounds[2]);
    out.key("rows").array([&] {
      for (size_t n = 0; reader.next(cells); ++n) {
        more = n == wanted.limit;
        if (more) break;
        ReplyRow row(cells);
        write_event_row(out, row);
        odd = odd || !row.whole();
      }
    });
    out.key("more").boolean(more);
  });
  if (odd || reader.failed()) return odd_reply("sluice.events");
  return out.take();
}

}  // namespace sluice::serve
