// event.h - the canonical event and the reject: what every dialect produces and every later stage reads.
//
// All that depends on the moment or on JSON is decided at the edge and written here (design 5): derived ids, corrected times,
// typed scalars. No later stage parses JSON, so engines agree by construction and replay needs no outside world.
//
// Two shapes of one thing: Event owns its bytes (the edge builds it), EventView points into a decoded frame (the fold reads it).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/decimal.h"
#include "base/hash.h"
#include "base/units.h"

namespace sluice::event {

enum class Dialect : uint8_t { native = 1, segment = 2 };
const char* dialect_name(Dialect dialect);
// nullopt for a number that no release has written.
std::optional<Dialect> dialect_of(uint8_t number);

// Stored in the log, so numbers never change. `future` is set by the fold, all others by the edge. Names are the column's values.
enum class Flag : uint16_t {
  no_zone = 1,  // timestamp without zone, read as UTC (R2)
  clock_corrected = 2,  // the device's clock was more than 60 s off (R2)
  future = 4,  // event_time > received_at + 1 h (R2)
  derived_id = 8,  // no id was sent; it is a hash (R3)
  random_id = 16,  // neither id nor timestamp was sent (R3)
  wide = 32,  // more scalars or deeper than typed; the rest is in raw JSON only (R8)
  extra = 64,  // unknown top-level keys were kept
};
constexpr uint16_t bit(Flag flag) { return static_cast<uint16_t>(flag); }
std::vector<std::string_view> flag_names(uint16_t flags);  // in ascending order of bit

// One scalar of `properties` or `context`: path with its prefix, e.g. properties.cart.total; a dot or backslash inside a name is
// written \. or \\ (design 7). `text` as R8 says; `number` for JSON numbers that fit Decimal below 10^18.
struct ScalarView {
  std::string_view path;
  std::string_view text;
  std::optional<Decimal> number;
};
struct Scalar {
  std::string path;
  std::string text;
  std::optional<Decimal> number;
};

// Empty text means absent for ids; `event` and `message_id` are never empty.
template <class Text, class ScalarType>
struct BasicEvent {
  Text message_id;
  Text event;
  std::optional<TimeMs> event_time;  // absent: received_at, filled in by the fold (R2)
  Text user_id;
  Text anonymous_id;
  Text previous_id;  // of an alias: counts as anonymous_id for stitching (R6)
  Text properties;  // JSON object as sent, "" when absent
  Text context;  // JSON object as sent, "" when absent
  Text extra;  // JSON object of unknown top-level keys, "" when none
  Dialect dialect = Dialect::native;
  uint16_t flags = 0;
  uint64_t content_hash = 0;  // of event, timestamp text, ids, properties and context bytes: finds conflicts (R5)
  std::vector<ScalarType> scalars;  // paths unique, in order of appearance
};
using Event = BasicEvent<std::string, Scalar>;
using EventView = BasicEvent<std::string_view, ScalarView>;

// Why an event or a whole body was refused. `reason` is a fixed word (`reasons.h`), `path` a JSON path such as $.timestamp or
// $[3].properties, `raw` the first 64 KiB of what was sent.
inline constexpr size_t kRejectRawMax = 64 * 1024;
inline constexpr size_t kMessageIdMax = 512;  // R3
template <class Text>
struct BasicReject {
  Text reason;
  Text path;
  Text raw;
  Text message_id;  // when it could be read, for trace
  Dialect dialect = Dialect::native;
};
using Reject = BasicReject<std::string>;
using RejectView = BasicReject<std::string_view>;

}  // namespace sluice::event
