#include "quality/trace.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/rfc3339.h"
#include "base/tab_separated.h"
#include "plan/clickhouse.h"

namespace sluice::quality {
namespace {

using Cells = std::vector<std::optional<std::string>>;

constexpr std::string_view kCommon = "source, toUnixTimestamp64Milli(received_at), log_partition, log_offset, epoch";
constexpr size_t kCommonCells = 5;

std::string copies_sql(std::string_view more, std::string_view table, std::string_view message_id) {
  return fmt::format("SELECT {}, {} FROM sluice.{} WHERE message_id = {} ORDER BY log_partition, log_offset LIMIT {}", kCommon,
                     more, table, plan::clickhouse::quote_text(message_id), kCopiesMax);
}

std::optional<uint64_t> unsigned_cell(const Cells& cells, size_t at) {
  return cells[at] ? parse_unsigned(*cells[at]) : std::nullopt;
}
std::optional<TimeMs> time_cell(const Cells& cells, size_t at) {
  const auto ms = cells[at] ? parse_signed(*cells[at]) : std::nullopt;
  if (!ms) return std::nullopt;
  return time_ms(*ms);
}

template <class Fill>
Status parse_copies(std::string_view reply, size_t more_cells, Copy::Verdict verdict, std::vector<Copy>& into, Fill fill) {
  const Error odd =
      fail(Code::corrupt, fmt::format("the store's reply about {} copies is not what was asked for", verdict_name(verdict)));
  TabSeparatedReader reader(reply);
  Cells cells;
  while (reader.next(cells)) {
    if (cells.size() != kCommonCells + more_cells || !cells[0]) return odd;
    const auto received = time_cell(cells, 1);
    const auto partition = unsigned_cell(cells, 2);
    const auto offset = unsigned_cell(cells, 3);
    const auto epoch = unsigned_cell(cells, 4);
    if (!received || !partition || *partition > UINT16_MAX || !offset || !epoch) return odd;
    Copy copy;
    copy.verdict = verdict;
    copy.source = *cells[0];
    copy.received_at = *received;
    copy.place = {event::PartitionId(static_cast<uint16_t>(*partition)), event::Offset(*offset)};
    copy.epoch = event::Epoch(*epoch);
    if (!fill(cells, copy)) return odd;
    into.push_back(std::move(copy));
  }
  if (reader.failed()) return odd;
  return ok();
}

// The stored copy that a duplicate repeats: the last one of its source before it.
const Copy* original_of(const Trace& trace, const Copy& duplicate) {
  const Copy* original = nullptr;
  for (const Copy& copy : trace.copies) {
    if (copy.verdict != Copy::Verdict::stored || copy.source != duplicate.source || !(copy.place < duplicate.place)) continue;
    if (original == nullptr || original->place < copy.place) original = &copy;
  }
  return original;
}

std::string verdict_text(const Trace& trace, const Copy& copy) {
  switch (copy.verdict) {
    case Copy::Verdict::stored:
      return fmt::format("stored in sluice.events by epoch {}: event {}, event time {}, user key {}", copy.epoch.value,
                         copy.event, copy.event_time ? format_rfc3339(*copy.event_time) : "?", copy.user_key);
    case Copy::Verdict::duplicate: {
      const Copy* original = original_of(trace, copy);
      std::string of = original != nullptr ? "of " + original->place.text() : "of an earlier copy";
      if (copy.first_received_at) of += " received " + format_rfc3339(*copy.first_received_at);
      return fmt::format("duplicate {}: counted by epoch {}, not stored{}", of, copy.epoch.value,
                         copy.conflict ? "; its content differs (conflict)" : "");
    }
    case Copy::Verdict::quarantined:
      return fmt::format("quarantined by epoch {}: {} at {}", copy.epoch.value, copy.reason,
                         copy.path.empty() ? "the whole body" : copy.path);
    case Copy::Verdict::pending: return "pending: safe in the log, not in the store yet";
  }
  return "";
}

}  // namespace

const char* verdict_name(Copy::Verdict verdict) {
  switch (verdict) {
    case Copy::Verdict::stored: return "stored";
    case Copy::Verdict::duplicate: return "duplicate";
    case Copy::Verdict::quarantined: return "quarantined";
    case Copy::Verdict::pending: return "pending";
  }
  return "pending";
}

std::string stored_copies_sql(std::string_view message_id) {
  return copies_sql("toUnixTimestamp64Milli(event_time), event, user_key", "events", message_id);
}
std::string duplicate_copies_sql(std::string_view message_id) {
  return copies_sql("toUnixTimestamp64Milli(first_received_at), conflict", "duplicates", message_id);
}
std::string quarantined_copies_sql(std::string_view message_id) { return copies_sql("reason, path", "quarantine", message_id); }

Status parse_stored_copies(std::string_view reply, std::vector<Copy>& into) {
  return parse_copies(reply, 3, Copy::Verdict::stored, into, [](const Cells& cells, Copy& copy) {
    copy.event_time = time_cell(cells, 5);
    copy.event = cells[6].value_or("");
    copy.user_key = cells[7].value_or("");
    return copy.event_time.has_value();
  });
}

Status parse_duplicate_copies(std::string_view reply, std::vector<Copy>& into) {
  return parse_copies(reply, 2, Copy::Verdict::duplicate, into, [](const Cells& cells, Copy& copy) {
    copy.first_received_at = time_cell(cells, 5);
    const auto conflict = unsigned_cell(cells, 6);
    copy.conflict = conflict.value_or(0) != 0;
    return copy.first_received_at && conflict;
  });
}

Status parse_quarantined_copies(std::string_view reply, std::vector<Copy>& into) {
  return parse_copies(reply, 2, Copy::Verdict::quarantined, into, [](const Cells& cells, Copy& copy) {
    copy.reason = cells[5].value_or("");
    copy.path = cells[6].value_or("");
    return true;
  });
}

void sort_copies(Trace& trace) {
  std::stable_sort(trace.copies.begin(), trace.copies.end(), [](const Copy& a, const Copy& b) { return a.place < b.place; });
}

std::string trace_text(const Trace& trace) {
  if (trace.copies.empty()) {
    return fmt::format(
        "{}: not received. No copy is in the log, in sluice.events, among the duplicates or in quarantine.\n"
        "A request without a known key, or one answered with 429 or 503, is not received: its sender still has it.\n",
        trace.message_id);
  }
  std::string out =
      fmt::format("{}: {} {}\n", trace.message_id, trace.copies.size(), trace.copies.size() == 1 ? "copy" : "copies");
  for (const Copy& copy : trace.copies) {
    out += fmt::format("  {:>12}  {}  {}  {}\n", copy.place.text(), format_rfc3339(copy.received_at), copy.source,
                       verdict_text(trace, copy));
  }
  if (!trace.complete)
    out += "  The store does not answer now: copies that it has already are not listed. Ask again in some seconds.\n";
  return out;
}

std::string trace_json(const Trace& trace) {
  const auto text_or_null = [](const std::string& text) { return text.empty() ? std::string("null") : json_string(text); };
  std::string out = fmt::format(R"({{"id":{},"found":{},"copies":[)", json_string(trace.message_id), !trace.copies.empty());
  for (size_t i = 0; i < trace.copies.size(); ++i) {
    const Copy& copy = trace.copies[i];
    const Copy* original = copy.verdict == Copy::Verdict::duplicate ? original_of(trace, copy) : nullptr;
    out += fmt::format(R"({}{{"source":{},"place":"{}","received_at":{},"verdict":"{}","epoch":{},"event_time":{},)",
                       i > 0 ? "," : "", json_string(copy.source), copy.place.text(), to_ms(copy.received_at),
                       verdict_name(copy.verdict), copy.epoch.value == 0 ? "null" : std::to_string(copy.epoch.value),
                       copy.event_time ? std::to_string(to_ms(*copy.event_time)) : "null");
    out += fmt::format(R"("event":{},"user_key":{},"reason":{},"path":{},"of":{},"conflict":{}}})", text_or_null(copy.event),
                       text_or_null(copy.user_key), text_or_null(copy.reason), text_or_null(copy.path),
                       original != nullptr ? json_string(original->place.text()) : "null", copy.conflict);
  }
  return out + fmt::format("],\"complete\":{}}}", trace.complete);
}

}  // namespace sluice::quality
