#include "app/proof.h"

#include <fmt/format.h>

#include <set>

#include "app/frames_ahead.h"
#include "base/json_text.h"
#include "base/rfc3339.h"
#include "quality/ledger_sql.h"

namespace sluice::app {
namespace {

constexpr DurationMs kCommitWait{10'000};
constexpr DurationMs kPoll{20};
constexpr DurationMs kTraceStoreWait{600};   // for all three queries: a trace that takes longer than a second is none
constexpr size_t kRecordLineMax = 64 * 1024;

std::string event_line(const event::EventView& e, std::string_view place, std::string_view received, std::string_view source) {
  std::string line = fmt::format(
      R"({{"place":"{}","received_at":"{}","source":{},"kind":"event","event":{},"message_id":{},"user_id":{},"anonymous_id":{},"event_time":{},"dialect":"{}")",
      place, received, json_string(source), json_string(e.event), json_string(e.message_id), json_string(e.user_id),
      json_string(e.anonymous_id), e.event_time ? json_string(format_rfc3339(*e.event_time)) : "null",
      event::dialect_name(e.dialect));
  if (!e.properties.empty()) line += fmt::format(",\"properties\":{}", e.properties);
  if (!e.context.empty()) line += fmt::format(",\"context\":{}", e.context);
  return line + "}\n";
}

std::string reject_line(const event::RejectView& r, std::string_view place, std::string_view received, std::string_view source) {
  return fmt::format(
             R"({{"place":"{}","received_at":"{}","source":{},"kind":"reject","reason":{},"path":{},"raw":{},"dialect":"{}"}})",
             place, received, json_string(source), json_string(r.reason), json_string(r.path), json_string(r.raw),
             event::dialect_name(r.dialect)) +
         "\n";
}

}  // namespace

Result<std::string> Proof::ask(const std::string& sql, DurationMs timeout) {
  serve::Reply reply = SLUICE_TRY(parts_.queries.query({.sql = sql, .timeout = timeout}));
  return std::move(reply.body);
}

Result<Proof::Ends> Proof::ends() {
  Ends ends;
  const std::vector<process::JournalEntry> cuts =
      SLUICE_TRY(process::Journal::read(parts_.ports.files, parts_.paths.process() + "/cuts", parts_.data_id));
  for (const process::JournalEntry& entry : cuts) {
    if (const auto* cut = std::get_if<process::CutEntry>(&entry)) ends.to[cut->epoch] = event::embedded_offset(cut->to);
  }
  const std::vector<process::JournalEntry> marks =
      SLUICE_TRY(process::Journal::read(parts_.ports.files, parts_.paths.marks(), parts_.data_id));
  ends.marks = process::commits_of(marks);
  for (const process::CommitEntry& mark : ends.marks) ends.committed = std::max(ends.committed, mark.epoch);
  return ends;
}

// The ledger's rows of an epoch are in the store a moment before its commit mark.
Result<Proof::Ends> Proof::wait_for(event::Epoch epoch) {
  const os::MonotonicTime deadline = parts_.ports.clock.monotonic() + kCommitWait;
  for (;;) {
    Ends found = SLUICE_TRY(ends());
    if (found.committed >= epoch || parts_.ports.clock.monotonic() >= deadline) return found;
    parts_.ports.clock.sleep_for(kPoll);
  }
}

Result<quality::LedgerReport> Proof::ledger() {
  quality::LedgerInput input;
  const std::string folded_reply = SLUICE_TRY(ask(quality::folded_sql()));
  quality::Folded folded = SLUICE_TRY(quality::parse_folded(folded_reply));
  const Ends found = SLUICE_TRY(wait_for(folded.as_of));
  input.as_of = folded.as_of;
  input.folded = std::move(folded.rows);
  const std::string stored = SLUICE_TRY(ask(quality::stored_sql(input.as_of)));
  input.stored = SLUICE_TRY(quality::parse_stored(stored));
  const event::Epoch before = found.marks.empty() ? event::Epoch(0) : event::Epoch(found.marks.front().epoch.value - 1);
  const std::string by_epoch = SLUICE_TRY(ask(quality::stored_by_epoch_sql(before, input.as_of)));
  input.stored_by_epoch = SLUICE_TRY(quality::parse_stored_by_epoch(by_epoch));
  std::set<event::Epoch> seen;  // a refold marks an epoch again
  for (const process::CommitEntry& mark : found.marks) {
    if (mark.epoch <= input.as_of && seen.insert(mark.epoch).second)
      input.marks.push_back({mark.epoch, {mark.rows[0], mark.rows[1]}});
  }
  const auto end = found.to.find(input.as_of);
  SLUICE_CHECK(visit_frames(parts_.log, end == found.to.end() ? event::Offset(0) : end->second, [&](const event::Frame& frame) {
    count_frame(frame, input.waiting);
    return true;
  }));
  const std::vector<event::LedgerKey> wanted = quality::unbalanced_at_the_edge(input);
  if (!wanted.empty()) SLUICE_CHECK(count_edge(found, wanted, input.edge));
  return quality::make_report(input);
}

Status Proof::count_edge(const Ends& ends, const std::vector<event::LedgerKey>& minutes, std::vector<quality::EdgeCount>& into) {
  const std::set<event::LedgerKey> wanted(minutes.begin(), minutes.end());
  std::map<std::pair<event::Epoch, event::LedgerKey>, event::LedgerCounts> counts;
  auto epoch = ends.to.begin();
  SLUICE_CHECK(visit_frames(parts_.log, event::Offset(0), [&](const event::Frame& frame) {
    while (epoch != ends.to.end() && epoch->second <= frame.first) ++epoch;
    PerMinute of_frame;
    count_frame(frame, of_frame);
    for (const auto& [key, n] : of_frame) {
      if (wanted.contains(key)) counts[{epoch == ends.to.end() ? event::Epoch(0) : epoch->first, key}] += n;
    }
    return true;
  }));
  for (const auto& [where, n] : counts) into.push_back({where.first, where.second, n.received, n.pending});
  return ok();
}

Result<std::vector<quality::Copy>> Proof::waiting_copies(const std::string& message_id, event::Offset from) {
  std::vector<quality::Copy> waiting;
  event::RecordView record;
  Status damaged = ok();
  SLUICE_CHECK(visit_frames(parts_.log, from, [&](const event::Frame& frame) {
    for (const event::FrameRequest& request : frame.requests) {
      for (uint32_t i = 0; i < request.record_count; ++i) {
        const size_t index = request.first_record + i;
        damaged = event::decode(frame.record(index), record);
        if (!damaged) return false;
        const auto* event = std::get_if<event::EventView>(&record);
        const std::string_view id = event != nullptr ? event->message_id : std::get<event::RejectView>(record).message_id;
        if (id != message_id || waiting.size() >= quality::kCopiesMax) continue;
        quality::Copy copy;
        copy.source = request.manifest.source;
        copy.place = {frame.partition, event::Offset(frame.first.value + index)};
        copy.received_at = frame.received_at;
        if (event != nullptr) copy.event = event->event;
        if (event != nullptr) copy.event_time = event->event_time.value_or(frame.received_at);
        waiting.push_back(std::move(copy));
      }
    }
    return true;
  }));
  SLUICE_CHECK(std::move(damaged));
  return waiting;
}

Status Proof::store_copies(const std::string& message_id, std::vector<quality::Copy>& into) {
  const os::MonotonicTime deadline = parts_.ports.clock.monotonic() + kTraceStoreWait;
  const auto ask_in_time = [&](const std::string& sql) -> Result<std::string> {
    const auto left = std::chrono::duration_cast<DurationMs>(deadline - parts_.ports.clock.monotonic());
    if (left <= DurationMs(0)) return fail(Code::unavailable, "the store is too slow");
    return ask(sql, left);
  };
  const std::string stored = SLUICE_TRY(ask_in_time(quality::stored_copies_sql(message_id)));
  SLUICE_CHECK(quality::parse_stored_copies(stored, into));
  const std::string duplicates = SLUICE_TRY(ask_in_time(quality::duplicate_copies_sql(message_id)));
  SLUICE_CHECK(quality::parse_duplicate_copies(duplicates, into));
  const std::string quarantined = SLUICE_TRY(ask_in_time(quality::quarantined_copies_sql(message_id)));
  return quality::parse_quarantined_copies(quarantined, into);
}

Result<quality::Trace> Proof::trace(const std::string& message_id) {
  quality::Trace trace{message_id, {}};
  const Ends found = SLUICE_TRY(ends());
  // The log's tail first, then the store: what is committed in between is found twice, never not at all.
  const auto end = found.to.find(found.committed);
  std::vector<quality::Copy> waiting =
      SLUICE_TRY(waiting_copies(message_id, end == found.to.end() ? event::Offset(0) : end->second));
  Status asked = store_copies(message_id, trace.copies);
  if (!asked) {
    const bool away = asked.error().code == Code::unavailable || asked.error().code == Code::unknown;
    if (!away) return std::move(asked).error();
    if (waiting.empty()) {
      return fail(
          Code::unavailable,
          "no copy waits in the log, and the store, which has the others, does not answer now; ask again in some seconds");
    }
    trace.complete = false;
  }
  std::set<event::Place> known;
  for (const quality::Copy& copy : trace.copies) known.insert(copy.place);
  for (quality::Copy& copy : waiting) {
    if (known.insert(copy.place).second) trace.copies.push_back(std::move(copy));
  }
  quality::sort_copies(trace);
  return trace;
}

Result<std::string> log_records(log::SegmentLog& log, event::Offset from, uint64_t limit) {
  std::string out;
  event::RecordView record;
  Status damaged = ok();
  SLUICE_CHECK(visit_frames(log, from, [&](const event::Frame& frame) {
    for (const event::FrameRequest& request : frame.requests) {
      for (uint32_t i = 0; i < request.record_count; ++i) {
        const size_t index = request.first_record + i;
        const event::Place place{frame.partition, event::Offset(frame.first.value + index)};
        if (place.offset < from) continue;
        if (limit-- == 0) return false;
        damaged = event::decode(frame.record(index), record);
        if (!damaged) return false;
        const std::string received = format_rfc3339(frame.received_at);
        std::string line =
            std::holds_alternative<event::EventView>(record)
                ? event_line(std::get<event::EventView>(record), place.text(), received, request.manifest.source)
                : reject_line(std::get<event::RejectView>(record), place.text(), received, request.manifest.source);
        if (line.size() > kRecordLineMax) {
          line = fmt::format(R"({{"place":"{}","received_at":"{}","source":{},"bytes":{}}})", place.text(), received,
                             json_string(request.manifest.source), frame.record(index).size()) +
                 "\n";
        }
        out += line;
        if (limit == 0) return false;
      }
    }
    return true;
  }));
  SLUICE_CHECK(std::move(damaged));
  return out;
}

}  // namespace sluice::app
