// arena.h - the bytes of one event that are not in the request's body: unescaped texts, paths, derived ids.
//
// Promise Views stay valid until clear(). clear() keeps the first chunk, so that a usual event allocates nothing.
// Bounds  What its users take: at most a few times the event's own cap plus kTypedPathBytesMax.
#pragma once

#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "base/units.h"

namespace sluice::collect {

class Arena {
 public:
  // Room for n bytes; the next reserve() may begin behind what commit() says was used.
  char* reserve(size_t n) {
    if (chunks_.empty() || n > chunks_.back().size - used_) {
      const size_t size = n > kChunkBytes ? n : kChunkBytes;
      chunks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
      used_ = 0;
    }
    return chunks_.back().bytes.get() + used_;
  }
  std::string_view commit(size_t n) {
    const std::string_view kept(chunks_.back().bytes.get() + used_, n);
    used_ += n;
    return kept;
  }
  std::string_view keep(std::string_view text) {
    if (text.empty()) return {};
    std::memcpy(reserve(text.size()), text.data(), text.size());
    return commit(text.size());
  }
  void clear() {
    if (chunks_.size() > 1) chunks_.resize(1);
    used_ = 0;
  }

 private:
  static constexpr size_t kChunkBytes = 16_KiB;
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };
  std::vector<Chunk> chunks_;
  size_t used_ = 0;  // of the last chunk
};

}  // namespace sluice::collect
