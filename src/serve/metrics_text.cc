#include "serve/metrics_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/result.h"

namespace sluice::serve {
namespace {

constexpr Family kFamilies[] = {
    {"sluice_build_info", "gauge", "version", "Always 1; the label says which program this is."},
    {"sluice_uptime_seconds", "gauge", "", "Time since the program started."},
    {"sluice_cpu_seconds_total", "counter", "stage", "CPU time, user and system, by stage."},
    {"sluice_memory_bytes", "gauge", "process", "Resident memory of the program (main) and of the store's child (store)."},
    {"sluice_stage_state", "gauge", "stage", "0 ready, 1 starting, 2 degraded."},
    {"sluice_stage_lag_events", "gauge", "stage", "Events that wait in front of the stage."},
    {"sluice_stage_lag_seconds", "gauge", "stage", "How long the oldest of them has waited."},
    {"sluice_connections_open", "gauge", "listener", "Open connections."},
    {"sluice_connections_refused_total", "counter", "listener", "Connections refused because all were taken."},
    {"sluice_requests_total", "counter", "listener", "Requests that reached a handler."},
    {"sluice_bad_requests_total", "counter", "listener", "Requests refused before a handler saw them."},
    {"sluice_requests_not_received_total", "counter", "reason",
     "Requests to collect that are not in the ledger: unknown or missing key, 429, 503."},
    {"sluice_events_received_total", "counter", "source",
     "Events counted at the edge when their frame was synced, since the program started."},
    {"sluice_ledger_received", "gauge", "", "Events received, over all minutes."},
    {"sluice_ledger_stored", "gauge", "", "Events stored, over all minutes."},
    {"sluice_ledger_quarantined", "gauge", "", "Events quarantined, over all minutes."},
    {"sluice_ledger_duplicate", "gauge", "", "Duplicates, counted and not stored, over all minutes."},
    {"sluice_ledger_conflict", "gauge", "", "Duplicates whose content differed; part of the duplicates."},
    {"sluice_ledger_pending", "gauge", "", "Events in the log that the store does not have yet."},
    {"sluice_ledger_missing", "gauge", "", "Received events that are nowhere. Not 0 is an incident: run `sluice ledger`."},
    {"sluice_log_end_offset", "gauge", "", "Offset behind the last synced record."},
    {"sluice_log_bytes", "gauge", "", "Bytes of the log's segments."},
    {"sluice_log_frames_total", "counter", "", "Group commits since the program started."},
    {"sluice_log_sync_seconds_total", "counter", "", "Time spent in fdatasync."},
    {"sluice_queue_items", "gauge", "queue", "Items that wait between two stages."},
    {"sluice_queue_bytes", "gauge", "queue", "Bytes that wait between two stages."},
    {"sluice_epoch_folded", "gauge", "", "Newest epoch folded."},
    {"sluice_epoch_committed", "gauge", "", "Newest epoch whose rows the store has acknowledged."},
    {"sluice_watermark_seconds", "gauge", "", "The watermark, seconds since 1970; 0 before the first event."},
    {"sluice_process_state_bytes", "gauge", "", "Memory of windows, ids and links."},
    {"sluice_windows_dirty", "gauge", "", "Windows that wait to be recomputed."},
    {"sluice_definition_keys", "gauge", "definition,version",
     "Open groups of a metric, people known to a funnel or a retention, open sessions."},
    {"sluice_definition_items", "gauge", "definition,version", "Values that a definition keeps in memory."},
    {"sluice_definition_bytes", "gauge", "definition,version", "Memory of a definition, as its budget counts it."},
    {"sluice_definition_bytes_per_key", "gauge", "definition,version", "The same for each of its keys; 0 without one."},
    {"sluice_definition_windows_dirty", "gauge", "definition,version", "Windows of a definition that wait to be recomputed."},
    {"sluice_definition_evictions_total", "counter", "definition,version",
     "Windows that a definition left to jobs, being over its budget."},
    {"sluice_jobs_total", "counter", "", "Recomputations done since the program started."},
    {"sluice_store_restarts_total", "counter", "", "Times the store's child was started again."},
    {"sluice_store_inserts_total", "counter", "", "Inserts that the store acknowledged."},
    {"sluice_store_insert_failures_total", "counter", "", "Inserts that failed or whose fate was unknown."},
    {"sluice_page_streams", "gauge", "", "Open event streams of pages."},
    {"sluice_page_messages_total", "counter", "", "Messages sent to them."},
    {"sluice_page_slow_total", "counter", "", "Times a page was too slow and got fresh snapshots instead of patches."},
    {"sluice_page_queries_total", "counter", "", "Queries run for panels."},
    {"sluice_page_queries_failed_total", "counter", "", "Those that failed; they are repeated."},
    {"sluice_page_query_seconds_total", "counter", "", "Time that they took."},
};

const Family* find_family(std::string_view name) {
  const auto at = std::find_if(std::begin(kFamilies), std::end(kFamilies), [&](const Family& f) { return f.name == name; });
  return at == std::end(kFamilies) ? nullptr : &*at;
}

void append_label_value(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

std::string number_text(double value) {
  // Counters beyond 2^53 lose digits in any reader; below it they are printed whole.
  if (std::floor(value) == value && std::fabs(value) <= 9'007'199'254'740'992.0)
    return fmt::format("{}", static_cast<int64_t>(value));
  return fmt::format("{}", value);
}

}  // namespace

std::span<const Family> metric_families() { return kFamilies; }

void MetricsText::add(std::string_view name, const Labels& labels, double value) {
  const Family* family = find_family(name);
  SLUICE_ASSERT(family != nullptr, "a metric that is not listed in kFamilies and docs/metrics.md");
  SLUICE_ASSERT(++count_ <= kSamplesMax, "more samples than a scrape may hold");
  std::string names;
  std::string line(name);
  for (const auto& [label, text] : labels) {
    names += (names.empty() ? "" : ",") + std::string(label);
    line += line.size() == name.size() ? "{" : ",";
    line += label;
    line += "=\"";
    append_label_value(line, text);
    line += '"';
  }
  SLUICE_ASSERT(names == family->labels, "labels other than the family's");
  if (!labels.empty()) line += '}';
  samples_[std::string(name)] += line + " " + number_text(value) + "\n";
}

std::string MetricsText::text() const {
  std::string out;
  for (const Family& family : kFamilies) {
    const auto at = samples_.find(family.name);
    if (at == samples_.end()) continue;
    out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{3}", family.name, family.help, family.type, at->second);
  }
  return out;
}

std::vector<std::string> MetricsText::unfilled() const {
  std::vector<std::string> names;
  for (const Family& family : kFamilies) {
    if (!samples_.contains(family.name)) names.emplace_back(family.name);
  }
  return names;
}

}  // namespace sluice::serve
