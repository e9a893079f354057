#include "base/json_text.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(JsonText, quotes_escapes_and_leaves_the_rest) {
  EXPECT_EQ(json_string(""), R"("")");
  EXPECT_EQ(json_string("plain / text"), R"("plain / text")");
  EXPECT_EQ(json_string("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(json_string("\n\r\t"), R"("\n\r\t")");
  EXPECT_EQ(json_string(std::string_view("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\x7f\"");
  EXPECT_EQ(json_string("grün 漢字 😀"), "\"grün 漢字 😀\"");
}

TEST(JsonText, bytes_that_are_not_utf8_become_the_replacement_character) {
  EXPECT_EQ(json_string("a\xff"
                        "b"),
            "\"a\xEF\xBF\xBD"
            "b\"");
  EXPECT_EQ(json_string("\xC3"), "\"\xEF\xBF\xBD\"");
}

TEST(JsonText, utf8_is_what_the_unicode_standard_says_it_is) {
  for (const char* good : {"", "a", "\x7f", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(good));
  }
  for (const char* bad : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xE0\x9F\xBF", "\xE1\x80", "\xED\xA0\x80",
                          "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF",
                          "a\xC3"
                          "b",
                          "\xF0\x90\x80"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

// Every sequence of up to three bytes against the rule of RFC 3629 in other words: decode, then ask for shortest form and range.
bool is_utf8_by_decoding(const unsigned char* s, size_t size) {
  for (size_t i = 0; i < size;) {
    const unsigned lead = s[i];
    const size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (length == 0 || i + length > size) return false;
    unsigned point = length == 1 ? lead : lead & (0x7FU >> length);
    for (size_t k = 1; k < length; ++k) {
      if (s[i + k] >> 6 != 2) return false;
      point = point << 6 | (s[i + k] & 0x3FU);
    }
    constexpr unsigned kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kSmallest[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    i += length;
  }
  return true;
}

TEST(JsonText, all_short_byte_sequences_agree_with_a_decoder) {
  unsigned char bytes[4];
  for (unsigned a = 0; a < 256; ++a) {
    bytes[0] = static_cast<unsigned char>(a);
    for (unsigned b = 0; b < 256; ++b) {
      bytes[1] = static_cast<unsigned char>(b);
      for (unsigned c = 0; c < 256; c += 1 + (b & 3)) {
        bytes[2] = static_cast<unsigned char>(c);
        bytes[3] = static_cast<unsigned char>(0x80 | (c & 0x3F));
        for (size_t size = 1; size <= 4; ++size) {
          ASSERT_EQ(is_utf8(std::string_view(reinterpret_cast<const char*>(bytes), size)), is_utf8_by_decoding(bytes, size))
              << a << ' ' << b << ' ' << c;
        }
      }
    }
  }
}

}  // namespace
}  // namespace sluice
