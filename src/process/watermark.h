// watermark.h - how far event time has come (semantics R4): per source, and over all of them.
//
// Use     Per record: advance(received_at) and store watermark() with the event; then, when it was stored, moved(...). An epoch that
//         reached the synced end of the log ends with advance(its journaled clock).
// Promise watermark() never decreases. Its value at a record depends on the records before it alone, not on cuts or idle clocks.
// Cost    O(sources) when `now` or a source moves, O(1) otherwise.
// Threads One.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "plan/plan.h"

namespace sluice::process {

class WatermarkClock {
 public:
  struct SourceState {
    std::string name;
    DurationMs disorder{};
    DurationMs idle{};
    TimeMs watermark = kMinusInfinity;  // W(s); kMinusInfinity before its first event
    TimeMs last_received = kMinusInfinity;  // of its last stored, not `future` event
  };

  // Keeps what is known of sources that stay; new ones begin at minus infinity; those that are gone stop counting.
  void configure(const std::vector<plan::Source>& sources);
  void advance(TimeMs now);
  // A stored, not `future` event of that source.
  void moved(size_t source, TimeMs event_time, TimeMs received_at);

  TimeMs now() const { return now_; }
  TimeMs watermark() const { return watermark_; }
  // The watermark that silence alone would bring at that instant.
  TimeMs idle_watermark_at(TimeMs now) const;
  const std::vector<SourceState>& sources() const { return sources_; }
  bool active(const SourceState& source) const { return active_at(source, now_); }
  // Index of the source; nullopt: unknown to the plan.
  std::optional<size_t> index_of(std::string_view name) const;

  void save(ByteWriter& to) const;
  void load(ByteReader& from);

 private:
  static bool active_at(const SourceState& source, TimeMs now);
  TimeMs watermark_at(TimeMs now) const;

  std::vector<SourceState> sources_;
  TimeMs now_ = kMinusInfinity;
  TimeMs watermark_ = kMinusInfinity;
};

}  // namespace sluice::process
