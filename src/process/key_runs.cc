#include "process/key_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

namespace sluice::process {
namespace {

constexpr size_t kBlockEntries = 128;    // 4 KiB: one read per look-up that passes a filter
constexpr size_t kEntryBytes = sizeof(KeyEntry);
constexpr size_t kFilterBitsPerKey = 10;
constexpr size_t kFilterBlockWords = 8;  // one line of the processor's cache
constexpr int kFilterProbes = 5;
constexpr size_t kPendingMax = 1 << 20;  // bytes gathered before a write

bool by_key(const KeyEntry& x, const KeyEntry& y) { return x.key < y.key; }

// In order of keys; of equal ones the first stays first. Most of the work is the first pass: what is left to sort fits the cache.
void sort_by_key(std::vector<KeyEntry>& entries) {
  constexpr size_t kBuckets = 1 << 16;
  const auto bucket_of = [](const KeyEntry& e) { return static_cast<size_t>(e.key.low >> 48); };
  std::vector<size_t> ends(kBuckets + 1);
  for (const KeyEntry& e : entries) ++ends[bucket_of(e) + 1];
  for (size_t i = 0; i < kBuckets; ++i) ends[i + 1] += ends[i];
  std::vector<KeyEntry> sorted(entries.size());
  for (const KeyEntry& e : entries) sorted[ends[bucket_of(e)]++] = e;
  for (size_t from = 0, i = 0; i < kBuckets; from = ends[i++]) {
    const auto begin = sorted.begin() + static_cast<ptrdiff_t>(from);
    std::stable_sort(begin, sorted.begin() + static_cast<ptrdiff_t>(ends[i]), by_key);
  }
  entries = std::move(sorted);
}

// Bloom filter whose probes of a key lie in one block (Putze, Sanders and Singler, 2007): the high half says which, the low half the
// bits. At 10 bits a key and 5 probes about 1.5 % false positives.
size_t filter_block(const std::vector<uint64_t>& filter, const Hash128& key) {
  const uint64_t blocks = filter.size() / kFilterBlockWords;  // far below 2^32
  return (blocks * (key.high >> 32) >> 32) * kFilterBlockWords;
}

std::vector<uint64_t> make_filter(const std::vector<KeyEntry>& entries) {
  constexpr size_t kBlockBits = kFilterBlockWords * 64;
  const size_t blocks = std::max<size_t>(1, (entries.size() * kFilterBitsPerKey + kBlockBits - 1) / kBlockBits);
  std::vector<uint64_t> filter(blocks * kFilterBlockWords);
  for (const KeyEntry& e : entries) {
    const size_t block = filter_block(filter, e.key);
    for (int i = 0; i < kFilterProbes; ++i) {
      const size_t at = e.key.low >> (9 * i) & (kBlockBits - 1);
      filter[block + at / 64] |= uint64_t{1} << (at % 64);
    }
  }
  return filter;
}

bool may_hold(const std::vector<uint64_t>& filter, const Hash128& key) {
  const size_t block = filter_block(filter, key);
  for (int i = 0; i < kFilterProbes; ++i) {
    const size_t at = key.low >> (9 * i) & (kFilterBlockWords * 64 - 1);
    if ((filter[block + at / 64] >> (at % 64) & 1) == 0) return false;
  }
  return true;
}

std::string_view as_bytes(const std::vector<KeyEntry>& entries) {
  return {reinterpret_cast<const char*>(entries.data()), entries.size() * kEntryBytes};
}

}  // namespace

Result<std::unique_ptr<KeyRuns>> KeyRuns::open(os::Files& files, std::string directory, KeyRunsOptions options,
                                               std::string_view manifest) {
  SLUICE_CHECK(files.make_directories(directory));
  std::unique_ptr<KeyRuns> runs(new KeyRuns(files, std::move(directory), options));
  if (manifest.empty()) {
    SLUICE_CHECK(runs->start_open_file());
    return runs;
  }
  ByteReader from(manifest);
  runs->next_file_ = from.u64();
  runs->open_name_ = std::string(from.text());
  runs->open_written_ = from.u64();
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    std::string name(from.text());
    const uint64_t count = from.u64();
    const uint32_t checksum = from.u32();
    Run run = SLUICE_TRY(runs->load_run(std::move(name), count, checksum));
    runs->runs_.push_back(std::move(run));
  }
  if (from.failed() || !from.at_end()) return fail(Code::corrupt, "manifest of " + runs->directory_);
  runs->open_file_ = SLUICE_TRY(files.open(os::join(runs->directory_, runs->open_name_), os::OpenMode::read_write));
  const std::vector<KeyEntry> entries = SLUICE_TRY(runs->read_entries(*runs->open_file_, 0, runs->open_written_));
  SLUICE_CHECK(runs->open_file_->truncate(runs->open_written_ * kEntryBytes));
  for (const KeyEntry& e : entries) runs->open_[e.key] = {e.a, e.b};
  runs->bound_filters();
  return runs;
}

