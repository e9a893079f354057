// reply_head.h - the text in front of a reply's body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/units.h"
#include "net/http.h"

namespace sluice::net {

// How the end of the body is told. none: 204, 304 and the reply to HEAD, which has no Content-Length either: the page of a query
// has no length before it ran, and readers that probe with HEAD then do one plain GET (facts/interop.md 3.9).
enum class BodyEnd { none, length, chunked, close };

bool has_body(int status);
// Content-Length, Transfer-Encoding, Connection and Date of `response` are left out; control characters become spaces, so that a
// header copied from a request cannot begin a second one.
void append_reply_head(std::string& out, const Response& response, BodyEnd end, std::string_view connection,
                       std::string_view date);
// Sun, 06 Nov 1994 08:49:37 GMT (RFC 9110 5.6.7).
std::string http_date(TimeMs time);

}  // namespace sluice::net
