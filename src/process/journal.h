// journal.h - the epoch journal: everything that is not in the log but that replay must repeat (design 6).
//
// Two journals, one writer each, same format: `cuts` (the processor: plan, swap, cut, job, job_done, listed,
// adopted) and `marks` (the sink: commit).
// Format  docs/formats/journal-v1.md. Entry: length u32, CRC32C u32, then kind u8 and its fields. Files <number>.journal, rolled at
//         kFileBytes; the header names magic, version, data id.
// Bounds  kFileBytes a file; forget() removes those that recovery cannot ask for any more.
// Promise append() returns after fdatasync. A torn last entry is cut at open(); damage before it is Code::corrupt and nothing is
//         skipped. An error of fdatasync poisons: every later append returns it.
// Threads One per journal.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "event/position.h"
#include "os/files.h"
#include "plan/plan.h"
#include "process/tables.h"

namespace sluice::process {

using event::Epoch;
using JobId = StrongId<struct JobTag, uint64_t>;

// From this epoch on (the first that folds with it) the plan of that hash holds.
struct PlanEntry {
  std::string hash;
  Epoch first_epoch;
  bool operator==(const PlanEntry&) const = default;
};
// Epoch e is the whole frames in [from, to). `clock`: the instant to which *now* steps at its end; absent when a closed frame
// still waited for its sync, or `to` was not the synced end.
struct CutEntry {
  Epoch epoch;
  event::Position from;
  event::Position to;
  std::optional<TimeMs> clock;
  std::string plan;
  bool operator==(const CutEntry&) const = default;
};
// A recomputation: windows of one metric version over `events WHERE epoch <= up_to`, states as of `watermark`.
struct JobEntry {
  JobId job;
  std::string metric;
  std::string version;
  std::vector<plan::Span> windows;
  Epoch up_to;
  TimeMs watermark{};
  TimeMs clock{};  // `at` of its revisions
  bool first = false;  // a first computation: its changes are no revisions
  bool restates = false;  // its windows were computed of other rows of a dimension
  bool operator==(const JobEntry&) const = default;
};
struct JobDoneEntry {
  JobId job;
  bool stopped = false;  // it gave up: its windows are dirty again, and its metric rests until the next start
  bool operator==(const JobDoneEntry&) const = default;
};
// Every stored window of a metric version was made dirty once: its first computation is under way or done.
struct ListedEntry {
  std::string metric;
  std::string version;
  Epoch up_to;
  std::vector<plan::Span> windows;
  bool operator==(const ListedEntry&) const = default;
};
// The store has acknowledged every insert of the epoch.
struct CommitEntry {
  Epoch epoch;
  std::array<uint64_t, kAppendTables.size()> rows{};  // per append table, in that order
  bool operator==(const CommitEntry&) const = default;
};
// From this epoch on that plan is shown: each of its definitions that replaces another is complete. A plan that replaces none needs no
// such entry.
struct SwapEntry {
  std::string plan;  // hash
  Epoch first_epoch;
  bool operator==(const SwapEntry&) const = default;
};
// The operator that adopts what was open when a metric version was born was given its stored events of the epochs (after, up_to], those
// from `since` on; then it takes over, or it is given up.
struct AdoptedEntry {
  enum class End : uint8_t { open, takes_over, given_up };
  std::string metric;
  std::string version;
  TimeMs since{};
  Epoch after;
  Epoch up_to;
  End end = End::open;
  bool operator==(const AdoptedEntry&) const = default;
};
using JournalEntry = std::variant<PlanEntry, CutEntry, JobEntry, JobDoneEntry, ListedEntry, CommitEntry, SwapEntry, AdoptedEntry>;

class Journal {
 public:
  static constexpr uint64_t kFileBytes = 8 * 1024 * 1024;
  struct Opened {
    std::unique_ptr<Journal> journal;
    std::vector<JournalEntry> entries;  // all that are kept, in order
    uint64_t bytes_cut = 0;  // of a torn last entry
  };
  static Result<Opened> open(os::Files& files, std::string directory, const std::string& data_id);
  Status append(const JournalEntry& entry);
  // Removes whole files of which nothing is needed: all their epochs lie before `keep_from`, and all their cuts before `log_begin`.
  Status forget(Epoch keep_from, event::Offset log_begin);
  // The first epoch that it still knows; 0 when none.
  Epoch first_epoch() const;
  // All entries, beside a process that appends: changes nothing, and a half-written last entry is not there yet.
  static Result<std::vector<JournalEntry>> read(os::Files& files, const std::string& directory, const std::string& data_id);

 private:
  Journal(os::Files& files, std::string directory, std::string data_id)
      : files_(files), directory_(std::move(directory)), data_id_(std::move(data_id)) {}
  Status start_file(uint64_t number);
  static Result<std::vector<std::string>> list(os::Files& files, const std::string& directory);
  struct Parsed {
    uint64_t whole = 0;  // bytes of header and whole entries
    uint64_t cut = 0;  // bytes of a torn last entry
  };
  static Result<Parsed> parse(std::string_view bytes, const std::string& path, const std::string& data_id, bool last,
                              std::vector<JournalEntry>& entries);

  // What a file is about, as far as forget() asks.
  struct Extent {
    uint64_t number = 0;
    Epoch first;
    Epoch last;
    event::Offset to;  // largest end of its cuts
    void cover(const JournalEntry& entry);
  };

  os::Files& files_;
  const std::string directory_;
  const std::string data_id_;
  std::unique_ptr<os::File> file_;
  uint64_t number_ = 0;
  uint64_t size_ = 0;
  std::vector<Extent> extents_;  // oldest first; the last is of file_
  std::optional<Error> poison_;
};

// The commit marks among them, in order; a refold marks an epoch again.
std::vector<CommitEntry> commits_of(const std::vector<JournalEntry>& entries);
std::string encode_entry(const JournalEntry& entry);  // with length and checksum
Result<JournalEntry> decode_entry(std::string_view body);  // the bytes after them

}  // namespace sluice::process
