#include "process/identity.h"

#include <array>
#include <cstring>

namespace sluice::process {
namespace {

constexpr size_t kCacheMax = 200'000;           // about 24 MiB with ids of 36 bytes
constexpr size_t kPendingMax = 1 << 20;
constexpr size_t kTextRead = 512;               // one read covers nearly every id; longer ones take a second

}  // namespace

Hash128 hash_pair(std::string_view source, std::string_view id) {
  const size_t size = source.size() + id.size() + 1;  // source names hold no NUL
  std::array<char, 256> few;
  std::string many;
  char* bytes = few.data();
  if (size > few.size()) {
    many.resize(size);
    bytes = many.data();
  }
  std::memcpy(bytes, source.data(), source.size());
  bytes[source.size()] = '\0';
  if (!id.empty()) std::memcpy(bytes + source.size() + 1, id.data(), id.size());
  return hash128({bytes, size});
}

Result<std::unique_ptr<Deduplication>> Deduplication::open(os::Files& files, const std::string& directory, KeyRunsOptions options,
                                                           std::string_view manifest) {
  std::unique_ptr<KeyRuns> runs = SLUICE_TRY(KeyRuns::open(files, directory, options, manifest));
  return std::unique_ptr<Deduplication>(new Deduplication(std::move(runs)));
}

Result<std::optional<Deduplication::Earlier>> Deduplication::check(const Hash128& key, TimeMs received_at, uint64_t content_hash,
                                                                   DurationMs window) {
  const std::optional<KeyEntry> known = SLUICE_TRY(runs_->find(key));
  if (known && received_at - time_ms(known->a) < window) {
    return std::optional<Earlier>(Earlier{time_ms(known->a), known->b != content_hash});
  }
  SLUICE_CHECK(runs_->put({key, to_ms(received_at), content_hash}));
  return std::optional<Earlier>();
}

Result<std::unique_ptr<Links>> Links::open(os::Files& files, const std::string& directory, KeyRunsOptions options,
                                           std::string_view manifest) {
  SLUICE_CHECK(files.make_directories(directory));
  ByteReader from(manifest);
  const uint64_t size = manifest.empty() ? 0 : from.u64();
  options.merge_span_ms = INT64_MAX;  // links never expire, so runs of any age may be merged
  std::unique_ptr<KeyRuns> runs = SLUICE_TRY(KeyRuns::open(files, directory, options, from.rest()));
  const std::string path = os::join(directory, "users.txt");
  const bool exists = files.exists(path);
  std::unique_ptr<os::File> texts = SLUICE_TRY(files.open(path, exists ? os::OpenMode::read_write : os::OpenMode::create_new));
  if (SLUICE_TRY(texts->size()) < size) {
    return fail(
        Code::corrupt,
        path + " is shorter than its checkpoint says; restore DATA or remove the newest checkpoint so that it is folded again");
  }
  SLUICE_CHECK(texts->truncate(size));
  if (!exists) SLUICE_CHECK(files.sync_directory(directory));
  return std::unique_ptr<Links>(new Links(std::move(runs), std::move(texts), size));
}

const std::string* Links::remember(const Hash128& key, std::string user) {
  if (cache_.size() >= kCacheMax) cache_.clear();  // rare, and the runs still know everything
  return &(cache_[key] = std::move(user));
}

Result<const std::string*> Links::user_of(const Hash128& key) {
  if (const auto it = cache_.find(key); it != cache_.end()) return &it->second;
  const std::optional<KeyEntry> entry = SLUICE_TRY(runs_->find(key));
  if (!entry) return remember(key, "");
  std::string bytes;
  const uint64_t written = size_ - pending_.size();
  if (entry->b >= written) {
    bytes = pending_.substr(entry->b - written);
  } else {
    bytes = SLUICE_TRY(texts_->read_at(entry->b, kTextRead));
    ByteReader peek(bytes);
    const uint64_t length = peek.varint();
    if (length + peek.position() > bytes.size()) {
      if (entry->b + length + peek.position() > written) return fail(Code::corrupt, "users.txt is shorter than its links say");
      bytes = SLUICE_TRY(texts_->read_at(entry->b, length + peek.position()));
    }
  }
  ByteReader from(bytes);
  const std::string_view user = from.text();
  if (from.failed()) return fail(Code::corrupt, "users.txt holds no text where a link points");
  return remember(key, std::string(user));
}

Result<std::string_view> Links::find(std::string_view source, std::string_view anonymous_id) {
  const std::string* user = SLUICE_TRY(user_of(hash_pair(source, anonymous_id)));
  return std::string_view(*user);
}

Result<bool> Links::link(std::string_view source, std::string_view anonymous_id, std::string_view user_id, TimeMs received_at) {
  const Hash128 key = hash_pair(source, anonymous_id);
  const std::string* known = SLUICE_TRY(user_of(key));
  if (*known == user_id) return false;
  const uint64_t offset = size_;
  const size_t before = pending_.size();
  ByteWriter(pending_).text(user_id);
  size_ += pending_.size() - before;
  SLUICE_CHECK(runs_->put({key, to_ms(received_at), offset}));
  remember(key, std::string(user_id));
  if (pending_.size() >= kPendingMax) {
    SLUICE_CHECK(texts_->write_at(size_ - pending_.size(), pending_));
    pending_.clear();
  }
  return true;
}

Result<std::string> Links::flush() {
  SLUICE_CHECK(texts_->write_at(size_ - pending_.size(), pending_));
  pending_.clear();
  SLUICE_CHECK(texts_->data_sync());
  std::string manifest;
  ByteWriter to(manifest);
  to.u64(size_);
  to.raw(SLUICE_TRY(runs_->flush()));
  return manifest;
}

Status Links::release(const std::vector<std::string>& manifests) {
  std::vector<std::string> of_runs;
  for (const std::string& manifest : manifests) of_runs.push_back(manifest.substr(std::min<size_t>(8, manifest.size())));
  return runs_->release(of_runs);
}

size_t Links::memory_bytes() const { return runs_->memory_bytes() + cache_.capacity() * 64 + pending_.capacity(); }

}  // namespace sluice::process
