#include "log/frame_format.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/hash.h"

namespace sluice::log {
namespace {

// Where things stand in a header; all versions keep the magic, the version and the CRC in these places.
constexpr size_t kCrcAt = 60;

Error corrupt(const FrameHeader& header, std::string_view what) {
  return fail(Code::corrupt, "the frame at offset " + std::to_string(header.first.value) + " " + std::string(what));
}

// A wrong count would make an acknowledged frame unreadable, so it is found before the frame is written.
uint64_t count_records(const std::vector<event::Submission>& submissions) {
  uint64_t total = 0;
  for (const event::Submission& s : submissions) {
    ByteReader from(s.records);
    uint32_t count = 0;
    for (; !from.at_end() && !from.failed(); ++count) from.text();
    SLUICE_ASSERT(!from.failed() && count == s.record_count, "a submission counts its records");
    total += count;
  }
  return total;
}

}  // namespace

std::array<char, kHeaderBytes> encode_header(const FrameHeader& header) {
  std::string bytes;
  bytes.reserve(kHeaderBytes);
  ByteWriter to(bytes);
  to.raw(kMagic);
  to.u16(kVersion);
  to.u8(static_cast<uint8_t>(header.codec));
  to.u8(0);
  to.u64(header.first.value);
  to.u32(header.record_count);
  to.u32(header.stored_bytes);
  to.u32(header.payload_bytes);
  to.u32(header.payload_crc);
  to.i64(to_ms(header.received_at));
  to.fixed(header.data_id.bytes);
  to.u32(0);
  to.u32(crc32c(bytes));
  SLUICE_ASSERT(bytes.size() == kHeaderBytes, "the fields fill the header");
  std::array<char, kHeaderBytes> out{};
  std::ranges::copy(bytes, out.begin());
  return out;
}

ParsedHeader parse_header(std::string_view bytes, const DataId& expected) {
  if (bytes.size() < kHeaderBytes) return {};
  bytes = bytes.substr(0, kHeaderBytes);
  if (bytes.find_first_not_of('\0') == std::string_view::npos) return {HeaderKind::blank, {}};
  ByteReader crc(bytes.substr(kCrcAt));
  if (!bytes.starts_with(kMagic) || crc.u32() != crc32c(bytes.substr(0, kCrcAt))) return {};
  ByteReader from(bytes.substr(kMagic.size()));
  const uint16_t version = from.u16();
  const auto codec = codec_of(from.u8());
  const uint8_t spare = from.u8();
  FrameHeader header;
  header.first = Offset(from.u64());
  header.record_count = from.u32();
  header.stored_bytes = from.u32();
  header.payload_bytes = from.u32();
  header.payload_crc = from.u32();
  header.received_at = time_ms(from.i64());
  header.data_id.bytes = from.fixed<std::array<uint8_t, 16>>();
  if (version != kVersion || !codec || spare != 0 || from.u32() != 0) return {HeaderKind::newer, {}};
  if (header.data_id != expected) return {HeaderKind::other_data, {}};
  header.codec = *codec;
  const bool bounded = header.record_count >= 1 && header.record_count <= header.payload_bytes &&
                       header.payload_bytes <= event::kFrameBytesMax && header.stored_bytes <= header.payload_bytes &&
                       header.first.value <= UINT64_MAX - header.record_count;
  return {bounded ? HeaderKind::frame : HeaderKind::damaged, header};
}

bool payload_is_whole(const FrameHeader& header, std::string_view stored) {
  return stored.size() == header.stored_bytes && crc32c(stored) == header.payload_crc;
}

Result<event::Frame> open_frame(const FrameHeader& header, std::string_view stored) {
  if (!payload_is_whole(header, stored)) return corrupt(header, "is not what was written: its checksum differs");
  event::Frame frame;
  frame.partition = kPartition;
  frame.first = header.first;
  frame.received_at = header.received_at;
  auto payload = unpack(header.codec, stored, header.payload_bytes);
  if (!payload) return corrupt(header, "has a valid checksum, but " + payload.error().message);
  frame.payload = std::move(*payload);
  if (!event::decode_payload(frame)) return corrupt(header, "has a valid checksum, but its payload is none");
  if (frame.records.size() != header.record_count) return corrupt(header, "has a valid checksum, but another number of records");
  return frame;
}

// Five varints of at most 5 bytes (the source's length is one of them), and the count of requests once per frame.
size_t payload_bytes_max(const event::Submission& submission) {
  return submission.records.size() + submission.manifest.source.size() + 25;
}

FrameWriter::Encoded FrameWriter::encode(const std::vector<event::Submission>& submissions, Offset first, TimeMs received_at) {
  const uint64_t records = count_records(submissions);
  const std::string payload = event::encode_payload(submissions);
  SLUICE_ASSERT(records >= 1 && records <= UINT32_MAX, "a frame holds records");
  SLUICE_ASSERT(payload.size() <= event::kFrameBytesMax, "whoever closes frames keeps them within the format's bound");

  const size_t room = kHeaderBytes + std::max(payload.size(), Packer::bound(codec_, payload.size()));
  if (buffer_.size() < room) buffer_.resize(room);
  char* const stored = buffer_.data() + kHeaderBytes;
  FrameHeader header;
  header.first = first;
  header.record_count = static_cast<uint32_t>(records);
  header.payload_bytes = static_cast<uint32_t>(payload.size());
  header.received_at = received_at;
  header.data_id = data_id_;
  header.codec = codec_;
  header.stored_bytes = static_cast<uint32_t>(packer_.pack(codec_, payload, stored));
  if (header.stored_bytes == 0) {
    header.codec = Codec::none;
    header.stored_bytes = header.payload_bytes;
    std::memcpy(stored, payload.data(), payload.size());
  }
  header.payload_crc = crc32c(std::string_view(stored, header.stored_bytes));
  std::ranges::copy(encode_header(header), buffer_.begin());
  return {std::string_view(buffer_.data(), kHeaderBytes + header.stored_bytes), header};
}

}  // namespace sluice::log
