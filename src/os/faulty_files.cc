#include "os/faulty_files.h"

#include <algorithm>

namespace sluice::os {
namespace {

Error injected(Code code, const std::string& what) { return fail(code, what + ": failed on purpose by the test"); }

}  // namespace

class FaultyFiles::FaultyFile final : public File {
 public:
  FaultyFile(FaultyFiles& files, std::unique_ptr<File> inner, std::string path)
      : files_(files), inner_(std::move(inner)), path_(std::move(path)) {}

  Result<std::string> read_at(uint64_t offset, size_t size) const override {
    {
      const std::lock_guard lock(files_.mutex_);
      SLUICE_CHECK(files_.alive("reading " + path_));
    }
    return inner_->read_at(offset, size);
  }
  Status write_at(uint64_t offset, std::string_view bytes) override { return files_.write(*inner_, path_, offset, bytes); }
  Status data_sync() override { return files_.sync(*inner_, path_); }
  Status preallocate(uint64_t size) override { return files_.reserve(*inner_, path_, size); }
  Status truncate(uint64_t size) override { return files_.truncate(*inner_, path_, size); }
  Status drop_cache() override { return inner_->drop_cache(); }
  Result<uint64_t> size() const override { return inner_->size(); }

 private:
  FaultyFiles& files_;
  const std::unique_ptr<File> inner_;
  const std::string path_;
};

bool FaultyFiles::Planned::due(const std::string& path) {
  if (nth == 0 || path.find(path_part) == std::string::npos) return false;
  return --nth == 0;
}

void FaultyFiles::fail_data_sync(uint64_t nth, std::string path_part) {
  const std::lock_guard lock(mutex_);
  sync_fault_ = {nth, 0, std::move(path_part)};
}
void FaultyFiles::tear_write(uint64_t nth, size_t bytes_kept, std::string path_part) {
  const std::lock_guard lock(mutex_);
  write_fault_ = {nth, bytes_kept, std::move(path_part)};
}
void FaultyFiles::limit_room(std::optional<uint64_t> bytes) {
  const std::lock_guard lock(mutex_);
  room_ = bytes;
}
void FaultyFiles::stop_after(uint64_t changes) {
  const std::lock_guard lock(mutex_);
  changes_left_ = changes;
}
void FaultyFiles::heal() {
  const std::lock_guard lock(mutex_);
  sync_fault_ = {};
  write_fault_ = {};
  room_.reset();
  changes_left_ = kForever;
}

Status FaultyFiles::lose_unsynced() {
  const std::lock_guard lock(mutex_);
  for (auto& [path, undos] : unsynced_) {
    if (undos.empty() || !inner_.exists(path)) continue;
    const auto file = SLUICE_TRY(inner_.open(path, OpenMode::read_write));
    for (auto undo = undos.rbegin(); undo != undos.rend(); ++undo) {
      SLUICE_CHECK(file->truncate(undo->size));
      SLUICE_CHECK(file->write_at(undo->offset, undo->bytes));
    }
  }
  unsynced_.clear();
  return ok();
}

uint64_t FaultyFiles::changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}
uint64_t FaultyFiles::data_syncs() const {
  const std::lock_guard lock(mutex_);
  return data_syncs_;
}
uint64_t FaultyFiles::bytes_written() const {
  const std::lock_guard lock(mutex_);
  return bytes_written_;
}

Status FaultyFiles::alive(const std::string& what) const {
  if (changes_left_ == 0) return injected(Code::io, what);
  return ok();
}

// Counts down to 0 = stopped. The call that would be one too many fails, and from then on reading fails too.
Status FaultyFiles::change(const std::string& what) {
  SLUICE_CHECK(alive(what));
  ++changes_;
  if (changes_left_ != kForever) --changes_left_;
  return ok();
}

Status FaultyFiles::remember(File& file, const std::string& path, uint64_t offset, uint64_t size) {
  const uint64_t before = SLUICE_TRY(file.size());
  std::string bytes;
  if (offset < before) bytes = SLUICE_TRY(file.read_at(offset, static_cast<size_t>(std::min(size, before - offset))));
  unsynced_[path].push_back({before, offset, std::move(bytes)});
  return ok();
}

