// row_binary.h - ClickHouse's RowBinary: typed, range-checked rows, never JSON (facts/exactly-once.md 24).
//
// Writer and reader for the types that our tables and queries use. DateTime64(3) is Int64 ms. A reader that meets short bytes
// stays failed(): the caller checks once per reply.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/units.h"

namespace sluice::process {

// DateTime64 in ClickHouse begins in 1900: that day stands for minus infinity (semantics R4).
inline constexpr TimeMs kStoredMinusInfinity = time_ms(-2'208'988'800'000);

class RowWriter {
 public:
  explicit RowWriter(std::string& out) : to_(out) {}
  void text(std::string_view v) { to_.text(v); }
  void u8(uint8_t v) { to_.u8(v); }
  void u16(uint16_t v) { to_.u16(v); }
  void u64(uint64_t v) { to_.u64(v); }
  void time(TimeMs v) { to_.i64(to_ms(v)); }
  void watermark(TimeMs v) { time(v == kMinusInfinity ? kStoredMinusInfinity : v); }
  void decimal(Decimal v) { to_.fixed(v.raw); }
  void count(size_t n) { to_.varint(n); }                     // of an Array or Map
  void null() { to_.u8(1); }                                  // a Nullable: flag first
  void not_null() { to_.u8(0); }
  void nullable_text(const std::optional<std::string>& v) {
    if (!v) return null();
    not_null();
    text(*v);
  }

 private:
  ByteWriter to_;
};

class RowReader {
 public:
  explicit RowReader(std::string_view bytes) : from_(bytes) {}
  bool more() const { return !from_.failed() && !from_.at_end(); }
  bool failed() const { return from_.failed(); }
  std::string_view text() { return from_.text(); }
  uint8_t u8() { return from_.u8(); }
  uint16_t u16() { return from_.u16(); }
  uint64_t u64() { return from_.u64(); }
  int64_t i64() { return from_.i64(); }
  TimeMs time() { return time_ms(from_.i64()); }
  Decimal decimal() { return Decimal{from_.fixed<int128>()}; }
  uint64_t count() { return from_.varint(); }                 // of an Array or Map
  bool is_null() { return from_.u8() != 0; }                  // of a Nullable, before its value
  std::optional<std::string> nullable_text() {
    if (is_null()) return std::nullopt;
    return std::string(text());
  }

 private:
  ByteReader from_;
};

}  // namespace sluice::process
