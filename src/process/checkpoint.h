// checkpoint.h - the fold's state on disk, so that a start replays seconds and not years (design 6.5).
//
// Format  docs/formats/checkpoint-v1.md: magic, version, data id, epoch, position, plan hash, jobs, the fold's snapshot, CRC32C over all.
// Promise publish(): written aside, synced, renamed; kKept newest stay. newest(): the newest that is whole and of this data id, at most
//         `not_after`; unreadable ones are skipped and reported, never deleted here.
// Threads One.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "os/files.h"
#include "process/journal.h"

namespace sluice::process {

struct Checkpoint {
  Epoch epoch;  // state after it
  event::Position position;  // of the next record
  std::string plan;  // hash
  JobId next_job;
  std::optional<JobEntry> running;  // journaled, not done
  std::string snapshot;  // Fold::snapshot
};

class Checkpoints {
 public:
  static constexpr size_t kKept = 3;
  Checkpoints(os::Files& files, std::string directory, std::string data_id)
      : files_(files), directory_(std::move(directory)), data_id_(std::move(data_id)) {}

  Status publish(const Checkpoint& checkpoint);
  Result<std::optional<Checkpoint>> newest(Epoch not_after, std::vector<std::string>& skipped);
  // Later ones describe a future that recovery is about to write anew.
  Status drop_after(Epoch epoch);
  Result<std::vector<Checkpoint>> kept();  // oldest first; those that can be read

 private:
  Result<std::vector<std::pair<Epoch, std::string>>> list();
  Result<Checkpoint> read(const std::string& path);

  os::Files& files_;
  const std::string directory_;
  const std::string data_id_;
};

std::string encode(const Checkpoint& checkpoint, const std::string& data_id);
Result<Checkpoint> decode_checkpoint(std::string_view bytes, const std::string& data_id);

}  // namespace sluice::process
