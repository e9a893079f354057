// frame_fuzz.cc - any bytes as a frame, as a payload under a valid checksum, and as a whole segment file.
//
// The first byte chooses. What is accepted must hold together: records inside the payload, counts that agree, records that either
// decode and encode again or are corrupt.
#include <cstdint>

#include "base/hash.h"
#include "event/record.h"
#include "log/frame_format.h"
#include "log/segment_file.h"

namespace {

using namespace sluice;  // NOLINT: one function
using namespace sluice::log;  // NOLINT

// A file that is the fuzzer's bytes.
class ByteFile final : public os::File {
 public:
  explicit ByteFile(std::string_view bytes) : bytes_(bytes) {}
  Result<std::string> read_at(uint64_t offset, size_t size) const override {
    return std::string(offset < bytes_.size() ? bytes_.substr(static_cast<size_t>(offset), size) : std::string_view());
  }
  Status write_at(uint64_t, std::string_view) override { return fail(Code::io, "read only"); }
  Status data_sync() override { return ok(); }
  Status preallocate(uint64_t) override { return ok(); }
  Status truncate(uint64_t) override { return fail(Code::io, "read only"); }
  Status drop_cache() override { return ok(); }
  Result<uint64_t> size() const override { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

void use(const event::Frame& frame, const FrameHeader& header) {
  SLUICE_ASSERT(frame.records.size() == header.record_count, "as many records as the header says");
  event::RecordView view;
  for (size_t i = 0; i < frame.records.size(); ++i) {
    if (!event::decode(frame.record(i), view)) continue;
    std::string again;
    std::visit([&](const auto& record) { event::encode(record, again); }, view);
    SLUICE_ASSERT(event::decode(again, view).has_value(), "what decodes encodes again");
  }
}

void as_frame(std::string_view bytes) {
  const ParsedHeader parsed = parse_header(bytes, DataId{});
  if (parsed.kind != HeaderKind::frame) return;
  if (const auto frame = open_frame(parsed.header, bytes.substr(kHeaderBytes).substr(0, parsed.header.stored_bytes)))
    use(*frame, parsed.header);
}

void as_payload(std::string_view bytes) {
  if (bytes.size() < 4) return;
  FrameHeader header;
  header.codec = codec_of(static_cast<uint8_t>(bytes[0]) % 3).value_or(Codec::none);
  header.record_count = static_cast<uint8_t>(bytes[1]);
  header.payload_bytes = static_cast<uint32_t>(static_cast<uint8_t>(bytes[2]) << 8 | static_cast<uint8_t>(bytes[3]));
  const std::string_view stored = bytes.substr(4);
  if (header.codec == Codec::none) header.payload_bytes = static_cast<uint32_t>(stored.size());
  header.stored_bytes = static_cast<uint32_t>(stored.size());
  header.payload_crc = crc32c(stored);
  if (const auto frame = open_frame(header, stored)) use(*frame, header);
}

void as_segment(std::string_view bytes) {
  const ByteFile file(bytes);
  const auto scan = scan_segment(file, Offset(0), DataId{}, FrameWalk::Check::payload, 64);
  if (!scan) return;
  SLUICE_ASSERT(scan->bytes + scan->tail_bytes <= bytes.size(), "a scan stays inside its file");
  SLUICE_ASSERT((scan->tail == SegmentScan::Tail::blank) == (scan->tail_bytes == 0), "a tail that is not blank has bytes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0: as_frame(bytes); break;
    case 1: as_payload(bytes); break;
    default: as_segment(bytes); break;
  }
  return 0;
}
