#include "base/bytes.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace sluice {
namespace {

std::string written(void (*write)(ByteWriter&)) {
  std::string out;
  ByteWriter to(out);
  write(to);
  return hex(out);
}

TEST(Bytes, numbers_are_little_endian) {
  EXPECT_EQ(written([](ByteWriter& to) { to.u8(0xAB); }), "ab");
  EXPECT_EQ(written([](ByteWriter& to) { to.u16(0x0102); }), "0201");
  EXPECT_EQ(written([](ByteWriter& to) { to.u32(0x01020304); }), "04030201");
  EXPECT_EQ(written([](ByteWriter& to) { to.u64(0x0102030405060708); }), "0807060504030201");
  EXPECT_EQ(written([](ByteWriter& to) { to.i64(-2); }), "feffffffffffffff");
}

TEST(Bytes, varints_take_seven_bits_a_byte) {
  EXPECT_EQ(written([](ByteWriter& to) { to.varint(0); }), "00");
  EXPECT_EQ(written([](ByteWriter& to) { to.varint(127); }), "7f");
  EXPECT_EQ(written([](ByteWriter& to) { to.varint(128); }), "8001");
  EXPECT_EQ(written([](ByteWriter& to) { to.varint(300); }), "ac02");
  EXPECT_EQ(written([](ByteWriter& to) { to.varint(UINT64_MAX); }), "ffffffffffffffffff01");
  EXPECT_EQ(written([](ByteWriter& to) { to.zigzag(-1); }), "01");
  EXPECT_EQ(written([](ByteWriter& to) { to.zigzag(1); }), "02");
  EXPECT_EQ(written([](ByteWriter& to) { to.zigzag(INT64_MIN); }), "ffffffffffffffffff01");
  EXPECT_EQ(written([](ByteWriter& to) { to.text("hi"); }), "026869");
}

TEST(Bytes, what_is_written_reads_back) {
  std::string out;
  ByteWriter to(out);
  to.u8(1);
  to.u16(2);
  to.u32(3);
  to.u64(4);
  to.i64(-5);
  for (unsigned shift = 0; shift < 64; ++shift) to.varint(uint64_t{1} << shift);
  for (const int64_t v : {int64_t{0}, int64_t{-1}, INT64_MAX, INT64_MIN}) to.zigzag(v);
  to.text("");
  to.text("text");
  to.raw("raw");
  ByteReader from(out);
  EXPECT_EQ(from.u8(), 1);
  EXPECT_EQ(from.u16(), 2);
  EXPECT_EQ(from.u32(), 3U);
  EXPECT_EQ(from.u64(), 4U);
  EXPECT_EQ(from.i64(), -5);
  for (unsigned shift = 0; shift < 64; ++shift) EXPECT_EQ(from.varint(), uint64_t{1} << shift);
  for (const int64_t v : {int64_t{0}, int64_t{-1}, INT64_MAX, INT64_MIN}) EXPECT_EQ(from.zigzag(), v);
  EXPECT_EQ(from.text(), "");
  EXPECT_EQ(from.text(), "text");
  EXPECT_EQ(from.rest(), "raw");
  EXPECT_EQ(from.raw(3), "raw");
  EXPECT_TRUE(from.at_end());
  EXPECT_FALSE(from.failed());
}

TEST(Bytes, after_a_short_read_everything_is_zero_and_failed_stays) {
  ByteReader from("abc");
  EXPECT_EQ(from.u32(), 0U);
  EXPECT_TRUE(from.failed());
  EXPECT_EQ(from.u8(), 0);
  EXPECT_EQ(from.text(), "");
  EXPECT_TRUE(from.failed());
}

TEST(Bytes, a_length_beyond_the_end_fails_whatever_its_size) {
  for (const uint64_t length : {uint64_t{4}, uint64_t{1} << 31, uint64_t{1} << 63, UINT64_MAX}) {
    std::string bytes;
    ByteWriter to(bytes);
    to.varint(length);
    to.raw("abc");
    ByteReader from(bytes);
    EXPECT_EQ(from.text(), "");
    EXPECT_TRUE(from.failed()) << length;
  }
}

TEST(Bytes, a_varint_that_does_not_end_fails) {
  const std::string cut(3, '\x80'), endless(20, '\xFF');
  for (const std::string& bytes : {cut, endless}) {
    ByteReader from(bytes);
    EXPECT_EQ(from.varint(), 0U);
    EXPECT_TRUE(from.failed());
  }
}

}  // namespace
}  // namespace sluice
