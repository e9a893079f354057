// guard.h - who may talk to a port that has no password: pages of our own, and programs on this machine.
//
// Promise Refuses a Host that is neither loopback nor configured (a foreign name that resolves to us: DNS rebinding) and any Origin
//         that is not the page's own. Requests without Origin are programs, not pages.
// Source  WHATWG Fetch, "Origin header"; RFC 9110 7.2.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace sluice::serve {

// host[:port] or [v6][:port]; lower case, without the port; nullopt: not such a text.
std::optional<std::string> host_name(std::string_view authority);
bool is_loopback_name(std::string_view host);  // localhost, *.localhost, 127.0.0.0/8, ::1

// Why this request is refused; nullopt: it is not. `allowed`: lower case, without port.
std::optional<std::string> refusal(const net::Request& request, const std::vector<std::string>& allowed);

}  // namespace sluice::serve
