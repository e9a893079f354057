#include "log/codec.h"

#include <lz4.h>
#include <zstd.h>

namespace sluice::log {

struct Packer::Context {
  ZSTD_CCtx* zstd = ZSTD_createCCtx();
  Context() { SLUICE_ASSERT(zstd != nullptr, "memory for one zstd context"); }
  ~Context() { ZSTD_freeCCtx(zstd); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

Packer::Packer() : context_(std::make_unique<Context>()) {}
Packer::~Packer() = default;

const char* codec_name(Codec codec) {
  switch (codec) {
    case Codec::none: return "none";
    case Codec::lz4: return "lz4";
    case Codec::zstd: return "zstd";
  }
  return "none";
}

std::optional<Codec> codec_of(uint8_t number) {
  if (number > static_cast<uint8_t>(Codec::zstd)) return std::nullopt;
  return static_cast<Codec>(number);
}

size_t Packer::bound(Codec codec, size_t size) {
  switch (codec) {
    case Codec::none: return size;
    case Codec::lz4: return static_cast<size_t>(LZ4_compressBound(static_cast<int>(size)));
    case Codec::zstd: return ZSTD_compressBound(size);
  }
  return size;
}

size_t Packer::pack(Codec codec, std::string_view in, char* out) {
  size_t packed = 0;
  if (codec == Codec::lz4) {
    packed = static_cast<size_t>(
        LZ4_compress_default(in.data(), out, static_cast<int>(in.size()), static_cast<int>(bound(codec, in.size()))));
  } else if (codec == Codec::zstd) {
    packed = ZSTD_compressCCtx(context_->zstd, out, bound(codec, in.size()), in.data(), in.size(), 1);
    if (ZSTD_isError(packed) != 0) return 0;
  }
  return packed < in.size() ? packed : 0;
}

Result<std::string> unpack(Codec codec, std::string_view in, size_t size) {
  std::string out(size, '\0');
  bool whole = false;
  switch (codec) {
    case Codec::none:
      whole = in.size() == size;
      if (whole) out.assign(in);
      break;
    case Codec::lz4:
      whole = LZ4_decompress_safe(in.data(), out.data(), static_cast<int>(in.size()), static_cast<int>(size)) ==
              static_cast<int>(size);
      break;
    case Codec::zstd: whole = ZSTD_decompress(out.data(), size, in.data(), in.size()) == size; break;
  }
  if (!whole)
    return fail(Code::corrupt, std::string("a payload packed with ") + codec_name(codec) + " does not unpack to its size");
  return out;
}

}  // namespace sluice::log
