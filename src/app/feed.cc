#include "app/feed.h"

namespace sluice::app {
namespace {

std::vector<serve::SourceWatermark> watermarks(const process::EpochRows& rows) {
  std::vector<serve::SourceWatermark> all;
  for (const process::WatermarkClock::SourceState& source : rows.sources) {
    const bool active = source.last_received != kMinusInfinity && rows.now - source.last_received <= source.idle;
    all.push_back({source.name, source.watermark, active});
  }
  return all;
}

void add_samples(process::EpochRows& rows, serve::Committed& into) {
  for (process::SampleEvent& sample : rows.newest) {
    into.newest.push_back({sample.event_time, sample.received_at, std::move(sample.event), std::move(sample.source),
                           std::move(sample.user_key), std::move(sample.message_id), sample.place,
                           sample.duplicate ? "duplicate" : "stored"});
  }
  for (process::SampleReject& reject : rows.rejects) {
    into.rejects.push_back({std::move(reject.source), reject.received_at, std::move(reject.reason), std::move(reject.path),
                            std::move(reject.raw), std::move(reject.dialect), reject.place});
  }
  const uint64_t seen = rows.counts.stored + rows.counts.duplicate;
  into.more_events = seen - std::min<uint64_t>(seen, rows.newest.size());
  into.more_rejects = rows.counts.quarantined - std::min<uint64_t>(rows.counts.quarantined, rows.rejects.size());
}

}  // namespace

void Feed::show(std::shared_ptr<const plan::Plan> plan) {
  const std::lock_guard lock(mutex_);
  plan_ = std::move(plan);
  newest_.plan = plan_->hash;
  progress_.clear();
}

void Feed::repeat() {
  serve::Committed newest;
  {
    const std::lock_guard lock(mutex_);
    if (!open_) return;
    newest = newest_;
  }
  publish_(std::move(newest));
}

void Feed::opened(serve::Committed newest, event::Offset to) {
  {
    const std::lock_guard lock(mutex_);
    if (newest.epoch >= newest_.epoch) {
      newest.plan = plan_->hash;
      newest_ = newest;
      to_ = std::max(to_, to);
    } else if (open_) {
      return;
    }
    open_ = true;
    newest = newest_;
  }
  publish_(std::move(newest));
}

void Feed::epoch(process::EpochRows rows) {
  serve::Committed committed;
  committed.epoch = rows.epoch;
  committed.clock = rows.now;
  committed.watermark = rows.watermark;
  committed.sources = watermarks(rows);
  committed.totals = rows.totals;
  {
    const std::lock_guard lock(mutex_);
    if (rows.epoch <= newest_.epoch) return;
    committed.plan = plan_->hash;
    newest_ = committed;
    to_ = rows.to;
    if (!open_) return;
  }
  for (process::MetricChange& change : rows.changes) {
    committed.metrics.push_back({change.metric, rows.epoch, std::move(change.rows), {}, change.seen.any, change.seen.newest});
  }
  add_samples(rows, committed);
  publish_(std::move(committed));
}

void Feed::job(const process::JobTask& task, process::JobResult result) {
  serve::Committed committed;
  const plan::Metric& computed = task.definition();
  uint32_t metric = 0;
  {
    const std::lock_guard lock(mutex_);
    committed = newest_;
    const std::vector<plan::Metric>& shown = plan_->metrics;
    while (metric < shown.size() && (shown[metric].name != computed.name || shown[metric].version != computed.version)) ++metric;
    if (metric == shown.size()) return;  // nobody looks at it: it will replace a definition that is shown, or was replaced
  }
  committed.metrics.push_back(
      {metric, task.entry.up_to, std::move(result.rows), std::move(result.revisions), false, kMinusInfinity});
  publish_(std::move(committed));
}

void Feed::progress(const std::string& plan, const std::vector<process::MetricProgress>& progress) {
  serve::Committed committed;
  {
    const std::lock_guard lock(mutex_);
    std::vector<serve::Progress> now;
    for (const process::MetricProgress& p : progress) {
      if (p.total > 0 && p.shown) now.push_back({*p.shown, p.done, p.total});
    }
    if (!open_ || plan != plan_->hash || now == progress_) return;
    progress_ = now;
    committed = newest_;
    committed.progress = std::move(now);
  }
  publish_(std::move(committed));
}

Feed::Newest Feed::newest() {
  const std::lock_guard lock(mutex_);
  return {open_, newest_.epoch, newest_.totals, to_};
}

}  // namespace sluice::app
