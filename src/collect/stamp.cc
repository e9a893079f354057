#include "collect/stamp.h"

#include "base/bytes.h"
#include "base/rfc3339.h"

namespace sluice::collect {
namespace {

constexpr TimeMs kFirst = std::chrono::sys_days(std::chrono::year(1901) / 1 / 1);
constexpr TimeMs kEnd = std::chrono::sys_days(std::chrono::year(2100) / 1 / 1);

}  // namespace

std::optional<Fault> Stamp::apply(Draft& draft, Arena& arena, uint32_t index) {
  if (auto fault = set_time(draft)) return fault;
  write_content(draft);
  draft.event.content_hash = hash64(content_);
  return set_id(draft, arena, index);
}

std::optional<Fault> Stamp::set_time(Draft& draft) const {
  std::optional<ParsedTime> sent;
  if (!draft.sent_at.empty()) {
    sent = parse_rfc3339(draft.sent_at);
    if (!sent && !draft.sent_at_path.empty()) return Fault{event::reason::kTimestampInvalid, std::string(draft.sent_at_path)};
  }
  if (draft.timestamp.empty()) return std::nullopt;  // the fold fills in received_at
  const auto parsed = parse_rfc3339(draft.timestamp);
  if (!parsed) return Fault{event::reason::kTimestampInvalid, std::string(draft.timestamp_path)};
  TimeMs time = parsed->time;
  if (!parsed->has_zone) draft.event.flags |= event::bit(event::Flag::no_zone);
  if (sent) {
    const DurationMs skew = now_ - sent->time;
    if (skew > kSkewMin || skew < -kSkewMin) {
      time += skew;
      draft.event.flags |= event::bit(event::Flag::clock_corrected);
    }
  }
  if (time < kFirst || time >= kEnd) return Fault{event::reason::kTimestampOutOfRange, std::string(draft.timestamp_path)};
  draft.event.event_time = time;
  return std::nullopt;
}

// Each with its length in front, so that bytes cannot move from one field to the next unseen.
void Stamp::write_content(const Draft& draft) {
  const event::EventView& e = draft.event;
  content_.clear();
  ByteWriter to(content_);
  for (const std::string_view field :
       {e.event, draft.timestamp, e.user_id, e.anonymous_id, e.previous_id, e.properties, e.context}) {
    to.text(field);
  }
}

std::optional<Fault> Stamp::set_id(Draft& draft, Arena& arena, uint32_t index) {
  event::EventView& e = draft.event;
  if (e.message_id.empty()) {
    if (!idempotency_key_.empty()) {
      e.message_id = arena.keep(idempotency_key_ + ":" + std::to_string(index));
    } else if (!draft.timestamp.empty()) {
      const uint32_t ordinal = identical_[hash128(content_)]++;
      ByteWriter to(content_);
      to.text(source_);
      to.varint(ordinal);
      e.message_id = arena.keep(to_hex(hash128(content_)));
      e.flags |= event::bit(event::Flag::derived_id);
    } else {
      e.message_id = arena.keep(entropy_.hex(16));
      e.flags |= event::bit(event::Flag::random_id);
    }
  }
  if (e.message_id.size() <= event::kMessageIdMax) return std::nullopt;
  e.message_id = {};
  return Fault{event::reason::kIdTooLong, std::string(draft.message_id_path)};
}

}  // namespace sluice::collect
