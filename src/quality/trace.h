// trace.h - one message id's way: where each copy arrived, what became of it, and why.
//
// Use     app/ runs the three queries and, for what is not in the store yet, reads the frames behind the newest committed position;
//         it hands every copy found to these functions. Nothing found is an answer, too: "not received". A store that is away
//         leaves what waits in the log: told as far as it goes, and marked.
// Promise Pure. Copies in the order of their places.
// Errors  Code::corrupt when a reply is not what the query asked for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "event/position.h"

namespace sluice::quality {

struct Copy {
  enum class Verdict : uint8_t { stored, duplicate, quarantined, pending };
  Verdict verdict = Verdict::pending;
  std::string source;
  event::Place place;
  TimeMs received_at{};
  event::Epoch epoch;  // 0: not folded yet
  std::optional<TimeMs> event_time;  // stored
  std::string event;  // stored
  std::string user_key;  // stored
  std::string reason;  // quarantined
  std::string path;  // quarantined
  bool conflict = false;  // duplicate with other content
  std::optional<TimeMs> first_received_at;  // duplicate: when the stored one came
};
const char* verdict_name(Copy::Verdict verdict);

struct Trace {
  std::string message_id;
  std::vector<Copy> copies;
  bool complete = true;  // false: the store did not answer, so that only copies that wait in the log are told
};

inline constexpr size_t kCopiesMax = 1000;

std::string stored_copies_sql(std::string_view message_id);
std::string duplicate_copies_sql(std::string_view message_id);
std::string quarantined_copies_sql(std::string_view message_id);
// Reply in TabSeparated, appended to `into`.
Status parse_stored_copies(std::string_view reply, std::vector<Copy>& into);
Status parse_duplicate_copies(std::string_view reply, std::vector<Copy>& into);
Status parse_quarantined_copies(std::string_view reply, std::vector<Copy>& into);

void sort_copies(Trace& trace);
std::string trace_text(const Trace& trace);
std::string trace_json(const Trace& trace);  // /api/trace of docs/formats/live-api.md

}  // namespace sluice::quality
