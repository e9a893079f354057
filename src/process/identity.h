// identity.h - has this event been stored before (R5), and whose is it (R6): the two memories of the fold that outgrow RAM.
//
// Deduplication  key (source, message id) by a 128-bit hash. The first in the log within `dedup` of arrival clock wins; expiry is
//                exact: an arrival >= dedup after the stored one is new and starts a new window.
// Links          key (source, anonymous_id) -> user_id, the latest link wins. Texts live in an append-only file; a bounded cache of the
//                hottest ones saves the read.
// Errors         Code::io and Code::corrupt from the files: the fold stops, since it could no longer be exact.
// Threads        One.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"
#include "os/files.h"
#include "process/key_runs.h"

namespace sluice::process {

Hash128 hash_pair(std::string_view source, std::string_view id);

class Deduplication {
 public:
  static Result<std::unique_ptr<Deduplication>> open(os::Files& files, const std::string& directory, KeyRunsOptions options,
                                                     std::string_view manifest);
  struct Earlier {
    TimeMs received_at;  // of the stored one
    bool conflict;  // its content differs
  };
  // What an event is known by. prefetch() it a few events before check() asks.
  static Hash128 key_of(std::string_view source, std::string_view message_id) { return hash_pair(source, message_id); }
  void prefetch(const Hash128& key) const { runs_->prefetch(key); }
  // nullopt: new, and remembered from now on.
  Result<std::optional<Earlier>> check(const Hash128& key, TimeMs received_at, uint64_t content_hash, DurationMs window);
  void expire(TimeMs now, DurationMs longest_window) { runs_->expire(to_ms(now - longest_window)); }
  KeyRuns& runs() { return *runs_; }

 private:
  explicit Deduplication(std::unique_ptr<KeyRuns> runs) : runs_(std::move(runs)) {}
  std::unique_ptr<KeyRuns> runs_;
};

class Links {
 public:
  static Result<std::unique_ptr<Links>> open(os::Files& files, const std::string& directory, KeyRunsOptions options,
                                             std::string_view manifest);
  // The user linked to that anonymous id; "" when none. The view lives until the next call.
  Result<std::string_view> find(std::string_view source, std::string_view anonymous_id);
  // true: this changed the link (and only then a row of `identities` is written).
  Result<bool> link(std::string_view source, std::string_view anonymous_id, std::string_view user_id, TimeMs received_at);
  Result<std::string> flush();
  Status release(const std::vector<std::string>& manifests);
  size_t memory_bytes() const;

 private:
  Links(std::unique_ptr<KeyRuns> runs, std::unique_ptr<os::File> texts, uint64_t size)
      : runs_(std::move(runs)), texts_(std::move(texts)), size_(size) {}
  Result<const std::string*> user_of(const Hash128& key);
  const std::string* remember(const Hash128& key, std::string user);

  std::unique_ptr<KeyRuns> runs_;
  std::unique_ptr<os::File> texts_;
  uint64_t size_ = 0;  // bytes of the text file, written or pending
  std::string pending_;
  absl::flat_hash_map<Hash128, std::string> cache_;  // "" = known to have no link
};

}  // namespace sluice::process
