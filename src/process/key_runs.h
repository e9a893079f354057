// key_runs.h - a map from 128-bit keys to two numbers that is larger than memory: deduplication ids and identity links.
//
// Shape   Entries of 32 bytes {key, a, b} go to an open append-only file of at most `open_max` and to a table in memory. A full one is
//         sorted into a run with a filter; runs of like size are merged, eight into one, as long as their arrival times span no more
//         than an hour. Newest entry of a key wins. (LSM with tiering; O'Neil et al., 1996.)
// Promise find() is exact: filters only save reads. flush() makes everything put so far durable; a manifest names files and lengths,
//         and open() with it truncates the open file to that length and ignores what is not named. Old files stay until
//         release(kept manifests) says that no kept checkpoint names them.
// Bounds  Memory: open_max x 32 bytes x ~2, plus filters up to filter_bytes_max; beyond it the oldest filters are dropped: slower, never
//         wrong. Files: dropped whole when newest `a` <= the horizon given to expire().
// Errors  Code::io, Code::corrupt (a run whose checksum does not hold); the caller stops: without its past it cannot be exact.
// Threads One.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/result.h"
#include "os/files.h"

namespace sluice::process {

struct KeyEntry {
  Hash128 key;
  int64_t a = 0;  // deduplication: received_at in ms; links: received_at in ms
  uint64_t b = 0;  // deduplication: content hash; links: offset into the text file
};
static_assert(sizeof(KeyEntry) == 32);

struct KeyRunsOptions {
  size_t open_max = 1'000'000;
  size_t filter_bytes_max = 128 * 1024 * 1024;
  int64_t merge_span_ms = 3'600'000;
  size_t merge_fan_in = 8;
};

class KeyRuns {
 public:
  // `manifest` empty: begin anew (files in `directory` that are not named are removed by release()).
  static Result<std::unique_ptr<KeyRuns>> open(os::Files& files, std::string directory, KeyRunsOptions options,
                                               std::string_view manifest);

  // Brings what find() and put() will look at into the processor's cache; a few calls ahead hides most of their time.
  void prefetch(const Hash128& key) const;
  Result<std::optional<KeyEntry>> find(const Hash128& key);
  Status put(const KeyEntry& entry);
  void expire(int64_t horizon_a) { horizon_ = horizon_a; }
  // Durable up to here; returns the manifest.
  Result<std::string> flush();
  // Removes the files that neither the current state nor any of `manifests` names.
  Status release(const std::vector<std::string>& manifests);

  size_t memory_bytes() const;
  uint64_t entries() const;
  uint64_t run_reads() const { return run_reads_; }  // look-ups that a filter did not save

 private:
  struct Run {
    std::string name;
    std::unique_ptr<os::File> file;
    uint64_t count = 0;
    int64_t oldest = 0;
    int64_t newest = 0;
    uint32_t checksum = 0;
    std::vector<uint64_t> filter;  // empty: dropped for memory
    std::vector<Hash128> fences;  // first key of every block of kBlockEntries
  };
  KeyRuns(os::Files& files, std::string directory, KeyRunsOptions options)
      : files_(files), directory_(std::move(directory)), options_(options) {}

  Status start_open_file();
  Status write_pending();
  Status seal();
  Status merge_if_due();
  void drop_expired();
  void bound_filters();
  Result<Run> write_run(std::vector<KeyEntry> sorted);
  static Run describe(std::string name, std::unique_ptr<os::File> file, const std::vector<KeyEntry>& sorted);
  Result<Run> load_run(std::string name, uint64_t count, uint32_t checksum);
  Result<std::vector<KeyEntry>> read_entries(const os::File& file, uint64_t first, uint64_t count);
  Result<std::optional<KeyEntry>> find_in(const Run& run, const Hash128& key);

  os::Files& files_;
  const std::string directory_;
  const KeyRunsOptions options_;
  std::vector<Run> runs_;  // oldest first
  std::string open_name_;
  std::unique_ptr<os::File> open_file_;
  uint64_t open_written_ = 0;  // entries in the open file
  std::string pending_;  // bytes of entries not yet written
  absl::flat_hash_map<Hash128, std::pair<int64_t, uint64_t>> open_;
  uint64_t next_file_ = 1;
  int64_t horizon_ = INT64_MIN;
  uint64_t run_reads_ = 0;
};

}  // namespace sluice::process
