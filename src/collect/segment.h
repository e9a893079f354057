// segment.h - the dialect of Segment's SDKs and HTTP API, as they are: bodies, types, names. docs/dialects.md has the table.
//
// Promise An unmodified SDK is understood. What has no place in the canonical event is kept in `extra`.
// Source  facts/sdk-protocols.md 2.1, captured from analytics-node 3.1.0 and analytics-next 1.84.3.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collect/decode.h"

namespace sluice::collect {

// The long name of t, i, p, g, a, s, or of the long name itself; "" when it is none.
std::string_view segment_type(std::string_view path_word);

// A request's body, cut but not yet read.
struct SegmentBody {
  std::vector<std::string_view> pieces;
  std::string write_key;     // "" when absent
  std::string sent_at;       // of the batch
  std::string_view reason;   // not empty: the body cannot be cut
};
// One event, when the path names a type; a batch {"batch":[...],"writeKey":...,"sentAt":...}, or a bare array, otherwise.
SegmentBody cut_segment(std::string_view text, bool batch, size_t pieces_max);

// type: what the path says, "" for batches; an event's own `type` wins. sent_at: the batch's; an event's own wins.
bool decode_segment(Decoder& decoder, std::string_view text, std::string_view type, std::string_view sent_at);

}  // namespace sluice::collect
