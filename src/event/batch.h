// batch.h - what travels between the stages: requests toward the log, frames from it.
//
// Submission  one HTTP request's records, on their way into the log. Never split over two frames.
// Manifest    the edge's own count of that request; it goes into the frame and is the "received" of the ledger (R12).
// Frame       one group commit, decoded: every record has the frame's arrival clock.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "event/position.h"

namespace sluice::event {

inline constexpr size_t kFrameBytesMax = 16 * 1024 * 1024;  // of a frame's payload before compression

struct Manifest {
  std::string source;
  uint32_t received = 0;  // = accepted + rejected; a body rejected whole counts as one
  uint32_t accepted = 0;
  uint32_t rejected = 0;
  bool operator==(const Manifest&) const = default;
};

struct Submission {
  Manifest manifest;
  std::string records;          // encoded one after another, each with a varint length in front
  uint32_t record_count = 0;    // = accepted + rejected
};

struct FrameRequest {
  Manifest manifest;
  uint32_t first_record = 0;    // index into Frame::records
  uint32_t record_count = 0;
};

struct Frame {
  PartitionId partition;
  Offset first;                              // of record 0
  TimeMs received_at{};                      // the frame's arrival clock; never smaller than that of the frame before
  std::string payload;                       // decompressed
  std::vector<FrameRequest> requests;
  struct Extent {  // of one encoded record within payload: survives moving the frame, a view would not
    uint32_t at = 0;
    uint32_t size = 0;
  };
  std::vector<Extent> records;  // in offset order

  std::string_view record(size_t index) const { return std::string_view(payload).substr(records[index].at, records[index].size); }
  Offset end() const { return Offset(first.value + records.size()); }
};

// What the committer tells the edge once the frame that holds a submission is synced.
struct Receipt {
  Place first;  // place of the submission's first record
  TimeMs received_at{};
};

// A frame's payload: the manifests, then the records. Section "Payload" of docs/formats/log-v1.md.
std::string encode_payload(const std::vector<Submission>& submissions);
// Fills requests and records of `frame` from frame.payload; false when the payload is not one (the log says corrupt).
bool decode_payload(Frame& frame);

}  // namespace sluice::event
