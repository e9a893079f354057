// ndjson.h - events of the shop as the native dialect takes them (docs/dialects.md): one JSON object a line.
//
// sent_at  Phones whose clocks are off say when they send, by their own clock. `sent` is that moment by the right one: the moment of
//          writing, so that Sluice, which compares it with its own clock when the line arrives, finds how far the phone's is off.
//          Lines that are sent more than half a minute after they were written make such phones' times wrong by as much.
#pragma once

#include <string>

#include "event.h"

namespace sluice::shop {

// Appends one line with its newline.
void append_ndjson(std::string& out, const Event& event, TimeMs sent);
std::string message_id(const Event& event);
std::string anonymous_id(const Event& event);  // "" if it has none
std::string user_id(const Event& event);  // "" if it has none

}  // namespace sluice::shop
