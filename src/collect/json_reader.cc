#include "collect/json_reader.h"

#include <emmintrin.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/json_text.h"

namespace sluice::collect {
namespace {

// Up to this many keys of one object are compared with each other as they come; larger objects are sorted once, at their end.
constexpr size_t kKeysCompared = 16;
constexpr size_t kStepBytesMax = 128;
constexpr size_t kPathBytesMax = 1024;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The first byte at or after p that a plain text cannot pass over: quote, backslash, control. Clears `ascii` on bytes >= 0x80.
const char* plain_end(const char* p, const char* end, bool& ascii) {
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1F);
  for (; end - p >= 16; p += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i stops = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                                       _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
    const auto stop = static_cast<uint32_t>(_mm_movemask_epi8(stops));
    const auto high = static_cast<uint32_t>(_mm_movemask_epi8(bytes));
    if (stop != 0) {
      if ((high & ((stop & (~stop + 1)) - 1)) != 0) ascii = false;
      return p + std::countr_zero(stop);
    }
    if (high != 0) ascii = false;
  }
  for (; p != end; ++p) {
    const auto c = static_cast<unsigned char>(*p);
    if (c == '"' || c == '\\' || c < 0x20) return p;
    if (c >= 0x80) ascii = false;
  }
  return p;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Four hexadecimal digits at `at`; -1 when they are not there.
int32_t four_hex(const char* at, const char* end) {
  if (end - at < 4) return -1;
  int32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_value(at[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

char* append_utf8(char* out, uint32_t point) {
  const auto put = [&](uint32_t byte) { *out++ = static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6));
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | (point >> 18));
    put(0x80 | ((point >> 12) & 0x3F));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  }
  return out;
}

bool is_identifier(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || is_digit(c); });
}

}  // namespace

void append_path_step(std::string& path, std::string_view name) {
  if (name.size() > kStepBytesMax) name = name.substr(0, kStepBytesMax);
  if (is_identifier(name)) {
    path += '.';
    path += name;
  } else {
    path += '[';
    append_json_string(path, name);
    path += ']';
  }
}

bool JsonReader::fail(std::string_view reason) {
  if (reason_.empty()) reason_ = reason;
  return false;
}

void JsonReader::step_into(std::string_view name) {
  std::string step;
  append_path_step(step, name);
  steps_.push_back(std::move(step));
}

Fault JsonReader::fault() const {
  Fault fault{reason_, "$"};
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (fault.path.size() + step->size() > kPathBytesMax) {
      fault.path += "...";
      break;
    }
    fault.path += *step;
  }
  return fault;
}

bool JsonReader::unexpected() {
  if (at_ == end_) return fail(event::reason::kJsonInvalid);
  const auto c = static_cast<unsigned char>(*at_);
  if (c == 0) return fail(event::reason::kInvalidUnicode);
  if (c < 0x80) return fail(event::reason::kJsonInvalid);
  for (ptrdiff_t n = 2; n <= 4 && n <= end_ - at_; ++n) {
    if (is_utf8({at_, static_cast<size_t>(n)})) return fail(event::reason::kJsonInvalid);
  }
  return fail(event::reason::kInvalidUnicode);
}

JsonReader::Kind JsonReader::kind() {
  skip_space();
  if (at_ == end_) return Kind::nothing;
  switch (*at_) {
    case '{': return Kind::object;
    case '[': return Kind::array;
    case '"': return Kind::text;
    case 't':
    case 'f': return Kind::boolean;
    case 'n': return Kind::null;
    default: return *at_ == '-' || is_digit(*at_) ? Kind::number : Kind::nothing;
  }
}

bool JsonReader::value() {
  std::string_view ignored;
  bool truth = false;
  switch (kind()) {
    case Kind::object: return members([this](std::string_view) { return value(); });
    case Kind::array: return elements();
    case Kind::text: return text(ignored);
    case Kind::number: return number(ignored);
    case Kind::boolean: return boolean(truth);
    case Kind::null: return null();
    case Kind::nothing: return unexpected();
  }
  return unexpected();
}

bool JsonReader::finish() {
  skip_space();
  return at_ == end_ || unexpected();
}

bool JsonReader::open() {
  if (++depth_ > depth_max_) return fail(event::reason::kJsonTooDeep);
  ++at_;
  return true;
}

bool JsonReader::close_if(char bracket) {
  skip_space();
  if (at_ == end_ || *at_ != bracket) return false;
  ++at_;
  --depth_;
  return true;
}

bool JsonReader::expect(char c) {
  skip_space();
  if (at_ == end_ || *at_ != c) return unexpected();
  ++at_;
  return true;
}

bool JsonReader::elements() {
  if (!open()) return false;
  if (close_if(']')) return true;
  for (size_t index = 0;; ++index) {
    if (!value()) {
      steps_.push_back("[" + std::to_string(index) + "]");
      return false;
    }
    if (close_if(']')) return true;
    if (!expect(',')) return false;
  }
}

bool JsonReader::begin_member(size_t first_key, std::string_view& key) {
  skip_space();
  if (at_ == end_ || *at_ != '"') return unexpected();
  const char* const from = at_;
  if (!text(key)) return false;
  key_as_sent_ = {from, static_cast<size_t>(at_ - from)};
  const size_t known = keys_.size();
  if (known - first_key < kKeysCompared) {
    for (size_t i = first_key; i < known; ++i) {
      if (keys_[i] == key) {
        step_into(key);
        return fail(event::reason::kDuplicateKey);
      }
    }
  }
  keys_.push_back(key);
  return expect(':');
}

