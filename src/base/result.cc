#include "base/result.h"

#include <cstdio>

namespace sluice {

const char* code_name(Code code) {
  switch (code) {
    case Code::invalid: return "invalid";
    case Code::not_found: return "not_found";
    case Code::full: return "full";
    case Code::io: return "io";
    case Code::corrupt: return "corrupt";
    case Code::unavailable: return "unavailable";
    case Code::closed: return "closed";
    case Code::conflict: return "conflict";
    case Code::unknown: return "unknown";
  }
  return "invalid";
}

void assertion_failed(const char* condition, const char* file, int line, const char* note) {
  std::fprintf(stderr,
               "{\"level\":\"fatal\",\"what\":\"broken invariant\",\"condition\":\"%s\",\"note\":\"%s\",\"at\":\"%s:%d\"}\n",
               condition, note, file, line);
  std::abort();
}

}  // namespace sluice
