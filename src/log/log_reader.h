// log_reader.h - reads frames of the log, in any order, cheapest from one to the next.
//
// Promise  Only synced frames. Each frame is checked (CRC32C) each time it is read; what is damaged is never skipped.
// Cost     The next frame: two reads of its file. Any other: O(log n) and a walk over at most index_spacing_bytes of headers; the
//          first look into a segment that was there at open walks it once and keeps its index.
// Errors   Code::not_found: `from` was dropped by retention. Code::corrupt: damaged, with the place. Code::io.
// Threads  One at a time; many readers may read beside the appender. Memory: one frame and one open file each.
// Lives    Files and the log's Catalog must outlive this.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "log/catalog.h"
#include "os/files.h"

namespace sluice::log {

class LogReader {
 public:
  LogReader(os::Files& files, std::string directory, const DataId& data_id, Catalog& catalog, size_t index_spacing_bytes)
      : files_(files),
        directory_(std::move(directory)),
        data_id_(data_id),
        catalog_(catalog),
        spacing_bytes_(index_spacing_bytes) {}

  // The frame that holds `from`; nullopt when it is not synced yet. Ask for frame.end() next.
  Result<std::optional<event::Frame>> read(Offset from);

 private:
  Status open_segment(Offset segment);
  Result<IndexEntry> start_near(const Catalog::Spot& spot, Offset from);
  Result<event::Frame> read_near(const Catalog::Spot& spot, Offset from);

  os::Files& files_;
  const std::string directory_;
  const DataId data_id_;
  Catalog& catalog_;
  const size_t spacing_bytes_;
  std::unique_ptr<os::File> file_;
  Offset segment_;  // of file_
  IndexEntry next_;  // where the frame behind the last one read starts, in file_
};

}  // namespace sluice::log
