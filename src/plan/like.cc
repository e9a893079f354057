#include "plan/like.h"

#include <cstddef>

namespace sluice::plan {
namespace {

size_t code_point_end(std::string_view text, size_t at) {
  ++at;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  return at;
}

}  // namespace

bool like(std::string_view text, std::string_view pattern) {
  size_t t = 0, p = 0;
  // The last % seen: where the pattern goes on after it, and up to where it has swallowed the text.
  size_t after_any = std::string_view::npos, swallowed = 0;
  while (true) {
    if (p < pattern.size() && pattern[p] == '%') {
      after_any = ++p;
      swallowed = t;
      continue;
    }
    if (t == text.size() && p == pattern.size()) return true;
    bool matched = false;
    if (t < text.size() && p < pattern.size()) {
      if (pattern[p] == '_') {
        t = code_point_end(text, t);
        ++p;
        matched = true;
      } else {
        const size_t plain = pattern[p] == '\\' && p + 1 < pattern.size() ? p + 1 : p;
        if (pattern[plain] == text[t]) {
          p = plain + 1;
          ++t;
          matched = true;
        }
      }
    }
    if (matched) continue;
    if (after_any == std::string_view::npos || t == text.size()) return false;  // a longer % leaves even less text
    swallowed = code_point_end(text, swallowed);
    t = swallowed;
    p = after_any;
  }
}

}  // namespace sluice::plan
