#include "base/hash.h"

#include <nmmintrin.h>
#include <openssl/evp.h>
#include <xxhash.h>

#include <array>
#include <cstring>

#include "base/result.h"

namespace sluice {
namespace {

// Debian 12 ships no CRC32C library; x86-64 has had the instruction since 2008, the table serves what has not.
__attribute__((target("sse4.2"))) uint32_t crc_by_instruction(uint32_t crc, std::string_view bytes) {
  uint64_t state = crc;
  while (bytes.size() >= 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    state = _mm_crc32_u64(state, word);
    bytes.remove_prefix(8);
  }
  auto narrow = static_cast<uint32_t>(state);
  for (const char c : bytes) narrow = _mm_crc32_u8(narrow, static_cast<uint8_t>(c));
  return narrow;
}

uint32_t crc_by_table(uint32_t crc, std::string_view bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) != 0 ? 0x82F63B78U : 0U);
      t[i] = c;
    }
    return t;
  }();
  for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<uint8_t>(c)) & 0xFF];
  return crc;
}

}  // namespace

Hash128 hash128(std::string_view bytes) {
  const XXH128_hash_t h = XXH3_128bits(bytes.data(), bytes.size());
  return Hash128{h.low64, h.high64};
}

uint64_t hash64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

uint32_t crc32c(std::string_view bytes) { return crc32c_extend(0, bytes); }
uint32_t crc32c_extend(uint32_t crc, std::string_view bytes) {
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  return ~(has_instruction ? crc_by_instruction(~crc, bytes) : crc_by_table(~crc, bytes));
}

uint64_t xxh64(std::string_view bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

std::string md5_hex(std::string_view bytes) {
  std::array<unsigned char, 16> digest{};
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_md5(), nullptr);
  return hex({reinterpret_cast<const char*>(digest.data()), size});
}

std::string hex(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  SLUICE_ASSERT(EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1,
                "SHA-256 is always there");
  return hex(std::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

std::string to_hex(Hash128 hash) {
  std::string bytes;
  for (const uint64_t half : {hash.high, hash.low}) {
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(half >> shift);
  }
  return hex(bytes);
}

}  // namespace sluice
