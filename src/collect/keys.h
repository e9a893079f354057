// keys.h - write keys: who may send to which source. The file holds only hashes, so that it is no secret itself.
//
// Format  One JSON object a line: {"hash":..., "source":"site", "created_at":"2026-03-28T14:22:01.000Z", "label":""}, where hash
//         is the SHA-256 of the key in hexadecimal digits.
// Promise create() returns the key once; it is nowhere else and cannot be read again. The new file survives a power loss before
//         the key is returned. Looking up by hash: a guess learns nothing from the time it takes.
// Bounds  kKeysMax keys, kKeysFileMax bytes.
// Errors  Code::corrupt names file and line; Code::full beyond the bounds; Code::io.
// Threads Any. Why mutexes: look-ups copy one pointer under table_mutex_; create() and reload() write under write_mutex_, so that
//         a slow disk never makes a request wait.
// Lives   Ports must outlive it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "os/ports.h"

namespace sluice::collect {

inline constexpr size_t kKeysMax = 100'000;
inline constexpr size_t kKeysFileMax = 64 * 1024 * 1024;
inline constexpr std::string_view kDemoKey = "demo";

struct KeyInfo {
  std::string hash;
  std::string source;
  std::string created_at;
  std::string label;
};

class Keys {
 public:
  // path need not exist yet. demo_source: the source that the key `demo` sends to, "" when there is no such key.
  static Result<std::unique_ptr<Keys>> open(os::Ports ports, std::string path, std::string demo_source);

  Result<std::string> create(std::string_view source, std::string_view label);
  // Reads the file again: someone else has added keys.
  Status reload();
  std::optional<std::string> source_of(std::string_view key) const;
  std::vector<KeyInfo> list() const;  // in order of creation; without the demo key

 private:
  struct Table {
    std::vector<KeyInfo> keys;
    std::unordered_map<std::string, size_t> by_hash;
  };
  Keys(os::Ports ports, std::string path, std::string demo_source);
  Result<std::shared_ptr<const Table>> load() const;
  std::shared_ptr<const Table> table() const;
  void publish(std::shared_ptr<const Table> table);

  os::Ports ports_;
  const std::string path_;
  const std::string demo_source_;
  std::mutex write_mutex_;
  mutable std::mutex table_mutex_;
  std::shared_ptr<const Table> table_;  // shared: a look-up may still use the one before
};

}  // namespace sluice::collect
