// word_index.h - words to dense numbers in the order in which they first came, quick where they come in the same order again and again.
//
// Why     An event's keys are those of the event before, in the same order: each word remembers which one followed it last, and a
//         comparison saves hashing it.
// Bounds  The caller's: size() words until clear().
// Threads One.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace sluice::process {

struct TextHash {  // looked up by views: Debian's absl has a string_view of its own
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return static_cast<size_t>(hash64(text)); }
};

class WordIndex {
 public:
  uint32_t number_of(std::string_view word) {
    uint32_t number = words_.empty() ? 0 : words_[last_].follower;
    if (words_.empty() || text_of(number) != word) number = look_up(word);
    words_[last_].follower = number;
    last_ = number;
    return number;
  }
  size_t size() const { return words_.size(); }
  void clear() {
    index_.clear();
    words_.clear();
    texts_.clear();
    last_ = 0;
  }

 private:
  struct Word {
    uint32_t at = 0, size = 0;  // in texts_
    uint32_t follower = 0;
  };
  std::string_view text_of(uint32_t number) const {
    return std::string_view(texts_).substr(words_[number].at, words_[number].size);
  }
  uint32_t look_up(std::string_view word) {
    const auto [it, fresh] = index_.try_emplace(word, static_cast<uint32_t>(words_.size()));
    if (fresh) {
      words_.push_back({static_cast<uint32_t>(texts_.size()), static_cast<uint32_t>(word.size()), 0});
      texts_ += word;
    }
    return it->second;
  }

  absl::flat_hash_map<std::string, uint32_t, TextHash, std::equal_to<>> index_;
  std::vector<Word> words_;
  std::string texts_;
  uint32_t last_ = 0;
};

}  // namespace sluice::process
