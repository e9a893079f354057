// frame_format.h - frames as bytes: docs/formats/log-v1.md in code.
//
// Promise decode(encode(x)) == x. No byte is believed before its CRC32C; no length is believed before its bound. A header tells
//         five things apart, because recovery must treat them differently: a frame, room that was never written, damage, a
//         frame of other data, and a frame of a newer release (which must be neither read nor cut off).
// Bounds  Payload <= event::kFrameBytesMax, and stored bytes <= payload: packing that does not pay is not used.
// Threads FrameWriter: one. Functions: any.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "event/batch.h"
#include "event/data_id.h"
#include "log/codec.h"

namespace sluice::log {

using event::DataId;
using event::Offset;

inline constexpr size_t kHeaderBytes = 64;
inline constexpr std::string_view kMagic = "SLOG";
inline constexpr uint16_t kVersion = 1;
// The embedded log has one partition.
inline constexpr event::PartitionId kPartition{0};

struct FrameHeader {
  Offset first;                // of the frame's first record
  uint32_t record_count = 0;   // >= 1
  uint32_t stored_bytes = 0;   // behind the header
  uint32_t payload_bytes = 0;  // unpacked
  Codec codec = Codec::none;
  uint32_t payload_crc = 0;    // CRC32C of the stored bytes
  TimeMs received_at{};
  DataId data_id;

  Offset end() const { return Offset(first.value + record_count); }
  uint64_t frame_bytes() const { return kHeaderBytes + stored_bytes; }
  bool operator==(const FrameHeader&) const = default;
};

enum class HeaderKind { frame, blank, damaged, other_data, newer };

struct ParsedHeader {
  HeaderKind kind = HeaderKind::damaged;
  FrameHeader header;  // meaningful for frame only
};

std::array<char, kHeaderBytes> encode_header(const FrameHeader& header);
// `bytes` shorter than a header are damaged. `expected` is the data id of this log.
ParsedHeader parse_header(std::string_view bytes, const DataId& expected);
bool payload_is_whole(const FrameHeader& header, std::string_view stored);
// Checks, unpacks and cuts into records. Code::corrupt.
Result<event::Frame> open_frame(const FrameHeader& header, std::string_view stored);

// How many bytes a submission takes in a payload, at most.
size_t payload_bytes_max(const event::Submission& submission);

class FrameWriter {
 public:
  FrameWriter(Codec codec, const DataId& data_id) : codec_(codec), data_id_(data_id) {}
  struct Encoded {
    std::string_view bytes;  // header and stored payload; valid until the next encode()
    FrameHeader header;
  };
  // The submissions hold at least one record, and their counts and payload are true (a bug otherwise).
  Encoded encode(const std::vector<event::Submission>& submissions, Offset first, TimeMs received_at);

 private:
  const Codec codec_;
  const DataId data_id_;
  Packer packer_;
  std::string buffer_;  // grows to the largest frame and stays
};

}  // namespace sluice::log
