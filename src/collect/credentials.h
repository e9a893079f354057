// credentials.h - the write key that a request carries, wherever its SDK puts it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace sluice::collect {

// Standard or URL alphabet, padding optional. nullopt: no base64.
std::optional<std::string> decode_base64(std::string_view text);

// Authorization: Bearer KEY, or Basic with the key as user name. "" when there is none or it is neither.
std::string header_key(const net::Request& request);

// The top-level member `writeKey` of a JSON object, found by brackets and strings alone; "" when absent or not a text.
std::string body_key(std::string_view object);

}  // namespace sluice::collect
