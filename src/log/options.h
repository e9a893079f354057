// options.h - the bounds of the log; defaults are those of design 5.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bounded_queue.h"
#include "base/units.h"
#include "event/batch.h"
#include "log/codec.h"

namespace sluice::log {

struct Options {
  uint64_t segment_bytes_max = 256_MiB;   // a frame that would pass it opens the next segment; at least one frame each
  uint64_t reserve_step_bytes = 4_MiB;    // room is reserved in such steps
  uint64_t bytes_max = 64_GiB;            // of all frames; beyond it append says Code::full until retention makes room
  uint64_t free_bytes_min = 64_MiB;  // left on the disk for journal, checkpoints and store; below it append says Code::full
  Codec codec = Codec::lz4;  // measured in docs/formats/log-v1.md
  size_t index_spacing_bytes = 64_KiB;  // one entry of the sparse index (16 bytes) per so many bytes of frames
  size_t index_entries_max = 262'144;  // of all segments, 4 MiB; beyond it the oldest segment's index is dropped and read again
};

// What may be forgotten, and only as whole segments behind the oldest kept checkpoint.
struct Retention {
  DurationMs age_max = std::chrono::days(7);
  uint64_t bytes_max = 32_GiB;
};

struct CommitterOptions {
  size_t frame_bytes_target = 1_MiB;  // a frame waits for more until it holds so much,
  DurationMs frame_wait{5};  // or until so long after its first submission was offered
  size_t frame_bytes_max = 4_MiB;  // what waits already is taken along up to so much: fewer syncs when the disk is behind
  size_t frame_requests_max = 16'384;  // and up to so many submissions
  QueueBounds queue{.items_max = 65'536, .bytes_max = 64_MiB};
};

}  // namespace sluice::log
