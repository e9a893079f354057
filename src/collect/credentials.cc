#include "collect/credentials.h"

#include <algorithm>
#include <cstdint>

#include "collect/cut.h"
#include "collect/json_reader.h"

namespace sluice::collect {
namespace {

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

// The rest behind `scheme` and a space, compared without case; "" when it is another scheme.
std::string_view behind_scheme(std::string_view header, std::string_view scheme) {
  if (header.size() <= scheme.size() || header[scheme.size()] != ' ') return {};
  const bool same = std::equal(scheme.begin(), scheme.end(), header.begin(), [](char a, char b) { return a == (b | 0x20); });
  return same ? trim_space(header.substr(scheme.size())) : std::string_view();
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>((bits >> count) & 0xFF);
    }
  }
  return out;
}

std::string header_key(const net::Request& request) {
  const auto header = request.header("Authorization");
  if (!header) return {};
  if (const auto token = behind_scheme(*header, "bearer"); !token.empty()) return std::string(token);
  const auto pair = decode_base64(behind_scheme(*header, "basic"));
  if (!pair) return {};
  return pair->substr(0, pair->find(':'));
}

std::string body_key(std::string_view object) {
  std::string key;
  cut_members(object, [&](std::string_view name, std::string_view value) {
    if (name != "\"writeKey\"") return true;
    Arena arena;
    std::vector<std::string_view> keys;
    JsonReader in(value, arena, keys, 1);
    std::string_view text;
    if (in.kind() == JsonReader::Kind::text && in.text(text)) key = text;
    return false;
  });
  return key;
}

}  // namespace sluice::collect
