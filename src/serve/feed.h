// feed.h - what the page learns when an epoch is committed: plain values from the commit thread to serve.
//
// Promise Published only after the store acknowledged every insert it tells of (design 6.4), in order of epochs: the page never
//         shows what SQL does not have. A finished job is published as one more Committed with the newest epoch: its rows in
//         `metrics` with as_of = the job's E, all else as it was. It may come after a newer epoch: then only its rows are taken.
// Bounds  `newest` and `rejects` are samples of at most kSampleMax; `more` counts the rest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"
#include "event/ledger.h"
#include "event/position.h"
#include "plan/metric_row.h"

namespace sluice::serve {

inline constexpr size_t kSampleMax = 20;

struct SourceWatermark {
  std::string source;
  TimeMs watermark = kMinusInfinity;
  bool active = false;
  bool operator==(const SourceWatermark&) const = default;
};

struct MetricChange {
  uint32_t metric = 0;                    // index into Plan::metrics
  event::Epoch as_of;                     // the rows are computed from events of epochs <= as_of
  std::vector<plan::MetricRow> rows;
  std::vector<plan::Revision> revisions;  // of jobs: what they changed of these rows
  bool events_changed = false;            // an event that passes `where` was stored in this epoch
  // The largest event_time among those events that are not `future`: moves the end of every `over`. Required for a live chart:
  // kMinusInfinity means that there was none.
  TimeMs newest = kMinusInfinity;
};

struct NewEvent {
  TimeMs event_time{};
  TimeMs received_at{};
  std::string event;
  std::string source;
  std::string user_key;
  std::string message_id;
  event::Place place;
  std::string verdict;                    // stored, duplicate
};

struct NewReject {
  std::string source;
  TimeMs received_at{};
  std::string reason;
  std::string path;
  std::string raw;                        // first kRejectRawMax bytes as stored; the page is sent its first 4 KiB
  std::string dialect;
  event::Place place;
};

struct Progress {
  uint32_t metric = 0;
  uint64_t done = 0;
  uint64_t total = 0;
  bool operator==(const Progress&) const = default;
};

struct Committed {
  event::Epoch epoch;
  TimeMs clock{};                         // the epoch's journaled clock: "as of"
  TimeMs watermark = kMinusInfinity;      // W after the epoch
  std::string plan;                       // hash; `metrics` and `progress` index into its metrics
  std::vector<SourceWatermark> sources;
  std::vector<MetricChange> metrics;
  event::LedgerCounts totals;             // over all sources and minutes
  std::vector<NewEvent> newest;
  uint64_t more_events = 0;
  std::vector<NewReject> rejects;
  uint64_t more_rejects = 0;
  std::vector<Progress> progress;  // of metrics whose stored windows are still being computed, or just were (done == total)
};

}  // namespace sluice::serve
