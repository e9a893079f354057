#include "event/record.h"

#include "base/bytes.h"

namespace sluice::event {
namespace {

enum class Kind : uint8_t { event = 1, reject = 2 };

// A decimal as one varint when it fits 63 bits, which nearly all do, else as 16 bytes.
enum class NumberForm : uint8_t { none = 0, narrow = 1, wide = 2 };

template <class ScalarType>
void encode_scalar(const ScalarType& scalar, ByteWriter& to) {
  to.text(scalar.path);
  to.text(scalar.text);
  if (!scalar.number) {
    to.u8(static_cast<uint8_t>(NumberForm::none));
  } else if (const int128 raw = scalar.number->raw; raw == static_cast<int64_t>(raw)) {
    to.u8(static_cast<uint8_t>(NumberForm::narrow));
    to.zigzag(static_cast<int64_t>(raw));
  } else {
    to.u8(static_cast<uint8_t>(NumberForm::wide));
    to.fixed(raw);
  }
}

bool decode_scalar(ByteReader& from, ScalarView& scalar) {
  scalar.path = from.text();
  scalar.text = from.text();
  switch (static_cast<NumberForm>(from.u8())) {
    case NumberForm::none: scalar.number.reset(); return true;
    case NumberForm::narrow: scalar.number = Decimal{from.zigzag()}; return true;
    case NumberForm::wide: scalar.number = Decimal{from.fixed<int128>()}; return true;
  }
  return false;
}

Error corrupt(const char* what) { return fail(Code::corrupt, std::string("record: ") + what); }

Status decode_event(ByteReader& from, EventView& event) {
  const auto dialect = dialect_of(from.u8());
  event.flags = from.u16();
  event.content_hash = from.u64();
  event.event_time.reset();
  const uint8_t has_time = from.u8();
  if (has_time == 1) event.event_time = time_ms(from.zigzag());
  event.message_id = from.text();
  event.event = from.text();
  event.user_id = from.text();
  event.anonymous_id = from.text();
  event.previous_id = from.text();
  event.properties = from.text();
  event.context = from.text();
  event.extra = from.text();
  const uint64_t count = from.varint();
  if (count > kScalarsMax) return corrupt("more scalars than an event can have");
  event.scalars.resize(static_cast<size_t>(count));
  for (ScalarView& scalar : event.scalars) {
    if (!decode_scalar(from, scalar)) return corrupt("unknown form of number");
  }
  if (from.failed() || !from.at_end() || has_time > 1) return corrupt("shorter, longer or other than its fields");
  if (!dialect) return corrupt("unknown dialect");
  if (event.message_id.empty() || event.event.empty()) return corrupt("an event without id or name");
  event.dialect = *dialect;
  return ok();
}

Status decode_reject(ByteReader& from, RejectView& reject) {
  const auto dialect = dialect_of(from.u8());
  reject.reason = from.text();
  reject.path = from.text();
  reject.raw = from.text();
  reject.message_id = from.text();
  if (from.failed() || !from.at_end()) return corrupt("shorter or longer than its fields");
  if (!dialect) return corrupt("unknown dialect");
  reject.dialect = *dialect;
  return ok();
}

template <class View>
View& view_in(RecordView& into) {
  if (!std::holds_alternative<View>(into)) into.emplace<View>();
  return std::get<View>(into);
}

template <class Text, class ScalarType>
void encode_event(const BasicEvent<Text, ScalarType>& event, std::string& out) {
  ByteWriter to(out);
  to.u8(static_cast<uint8_t>(Kind::event));
  to.u8(static_cast<uint8_t>(event.dialect));
  to.u16(event.flags);
  to.u64(event.content_hash);
  to.u8(event.event_time ? 1 : 0);
  if (event.event_time) to.zigzag(to_ms(*event.event_time));
  to.text(event.message_id);
  to.text(event.event);
  to.text(event.user_id);
  to.text(event.anonymous_id);
  to.text(event.previous_id);
  to.text(event.properties);
  to.text(event.context);
  to.text(event.extra);
  SLUICE_ASSERT(event.scalars.size() <= kScalarsMax, "the edge types at most kScalarsMax scalars");
  to.varint(event.scalars.size());
  for (const ScalarType& scalar : event.scalars) encode_scalar(scalar, to);
}

template <class Text>
void encode_reject(const BasicReject<Text>& reject, std::string& out) {
  ByteWriter to(out);
  to.u8(static_cast<uint8_t>(Kind::reject));
  to.u8(static_cast<uint8_t>(reject.dialect));
  to.text(reject.reason);
  to.text(reject.path);
  to.text(std::string_view(reject.raw).substr(0, kRejectRawMax));
  to.text(reject.message_id);
}

}  // namespace

void encode(const Event& event, std::string& out) { encode_event(event, out); }
void encode(const Reject& reject, std::string& out) { encode_reject(reject, out); }
void encode(const EventView& event, std::string& out) { encode_event(event, out); }
void encode(const RejectView& reject, std::string& out) { encode_reject(reject, out); }

Status decode(std::string_view bytes, RecordView& into) {
  ByteReader from(bytes);
  switch (static_cast<Kind>(from.u8())) {
    case Kind::event: return decode_event(from, view_in<EventView>(into));
    case Kind::reject: return decode_reject(from, view_in<RejectView>(into));
  }
  return corrupt("unknown kind");
}

}  // namespace sluice::event
