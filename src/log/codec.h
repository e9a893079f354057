// codec.h - how a frame's payload is packed. Numbers stand in the log and never change.
//
// Promise unpack(pack(x)) == x. unpack of any bytes is either exactly `size` bytes or Code::corrupt, in bounded time and memory.
// Threads Packer: one at a time. unpack: any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::log {

enum class Codec : uint8_t { none = 0, lz4 = 1, zstd = 2 };
const char* codec_name(Codec codec);
std::optional<Codec> codec_of(uint8_t number);

class Packer {
 public:
  Packer();
  ~Packer();
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  // Room that pack() may need for `size` bytes.
  static size_t bound(Codec codec, size_t size);
  // Bytes written to `out`, which has bound() room; 0 when packing does not make `in` smaller (store it as none).
  size_t pack(Codec codec, std::string_view in, char* out);

 private:
  struct Context;
  std::unique_ptr<Context> context_;  // of zstd, reused: making one costs more than a small frame
};

Result<std::string> unpack(Codec codec, std::string_view in, size_t size);

}  // namespace sluice::log
