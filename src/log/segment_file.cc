#include "log/segment_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace sluice::log {
namespace {

constexpr size_t kNameDigits = 20;
constexpr std::string_view kSuffix = ".log";
constexpr size_t kWindowBytes = 64_KiB;
constexpr size_t kBlockBytes = 1_MiB;

// True when a header of a later frame starts somewhere in `block`.
bool holds_later_frame(std::string_view block, const DataId& data_id, Offset end) {
  for (size_t at = block.find(kMagic); at != std::string_view::npos; at = block.find(kMagic, at + 1)) {
    const ParsedHeader found = parse_header(block.substr(at), data_id);
    if (found.kind == HeaderKind::frame && found.header.first > end) return true;
  }
  return false;
}

Status examine_tail(const os::File& file, const DataId& data_id, SegmentScan& scan) {
  const uint64_t size = SLUICE_TRY(file.size());
  for (uint64_t at = scan.bytes; at < size; at += kBlockBytes) {
    // Blocks overlap by a header, so that none is missed between two.
    const std::string block = SLUICE_TRY(file.read_at(at, kBlockBytes + kHeaderBytes - 1));
    const size_t last = block.find_last_not_of('\0');
    if (last == std::string::npos) continue;
    scan.tail = SegmentScan::Tail::torn;
    scan.tail_bytes = at + last + 1 - scan.bytes;
    if (holds_later_frame(block, data_id, scan.end)) {
      scan.tail = SegmentScan::Tail::damaged;
      return ok();
    }
  }
  return ok();
}

}  // namespace

std::string segment_name(Offset first) { return fmt::format("{:020}{}", first.value, kSuffix); }

std::optional<Offset> segment_of(std::string_view name) {
  if (name.size() != kNameDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  uint64_t first = 0;
  const char* const end = name.data() + kNameDigits;
  if (const auto [stop, failed] = std::from_chars(name.data(), end, first); failed != std::errc() || stop != end)
    return std::nullopt;
  return Offset(first);
}

// The window is only refilled forward, from `position` on.
Result<std::string_view> FrameWalk::view(uint64_t position, size_t size) {
  if (position < window_at_ || position + size > window_at_ + window_.size()) {
    window_ = SLUICE_TRY(file_.read_at(position, std::max(size, kWindowBytes)));
    window_at_ = position;
  }
  return std::string_view(window_).substr(static_cast<size_t>(position - window_at_)).substr(0, size);
}

Result<std::optional<FrameHeader>> FrameWalk::step(Check check) {
  const auto stop = [&](std::string why) {
    stopped_by_ = std::move(why);
    return std::optional<FrameHeader>();
  };
  const ParsedHeader parsed = parse_header(SLUICE_TRY(view(position_, kHeaderBytes)), data_id_);
  const FrameHeader& header = parsed.header;
  switch (parsed.kind) {
    case HeaderKind::frame: break;
    case HeaderKind::blank: return stop("nothing was written behind it");
    case HeaderKind::damaged: return stop("no valid frame header follows");
    case HeaderKind::other_data:
      return fail(Code::conflict, "the log holds frames of another data directory, not of " + data_id_.text() +
                                      "; put back the log that belongs to this data, or start with an empty data directory");
    case HeaderKind::newer:
      return fail(Code::invalid, "the log holds frames that a newer release wrote; start that release or a later one");
  }
  if (header.first != next_)
    return stop(fmt::format("the next frame starts at offset {} instead of {}", header.first.value, next_.value));
  if (received_at_ && header.received_at < *received_at_) return stop("the next frame arrived earlier than the one before");
  if (check == Check::payload && !payload_is_whole(header, SLUICE_TRY(view(position_ + kHeaderBytes, header.stored_bytes)))) {
    return stop("the next frame is not what was written: its checksum differs");
  }
  position_ += header.frame_bytes();
  next_ = header.end();
  received_at_ = header.received_at;
  return std::optional(header);
}

Result<SegmentScan> scan_segment(const os::File& file, Offset first, const DataId& data_id, FrameWalk::Check check,
                                 size_t index_spacing_bytes) {
  SegmentScan scan;
  FrameWalk walk(file, data_id, 0, first);
  while (true) {
    const IndexEntry here{walk.next(), walk.position()};
    const auto header = SLUICE_TRY(walk.step(check));
    if (!header) break;
    if (scan.index.empty() || here.position - scan.index.back().position >= index_spacing_bytes) scan.index.push_back(here);
    if (scan.frames++ == 0) scan.first_received_at = header->received_at;
    scan.last_received_at = header->received_at;
  }
  scan.bytes = walk.position();
  scan.end = walk.next();
  SLUICE_CHECK(examine_tail(file, data_id, scan));
  if (scan.tail != SegmentScan::Tail::blank) {
    scan.reason = fmt::format("{}, byte {} (offset {}): {}", segment_name(first), scan.bytes, scan.end.value, walk.stopped_by());
  }
  return scan;
}

}  // namespace sluice::log