Status KeyRuns::start_open_file() {
  // A number that a crash left behind is skipped: files are never written twice.
  do {
    open_name_ = fmt::format("{:08}.open", next_file_++);
  } while (files_.exists(os::join(directory_, open_name_)));
  open_file_ = SLUICE_TRY(files_.open(os::join(directory_, open_name_), os::OpenMode::create_new));
  SLUICE_CHECK(files_.sync_directory(directory_));
  open_written_ = 0;
  return ok();
}

void KeyRuns::prefetch(const Hash128& key) const {
  open_.prefetch(key);
  for (const Run& run : runs_) {
    if (!run.filter.empty()) __builtin_prefetch(&run.filter[filter_block(run.filter, key)]);
  }
}

Result<std::optional<KeyEntry>> KeyRuns::find(const Hash128& key) {
  if (const auto it = open_.find(key); it != open_.end()) {
    return std::optional<KeyEntry>(KeyEntry{key, it->second.first, it->second.second});
  }
  for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
    if (!run->filter.empty() && !may_hold(run->filter, key)) continue;
    std::optional<KeyEntry> found = SLUICE_TRY(find_in(*run, key));
    if (found) return found;
  }
  return std::optional<KeyEntry>();
}

Result<std::optional<KeyEntry>> KeyRuns::find_in(const Run& run, const Hash128& key) {
  const auto fence = std::upper_bound(run.fences.begin(), run.fences.end(), key);
  if (fence == run.fences.begin()) return std::optional<KeyEntry>();
  const auto block = static_cast<uint64_t>(fence - run.fences.begin() - 1) * kBlockEntries;
  ++run_reads_;
  const std::vector<KeyEntry> entries =
      SLUICE_TRY(read_entries(*run.file, block, std::min<uint64_t>(kBlockEntries, run.count - block)));
  const auto it = std::lower_bound(entries.begin(), entries.end(), KeyEntry{key, 0, 0}, by_key);
  if (it == entries.end() || it->key != key) return std::optional<KeyEntry>();
  return std::optional<KeyEntry>(*it);
}

Status KeyRuns::put(const KeyEntry& entry) {
  open_[entry.key] = {entry.a, entry.b};
  pending_.append(reinterpret_cast<const char*>(&entry), kEntryBytes);
  if (pending_.size() >= kPendingMax) SLUICE_CHECK(write_pending());
  if (open_written_ + pending_.size() / kEntryBytes >= options_.open_max) SLUICE_CHECK(seal());
  return ok();
}

Status KeyRuns::write_pending() {
  if (pending_.empty()) return ok();
  SLUICE_CHECK(open_file_->write_at(open_written_ * kEntryBytes, pending_));
  open_written_ += pending_.size() / kEntryBytes;
  pending_.clear();
  return ok();
}

Status KeyRuns::seal() {
  std::vector<KeyEntry> entries;
  entries.reserve(open_.size());
  for (const auto& [key, value] : open_) entries.push_back({key, value.first, value.second});
  sort_by_key(entries);
  Run run = SLUICE_TRY(write_run(std::move(entries)));
  runs_.push_back(std::move(run));
  open_.clear();
  pending_.clear();
  SLUICE_CHECK(start_open_file());
  drop_expired();
  SLUICE_CHECK(merge_if_due());
  bound_filters();
  return ok();
}

Result<KeyRuns::Run> KeyRuns::write_run(std::vector<KeyEntry> sorted) {
  std::string name;
  do {
    name = fmt::format("{:08}.run", next_file_++);
  } while (files_.exists(os::join(directory_, name)));
  std::unique_ptr<os::File> file = SLUICE_TRY(files_.open(os::join(directory_, name), os::OpenMode::create_new));
  SLUICE_CHECK(file->write_at(0, as_bytes(sorted)));
  SLUICE_CHECK(file->data_sync());
  SLUICE_CHECK(files_.sync_directory(directory_));
  return describe(std::move(name), std::move(file), sorted);
}

KeyRuns::Run KeyRuns::describe(std::string name, std::unique_ptr<os::File> file, const std::vector<KeyEntry>& sorted) {
  Run run;
  run.name = std::move(name);
  run.file = std::move(file);
  run.count = sorted.size();
  run.checksum = crc32c(as_bytes(sorted));
  run.oldest = INT64_MAX;
  run.newest = INT64_MIN;
  for (const KeyEntry& e : sorted) {
    run.oldest = std::min(run.oldest, e.a);
    run.newest = std::max(run.newest, e.a);
  }
  for (size_t i = 0; i < sorted.size(); i += kBlockEntries) run.fences.push_back(sorted[i].key);
  run.filter = make_filter(sorted);
  return run;
}

