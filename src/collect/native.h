// native.h - our own dialect: one event's JSON object exactly as docs/dialects.md writes it.
//
// Body    one object, an array, or NDJSON. Known keys: event, timestamp, user_id, anonymous_id, properties, context, message_id
//         or messageId, sent_at; writeKey is a credential and never stored. Everything else at the top is kept in `extra`,
//         flagged.
#pragma once

#include <string_view>

#include "collect/cut.h"
#include "collect/decode.h"
#include "collect/intake.h"
#include "collect/stamp.h"

namespace sluice::collect {

// True: decoder.draft() is the event. False: decoder.fault().
bool decode_native(Decoder& decoder, std::string_view text);

}  // namespace sluice::collect
