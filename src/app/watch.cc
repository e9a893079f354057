#include "app/watch.h"

#include <fmt/format.h>

#include <cmath>

#include "app/trace_line.h"
#include "quality/ledger.h"

namespace sluice::app {
namespace {

constexpr size_t kFramesPerTick = 2000;
constexpr DurationMs kLate{5'000};          // a stage whose oldest event waits longer than this is not ready
constexpr DurationMs kSlowEvery{10'000};
constexpr uint64_t kNotesBytesMax = 64 * 1024;

double seconds(int64_t us) { return static_cast<double>(us) / 1e6; }

}  // namespace

Watch::Watch(Parts parts) : parts_(std::move(parts)), pending_(parts_.log), started_at_(parts_.ports.clock.monotonic()) {}

void Watch::tick() {
  publish_ledger();
  event::LedgerCounts pending = pending_.totals();
  const std::optional<TimeMs> oldest = pending_.oldest();
  serve::Health health = look(pending, oldest ? std::max(DurationMs(0), parts_.ports.clock.wall() - *oldest) : DurationMs(0));
  const serve::StageState state = serve::overall(health);
  {
    const std::lock_guard lock(mutex_);
    const bool first = health_.stages.empty();
    health.since = first || serve::overall(health_) != state ? parts_.ports.clock.wall() : health_.since;
    if (first || serve::overall(health_) != state) {
      std::string why;
      for (const serve::StageHealth& stage : health.stages) {
        if (!stage.why.empty()) why += (why.empty() ? "" : "; ") + stage.name + ": " + stage.why;
      }
      trace_line(parts_.ports.clock, serve::stage_state_name(state), why);
    }
    health_ = health;
  }
  parts_.hub.publish_health(health);
  parts_.hub.tick();
  publish_notes();
  const os::MonotonicTime now = parts_.ports.clock.monotonic();
  if (now < next_slow_) return;
  next_slow_ = now + kSlowEvery;
  retain();
}

void Watch::publish_ledger() {
  const Feed::Newest newest = parts_.feed.newest();
  Status advanced = pending_.advance(newest.to, kFramesPerTick);
  if (!advanced && !std::exchange(damaged_, true)) trace_line(parts_.ports.clock, "log damaged", advanced.error().message);
  if (!newest.open) return;
  event::LedgerCounts totals = newest.totals;
  totals += pending_.totals();
  const int64_t missing = static_cast<int64_t>(totals.received) -
                          static_cast<int64_t>(totals.stored + totals.quarantined + totals.duplicate + totals.pending);
  {
    const std::lock_guard lock(mutex_);
    totals_ = totals;
    missing_ = missing;
  }
  parts_.hub.publish_ledger(totals, missing);
}

serve::Health Watch::look(const event::LedgerCounts& pending, DurationMs oldest) {
  using serve::StageState;
  const PipelineStatus pipeline = parts_.pipeline.status();
  const store::SupervisorState child = parts_.child.state();
  const std::string waiting = quality::thousands(pending.pending) + (pending.pending == 1 ? " event waits" : " events wait") +
                              " in the log, none is lost";
  serve::Health health;
  health.version = parts_.version;

  serve::StageHealth log{"log", StageState::ready, parts_.committer.waiting_items(), {}, ""};
  if (const std::optional<Error> failure = parts_.log.failure()) {
    log.state = StageState::degraded;
    log.why = failure->message;
  } else if (log.why = why_refused(); !log.why.empty()) {
    log.state = StageState::degraded;
  }
  serve::StageHealth store{"store", StageState::ready, 0, {}, ""};
  if (child.phase != store::SupervisorState::Phase::ready) {
    store.state = child.restarts == 0 && !started_ ? StageState::starting : StageState::degraded;
    store.lag_events = pending.pending;
    store.lag = oldest;
    store.why =
        (child.restarts == 0 && !started_ ? "starting" : "restarting") + (pending.pending > 0 ? ": " + waiting : std::string());
  }
  serve::StageHealth process{"process", StageState::ready, pending.pending, oldest, ""};
  if (pipeline.hopeless) {
    process.state = StageState::degraded;
    process.why = pipeline.stopped_by;
  } else if (!pipeline.running) {
    process.state = started_ ? StageState::degraded : StageState::starting;
    process.why = pipeline.stopped_by.empty() ? "opening" : pipeline.stopped_by;
  } else if (!started_ && !parts_.feed.newest().open) {
    process.state = StageState::starting;
    process.why = "making the tables and views";
  } else if (pipeline.process.replaying) {
    process.state = started_ ? StageState::degraded : StageState::starting;
    process.why = "folding again what was not in the newest checkpoint";
  } else if (oldest > kLate) {
    process.state = StageState::degraded;
    process.why = "catching up: " + waiting + (pipeline.stopped_by.empty() ? "" : "; " + pipeline.stopped_by);
  }
  for (const process::MetricProgress& metric : pipeline.process.progress) {
    if (metric.stopped.empty()) continue;
    process.state = StageState::degraded;
    process.why += (process.why.empty() ? "" : "; ") + fmt::format("metric {} stopped: {}", metric.metric, metric.stopped);
  }
  health.stages = {{"collect", log.state, 0, {}, log.why},
                   log,
                   process,
                   store,
                   {"sql", store.state, 0, {}, store.state == StageState::ready ? "" : "the store is away"},
                   {"serve", StageState::ready, 0, {}, ""}};
  if (!started_) {
    started_ = true;
    for (const serve::StageHealth& stage : health.stages) started_ = started_ && stage.state == StageState::ready;
  }
  health.started = started_;
  return health;
}

// Why new events are answered with 429, or will be as soon as the room that the log has reserved is used up; empty: they are not.
std::string Watch::why_refused() {
  const uint64_t refused = parts_.committer.counts().refused_full;
  if (std::exchange(refused_, refused) != refused) refused_at_ = parts_.ports.clock.monotonic();
  const Result<uint64_t> free = parts_.ports.files.free_bytes(parts_.paths.log());
  const uint64_t kept = log::Options{}.free_bytes_min;
  if (free && *free < kept + log::Options{}.reserve_step_bytes) {
    return fmt::format(
        "the disk of {} has {} MiB left, and {} are kept for the store and checkpoints: events are refused with 429; free some "
        "space",
        parts_.paths.root, *free / 1_MiB, kept / 1_MiB);
  }
  if (!refused_at_ || parts_.ports.clock.monotonic() - *refused_at_ > kLate) return "";
  return "more events come than the disk takes: some are refused with 429, to be sent again";
}

void Watch::publish_notes() {
  if (!parts_.ports.files.exists(parts_.paths.notes())) return;
  Result<std::string> text = parts_.ports.files.read_all(parts_.paths.notes(), kNotesBytesMax);
  if (!text || *text == notes_) return;
  notes_ = *text;
  std::vector<std::string> notes;
  for (size_t at = 0; at < notes_.size();) {
    const size_t end = std::min(notes_.find('\n', at), notes_.size());
    if (end > at) notes.push_back(notes_.substr(at, end - at));
    at = end + 1;
  }
  parts_.hub.publish_notes(std::move(notes));
}

void Watch::retain() {
  const log::Retention retention{parts_.plan.log_retention.log_time, parts_.plan.log_retention.log_bytes};
  Status kept = parts_.log.retain(retention, parts_.pipeline.status().oldest_checkpoint, parts_.ports.clock.wall());
  if (!kept) trace_line(parts_.ports.clock, "log retention failed", kept.error().message);
}

namespace {

void fill_definitions(serve::MetricsText& into, const process::ProcessorStatus& status) {
  for (const process::DefinitionLoad& load : status.definitions) {
    const serve::MetricsText::Labels labels{{"definition", load.metric}, {"version", load.version}};
    const auto bytes = static_cast<double>(load.bytes), keys = static_cast<double>(load.keys);
    into.add("sluice_definition_keys", labels, keys);
    into.add("sluice_definition_items", labels, static_cast<double>(load.items));
    into.add("sluice_definition_bytes", labels, bytes);
    into.add("sluice_definition_bytes_per_key", labels, load.keys == 0 ? 0 : std::round(bytes / keys));
    into.add("sluice_definition_windows_dirty", labels, static_cast<double>(load.dirty));
    into.add("sluice_definition_evictions_total", labels, static_cast<double>(load.evictions));
  }
}

}  // namespace

void Watch::fill_metrics(serve::MetricsText& into) {
  const PipelineStatus pipeline = parts_.pipeline.status();
  const store::SupervisorState child = parts_.child.state();
  const log::CommitterCounts log = parts_.committer.counts();
  const collect::CollectCounts collected = parts_.collector.counts();
  const auto number = [](uint64_t n) { return static_cast<double>(n); };
  {
    const std::lock_guard lock(mutex_);
    for (const serve::StageHealth& stage : health_.stages) {
      into.add("sluice_stage_state", {{"stage", stage.name}},
               stage.state == serve::StageState::ready      ? 0
               : stage.state == serve::StageState::starting ? 1
                                                            : 2);
      into.add("sluice_stage_lag_events", {{"stage", stage.name}}, number(stage.lag_events));
      into.add("sluice_stage_lag_seconds", {{"stage", stage.name}}, static_cast<double>(stage.lag.count()) / 1000);
    }
    into.add("sluice_ledger_received", number(totals_.received));
    into.add("sluice_ledger_stored", number(totals_.stored));
    into.add("sluice_ledger_quarantined", number(totals_.quarantined));
    into.add("sluice_ledger_duplicate", number(totals_.duplicate));
    into.add("sluice_ledger_conflict", number(totals_.conflict));
    into.add("sluice_ledger_pending", number(totals_.pending));
    into.add("sluice_ledger_missing", static_cast<double>(missing_));
  }
  into.add("sluice_build_info", {{"version", parts_.version}}, 1);
  into.add("sluice_uptime_seconds", std::chrono::duration<double>(parts_.ports.clock.monotonic() - started_at_).count());
  into.add("sluice_cpu_seconds_total", {{"stage", "process"}}, seconds(pipeline.process_cpu_us));
  into.add("sluice_cpu_seconds_total", {{"stage", "sink"}}, seconds(pipeline.sink_cpu_us));
  into.add("sluice_cpu_seconds_total", {{"stage", "jobs"}}, seconds(pipeline.jobs_cpu_us));
  into.add("sluice_memory_bytes", {{"process", "main"}}, static_cast<double>(parts_.ports.processes.resident_bytes()));
  for (const NamedServer& s : parts_.servers) {
    const net::ServerCounters counters = s.server->counters();
    into.add("sluice_connections_open", {{"listener", s.name}}, number(counters.connections_open));
    into.add("sluice_connections_refused_total", {{"listener", s.name}}, number(counters.connections_refused));
    into.add("sluice_requests_total", {{"listener", s.name}}, number(counters.requests));
    into.add("sluice_bad_requests_total", {{"listener", s.name}}, number(counters.bad_requests));
  }
  const collect::RefusedCounts& refused = collected.refused;
  for (const auto& [reason, n] : {std::pair{"no_key", refused.no_key},
                                  {"unknown_key", refused.unknown_key},
                                  {"full", refused.full},
                                  {"unavailable", refused.unavailable},
                                  {"not_found", refused.not_found},
                                  {"method", refused.method}}) {
    into.add("sluice_requests_not_received_total", {{"reason", reason}}, number(n));
  }
  for (const collect::SourceCounts& source : collected.sources) {
    into.add("sluice_events_received_total", {{"source", source.source}}, number(source.received));
  }
  into.add("sluice_log_end_offset", number(parts_.log.synced_end().value));
  into.add("sluice_log_bytes", number(parts_.log.size_bytes()));
  into.add("sluice_log_frames_total", number(log.frames));
  into.add("sluice_log_sync_seconds_total", seconds(static_cast<int64_t>(log.append_us)));
  into.add("sluice_queue_items", {{"queue", "committer"}}, number(parts_.committer.waiting_items()));
  into.add("sluice_queue_bytes", {{"queue", "committer"}}, number(parts_.committer.waiting_bytes()));
  into.add("sluice_queue_items", {{"queue", "epochs"}}, number(pipeline.process.uncommitted_epochs));
  into.add("sluice_epoch_folded", number(pipeline.process.folded.value));
  into.add("sluice_epoch_committed", number(pipeline.process.committed.value));
  into.add("sluice_watermark_seconds",
           pipeline.process.watermark == kMinusInfinity ? 0 : static_cast<double>(to_ms(pipeline.process.watermark)) / 1000);
  into.add("sluice_process_state_bytes", number(pipeline.process.state_bytes));
  into.add("sluice_windows_dirty", number(pipeline.process.dirty_windows));
  into.add("sluice_jobs_total", number(pipeline.process.jobs_done));
  fill_definitions(into, pipeline.process);
  into.add("sluice_store_restarts_total", number(child.restarts));
  into.add("sluice_store_inserts_total", number(pipeline.sink.inserts));
  into.add("sluice_store_insert_failures_total", number(pipeline.sink.retries));
  const serve::HubCounters hub = parts_.hub.counters();
  into.add("sluice_page_streams", number(hub.subscribers));
  into.add("sluice_page_messages_total", number(hub.messages));
  into.add("sluice_page_slow_total", number(hub.slow));
  into.add("sluice_page_queries_total", number(hub.queries));
  into.add("sluice_page_queries_failed_total", number(hub.queries_failed));
  into.add("sluice_page_query_seconds_total", static_cast<double>(hub.query_time.count()) / 1000);
}

}  // namespace sluice::app
