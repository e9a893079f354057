#include "collect/cut.h"

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "event/reasons.h"

namespace sluice::collect {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// at: behind an opening quote. Returns the byte behind the closing one, or nullptr when there is none.
const char* behind_text(const char* at, const char* end) {
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const auto stop =
        static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash))));
    if (stop == 0) {
      at += 16;
      continue;
    }
    at += std::countr_zero(stop);
    if (*at == '"') return at + 1;
    if (end - at < 2) return nullptr;
    at += 2;
  }
  for (; at < end; ++at) {
    if (*at == '"') return at + 1;
    if (*at == '\\') ++at;
  }
  return nullptr;
}

enum Class : uint8_t { other, quote, open, close, comma };
constexpr std::array<uint8_t, 256> kClasses = [] {
  std::array<uint8_t, 256> classes{};
  classes['"'] = quote;
  classes['{'] = classes['['] = open;
  classes['}'] = classes[']'] = close;
  classes[','] = comma;
  return classes;
}();

// The comma or closing bracket that ends the value at `at`; nullptr when the text ends first.
const char* end_of_value(const char* at, const char* end) {
  size_t depth = 0;
  while (at != end) {
    switch (kClasses[static_cast<uint8_t>(*at)]) {
      case quote:
        at = behind_text(at + 1, end);
        if (at == nullptr) return nullptr;
        continue;
      case open: ++depth; break;
      case close:
        if (depth-- == 0) return at;
        break;
      case comma:
        if (depth == 0) return at;
        break;
      default: break;
    }
    ++at;
  }
  return nullptr;
}

std::string_view between(const char* from, const char* to) { return {from, static_cast<size_t>(to - from)}; }

// The byte behind the bracket that closes the one at text[0]; npos when there is none.
size_t whole_value(std::string_view text) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const char* at = begin + 1;
  for (;;) {
    at = end_of_value(at, end);
    if (at == nullptr) return std::string_view::npos;
    if (*at++ != ',') return static_cast<size_t>(at - begin);
  }
}

}  // namespace

std::string_view trim_space(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

Cut cut_array(std::string_view text, size_t pieces_max) {
  text = trim_space(text);
  const char* const end = text.data() + text.size();
  Cut cut;
  cut.reason = event::reason::kJsonInvalid;  // until the closing bracket is seen
  for (const char* from = text.data() + 1;;) {
    const char* const to = end_of_value(from, end);
    if (to == nullptr || *to == '}') return cut;
    const std::string_view piece = trim_space(between(from, to));
    const bool last = *to == ']';
    if (last && to + 1 != end) return cut;
    if (!(last && piece.empty() && cut.pieces.empty())) {
      if (cut.pieces.size() == pieces_max) {
        cut.reason = event::reason::kBatchTooLarge;
        return cut;
      }
      cut.pieces.push_back(piece);
    }
    if (last) break;
    from = to + 1;
  }
  cut.reason = {};
  return cut;
}

Cut cut_lines(std::string_view text, size_t pieces_max) {
  Cut cut;
  while (!text.empty()) {
    const size_t line_end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim_space(text.substr(0, line_end));
    text.remove_prefix(std::min(line_end + 1, text.size()));
    if (line.empty()) continue;
    if (cut.pieces.size() == pieces_max) {
      cut.reason = event::reason::kBatchTooLarge;
      break;
    }
    cut.pieces.push_back(line);
  }
  return cut;
}

Cut cut_events(std::string_view text, bool ndjson, size_t pieces_max) {
  text = trim_space(text);
  if (text.empty() || ndjson) return cut_lines(text, pieces_max);
  if (text.front() == '[') return cut_array(text, pieces_max);
  const size_t line_end = text.find('\n');
  if (line_end == std::string_view::npos) return Cut{{text}, {}};
  const size_t whole = text.front() == '{' ? whole_value(text) : 0;
  if (whole == text.size()) return Cut{{text}, {}};
  // Lines, if the first is a whole object or another begins one; else one broken text, not a reject for each of its lines.
  if ((whole != 0 && whole <= line_end) || text.find("\n{") != std::string_view::npos) return cut_lines(text, pieces_max);
  return Cut{{}, event::reason::kJsonInvalid};
}

bool cut_members(std::string_view text, const std::function<bool(std::string_view key, std::string_view value)>& on_member) {
  text = trim_space(text);
  if (text.empty() || text.front() != '{') return false;
  const char* at = text.data() + 1;
  const char* const end = text.data() + text.size();
  const auto skip_space = [&] {
    while (at != end && is_space(*at)) ++at;
  };
  skip_space();
  if (at != end && *at == '}') return at + 1 == end;
  for (;;) {
    skip_space();
    if (at == end || *at != '"') return false;
    const char* const key = at;
    at = behind_text(at + 1, end);
    if (at == nullptr) return false;
    const std::string_view name = between(key, at);
    skip_space();
    if (at == end || *at != ':') return false;
    const char* const value = ++at;
    at = end_of_value(value, end);
    if (at == nullptr || *at == ']') return false;
    const bool last = *at == '}';
    if (last && at + 1 != end) return false;
    if (!on_member(name, trim_space(between(value, at)))) return true;
    if (last) return true;
    ++at;
  }
}

}  // namespace sluice::collect
