// Opening a SegmentLog: what is believed of the files that are found. The promise stands in segment_log.h.
#include <fmt/format.h>

#include "log/segment_log.h"

namespace sluice::log {

Result<std::unique_ptr<SegmentLog>> SegmentLog::open(os::Files& files, std::string directory, const DataId& data_id,
                                                     Options options) {
  std::unique_ptr<SegmentLog> log(new SegmentLog(files, std::move(directory), data_id, options));
  if (Status recovered = log->recover(); !recovered)
    return std::move(recovered).error().in("opening the log in " + log->directory_);
  return log;
}

Result<std::vector<SegmentLog::Found>> SegmentLog::list_segments() {
  SLUICE_CHECK(files_.make_directories(directory_));
  std::vector<Found> found;
  const std::vector<os::Entry> entries = SLUICE_TRY(files_.list(directory_));
  for (const os::Entry& entry : entries) {
    const auto first = segment_of(entry.name);
    if (first && !entry.is_directory) found.push_back({*first, entry.size});
  }
  return found;
}

void SegmentLog::set_read_only(const std::string& reason) {
  if (recovery_.read_only) return;
  recovery_.read_only = true;
  recovery_.reason = reason;
  failure_ = fail(Code::corrupt, "the log is damaged and read-only up to the damage (" + reason +
                                     "); restore it from a copy, or start with an empty data directory");
  failed_.store(true);
}

// Each segment but the last begins with a frame of its name; the first that does not ends what can be used.
Status SegmentLog::check_first_frames(std::vector<Found>& found, std::vector<TimeMs>& first_received_at) {
  for (size_t i = 0; i + 1 < found.size(); ++i) {
    const auto file = SLUICE_TRY(files_.open(path_of(found[i].first), os::OpenMode::read));
    FrameWalk walk(*file, data_id_, 0, found[i].first);
    const auto header = SLUICE_TRY(walk.step(FrameWalk::Check::header));
    if (!header) {
      set_read_only(fmt::format("{}, byte 0: {}", segment_name(found[i].first), walk.stopped_by()));
      found.resize(i);
      return ok();
    }
    first_received_at.push_back(header->received_at);
  }
  return ok();
}

// What comes back from the disk, not what the page cache remembers of writes that may have failed.
Result<SegmentScan> SegmentLog::scan_synced(const Found& segment, std::unique_ptr<os::File>& file) {
  file = SLUICE_TRY(files_.open(path_of(segment.first), os::OpenMode::read_write));
  SLUICE_CHECK(file->data_sync());
  SLUICE_CHECK(file->drop_cache());
  return scan_segment(*file, segment.first, data_id_, FrameWalk::Check::payload, options_.index_spacing_bytes);
}

Status SegmentLog::cut_torn_tail(const SegmentScan& scan, os::File& file) {
  recovery_.bytes_cut = scan.tail_bytes;
  recovery_.reason = scan.reason;
  SLUICE_CHECK(file.truncate(scan.bytes));
  return file.data_sync();
}

// They must go before their predecessor grows past their names.
Status SegmentLog::remove_blank(const std::vector<Found>& blank) {
  if (blank.empty() || recovery_.read_only) return ok();
  for (const Found& segment : blank) SLUICE_CHECK(files_.remove(path_of(segment.first)));
  return files_.sync_directory(directory_);
}

Status SegmentLog::recover() {
  std::vector<Found> found = SLUICE_TRY(list_segments());
  const Offset oldest = found.empty() ? Offset(0) : found.front().first;
  std::vector<TimeMs> first_received_at;
  SLUICE_CHECK(check_first_frames(found, first_received_at));

  // The last segment that holds a frame says where the log ends. One behind it may be blank: a roll made it, a crash left it.
  std::unique_ptr<os::File> file;
  SegmentScan last;
  std::vector<Found> blank;
  while (!found.empty()) {
    last = SLUICE_TRY(scan_synced(found.back(), file));
    if (!recovery_.read_only && last.tail == SegmentScan::Tail::damaged) set_read_only(last.reason);
    if (!blank.empty() && last.end != blank.back().first) {
      set_read_only(fmt::format("{} ends at offset {}, but the next segment begins at {}", segment_name(found.back().first),
                                last.end.value, blank.back().first.value));
    }
    if (!recovery_.read_only && last.tail == SegmentScan::Tail::torn) SLUICE_CHECK(cut_torn_tail(last, *file));
    if (last.frames > 0 || found.size() == 1 || recovery_.read_only) break;
    blank.push_back(found.back());
    found.pop_back();
  }
  SLUICE_CHECK(remove_blank(blank));

  recovery_.frames = last.frames;
  for (size_t i = 0; i + 1 < found.size(); ++i) {
    catalog_.add({.first = found[i].first, .bytes = found[i].file_bytes, .first_received_at = first_received_at[i], .index = {}});
  }
  if (!found.empty()) catalog_.add({found.back().first, last.bytes, last.first_received_at, std::move(last.index)});
  if (!found.empty() && !recovery_.read_only) {
    active_ = std::move(file);
    position_ = last.bytes;
    reserved_ = SLUICE_TRY(active_->size());
  }
  catalog_.opened(found.empty() ? oldest : last.end, last.last_received_at);
  return ok();
}

}  // namespace sluice::log
