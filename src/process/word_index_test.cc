#include "process/word_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace sluice::process {
namespace {

TEST(WordIndex, numbers_are_dense_and_those_of_a_map_whatever_the_order) {
  std::mt19937_64 random(7);
  WordIndex words;
  std::map<std::string, uint32_t> model;
  for (int i = 0; i < 20'000; ++i) {
    // Long runs in one order, then another one; the empty word among them.
    const uint64_t n = i / 100 % 3 == 0 ? static_cast<uint64_t>(i) % 9 : random() % 300;
    const std::string word = n == 0 ? "" : "properties." + std::to_string(n);
    const auto [known, fresh] = model.try_emplace(word, static_cast<uint32_t>(model.size()));
    ASSERT_EQ(words.number_of(word), known->second) << i;
    ASSERT_EQ(words.size(), model.size());
  }
  words.clear();
  EXPECT_EQ(words.size(), 0U);
  EXPECT_EQ(words.number_of("b"), 0U);
  EXPECT_EQ(words.number_of("a"), 1U);
}

}  // namespace
}  // namespace sluice::process
