#include "collect/typing.h"

#include "collect/options.h"

namespace sluice::collect {
namespace {

void append_name(std::string& path, std::string_view name) {
  path += '.';
  if (name.find_first_of(".\\") == std::string_view::npos) {
    path += name;
    return;
  }
  for (const char c : name) {
    if (c == '.' || c == '\\') path += '\\';
    path += c;
  }
}

// Most numbers are short integers: their text is already what R8 wants, without a look at exponents or rounding.
std::optional<Decimal> short_integer(std::string_view text) {
  const bool negative = text[0] == '-';
  if (negative) text.remove_prefix(1);
  if (text.size() > 17 || (negative && text[0] == '0')) return std::nullopt;
  int64_t whole = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    whole = whole * 10 + (c - '0');
  }
  return Decimal::whole(negative ? -whole : whole);
}

}  // namespace

NumberText number_text(std::string_view as_sent, Arena& arena) {
  if (const auto whole = short_integer(as_sent)) return {as_sent, whole};
  const auto number = Decimal::from_json(as_sent);
  if (!number) return {as_sent, std::nullopt};
  return {arena.keep(number->to_text()), number};
}

bool Typing::object(JsonReader& in, std::string_view prefix) {
  path_ = prefix;
  return members(in, 1);
}

bool Typing::members(JsonReader& in, size_t depth) {
  return in.members([&](std::string_view key) {
    const size_t outer = path_.size();
    append_name(path_, key);
    const bool fine = member(in, depth);
    path_.resize(outer);
    return fine;
  });
}

bool Typing::member(JsonReader& in, size_t depth) {
  std::string_view text;
  switch (in.kind()) {
    case JsonReader::Kind::text:
      if (!in.text(text)) return false;
      emit(depth, text, std::nullopt);
      return true;
    case JsonReader::Kind::number: {
      if (!in.number(text)) return false;
      const NumberText number = number_text(text, arena_);
      emit(depth, number.text, number.number);
      return true;
    }
    case JsonReader::Kind::boolean: {
      bool truth = false;
      if (!in.boolean(truth)) return false;
      emit(depth, truth ? "true" : "false", std::nullopt);
      return true;
    }
    case JsonReader::Kind::object: return members(in, depth + 1);
    default: return in.value();
  }
}

void Typing::emit(size_t depth, std::string_view text, std::optional<Decimal> number) {
  if (scalars_.size() >= kTypedScalarsMax || depth > kTypedDepthMax || path_bytes_ + path_.size() > kTypedPathBytesMax) {
    wide_ = true;
    return;
  }
  path_bytes_ += path_.size();
  scalars_.push_back({arena_.keep(path_), text, number});
}

}  // namespace sluice::collect
