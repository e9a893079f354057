// reasons.h - every reason a reject can have: one word, one meaning, listed for people in docs/reasons.md.
#pragma once

#include <array>
#include <string_view>

namespace sluice::event {

struct Reason {
  std::string_view word;
  std::string_view meaning;
};

namespace reason {
// Of a whole body (one reject for the request).
inline constexpr std::string_view kBodyEmpty = "body_empty";
inline constexpr std::string_view kBodyTooLarge = "body_too_large";
inline constexpr std::string_view kBodyEncoding = "body_encoding";
inline constexpr std::string_view kBodyUnpackedTooLarge = "body_unpacked_too_large";
inline constexpr std::string_view kBatchTooLarge = "batch_too_large";
inline constexpr std::string_view kJsonInvalid = "json_invalid";
inline constexpr std::string_view kJsonTooDeep = "json_too_deep";
// Of one event.
inline constexpr std::string_view kNotAnObject = "not_an_object";
inline constexpr std::string_view kEventTooLarge = "event_too_large";
inline constexpr std::string_view kEventMissing = "event_missing";
inline constexpr std::string_view kFieldType = "field_type";
inline constexpr std::string_view kTypeUnknown = "type_unknown";
inline constexpr std::string_view kTimestampInvalid = "timestamp_invalid";
inline constexpr std::string_view kTimestampOutOfRange = "timestamp_out_of_range";
inline constexpr std::string_view kIdTooLong = "id_too_long";
inline constexpr std::string_view kDuplicateKey = "duplicate_key";
inline constexpr std::string_view kInvalidUnicode = "invalid_unicode";
}  // namespace reason

inline constexpr std::array kReasons{
    Reason{reason::kBodyEmpty, "the request had no body, or a batch without events"},
    Reason{reason::kBodyTooLarge, "the body is larger than the cap of the listener"},
    Reason{reason::kBodyEncoding, "the body is not what its encoding says (gzip, zstd), or the encoding is not supported"},
    Reason{reason::kBodyUnpackedTooLarge, "the decompressed body is larger than its cap"},
    Reason{reason::kBatchTooLarge, "more events in one request than the cap, or more bytes than one frame of the log holds"},
    Reason{reason::kJsonInvalid, "this is not JSON; path says where the parser stopped when it knows"},
    Reason{reason::kJsonTooDeep, "brackets are nested deeper than the cap"},
    Reason{reason::kNotAnObject, "an event must be a JSON object"},
    Reason{reason::kEventTooLarge, "one event is larger than the cap"},
    Reason{reason::kEventMissing, "the event has no name: `event` must be non-empty text"},
    Reason{reason::kFieldType, "a known field has a type that it cannot have"},
    Reason{reason::kTypeUnknown, "the Segment `type` is not track, identify, page, screen, group or alias"},
    Reason{reason::kTimestampInvalid, "the timestamp is not an RFC 3339 time"},
    Reason{reason::kTimestampOutOfRange, "the time lies outside 1901-01-01 to 2100-01-01"},
    Reason{reason::kIdTooLong, "the message id is longer than 512 bytes"},
    Reason{reason::kDuplicateKey, "an object names the same key twice"},
    Reason{reason::kInvalidUnicode, "text that is not valid Unicode: bad UTF-8, a lone surrogate, or NUL"},
};

}  // namespace sluice::event
