#include "log/log_reader.h"

#include <fmt/format.h>

namespace sluice::log {

Result<std::optional<event::Frame>> LogReader::read(Offset from) {
  const auto spot = catalog_.locate(from);
  if (!spot) {
    if (from < catalog_.begin()) {
      return fail(Code::not_found,
                  fmt::format("offset {} was dropped from the log, which begins at {} now", from.value, catalog_.begin().value));
    }
    return std::optional<event::Frame>();
  }
  auto frame = read_near(*spot, from);
  if (!frame && frame.error().code == Code::not_found) {
    // Retention took the file between the look-up and the opening.
    return fail(Code::not_found, fmt::format("offset {} was just dropped from the log", from.value));
  }
  if (!frame) return std::move(frame).error();
  return std::optional(std::move(*frame));
}

Status LogReader::open_segment(Offset segment) {
  if (file_ && segment_ == segment) return ok();
  file_.reset();
  file_ = SLUICE_TRY(files_.open(os::join(directory_, segment_name(segment)), os::OpenMode::read));
  segment_ = segment;
  next_ = {segment, 0};
  return ok();
}

// The nearest known start of a frame at or before `from`: where we are, or what the index says.
Result<IndexEntry> LogReader::start_near(const Catalog::Spot& spot, Offset from) {
  if (next_.offset == from) return next_;
  if (spot.indexed || from == spot.segment) return spot.nearest;
  SegmentScan scan = SLUICE_TRY(scan_segment(*file_, spot.segment, data_id_, FrameWalk::Check::header, spacing_bytes_));
  IndexEntry nearest = spot.nearest;
  for (const IndexEntry& entry : scan.index) {
    if (entry.offset <= from) nearest = entry;
  }
  catalog_.learn(spot.segment, std::move(scan.index));
  return nearest;
}

Result<event::Frame> LogReader::read_near(const Catalog::Spot& spot, Offset from) {
  SLUICE_CHECK(open_segment(spot.segment));
  const IndexEntry start = SLUICE_TRY(start_near(spot, from));
  FrameWalk walk(*file_, data_id_, start.position, start.offset);
  while (true) {
    const uint64_t position = walk.position();
    const auto header = SLUICE_TRY(walk.step(FrameWalk::Check::header));
    if (!header) {
      return fail(Code::corrupt,
                  fmt::format("the log is damaged: {}, byte {}: offset {} is missing: {}; restore the log from a copy",
                              segment_name(spot.segment), position, walk.next().value, walk.stopped_by()));
    }
    if (from >= header->end()) continue;
    const std::string stored = SLUICE_TRY(file_->read_at(position + kHeaderBytes, header->stored_bytes));
    auto frame = open_frame(*header, stored);
    if (!frame) return std::move(frame).error().in(segment_name(spot.segment));
    next_ = {header->end(), walk.position()};
    return frame;
  }
}

}  // namespace sluice::log
