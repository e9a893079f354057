// hash.h - fixed hashes: same bytes, same value, on every machine and release. They are stored, so they never change.
//
// hash128 is XXH3 with 128 bits: identity of message ids, keys and distinct texts (semantics R5, R8). hash64 is XXH3 with 64.
// crc32c is Castagnoli, as in iSCSI (RFC 3720 B.4): checks of files. sha256_hex is for secrets at rest.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace sluice {

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;
  constexpr auto operator<=>(const Hash128&) const = default;
};

Hash128 hash128(std::string_view bytes);
uint64_t hash64(std::string_view bytes);
uint32_t crc32c(std::string_view bytes);
uint32_t crc32c_extend(uint32_t crc, std::string_view bytes);
std::string sha256_hex(std::string_view bytes);
// XXH64 with seed 0 and MD5: names that databases compute alike. Never for secrets.
uint64_t xxh64(std::string_view bytes);
std::string md5_hex(std::string_view bytes);
std::string hex(std::string_view bytes);
std::string to_hex(Hash128 hash);  // 32 digits, most significant first

}  // namespace sluice

template <>
struct std::hash<sluice::Hash128> {
  // The low half is already uniform.
  std::size_t operator()(const sluice::Hash128& h) const { return static_cast<std::size_t>(h.low); }
};
