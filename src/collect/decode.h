// decode.h - what the dialects share when they read one event: fields with their types, what is left over, faults.
//
// A dialect's decoder calls begin(), then reads the members it knows with the field readers, then finish(). A fault of JSON
// ends the reading; a field of the wrong type does not, so that the message id of a rejected event is known wherever it stands.
//
// Promise A Draft is either complete (decode returned true) or fault() says why not; then draft().message_id is set if it was
//         read.
// Lives   A Draft points into the event's text and into this object: it is good until the next begin().
// Threads One. Costs one allocation per request, none per usual event.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collect/arena.h"
#include "collect/json_reader.h"
#include "collect/options.h"
#include "collect/typing.h"
#include "event/event.h"

namespace sluice::collect {

// An event as its dialect says it, before it gets its time, id and content hash (stamp.h).
struct Draft {
  event::EventView event;  // message_id, event_time, content_hash and flags are not final
  std::string_view timestamp;  // as sent; "" when absent
  std::string_view timestamp_path;  // where it stood, for a reject
  std::string_view sent_at;
  std::string_view sent_at_path;  // "" when a wrong one is to be ignored
  std::string_view message_id_path = "$.message_id";
};

// A member that the dialect may or may not find a place for.
struct Member {
  std::string_view key;  // with quotes, as sent
  std::string_view value;  // as sent; empty when absent
};

class Decoder {
 public:
  explicit Decoder(const CollectOptions& options) : options_(options), typing_(draft_.event.scalars, arena_) {}
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  void begin(event::Dialect dialect);
  Draft& draft() { return draft_; }
  Arena& arena() { return arena_; }
  JsonReader reader(std::string_view text) { return JsonReader(text, arena_, keys_, options_.depth_max); }

  // Field readers: each passes over one member's value. False: a fault of JSON, in `in`. null means absent.
  bool text_field(JsonReader& in, std::string_view path, std::string_view& into);  // text, else field_type
  bool id_field(JsonReader& in, std::string_view path, std::string_view& into);  // text, or a number's text (R8)
  bool time_field(JsonReader& in, std::string_view path, std::string_view& into);  // text, else timestamp_invalid
  // An object, typed under `prefix`; its bytes as sent go to `into`. Else field_type.
  bool object_field(JsonReader& in, std::string_view path, std::string_view prefix, std::string_view& into);
  bool member_field(JsonReader& in, Member& into);  // anything, kept for later
  bool extra_field(JsonReader& in);  // anything, kept in `extra`

  void keep_extra(const Member& member);
  // Types properties and context again after the dialect put `properties` together itself. Both are known to be valid.
  void retype();
  // The first fault of a field; later ones are dropped, as are all when the JSON itself is at fault.
  void field_fault(std::string_view reason, std::string_view path);
  // Takes the reader's fault when it has one, checks that nothing follows, closes `extra` and the flags. True: no fault.
  bool finish(JsonReader& in, bool fine);
  const Fault& fault() const { return fault_; }

 private:
  const CollectOptions& options_;
  Arena arena_;
  std::vector<std::string_view> keys_;
  Draft draft_;
  Typing typing_;
  std::string extra_;
  Fault fault_;
};

}  // namespace sluice::collect
