#include "log/segment_log.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::log {

SegmentLog::SegmentLog(os::Files& files, std::string directory, const DataId& data_id, Options options)
    : files_(files),
      directory_(std::move(directory)),
      data_id_(data_id),
      options_(options),
      catalog_(options.index_spacing_bytes, options.index_entries_max),
      writer_(options.codec, data_id) {}

std::unique_ptr<LogReader> SegmentLog::reader() {
  return std::make_unique<LogReader>(files_, directory_, data_id_, catalog_, options_.index_spacing_bytes);
}

std::optional<Error> SegmentLog::failure() const {
  if (!failed_.load()) return std::nullopt;
  return failure_;
}

// The first reason stays: it is the one to repair.
Error SegmentLog::poison(Error error) {
  if (!failed_.load()) {
    failure_ = std::move(error).in("the log takes no more events until a restart");
    failed_.store(true);
  }
  return failure_;
}

Result<Appended> SegmentLog::append(const std::vector<event::Submission>& submissions, TimeMs wall) {
  if (failed_.load()) return failure_;
  const TimeMs received_at = std::max(catalog_.last_received_at().value_or(wall), wall);
  const FrameWriter::Encoded frame = writer_.encode(submissions, catalog_.synced_end(), received_at);
  SLUICE_CHECK(make_room(frame.bytes.size()));
  if (Status written = active_->write_at(position_, frame.bytes); !written) {
    if (written.error().code != Code::full) return poison(std::move(written).error());
    // A prefix may be there. Without it the file is as it was, and a smaller frame may still fit.
    if (Status cut = active_->truncate(position_); !cut) return poison(std::move(cut).error());
    reserved_ = position_;
    return std::move(written).error();
  }
  if (Status synced = active_->data_sync(); !synced) {
    Error error = std::move(synced).error();
    error.code = Code::io;
    return poison(std::move(error));
  }
  catalog_.publish(frame.header, position_);
  position_ += frame.bytes.size();
  return Appended{frame.header.first, frame.header.end(), received_at, frame.bytes.size()};
}

// Nothing is stored yet: whatever fails here may succeed later, unless it was a sync.
Status SegmentLog::make_room(uint64_t bytes) {
  if (const uint64_t used = catalog_.bytes(); used + bytes > options_.bytes_max) {
    return fail(
        Code::full,
        fmt::format("the log holds {} of at most {} bytes; events are taken again when older ones are processed and dropped",
                    used, options_.bytes_max));
  }
  if (!active_ || (position_ > 0 && position_ + bytes > options_.segment_bytes_max)) SLUICE_CHECK(roll());
  if (position_ + bytes <= reserved_) return ok();
  SLUICE_CHECK(reserve(*active_, reserved_, position_ + bytes));
  reserved_ = SLUICE_TRY(active_->size());
  return ok();
}

Status SegmentLog::check_free_space(uint64_t bytes) {
  const uint64_t free = SLUICE_TRY(files_.free_bytes(directory_));
  if (free >= options_.free_bytes_min + bytes) return ok();
  return fail(Code::full,
              fmt::format("the disk of {} has {} bytes left, of which {} are kept for the store and checkpoints; free some space",
                          directory_, free, options_.free_bytes_min));
}

// Grows `file` from `from` bytes to at least `bytes`, in whole steps.
Status SegmentLog::reserve(os::File& file, uint64_t from, uint64_t bytes) {
  const uint64_t step = options_.reserve_step_bytes;
  const uint64_t target = (bytes + step - 1) / step * step;
  SLUICE_CHECK(check_free_space(target - from));
  Status reserved = file.preallocate(target);
  // A failed attempt may hold on to some blocks, which others now need more.
  if (!reserved) (void)file.truncate(from);
  return reserved;
}

// Opens the next segment. Its size and its name survive before the first frame is written to it; only then is the old one left.
Status SegmentLog::roll() {
  const Offset first = catalog_.synced_end();
  const std::string path = path_of(first);
  SLUICE_CHECK(files_.remove(path));  // of a roll that failed: it never held a frame
  std::unique_ptr<os::File> next = SLUICE_TRY(files_.open(path, os::OpenMode::create_new));
  if (Status reserved = reserve(*next, 0, 1); !reserved) {
    next.reset();
    (void)files_.remove(path);
    return reserved;
  }
  const uint64_t size = SLUICE_TRY(next->size());
  Status synced = next->data_sync();
  if (synced) synced = files_.sync_directory(directory_);
  if (!synced) return poison(std::move(synced).error());
  // The zeros behind the last frame are room that nobody needs any more. If they stay, nobody reads them.
  if (active_) (void)active_->truncate(position_);
  active_ = std::move(next);
  position_ = 0;
  reserved_ = size;
  catalog_.add({.first = first, .bytes = 0, .first_received_at = std::nullopt, .index = {}});
  return ok();
}

Status SegmentLog::drop_before(Offset keep_from) { return remove_segments(catalog_.forget_before(keep_from)); }

Status SegmentLog::retain(const Retention& retention, Offset keep_from, TimeMs now) {
  return remove_segments(catalog_.forget(retention, keep_from, now));
}

// Oldest first, so that what a crash leaves is again a log without a hole.
Status SegmentLog::remove_segments(const std::vector<Offset>& gone) {
  if (gone.empty()) return ok();
  for (const Offset segment : gone) SLUICE_CHECK(files_.remove(path_of(segment)));
  return files_.sync_directory(directory_);
}

}  // namespace sluice::log
