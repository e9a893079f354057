#include "store/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace sluice::store {

std::string exception_text(const Exception& exception, std::string_view message) {
  return fmt::format("Code: {}. DB::Exception: {}. ({})", exception.number, message, exception.name);
}

Error exception(const Exception& exception, std::string_view message) {
  return fail(code_of(exception.number), exception_text(exception, message));
}

int exception_code(std::string_view text) {
  constexpr std::string_view kPrefix = "Code: ";
  if (!text.starts_with(kPrefix)) return 0;
  text.remove_prefix(kPrefix.size());
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end != text.data() + text.size() && *end == '.' ? number : 0;
}

int http_status(int code) {
  switch (code) {
    case 194: return 401;                                                    // no password given
    case 164:
    case 192:
    case 497:
    case 516: return 403;                      // read-only, unknown user, not allowed, not authenticated
    case 6:
    case 26:
    case 27:
    case 36:
    case 38:
    case 41:
    case 43:
    case 53:
    case 62:
    case 72:
    case 73:
    case 115:
    case 117:
    case 130:
    case 131:
    case 349:
    case 456:
    case 457:
    case 469: return 400;
    case 46:
    case 47:
    case 60:
    case 81: return 404;                          // unknown function, identifier, table, database
    case 48: return 501;
    case 159: return 408;
    case 202:
    case 203:
    case 210: return 503;
    case 307: return 413;
    default: return 500;
  }
}

Code code_of(int code) {
  switch (code) {
    case 60:
    case 81: return Code::not_found;
    case 202:
    case 203:
    case 241:
    case 243:
    case 252: return code == 252 ? Code::invalid : Code::full;
    case 210: return Code::unavailable;
    case 159:
    case 394: return Code::closed;
    default: return Code::invalid;
  }
}

}  // namespace sluice::store
