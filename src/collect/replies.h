// replies.h - what the edge answers, byte for byte as SDKs and browsers expect it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "collect/intake.h"
#include "event/position.h"
#include "net/http.h"

namespace sluice::collect {

// {"received":3,"accepted":2,"rejected":[{"index":1,"reason":"timestamp_invalid","path":"$.timestamp"}],"position":"0:1234"}:
// 200 if anything was accepted, else 400.
net::Response native_reply(const event::Manifest& manifest, std::span<const Verdict> verdicts, const event::Place& first);
net::Response segment_reply();        // 200 {"success":true}
net::Response pixel_reply();          // 200, a transparent GIF of one pixel, never cached
// What Segment's SDKs ask for when they start; without "Segment.io" in it they send nothing. Steers them back to this server.
net::Response settings_reply(std::string_view write_key, std::string_view host, bool https);
net::Response hint_reply();           // GET /

// Lets pages of any origin read the reply and its Retry-After: a write key is no cookie, so origins prove nothing here.
void allow_origin(const net::Request& request, net::Response& response);
net::Response preflight_reply(const net::Request& request);

}  // namespace sluice::collect
