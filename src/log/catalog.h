// catalog.h - what readers may see of the log: its segments, where frames start in them, and the synced end.
//
// Promise  synced_end() never goes back; every frame below it is on stable storage and stays readable until retention drops it.
//          locate() is O(log segments + log index entries).
// Bounds   index_entries_max entries of 16 bytes over all segments; beyond it the oldest segment forgets its entries.
// Threads  Any. Why a mutex although log/ has no threads of its own: readers and the appender run in different ones; it is held
//          for a binary search once per frame, and never over a file call.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <vector>

#include "log/options.h"
#include "log/segment_file.h"

namespace sluice::log {

class Catalog {
 public:
  Catalog(size_t index_spacing_bytes, size_t index_entries_max)
      : spacing_bytes_(index_spacing_bytes), entries_max_(index_entries_max) {}

  struct Segment {
    Offset first;
    uint64_t bytes = 0;                       // of synced frames; for an old segment the size of its file
    std::optional<TimeMs> first_received_at;  // absent: no frame yet
    std::vector<IndexEntry> index;            // empty: not known yet
  };

  // Segments come in order. The last one grows.
  void add(Segment segment);
  // Once, after the segments that were found: what is synced in them.
  void opened(Offset end, std::optional<TimeMs> last_received_at);
  // A synced frame at the end of the last segment.
  void publish(const FrameHeader& header, uint64_t position);

  struct Spot {
    Offset segment;               // its first offset names its file
    Offset segment_end;           // first offset of the next, or the synced end
    uint64_t segment_bytes = 0;
    IndexEntry nearest;           // the last known frame start at or before what was asked
    bool indexed = false;         // false: nearest is the segment's beginning; learn() can help
  };
  // nullopt: `from` lies before begin() or at or beyond synced_end().
  std::optional<Spot> locate(Offset from) const;
  void learn(Offset segment, std::vector<IndexEntry> index);

  // Removes whole segments from the front and returns their names, oldest first. The last segment that holds a frame stays.
  std::vector<Offset> forget_before(Offset keep_from);
  // Forgets what Retention allows; keep_from protects.
  std::vector<Offset> forget(const Retention& retention, Offset keep_from, TimeMs now);

  Offset begin() const;
  Offset synced_end() const { return Offset(synced_end_.load()); }
  std::optional<TimeMs> last_received_at() const;
  uint64_t bytes() const;
  size_t index_entries() const;
  size_t segments() const;

 private:
  bool may_go(size_t count, Offset keep_from) const;  // the first `count` + 1 segments
  void bound_index();

  const size_t spacing_bytes_;
  const size_t entries_max_;
  std::atomic<uint64_t> synced_end_{0};
  mutable std::mutex mutex_;
  std::vector<Segment> segments_;  // by first offset
  Offset begin_;
  std::optional<TimeMs> last_received_at_;
  size_t entries_ = 0;
};

}  // namespace sluice::log
