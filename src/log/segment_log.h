// segment_log.h - the durable log of one partition: frames appended in order to segment files, each synced before it is seen.
//
// Promise  append(): returned ok = on stable storage; only then do readers see it. Frame n+1 is written after frame n was synced.
//          received_at of a frame = max(that of the frame before, the wall clock given). Offsets count records without gaps.
// Open     Syncs the last segment, drops its cached pages and validates what comes back. A torn last frame is cut, reported and
//          the cut synced before anything is read or appended. Damage with a later frame behind it is never skipped: the log is
//          read-only up to it and says so in recovery().
// Errors   of append: Code::full (disk, reserve or bytes_max; nothing was stored, later calls may succeed). Code::io: this call
//          failed; after a failed write or sync the log is poisoned, every later call returns the same error and only a restart
//          helps. Code::corrupt: read-only. Of open: Code::conflict: the log belongs to other data. Code::invalid: written by a
//          newer release.
// Bounds   One frame <= event::kFrameBytesMax of payload; index see Catalog; disk by Options and Retention.
// Threads  append: one. drop_before and retain: one at a time. reader(), begin(), synced_end(), failure() and the rest: any; each
//          LogReader: one. What passes between threads is Catalog.
// Lives    Files must outlive this; this must outlive its readers. One process per directory: the caller holds the lock.
// Why      docs/formats/log-v1.md; Rebello et al., ATC 2020 (a failed sync is not retried).
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "log/catalog.h"
#include "log/log_reader.h"
#include "log/options.h"

namespace sluice::log {

// What open() found and did.
struct Recovery {
  uint64_t frames = 0;  // validated: those of the last segment with frames
  uint64_t bytes_cut = 0;  // of a torn last frame; nothing of it was acknowledged
  bool read_only = false;  // damage that must not be cut
  std::string reason;  // of a cut or of read_only, for a person
};

struct Appended {
  Offset first;
  Offset end;
  TimeMs received_at{};
  uint64_t frame_bytes = 0;  // on disk
};

class SegmentLog {
 public:
  static Result<std::unique_ptr<SegmentLog>> open(os::Files& files, std::string directory, const DataId& data_id,
                                                  Options options);

  const Recovery& recovery() const { return recovery_; }

  // One frame, one sync. The submissions hold at least one record in all. Blocking.
  Result<Appended> append(const std::vector<event::Submission>& submissions, TimeMs wall);

  std::unique_ptr<LogReader> reader();
  Offset begin() const { return catalog_.begin(); }  // the oldest record that can be read
  Offset synced_end() const { return catalog_.synced_end(); }  // behind the newest one
  std::optional<TimeMs> last_received_at() const { return catalog_.last_received_at(); }
  uint64_t size_bytes() const { return catalog_.bytes(); }
  const Catalog& catalog() const { return catalog_; }
  std::optional<Error> failure() const;  // why append() cannot succeed again before a restart

  // Removes whole segments whose records all lie before `keep_from`; the newest segment with a frame stays.
  Status drop_before(Offset keep_from);
  Status retain(const Retention& retention, Offset keep_from, TimeMs now);

 private:
  SegmentLog(os::Files& files, std::string directory, const DataId& data_id, Options options);

  struct Found {  // a segment file, as listed
    Offset first;
    uint64_t file_bytes = 0;
  };
  Status recover();
  Result<std::vector<Found>> list_segments();
  Status check_first_frames(std::vector<Found>& found, std::vector<TimeMs>& first_received_at);
  Result<SegmentScan> scan_synced(const Found& segment, std::unique_ptr<os::File>& file);
  Status cut_torn_tail(const SegmentScan& scan, os::File& file);
  Status remove_blank(const std::vector<Found>& blank);
  void set_read_only(const std::string& reason);
  Status make_room(uint64_t bytes);
  Status check_free_space(uint64_t bytes);
  Status reserve(os::File& file, uint64_t from, uint64_t bytes);
  Status roll();
  Error poison(Error error);
  Status remove_segments(const std::vector<Offset>& gone);
  std::string path_of(Offset segment) const { return os::join(directory_, segment_name(segment)); }

  os::Files& files_;
  const std::string directory_;
  const DataId data_id_;
  const Options options_;
  Catalog catalog_;
  FrameWriter writer_;
  Recovery recovery_;
  // Of the appender alone.
  std::unique_ptr<os::File> active_;
  uint64_t position_ = 0;  // behind the last synced frame in active_
  uint64_t reserved_ = 0;  // size of active_: zeros from position_ on
  // Set once: failure_ is written before the flag.
  Error failure_;
  std::atomic<bool> failed_{false};
};

}  // namespace sluice::log
