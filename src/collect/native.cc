#include "collect/native.h"

namespace sluice::collect {
namespace {

using Kind = JsonReader::Kind;

// message_id is ours; messageId is what people who come from elsewhere write. If both are there, ours counts.
struct Ids {
  std::string_view own;
  std::string_view foreign;
};

bool read_member(Decoder& decoder, JsonReader& in, std::string_view key, Ids& ids) {
  Draft& draft = decoder.draft();
  event::EventView& event = draft.event;
  if (key == "event") return decoder.text_field(in, "$.event", event.event);
  if (key == "timestamp") return decoder.time_field(in, "$.timestamp", draft.timestamp);
  if (key == "user_id") return decoder.id_field(in, "$.user_id", event.user_id);
  if (key == "anonymous_id") return decoder.id_field(in, "$.anonymous_id", event.anonymous_id);
  if (key == "properties") return decoder.object_field(in, "$.properties", "properties", event.properties);
  if (key == "context") return decoder.object_field(in, "$.context", "context", event.context);
  if (key == "message_id") return decoder.id_field(in, "$.message_id", ids.own);
  if (key == "messageId") return decoder.id_field(in, "$.messageId", ids.foreign);
  if (key == "sent_at") return decoder.time_field(in, "$.sent_at", draft.sent_at);
  if (key == "writeKey") return in.value();
  return decoder.extra_field(in);
}

}  // namespace

bool decode_native(Decoder& decoder, std::string_view text) {
  decoder.begin(event::Dialect::native);
  Draft& draft = decoder.draft();
  draft.timestamp_path = "$.timestamp";
  draft.sent_at_path = "$.sent_at";
  JsonReader in = decoder.reader(text);
  Ids ids;
  bool fine = false;
  if (in.kind() == Kind::object) {
    fine = in.members([&](std::string_view key) { return read_member(decoder, in, key, ids); });
  } else {
    fine = in.value();
    decoder.field_fault(event::reason::kNotAnObject, "$");
  }
  draft.event.message_id = ids.own.empty() ? ids.foreign : ids.own;
  if (ids.own.empty() && !ids.foreign.empty()) draft.message_id_path = "$.messageId";
  if (fine && draft.event.event.empty()) decoder.field_fault(event::reason::kEventMissing, "$.event");
  return decoder.finish(in, fine);
}

}  // namespace sluice::collect