Status FaultyFiles::write(File& file, const std::string& path, uint64_t offset, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  SLUICE_CHECK(change("writing " + path));
  SLUICE_CHECK(remember(file, path, offset, bytes.size()));
  if (write_fault_.due(path)) {
    SLUICE_CHECK(file.write_at(offset, bytes.substr(0, write_fault_.bytes_kept)));
    return injected(Code::io, "writing " + path);
  }
  // Room that was reserved is there; only what grows the file needs more.
  const uint64_t size = SLUICE_TRY(file.size());
  const uint64_t needed = offset + bytes.size() > size ? offset + bytes.size() - size : 0;
  if (room_ && needed > *room_) {
    SLUICE_CHECK(file.write_at(
        offset, bytes.substr(0, bytes.size() - static_cast<size_t>(std::min<uint64_t>(needed - *room_, bytes.size())))));
    room_ = 0;
    return injected(Code::full, "writing " + path);
  }
  if (room_) *room_ -= needed;
  bytes_written_ += bytes.size();
  return file.write_at(offset, bytes);
}

Status FaultyFiles::sync(File& file, const std::string& path) {
  const std::lock_guard lock(mutex_);
  SLUICE_CHECK(change("syncing " + path));
  if (sync_fault_.due(path)) return injected(Code::io, "syncing " + path);
  SLUICE_CHECK(file.data_sync());
  unsynced_.erase(path);
  ++data_syncs_;
  return ok();
}

Status FaultyFiles::reserve(File& file, const std::string& path, uint64_t size) {
  const std::lock_guard lock(mutex_);
  SLUICE_CHECK(change("reserving room for " + path));
  const uint64_t before = SLUICE_TRY(file.size());
  const uint64_t needed = size > before ? size - before : 0;
  if (room_ && needed > *room_) return injected(Code::full, "reserving room for " + path);
  if (room_) *room_ -= needed;
  SLUICE_CHECK(remember(file, path, before, 0));
  return file.preallocate(size);
}

Status FaultyFiles::truncate(File& file, const std::string& path, uint64_t size) {
  const std::lock_guard lock(mutex_);
  SLUICE_CHECK(change("truncating " + path));
  const uint64_t before = SLUICE_TRY(file.size());
  SLUICE_CHECK(remember(file, path, size, before > size ? before - size : 0));
  if (room_ && before > size) *room_ += before - size;
  return file.truncate(size);
}

Result<std::unique_ptr<File>> FaultyFiles::open(const std::string& path, OpenMode mode) {
  const std::lock_guard lock(mutex_);
  if (mode == OpenMode::create_new) {
    SLUICE_CHECK(change("creating " + path));
  } else {
    SLUICE_CHECK(alive("opening " + path));
  }
  auto inner = SLUICE_TRY(inner_.open(path, mode));
  return std::unique_ptr<File>(std::make_unique<FaultyFile>(*this, std::move(inner), path));
}

Result<std::vector<Entry>> FaultyFiles::list(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  SLUICE_CHECK(alive("listing " + directory));
  return inner_.list(directory);
}

Status FaultyFiles::make_directories(const std::string& path) {
  const std::lock_guard lock(mutex_);
  SLUICE_CHECK(change("making the directory " + path));
  return inner_.make_directories(path);
}

Status FaultyFiles::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  SLUICE_CHECK(change("renaming " + from));
  SLUICE_CHECK(inner_.rename(from, to));
  unsynced_.erase(to);
  if (auto moved = unsynced_.extract(from)) {
    moved.key() = to;
    unsynced_.insert(std::move(moved));
  }
  return ok();
}

Status FaultyFiles::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  SLUICE_CHECK(change("removing " + path));
  unsynced_.erase(path);
  return inner_.remove(path);
}

Status FaultyFiles::remove_tree(const std::string& path) {
  const std::lock_guard lock(mutex_);
  SLUICE_CHECK(change("removing " + path));
  std::erase_if(unsynced_, [&](const auto& item) { return item.first.starts_with(join(path, "")); });
  return inner_.remove_tree(path);
}

Status FaultyFiles::sync_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  SLUICE_CHECK(change("syncing the directory " + path));
  return inner_.sync_directory(path);
}

Status FaultyFiles::sync_file_system(const std::string& path) {
  const std::lock_guard lock(mutex_);
  SLUICE_CHECK(change("syncing the file system of " + path));
  SLUICE_CHECK(inner_.sync_file_system(path));
  unsynced_.clear();
  return ok();
}

bool FaultyFiles::exists(const std::string& path) { return inner_.exists(path); }

// Within what limit_room left; callers that keep a reserve see the disk as small as it is made.
Result<uint64_t> FaultyFiles::free_bytes(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const uint64_t free = SLUICE_TRY(inner_.free_bytes(path));
  return room_ ? std::min(free, *room_) : free;
}

Result<std::unique_ptr<Lock>> FaultyFiles::lock(const std::string& path) {
  const std::lock_guard lock(mutex_);
  SLUICE_CHECK(alive("locking " + path));
  return inner_.lock(path);
}

}  // namespace sluice::os
