#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "os/descriptor.h"
#include "os/files.h"
#include "os/system_error.h"

namespace sluice::os {
namespace {

// Data is private to the user who runs us.
constexpr mode_t kFileMode = 0600;
constexpr mode_t kFolderMode = 0700;

class RealFile final : public File {
 public:
  RealFile(Descriptor descriptor, std::string path) : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Result<std::string> read_at(uint64_t offset, size_t size) const override {
    std::string bytes(size, '\0');
    size_t done = 0;
    while (done < size) {
      const ssize_t got = ::pread(descriptor_.get(), bytes.data() + done, size - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return error("reading ");
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    bytes.resize(done);
    return bytes;
  }

  Status write_at(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return error("writing ");
      offset += static_cast<uint64_t>(put);
      bytes.remove_prefix(static_cast<size_t>(put));
    }
    return ok();
  }

  // Not repeated on any error, EINTR included: the kernel may have marked the failed pages clean.
  Status data_sync() override {
    if (::fdatasync(descriptor_.get()) != 0) return error("syncing ");
    return ok();
  }

  // Only ever grows the file: posix_fallocate never shortens it and leaves written bytes alone.
  Status preallocate(uint64_t size) override {
    if (size == 0) return ok();
    int number = 0;
    do {
      number = ::posix_fallocate(descriptor_.get(), 0, static_cast<off_t>(size));
    } while (number == EINTR);
    if (number != 0) return system_error(number, "reserving room for " + path_);
    return ok();
  }

  Status truncate(uint64_t size) override {
    int result = 0;
    do {
      result = ::ftruncate(descriptor_.get(), static_cast<off_t>(size));
    } while (result != 0 && errno == EINTR);
    if (result != 0) return error("truncating ");
    return ok();
  }

  // Dirty pages stay, so callers sync first.
  Status drop_cache() override {
    const int number = ::posix_fadvise(descriptor_.get(), 0, 0, POSIX_FADV_DONTNEED);
    if (number != 0) return system_error(number, "dropping cached pages of " + path_);
    return ok();
  }

  Result<uint64_t> size() const override {
    struct stat status{};
    if (::fstat(descriptor_.get(), &status) != 0) return error("asking the size of ");
    return static_cast<uint64_t>(status.st_size);
  }

 private:
  Error error(const char* attempt) const { return system_error(errno, attempt + path_); }

  const Descriptor descriptor_;
  const std::string path_;
};

class RealLock final : public Lock {
 public:
  explicit RealLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;  // the lock belongs to the open file description and goes with it
};

Result<Descriptor> open_descriptor(const std::string& path, int flags, const char* attempt) {
  int number = -1;
  do {
    number = ::open(path.c_str(), flags | O_CLOEXEC, kFileMode);
  } while (number < 0 && errno == EINTR);
  if (number < 0) return system_error(errno, attempt + path);
  return Descriptor(number);
}

class RealFiles final : public Files {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_RDONLY;
    if (mode == OpenMode::read_write) flags = O_RDWR;
    if (mode == OpenMode::create_new) flags = O_RDWR | O_CREAT | O_EXCL;
    const char* attempt = mode == OpenMode::create_new ? "creating " : "opening ";
    return std::unique_ptr<File>(std::make_unique<RealFile>(SLUICE_TRY(open_descriptor(path, flags, attempt)), path));
  }

  Result<std::vector<Entry>> list(const std::string& directory) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
    if (!stream) return system_error(errno, "listing " + directory);
    std::vector<Entry> entries;
    while (true) {
      errno = 0;
      const dirent* item = ::readdir(stream.get());  // NOLINT(concurrency-mt-unsafe): each stream has one reader
      if (item == nullptr) break;
      const std::string name = item->d_name;
      if (name == "." || name == "..") continue;
      struct stat status{};
      if (::fstatat(::dirfd(stream.get()), item->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) continue;  // removed while we look
        return system_error(errno, "listing " + join(directory, name));
      }
      entries.push_back({name, S_ISDIR(status.st_mode), static_cast<uint64_t>(status.st_size),
                         int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec});
    }
    if (errno != 0) return system_error(errno, "listing " + directory);
    std::ranges::sort(entries, {}, &Entry::name);
    return entries;
  }

  Status make_directories(const std::string& path) override {
    if (path.empty() || is_directory(path)) return ok();
    const std::string above = parent(path);
    SLUICE_CHECK(make_directories(above));
    if (::mkdir(path.c_str(), kFolderMode) != 0) {
      if (errno == EEXIST && is_directory(path)) return ok();
      return system_error(errno, "making the directory " + path);
    }
    return sync_directory(above);
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_error(errno, "renaming " + from + " to " + to);
    return ok();
  }

  Status remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error(errno, "removing " + path);
    return ok();
  }

  Status remove_tree(const std::string& path) override {
    std::error_code failed;
    std::filesystem::remove_all(path, failed);
    if (failed) return system_error(failed.value(), "removing " + path);
    return ok();
  }

  Status sync_directory(const std::string& path) override {
    const Descriptor folder = SLUICE_TRY(open_descriptor(path, O_RDONLY | O_DIRECTORY, "opening the directory "));
    if (::fsync(folder.get()) != 0) return system_error(errno, "syncing the directory " + path);
    return ok();
  }

  Status sync_file_system(const std::string& path) override {
    const Descriptor any = SLUICE_TRY(open_descriptor(path, O_RDONLY, "opening "));
    if (::syncfs(any.get()) != 0) return system_error(errno, "syncing the file system of " + path);
    return ok();
  }

  bool exists(const std::string& path) override { return ::access(path.c_str(), F_OK) == 0; }

  Result<uint64_t> free_bytes(const std::string& path) override {
    struct statvfs status{};
    if (::statvfs(path.c_str(), &status) != 0) return system_error(errno, "asking the free space of " + path);
    return static_cast<uint64_t>(status.f_bavail) * status.f_frsize;
  }

  Result<std::unique_ptr<Lock>> lock(const std::string& path) override {
    Descriptor file = SLUICE_TRY(open_descriptor(path, O_RDWR | O_CREAT, "opening the lock "));
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return std::unique_ptr<Lock>(std::make_unique<RealLock>(std::move(file)));
    if (errno != EWOULDBLOCK) return system_error(errno, "locking " + path);
    return fail(Code::conflict, "another process holds " + path + "; stop that process or use another directory");
  }

 private:
  static bool is_directory(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  }
};

}  // namespace

std::unique_ptr<Files> real_files() { return std::make_unique<RealFiles>(); }

}  // namespace sluice::os
