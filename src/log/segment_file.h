// segment_file.h - one segment as a row of frames: its name, a walk over it, and what stands behind its last good frame.
//
// Name     <first offset, 20 digits>.log, so that sorting names sorts offsets.
// Walk     FrameWalk goes from frame to frame in one file and stops at the first thing that is no frame in sequence.
// Tail     blank: only zeros follow (reserved room). torn: other bytes, but no frame of this log with a later offset: a write
//          that was cut off, since frame n+1 is written only after frame n is synced. damaged: a later frame follows, so what is
//          broken was once synced; it must not be cut or skipped.
// Errors   Code::io; Code::conflict: frames of other data; Code::invalid: frames of a newer release.
// Threads  One at a time per object; File::read_at is shared.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "log/frame_format.h"
#include "os/files.h"

namespace sluice::log {

struct IndexEntry {  // a frame starts there
  Offset offset;
  uint64_t position = 0;
};

std::string segment_name(Offset first);
std::optional<Offset> segment_of(std::string_view name);

class FrameWalk {
 public:
  // Starts at a known frame: `next` is its offset. Lives: `file` outlives the walk.
  FrameWalk(const os::File& file, const DataId& data_id, uint64_t position, Offset next)
      : file_(file), data_id_(data_id), position_(position), next_(next) {}

  enum class Check { header, payload };  // how much of each frame is read and believed
  // The next frame's header; nullopt when what stands there is no frame that follows the one before.
  Result<std::optional<FrameHeader>> step(Check check);

  uint64_t position() const { return position_; }  // behind the last frame
  Offset next() const { return next_; }  // its end
  const std::string& stopped_by() const { return stopped_by_; }

 private:
  Result<std::string_view> view(uint64_t position, size_t size);

  const os::File& file_;
  const DataId data_id_;
  uint64_t position_;
  Offset next_;
  std::optional<TimeMs> received_at_;
  std::string stopped_by_;
  std::string window_;  // a piece of the file, so that small frames cost no call each
  uint64_t window_at_ = 0;
};

struct SegmentScan {
  enum class Tail { blank, torn, damaged };
  uint64_t bytes = 0;  // of good frames
  Offset end;
  uint64_t frames = 0;
  std::optional<TimeMs> first_received_at;
  std::optional<TimeMs> last_received_at;
  std::vector<IndexEntry> index;
  Tail tail = Tail::blank;
  uint64_t tail_bytes = 0;  // up to the last byte that is not zero
  std::string reason;  // when not blank
};

// Walks a whole segment. Blocking; reads the file once.
Result<SegmentScan> scan_segment(const os::File& file, Offset first, const DataId& data_id, FrameWalk::Check check,
                                 size_t index_spacing_bytes);

}  // namespace sluice::log
