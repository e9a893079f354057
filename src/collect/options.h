// options.h - every cap of the edge, with its unit and range. Beyond a cap: a reject with a reason, never more memory.
//
// The cap on the compressed body and on the head belongs to net::ServerOptions; here is what happens behind it.
#pragma once

#include <cstddef>

#include "base/result.h"
#include "base/units.h"
#include "event/batch.h"
#include "event/record.h"

namespace sluice::collect {

struct CollectOptions {
  size_t unpacked_bytes_max = 64_MiB;   // of one decompressed body; 64 KiB to 1 GiB; one such buffer per net thread at a time
  // The same while nobody knows who is asking: a request whose key stands in its body, if anywhere; 64 KiB to unpacked_bytes_max.
  size_t unkeyed_bytes_max = 4_MiB;
  size_t batch_events_max = 10'000;  // events in one request; 1 to 1,000,000
  size_t event_bytes_max = 1_MiB;  // of one event's JSON; 1 KiB to 4 MiB, so that its record always fits a frame
  size_t depth_max = 64;  // brackets of one event, its own included; 33 to 512 (the reader recurses)
};

// Not options, since what is stored must not depend on a setting (R1).
inline constexpr size_t kTypedDepthMax = 32;  // names in the path of a typed scalar (R8)
inline constexpr size_t kTypedScalarsMax = event::kScalarsMax;
inline constexpr size_t kTypedPathBytesMax = 256_KiB;  // of all paths of one event: long names times many scalars would multiply
inline constexpr size_t kSubmissionBytesMax = event::kFrameBytesMax - 64_KiB;  // a request is never split over two frames

// Code::invalid names the option, the value and the range.
Status check(const CollectOptions& options);

}  // namespace sluice::collect
