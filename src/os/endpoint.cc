#include <charconv>

#include "os/sockets.h"

namespace sluice::os {

std::string Endpoint::text() const {
  const bool six = host.find(':') != std::string::npos;
  return (six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return fail(Code::invalid,
                "\"" + std::string(text) + "\" is not an address: " + std::string(why) +
                    "; write HOST:PORT, for example 127.0.0.1:8080, [::1]:8080 or localhost:8080 (port 0: any free one)");
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("the port is missing");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) return wrong("brackets are for IPv6");
  } else if (host.find(':') != std::string_view::npos) {
    return wrong("an IPv6 host stands in brackets");
  }
  if (host.empty()) return wrong("the host is missing");
  Endpoint endpoint{std::string(host), 0};
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (port.empty() || failed != std::errc() || end != port.data() + port.size())
    return wrong("the port is not a number from 0 to 65535");
  return endpoint;
}

}  // namespace sluice::os
