#include "collect/decode.h"

namespace sluice::collect {

using Kind = JsonReader::Kind;

void Decoder::begin(event::Dialect dialect) {
  arena_.clear();
  typing_.clear();
  extra_.clear();
  fault_ = {};
  std::vector<event::ScalarView> scalars = std::move(draft_.event.scalars);  // keeps its memory
  draft_ = Draft{};
  draft_.event.scalars = std::move(scalars);
  draft_.event.dialect = dialect;
}

void Decoder::field_fault(std::string_view reason, std::string_view path) {
  if (fault_.reason.empty()) fault_ = Fault{reason, std::string(path)};
}

bool Decoder::text_field(JsonReader& in, std::string_view path, std::string_view& into) {
  switch (in.kind()) {
    case Kind::text: return in.text(into);
    case Kind::null: return in.null();
    default: field_fault(event::reason::kFieldType, path); return in.value();
  }
}

bool Decoder::id_field(JsonReader& in, std::string_view path, std::string_view& into) {
  if (in.kind() != Kind::number) return text_field(in, path, into);
  std::string_view as_sent;
  if (!in.number(as_sent)) return false;
  into = number_text(as_sent, arena_).text;
  return true;
}

bool Decoder::time_field(JsonReader& in, std::string_view path, std::string_view& into) {
  switch (in.kind()) {
    case Kind::text:
      if (!in.text(into)) return false;
      if (into.empty()) field_fault(event::reason::kTimestampInvalid, path);
      return true;
    case Kind::null: return in.null();
    default: field_fault(event::reason::kTimestampInvalid, path); return in.value();
  }
}

bool Decoder::object_field(JsonReader& in, std::string_view path, std::string_view prefix, std::string_view& into) {
  switch (in.kind()) {
    case Kind::object: {
      const size_t from = in.position();
      if (!typing_.object(in, prefix)) return false;
      into = in.since(from);
      return true;
    }
    case Kind::null: return in.null();
    default: field_fault(event::reason::kFieldType, path); return in.value();
  }
}

bool Decoder::member_field(JsonReader& in, Member& into) {
  into.key = in.key_as_sent();
  const Kind kind = in.kind();
  const size_t from = in.position();
  if (!in.value()) return false;
  if (kind != Kind::null) into.value = in.since(from);
  return true;
}

bool Decoder::extra_field(JsonReader& in) {
  const std::string_view key = in.key_as_sent();
  (void)in.kind();  // passes over white space
  const size_t from = in.position();
  if (!in.value()) return false;
  keep_extra({key, in.since(from)});
  return true;
}

void Decoder::keep_extra(const Member& member) {
  if (member.value.empty()) return;
  extra_ += extra_.empty() ? '{' : ',';
  extra_ += member.key;
  extra_ += ':';
  extra_ += member.value;
}

void Decoder::retype() {
  typing_.clear();
  const auto type = [&](std::string_view object, std::string_view prefix) {
    if (object.empty()) return;
    JsonReader in = reader(object);
    (void)in.kind();
    SLUICE_ASSERT(typing_.object(in, prefix), "what was read once reads again");
  };
  type(draft_.event.properties, "properties");
  type(draft_.event.context, "context");
}

bool Decoder::finish(JsonReader& in, bool fine) {
  if (!fine || !in.finish()) {
    fault_ = in.fault();
    return false;
  }
  if (!extra_.empty()) {
    extra_ += '}';
    draft_.event.extra = extra_;
    draft_.event.flags |= event::bit(event::Flag::extra);
  }
  if (typing_.wide()) draft_.event.flags |= event::bit(event::Flag::wide);
  return fault_.reason.empty();
}

}  // namespace sluice::collect
