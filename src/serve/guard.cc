#include "serve/guard.h"

#include <algorithm>
#include <charconv>

namespace sluice::serve {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower_text(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port <= 65535;
}

bool is_ipv4_loopback(std::string_view host) {
  int parts = 0;
  unsigned first = 0;
  while (true) {
    const size_t dot = host.find('.');
    const std::string_view part = host.substr(0, dot);
    unsigned n = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), n);
    if (error != std::errc{} || end != part.data() + part.size() || part.size() > 3 || n > 255) return false;
    if (parts++ == 0) first = n;
    if (dot == std::string_view::npos) break;
    host.remove_prefix(dot + 1);
  }
  return parts == 4 && first == 127;
}

size_t count_header(const net::Headers& headers, std::string_view name) {
  return static_cast<size_t>(
      std::count_if(headers.begin(), headers.end(), [&](const auto& header) { return lower_text(header.first) == name; }));
}

}  // namespace

std::optional<std::string> host_name(std::string_view authority) {
  if (authority.empty() || authority.find_first_of("/@\\ ?#") != std::string_view::npos) return std::nullopt;
  if (authority.front() == '[') {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view rest = authority.substr(close + 1);
    if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return std::nullopt;
    return lower_text(authority.substr(1, close - 1));
  }
  const size_t colon = authority.find(':');
  if (colon != std::string_view::npos && !is_port(authority.substr(colon + 1))) return std::nullopt;
  std::string host = lower_text(authority.substr(0, colon));
  if (host.ends_with('.')) host.pop_back();
  if (host.empty()) return std::nullopt;
  return host;
}

bool is_loopback_name(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost") || host == "::1" || is_ipv4_loopback(host);
}

std::optional<std::string> refusal(const net::Request& request, const std::vector<std::string>& allowed) {
  const auto host_header = request.header("Host");
  if (!host_header || count_header(request.headers, "host") != 1) return "the request must have exactly one Host header";
  const auto host = host_name(*host_header);
  if (!host || (!is_loopback_name(*host) && std::find(allowed.begin(), allowed.end(), *host) == allowed.end())) {
    return "the host name `" + std::string(*host_header) +
           "` is neither this machine's loopback nor one that was allowed at the start";
  }
  const auto origin = request.header("Origin");
  if (!origin) return std::nullopt;
  const std::string own = lower_text(*host_header);
  const std::string from = lower_text(*origin);
  if (from != "http://" + own && from != "https://" + own) {
    return "pages of `" + std::string(*origin) + "` may not use this port; only the page that it serves itself may";
  }
  return std::nullopt;
}

}  // namespace sluice::serve
