#include "collect/segment.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "collect/credentials.h"
#include "collect/cut.h"

namespace sluice::collect {
namespace {

using Kind = JsonReader::Kind;
constexpr std::array<std::string_view, 6> kTypes{"track", "identify", "page", "screen", "group", "alias"};

bool is_type(std::string_view word) {
  for (const std::string_view type : kTypes) {
    if (word == type) return true;
  }
  return false;
}

// The text of one JSON value; "" when it is none.
std::string text_of(std::string_view value) {
  Arena arena;
  std::vector<std::string_view> keys;
  JsonReader in(value, arena, keys, 1);
  std::string_view text;
  if (in.kind() != Kind::text || !in.text(text)) return {};
  return std::string(text);
}

// What an event says whose place depends on its type, which may come last.
struct Pending {
  std::string_view type;
  std::string_view event;
  Member event_member, properties, traits, name, category, group_id, previous_id;
  std::string_view previous_id_text;
  std::string_view original_timestamp;
};

bool read_event_name(Decoder& decoder, JsonReader& in, Pending& pending) {
  pending.event_member.key = in.key_as_sent();
  const Kind kind = in.kind();
  const size_t from = in.position();
  if (!(kind == Kind::text ? in.text(pending.event) : in.value())) return false;
  if (kind != Kind::null) pending.event_member.value = in.since(from);
  if (kind != Kind::null && kind != Kind::text) decoder.field_fault(event::reason::kFieldType, "$.event");
  return true;
}

bool read_object(Decoder& decoder, JsonReader& in, std::string_view path, Member& member) {
  member.key = in.key_as_sent();
  return decoder.object_field(in, path, "properties", member.value);
}

bool read_previous_id(Decoder& decoder, JsonReader& in, Pending& pending) {
  pending.previous_id.key = in.key_as_sent();
  (void)in.kind();
  const size_t from = in.position();
  if (!decoder.id_field(in, "$.previousId", pending.previous_id_text)) return false;
  if (!pending.previous_id_text.empty()) pending.previous_id.value = in.since(from);
  return true;
}

bool read_member(Decoder& decoder, JsonReader& in, std::string_view key, Pending& pending) {
  Draft& draft = decoder.draft();
  event::EventView& event = draft.event;
  if (key == "type") return decoder.text_field(in, "$.type", pending.type);
  if (key == "event") return read_event_name(decoder, in, pending);
  if (key == "messageId") return decoder.id_field(in, "$.messageId", event.message_id);
  if (key == "timestamp") return decoder.time_field(in, "$.timestamp", draft.timestamp);
  if (key == "originalTimestamp") return decoder.time_field(in, "$.originalTimestamp", pending.original_timestamp);
  if (key == "userId") return decoder.id_field(in, "$.userId", event.user_id);
  if (key == "anonymousId") return decoder.id_field(in, "$.anonymousId", event.anonymous_id);
  if (key == "context") return decoder.object_field(in, "$.context", "context", event.context);
  if (key == "properties") return read_object(decoder, in, "$.properties", pending.properties);
  if (key == "traits") return read_object(decoder, in, "$.traits", pending.traits);
  if (key == "name") return decoder.member_field(in, pending.name);
  if (key == "category") return decoder.member_field(in, pending.category);
  if (key == "groupId") return decoder.member_field(in, pending.group_id);
  if (key == "previousId") return read_previous_id(decoder, in, pending);
  if (key == "sentAt") {
    // Ignored when it is not a text: the clock is then not corrected, which is better than losing the event.
    return in.kind() == Kind::text ? in.text(draft.sent_at) : in.value();
  }
  // Orders to Segment's own servers, and the credential.
  if (key == "integrations" || key == "_metadata" || key == "writeKey") return in.value();
  return decoder.extra_field(in);
}

// Puts members in front of an object's own, unless it has one of that name. The object is known to be valid.
std::string_view merge(Decoder& decoder, std::string_view object,
                       std::span<const std::pair<std::string_view, std::string_view>> members) {
  std::vector<std::string_view> taken;  // unescaped: "n\u0061me" is name
  if (!object.empty()) {
    JsonReader in = decoder.reader(object);
    (void)in.kind();
    const bool fine = in.members([&](std::string_view key) {
      taken.push_back(key);
      return in.value();
    });
    SLUICE_ASSERT(fine, "what was read once reads again");
  }
  std::string merged = "{";
  for (const auto& [name, value] : members) {
    if (value.empty() || std::find(taken.begin(), taken.end(), name) != taken.end()) continue;
    if (merged.size() > 1) merged += ',';
    merged.append("\"").append(name).append("\":").append(value);
  }
  if (merged.size() == 1) return object;
  const std::string_view rest = object.empty() ? "}" : trim_space(object.substr(1));
  if (rest != "}") merged += ',';
  merged += rest;
  return decoder.arena().keep(merged);
}

void place(Decoder& decoder, const Pending& pending, std::string_view type) {
  event::EventView& event = decoder.draft().event;
  const bool track = type == "track", viewed = type == "page" || type == "screen", group = type == "group";
  event.event = track ? pending.event : type;
  if (!track) decoder.keep_extra(pending.event_member);
  if (type == "alias") {
    event.previous_id = pending.previous_id_text;
  } else {
    decoder.keep_extra(pending.previous_id);
  }
  // identify and group speak of traits, the others of properties; who sends only the other means it.
  const bool traits_first = type == "identify" || group;
  const Member& main = traits_first ? pending.traits : pending.properties;
  const Member& other = traits_first ? pending.properties : pending.traits;
  const bool both = !main.value.empty() && !other.value.empty();
  event.properties = main.value.empty() ? other.value : main.value;
  if (both) decoder.keep_extra(other);
  const std::string_view as_sent = event.properties;
  if (viewed) {
    const std::array members{std::pair(std::string_view("name"), pending.name.value),
                             std::pair(std::string_view("category"), pending.category.value)};
    event.properties = merge(decoder, as_sent, members);
  } else {
    decoder.keep_extra(pending.name);
    decoder.keep_extra(pending.category);
  }
  if (group) {
    const std::array members{std::pair(std::string_view("groupId"), pending.group_id.value)};
    event.properties = merge(decoder, as_sent, members);
  } else {
    decoder.keep_extra(pending.group_id);
  }
  if (both || event.properties.data() != as_sent.data()) decoder.retype();
}

}  // namespace

std::string_view segment_type(std::string_view path_word) {
  for (const std::string_view type : kTypes) {
    if (path_word == type || (path_word.size() == 1 && path_word[0] == type[0])) return type;
  }
  return {};
}

SegmentBody cut_segment(std::string_view text, bool batch, size_t pieces_max) {
  SegmentBody body;
  text = trim_space(text);
  if (text.empty()) return body;
  if (!batch) {
    body.pieces.push_back(text);
    body.write_key = body_key(text);
    return body;
  }
  Cut cut;
  bool seen = false, twice = false;
  if (text.front() == '[') {
    cut = cut_array(text, pieces_max);
    seen = true;
  } else {
    const bool whole = cut_members(text, [&](std::string_view key, std::string_view value) {
      if (key == "\"writeKey\"") body.write_key = text_of(value);
      if (key == "\"sentAt\"") body.sent_at = text_of(value);
      if (key != "\"batch\"") return true;
      twice = seen;
      seen = true;
      if (value.empty() || value.front() != '[') {
        cut.reason = event::reason::kFieldType;
      } else {
        cut = cut_array(value, pieces_max);
      }
      return true;
    });
    if (!whole) cut.reason = event::reason::kJsonInvalid;
    if (whole && !seen) cut.pieces.push_back(text);  // one event on the batch's path
    if (twice) cut.reason = event::reason::kDuplicateKey;
  }
  body.pieces = std::move(cut.pieces);
  body.reason = cut.reason;
  if (body.write_key.empty() && !body.pieces.empty()) body.write_key = body_key(body.pieces.front());
  return body;
}

bool decode_segment(Decoder& decoder, std::string_view text, std::string_view type, std::string_view sent_at) {
  decoder.begin(event::Dialect::segment);
  Draft& draft = decoder.draft();
  draft.message_id_path = "$.messageId";
  JsonReader in = decoder.reader(text);
  Pending pending;
  bool fine = false;
  if (in.kind() == Kind::object) {
    fine = in.members([&](std::string_view key) { return read_member(decoder, in, key, pending); });
  } else {
    fine = in.value();
    decoder.field_fault(event::reason::kNotAnObject, "$");
  }
  if (!fine) return decoder.finish(in, fine);
  draft.timestamp_path = draft.timestamp.empty() ? "$.originalTimestamp" : "$.timestamp";
  if (draft.timestamp.empty()) draft.timestamp = pending.original_timestamp;
  if (draft.sent_at.empty()) draft.sent_at = sent_at;
  if (!pending.type.empty()) type = pending.type;
  if (!is_type(type)) decoder.field_fault(event::reason::kTypeUnknown, "$.type");
  place(decoder, pending, type);
  if (draft.event.event.empty()) decoder.field_fault(event::reason::kEventMissing, "$.event");
  return decoder.finish(in, fine);
}

}  // namespace sluice::collect
