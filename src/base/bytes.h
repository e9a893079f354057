// bytes.h - little-endian bytes and LEB128 varints: the alphabet of every file format and of RowBinary.
//
// Writer appends to a caller's string and cannot fail. Reader walks a view and never reads past its end: after the first short
// or malformed read `failed()` stays true and every value is zero or empty, so a decoder checks once, at the end.
// Lives   Reader's views point into the bytes given to it.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/decimal.h"

namespace sluice {

static_assert(std::endian::native == std::endian::little, "formats are little-endian and written by memcpy");

class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  template <class T>
  void fixed(T v) {
    static_assert(std::is_trivially_copyable_v<T>);
    const size_t at = out_.size();
    out_.resize(at + sizeof v);
    std::memcpy(out_.data() + at, &v, sizeof v);
  }
  void u8(uint8_t v) { out_ += static_cast<char>(v); }
  void u16(uint16_t v) { fixed(v); }
  void u32(uint32_t v) { fixed(v); }
  void u64(uint64_t v) { fixed(v); }
  void i64(int64_t v) { fixed(v); }
  void varint(uint64_t v) {
    while (v >= 0x80) {
      out_ += static_cast<char>(v | 0x80);
      v >>= 7;
    }
    out_ += static_cast<char>(v);
  }
  void zigzag(int64_t v) { varint((static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63)); }
  void raw(std::string_view bytes) { out_.append(bytes); }
  void text(std::string_view bytes) {  // varint length, then the bytes
    varint(bytes.size());
    out_.append(bytes);
  }

 private:
  std::string& out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T fixed() {
    static_assert(std::is_trivially_copyable_v<T>);
    T v{};
    if (const std::string_view got = raw(sizeof v); got.size() == sizeof v) std::memcpy(&v, got.data(), sizeof v);
    return v;
  }
  uint8_t u8() { return fixed<uint8_t>(); }
  uint16_t u16() { return fixed<uint16_t>(); }
  uint32_t u32() { return fixed<uint32_t>(); }
  uint64_t u64() { return fixed<uint64_t>(); }
  int64_t i64() { return fixed<int64_t>(); }
  uint64_t varint() {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) break;
      const auto b = static_cast<uint8_t>(bytes_[at_++]);
      v |= static_cast<uint64_t>(b & 0x7F) << shift;
      if ((b & 0x80) == 0) return v;
    }
    failed_ = true;
    return 0;
  }
  int64_t zigzag() {
    const uint64_t v = varint();
    return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
  }
  std::string_view raw(size_t n) {
    if (failed_ || n > bytes_.size() - at_) {
      failed_ = true;
      return {};
    }
    const std::string_view v = bytes_.substr(at_, n);
    at_ += n;
    return v;
  }
  std::string_view text() {
    const uint64_t n = varint();
    return raw(n > bytes_.size() ? bytes_.size() + 1 : static_cast<size_t>(n));
  }
  bool failed() const { return failed_; }
  bool at_end() const { return at_ == bytes_.size(); }
  size_t position() const { return at_; }
  std::string_view rest() const { return bytes_.substr(at_); }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace sluice
