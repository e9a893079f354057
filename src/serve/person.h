// person.h - one person's events in order: the stored events of a user_key, newest first, page by page.
//
// Page    Rows before (event_time, place): `before` and `place` of the last row give the next page, none twice, none left out.
// Bounds  kPersonRowsMax rows a page; texts are shown up to kPropertiesShown bytes.
// Use     On a worker.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"
#include "event/position.h"
#include "serve/json_out.h"
#include "serve/queries.h"
#include "serve/reply_row.h"

namespace sluice::serve {

inline constexpr size_t kPersonRowsMax = 500;
inline constexpr size_t kPropertiesShown = 16_KiB;
inline constexpr size_t kUserKeyMax = 4096;

struct PersonWanted {
  std::string key;
  std::optional<TimeMs> before;
  std::optional<event::Place> place;  // of the last row known, beside `before`
  size_t limit = 100;
};
// Of the texts of an address, '' is absent.
Result<PersonWanted> read_person(std::string key, std::string_view before, std::string_view place, std::string_view limit);

// {"key","first_seen","last_seen","events":"n","rows":[event_row],"more":bool}
Result<std::string> person_json(Queries& queries, const PersonWanted& wanted);

// The columns that event_row() reads, of sluice.events.
std::string event_columns();
// {"time","received_at","event","source","user_key","message_id","place","properties"}
void write_event_row(JsonOut& out, ReplyRow& row);

}  // namespace sluice::serve
