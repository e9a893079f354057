// errors.h - ClickHouse's exceptions as text, number, HTTP status and our own Code.
//
// Promise Every Error inside store/ that a client may see is ClickHouse's text: "Code: 62. DB::Exception: what. (SYNTAX_ERROR)".
//         Clients read the number from the header X-ClickHouse-Exception-Code or from that text, never from our words.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::store {

// The numbers that we produce or act upon; the engine has some 800 more.
struct Exception {
  int number;
  const char* name;
};
constexpr Exception kBadArguments{36, "BAD_ARGUMENTS"};
constexpr Exception kUnknownFunction{46, "UNKNOWN_FUNCTION"};
constexpr Exception kNotImplemented{48, "NOT_IMPLEMENTED"};
constexpr Exception kUnknownTable{60, "UNKNOWN_TABLE"};
constexpr Exception kSyntaxError{62, "SYNTAX_ERROR"};
constexpr Exception kUnknownFormat{73, "UNKNOWN_FORMAT"};
constexpr Exception kUnknownDatabase{81, "UNKNOWN_DATABASE"};
constexpr Exception kUnknownSetting{115, "UNKNOWN_SETTING"};
constexpr Exception kTimeoutExceeded{159, "TIMEOUT_EXCEEDED"};
constexpr Exception kReadonly{164, "READONLY"};
constexpr Exception kTooManyQueries{202, "TOO_MANY_SIMULTANEOUS_QUERIES"};
constexpr Exception kNetworkError{210, "NETWORK_ERROR"};
constexpr Exception kMemoryLimit{241, "MEMORY_LIMIT_EXCEEDED"};
constexpr Exception kNoSpace{243, "NOT_ENOUGH_SPACE"};
constexpr Exception kQueryTooLarge{307, "TOO_MANY_BYTES"};
constexpr Exception kQueryCancelled{394, "QUERY_WAS_CANCELLED"};
constexpr Exception kAccessDenied{497, "ACCESS_DENIED"};
constexpr Exception kAuthenticationFailed{516, "AUTHENTICATION_FAILED"};
constexpr Exception kRowsMismatch{632, "UNEXPECTED_DATA_AFTER_PARSED_VALUE"};

// "Code: N. DB::Exception: message. (NAME)".
std::string exception_text(const Exception& exception, std::string_view message);
Error exception(const Exception& exception, std::string_view message);
// The number at the front of an exception's text; 0 when there is none.
int exception_code(std::string_view text);
// As ClickHouse answers: 400 malformed, 403 not allowed, 404 unknown name, 408 too slow, 503 overloaded, else 500.
int http_status(int exception_code);
// What the caller can do: full (retry later), unavailable (retry), closed (was cancelled), not_found, else invalid.
Code code_of(int exception_code);

}  // namespace sluice::store
