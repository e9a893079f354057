#include "base/hash.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

// Bit by bit, from the polynomial: shares nothing with the instruction or the table.
uint32_t crc32c_by_bits(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
  }
  return ~crc;
}

TEST(Hash, crc32c_has_the_values_of_rfc_3720) {
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
}

TEST(Hash, crc32c_of_every_length_and_alignment_equals_the_polynomial) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) bytes += static_cast<char>(i * 7 + i / 3);
  for (size_t begin = 0; begin < 9; ++begin) {
    for (size_t size = 0; size + begin <= 100; ++size) {
      const std::string_view part = std::string_view(bytes).substr(begin, size);
      ASSERT_EQ(crc32c(part), crc32c_by_bits(part));
      ASSERT_EQ(crc32c_extend(crc32c(part.substr(0, size / 3)), part.substr(size / 3)), crc32c(part)) << "in two steps";
    }
  }
}

// Published values of XXH3 (seed 0) and of FIPS 180-2. They are stored, so they may never change.
TEST(Hash, stored_hashes_have_their_published_values) {
  EXPECT_EQ(hash64(""), 0x2D06800538D394C2U);
  EXPECT_EQ(to_hex(hash128("")), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(md5_hex("abc"), "900150983cd24fb0d6963f7d28e17f72");  // RFC 1321
  EXPECT_EQ(xxh64(""), 0xEF46DB3751D8E999U);
  EXPECT_EQ(xxh64("abc"), 0x44BC2CF5AD770999U);
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hash, hash128_tells_neighbours_apart) {
  EXPECT_NE(hash128("a"), hash128("b"));
  EXPECT_NE(hash128("a"), hash128(std::string_view("a\0", 2)));
  EXPECT_EQ(hash128("a"), hash128("a"));
}

TEST(Hash, hex_is_lower_case_and_most_significant_first) {
  EXPECT_EQ(hex(std::string_view("\x00\x9f\xff", 3)), "009fff");
  EXPECT_EQ(to_hex(Hash128{.low = 2, .high = 0xAB00000000000001}), "ab000000000000010000000000000002");
}

}  // namespace
}  // namespace sluice
