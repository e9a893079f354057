// faulty_files.h - a Files for tests that does what it is told to fail at, and otherwise what another Files does.
//
// Faults   fail_data_sync: the nth sync from now is not done and returns Code::io; the bytes stay unsynced.
//          tear_write: the nth write from now stores only its first bytes and returns Code::io.
//          limit_room: writes beyond n more bytes and reservations beyond them return Code::full (a prefix may be written).
//          stop_after: n calls that change something succeed, then every call fails: the end of this machine's disk.
// Crash    lose_unsynced() undoes every write, truncation and reservation since each file's last data_sync, newest first: what
//          a power cut leaves at worst. Names are not undone. Drop all File objects before it.
// Bounds   Remembers what was overwritten since the last sync of each file: tests keep that small.
// Threads  Any. Lives: the inner Files outlives this, this outlives every File it opened.
// Why      A mutex although in os/: readers and the appender of a test run in different threads, and nothing here is hot.
#pragma once

#include <limits>
#include <map>
#include <mutex>
#include <optional>

#include "os/files.h"

namespace sluice::os {

class FaultyFiles final : public Files {
 public:
  static constexpr uint64_t kForever = std::numeric_limits<uint64_t>::max();

  explicit FaultyFiles(Files& inner) : inner_(inner) {}

  // `nth` counts from 1 = the next. Only files whose path contains `path_part` count.
  void fail_data_sync(uint64_t nth, std::string path_part = "");
  void tear_write(uint64_t nth, size_t bytes_kept, std::string path_part = "");
  void limit_room(std::optional<uint64_t> bytes);
  void stop_after(uint64_t changes);
  void heal();  // forgets every fault
  Status lose_unsynced();

  uint64_t changes() const;     // calls so far that change something: as many crash points
  uint64_t data_syncs() const;  // successful ones
  uint64_t bytes_written() const;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<std::vector<Entry>> list(const std::string& directory) override;
  Status make_directories(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Status sync_file_system(const std::string& path) override;
  bool exists(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& path) override;
  Result<std::unique_ptr<Lock>> lock(const std::string& path) override;

 private:
  class FaultyFile;
  struct Undo {  // brings one change back: first the size, then the bytes that were there
    uint64_t size = 0;
    uint64_t offset = 0;
    std::string bytes;
  };
  struct Planned {
    uint64_t nth = 0;  // 0: none
    size_t bytes_kept = 0;
    std::string path_part;
    bool due(const std::string& path);  // counts this call
  };

  Status change(const std::string& what);  // one more changing call; fails once the disk has stopped
  Status alive(const std::string& what) const;
  Status remember(File& file, const std::string& path, uint64_t offset, uint64_t size);
  Status write(File& file, const std::string& path, uint64_t offset, std::string_view bytes);
  Status sync(File& file, const std::string& path);
  Status reserve(File& file, const std::string& path, uint64_t size);
  Status truncate(File& file, const std::string& path, uint64_t size);

  Files& inner_;
  mutable std::mutex mutex_;
  Planned sync_fault_;
  Planned write_fault_;
  std::optional<uint64_t> room_;
  uint64_t changes_left_ = kForever;
  uint64_t changes_ = 0;
  uint64_t data_syncs_ = 0;
  uint64_t bytes_written_ = 0;
  std::map<std::string, std::vector<Undo>> unsynced_;
};

}  // namespace sluice::os
