// files.h - the port through which disks are touched: few calls, each with its promise about power loss.
//
// Promise written: survives the end of this process, not of the machine. data_sync(): the file's bytes and size survive the
//         machine. A new, renamed or removed *name* survives only after sync_directory() of its folder.
// Errors  Code::io with the system's reason; Code::full for ENOSPC and EDQUOT; Code::not_found; Code::conflict (locked).
//         After data_sync() failed nothing may be believed of the file's cached pages: callers poison themselves, never retry.
// Threads A File is used by one thread at a time, except read_at, which any thread may call. Files: any.
// Why     Few calls, so that a simulator can tear, lose and fail each of them. Source: Rebello et al., ATC 2020.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::os {

class File {
 public:
  virtual ~File() = default;
  // Up to `size` bytes at `offset`, fewer at the end of the file.
  virtual Result<std::string> read_at(uint64_t offset, size_t size) const = 0;
  // All of `bytes`, or an error; after an error any prefix may have been written.
  virtual Status write_at(uint64_t offset, std::string_view bytes) = 0;
  virtual Status data_sync() = 0;
  // Reserves room without changing what is read before `size`; the file reads as zeros there.
  virtual Status preallocate(uint64_t size) = 0;
  virtual Status truncate(uint64_t size) = 0;
  // Asks the system to forget cached pages, so that the next read comes from the disk. Best effort.
  virtual Status drop_cache() = 0;
  virtual Result<uint64_t> size() const = 0;
};

enum class OpenMode { read, read_write, create_new /* fails with conflict when the name exists */ };

// Held until destroyed; the end of the process releases it.
class Lock {
 public:
  virtual ~Lock() = default;
};

struct Entry {
  std::string name;  // without its folder
  bool is_directory = false;
  uint64_t size = 0;
  int64_t modified_ns = 0;  // since 1970, by the file system's clock
};

class Files {
 public:
  virtual ~Files() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Result<std::vector<Entry>> list(const std::string& directory) = 0;  // sorted by name
  // With all folders above it; each new name is synced, so a tree that was made here survives.
  virtual Status make_directories(const std::string& path) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;  // replaces `to`
  virtual Status remove(const std::string& path) = 0;  // a file; absent is not an error
  virtual Status remove_tree(const std::string& path) = 0;
  virtual Status sync_directory(const std::string& path) = 0;
  // Everything of the file system that holds `path` (syncfs): for foreign writers such as the store's DDL.
  virtual Status sync_file_system(const std::string& path) = 0;
  virtual bool exists(const std::string& path) = 0;
  virtual Result<uint64_t> free_bytes(const std::string& path) = 0;
  virtual Result<std::unique_ptr<Lock>> lock(const std::string& path) = 0;  // conflict when held elsewhere

  // Whole small files, built on the calls above.
  Result<std::string> read_all(const std::string& path, uint64_t size_max);
  // Written aside, synced, renamed over `path`, folder synced: after success the new content survives, before it the old does.
  Status replace(const std::string& path, std::string_view bytes);
};

std::unique_ptr<Files> real_files();

std::string join(std::string_view directory, std::string_view name);
std::string parent(std::string_view path);

}  // namespace sluice::os
