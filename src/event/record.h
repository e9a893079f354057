// record.h - records as bytes: what a frame of the log carries.
//
// Format  docs/formats/log-v1.md, section "Records". A record is kind u8, then the fields of Event or Reject in a fixed order, texts
//         as varint length and bytes, times as zigzag varints.
// Promise decode(encode(x)) == x. decode never reads past its bytes and never trusts a length: anything odd is Code::corrupt.
// Lives   Views point into the bytes given.
#pragma once

#include <string>
#include <variant>

#include "base/result.h"
#include "event/event.h"
#include "event/position.h"

namespace sluice::event {

inline constexpr size_t kScalarsMax = 256;  // R8

void encode(const Event& event, std::string& out);
void encode(const Reject& reject, std::string& out);
// The same bytes from views: the edge types millions of events without owning them one by one.
void encode(const EventView& event, std::string& out);
void encode(const RejectView& reject, std::string& out);

using RecordView = std::variant<EventView, RejectView>;
// Reuses `into`'s memory where it can: the fold decodes millions.
Status decode(std::string_view bytes, RecordView& into);

}  // namespace sluice::event