Result<KeyRuns::Run> KeyRuns::load_run(std::string name, uint64_t count, uint32_t checksum) {
  std::unique_ptr<os::File> file = SLUICE_TRY(files_.open(os::join(directory_, name), os::OpenMode::read));
  const std::vector<KeyEntry> entries = SLUICE_TRY(read_entries(*file, 0, count));
  Run run = describe(std::move(name), std::move(file), entries);
  if (run.checksum != checksum) {
    return fail(
        Code::corrupt,
        fmt::format("{}: checksum does not match; restore DATA or remove the newest checkpoint so that it is folded again",
                    os::join(directory_, run.name)));
  }
  return run;
}

Result<std::vector<KeyEntry>> KeyRuns::read_entries(const os::File& file, uint64_t first, uint64_t count) {
  const std::string bytes = SLUICE_TRY(file.read_at(first * kEntryBytes, count * kEntryBytes));
  if (bytes.size() != count * kEntryBytes)
    return fail(Code::corrupt, "a file in " + directory_ + " is shorter than its manifest says");
  std::vector<KeyEntry> entries(count);
  if (count > 0) std::memcpy(entries.data(), bytes.data(), bytes.size());
  return entries;
}

void KeyRuns::drop_expired() {
  std::erase_if(runs_, [&](const Run& run) { return run.newest <= horizon_; });
}

// Merges the newest runs of like size: each entry is merged O(log) times, a look-up meets few runs.
Status KeyRuns::merge_if_due() {
  while (runs_.size() >= options_.merge_fan_in) {
    const size_t begin = runs_.size() - options_.merge_fan_in;
    uint64_t largest = 0, total = 0;
    int64_t oldest = INT64_MAX, newest = INT64_MIN;
    for (size_t i = begin; i < runs_.size(); ++i) {
      largest = std::max(largest, runs_[i].count);
      total += runs_[i].count;
      oldest = std::min(oldest, runs_[i].oldest);
      newest = std::max(newest, runs_[i].newest);
    }
    if (largest > total / 2 || newest - oldest > options_.merge_span_ms) return ok();
    std::vector<KeyEntry> merged;
    merged.reserve(total);
    for (size_t i = runs_.size(); i-- > begin;) {  // the newest first
      for (const KeyEntry& e : SLUICE_TRY(read_entries(*runs_[i].file, 0, runs_[i].count))) {
        if (e.a > horizon_) merged.push_back(e);
      }
    }
    sort_by_key(merged);
    const auto same = [](const KeyEntry& x, const KeyEntry& y) { return x.key == y.key; };
    merged.erase(std::unique(merged.begin(), merged.end(), same), merged.end());
    Run run = SLUICE_TRY(write_run(std::move(merged)));
    runs_.resize(begin);
    runs_.push_back(std::move(run));
  }
  return ok();
}

void KeyRuns::bound_filters() {
  size_t bytes = 0;
  for (size_t i = runs_.size(); i-- > 0;) {
    bytes += runs_[i].filter.size() * sizeof(uint64_t);
    if (bytes > options_.filter_bytes_max) {
      runs_[i].filter.clear();
      runs_[i].filter.shrink_to_fit();
    }
  }
}

Result<std::string> KeyRuns::flush() {
  SLUICE_CHECK(write_pending());
  SLUICE_CHECK(open_file_->data_sync());
  std::string manifest;
  ByteWriter to(manifest);
  to.u64(next_file_);
  to.text(open_name_);
  to.u64(open_written_);
  to.varint(runs_.size());
  for (const Run& run : runs_) {
    to.text(run.name);
    to.u64(run.count);
    to.u32(run.checksum);
  }
  return manifest;
}

Status KeyRuns::release(const std::vector<std::string>& manifests) {
  std::set<std::string, std::less<>> named{open_name_};
  for (const Run& run : runs_) named.insert(run.name);
  for (const std::string& manifest : manifests) {
    ByteReader from(manifest);
    from.u64();
    named.insert(std::string(from.text()));
    from.u64();
    for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
      named.insert(std::string(from.text()));
      from.u64();
      from.u32();
    }
  }
  for (const os::Entry& entry : SLUICE_TRY(files_.list(directory_))) {
    const bool ours = entry.name.ends_with(".run") || entry.name.ends_with(".open");
    if (ours && !named.contains(entry.name)) SLUICE_CHECK(files_.remove(os::join(directory_, entry.name)));
  }
  return ok();
}

size_t KeyRuns::memory_bytes() const {
  size_t bytes = open_.capacity() * (sizeof(Hash128) + 17) + pending_.capacity();
  for (const Run& run : runs_) bytes += run.filter.size() * sizeof(uint64_t) + run.fences.size() * sizeof(Hash128);
  return bytes;
}

uint64_t KeyRuns::entries() const {
  uint64_t n = open_.size();
  for (const Run& run : runs_) n += run.count;
  return n;
}

}  // namespace sluice::process
