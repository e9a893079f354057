// json_text.h - writing JSON: quoting only. Objects are put together by their writers; reading it is collect/json_reader.h for events, nlohmann elsewhere.
#pragma once

#include <string>
#include <string_view>

namespace sluice {

// Appends "text" with quotes, escaped as RFC 8259 7 asks. Bytes that are not UTF-8 are replaced by U+FFFD.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);
// True when every byte sequence is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

}  // namespace sluice