bool JsonReader::end_members(size_t first_key) {
  if (keys_.size() - first_key > kKeysCompared) {
    const auto first = keys_.begin() + static_cast<ptrdiff_t>(first_key);
    std::sort(first, keys_.end());
    if (const auto twin = std::adjacent_find(first, keys_.end()); twin != keys_.end()) {
      step_into(*twin);
      return fail(event::reason::kDuplicateKey);
    }
  }
  keys_.resize(first_key);
  return true;
}

bool JsonReader::literal(std::string_view word) {
  if (static_cast<size_t>(end_ - at_) < word.size() || std::string_view(at_, word.size()) != word)
    return fail(event::reason::kJsonInvalid);
  at_ += word.size();
  return true;
}

bool JsonReader::boolean(bool& truth) {
  if (kind() != Kind::boolean) return unexpected();
  truth = *at_ == 't';
  return literal(truth ? "true" : "false");
}

bool JsonReader::null() { return kind() == Kind::null ? literal("null") : unexpected(); }

bool JsonReader::number(std::string_view& as_sent) {
  skip_space();
  const char* const from = at_;
  const auto digits = [&] {
    const char* const first = at_;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return at_ != first;
  };
  if (at_ != end_ && *at_ == '-') ++at_;
  const char* const integer = at_;
  if (!digits()) return unexpected();
  if (*integer == '0' && at_ - integer > 1) return fail(event::reason::kJsonInvalid);
  if (at_ != end_ && *at_ == '.') {
    ++at_;
    if (!digits()) return unexpected();
  }
  if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!digits()) return unexpected();
  }
  as_sent = {from, static_cast<size_t>(at_ - from)};
  return true;
}

bool JsonReader::text(std::string_view& unescaped) {
  skip_space();
  if (at_ == end_ || *at_ != '"') return unexpected();
  const char* const from = ++at_;
  bool ascii = true;
  at_ = plain_end(from, end_, ascii);
  if (at_ == end_) return fail(event::reason::kJsonInvalid);
  if (*at_ == '\\') return escaped_text(from, at_, ascii, unescaped);
  if (*at_ != '"') return unexpected();
  unescaped = {from, static_cast<size_t>(at_ - from)};
  ++at_;
  return ascii || is_utf8(unescaped) || fail(event::reason::kInvalidUnicode);
}

bool JsonReader::escaped_text(const char* from, const char* escape, bool ascii, std::string_view& unescaped) {
  const char* end = escape;
  while (end != end_ && *end != '"') {
    if (*end == '\\') {
      if (end_ - end < 2) break;
      end += 2;
    } else if (static_cast<unsigned char>(*end) < 0x20) {
      at_ = end;
      return unexpected();
    } else {
      ++end;
    }
    end = plain_end(end, end_, ascii);
  }
  if (end == end_ || *end != '"') return fail(event::reason::kJsonInvalid);
  // Escapes are ASCII, so the text is UTF-8 exactly when its escaped form is.
  const std::string_view escaped(from, static_cast<size_t>(end - from));
  if (!ascii && !is_utf8(escaped)) return fail(event::reason::kInvalidUnicode);
  char* const into = arena_.reserve(escaped.size());  // unescaping never makes longer
  char* out = into;
  for (const char* at = from; at != end;) {
    const auto* const next = static_cast<const char*>(std::memchr(at, '\\', static_cast<size_t>(end - at)));
    const auto plain = static_cast<size_t>((next == nullptr ? end : next) - at);
    std::memcpy(out, at, plain);
    out += plain;
    at += plain;
    if (next != nullptr && !unescape(at, end, out)) return false;
  }
  unescaped = arena_.commit(static_cast<size_t>(out - into));
  at_ = end + 1;
  return true;
}

// `at` stands on a backslash with at least one byte behind it.
bool JsonReader::unescape(const char*& at, const char* end, char*& out) {
  const char c = at[1];
  at += 2;
  switch (c) {
    case '"':
    case '\\':
    case '/': *out++ = c; return true;
    case 'b': *out++ = '\b'; return true;
    case 'f': *out++ = '\f'; return true;
    case 'n': *out++ = '\n'; return true;
    case 'r': *out++ = '\r'; return true;
    case 't': *out++ = '\t'; return true;
    case 'u': break;
    default: return fail(event::reason::kJsonInvalid);
  }
  const int32_t unit = four_hex(at, end);
  if (unit < 0) return fail(event::reason::kJsonInvalid);
  at += 4;
  auto point = static_cast<uint32_t>(unit);
  if (point >= 0xD800 && point <= 0xDBFF) {
    const int32_t low = end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? four_hex(at + 2, end) : -1;
    if (low < 0xDC00 || low > 0xDFFF) return fail(event::reason::kInvalidUnicode);
    at += 6;
    point = 0x10000 + ((point - 0xD800) << 10) + (static_cast<uint32_t>(low) - 0xDC00);
  } else if (point == 0 || (point >= 0xDC00 && point <= 0xDFFF)) {
    return fail(event::reason::kInvalidUnicode);
  }
  out = append_utf8(out, point);
  return true;
}

}  // namespace sluice::collect
