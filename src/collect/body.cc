#include "collect/body.h"

#include <libdeflate.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/units.h"
#include "collect/cut.h"
#include "event/reasons.h"

namespace sluice::collect {
namespace {

using namespace std::string_view_literals;

constexpr int kZstdWindowLogMax = 23;
constexpr size_t kFirstGuess = 64_KiB;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

PlainBody refused(std::string_view reason) { return PlainBody{{}, nullptr, reason}; }

// A buffer that doubles up to a cap, keeping what is in it.
class Output {
 public:
  explicit Output(size_t cap) : cap_(cap) {}
  // False: the cap is reached.
  bool grow(size_t at_least) {
    if (size_ == cap_) return false;
    const size_t size = std::min(cap_, std::max({at_least, size_ * 2, kFirstGuess}));
    auto bytes = std::make_unique_for_overwrite<char[]>(size);
    if (used != 0) std::memcpy(bytes.get(), bytes_.get(), used);
    bytes_ = std::move(bytes);
    size_ = size;
    return true;
  }
  char* free_begin() { return bytes_.get() + used; }
  size_t free_size() const { return size_ - used; }
  PlainBody take() && {
    const std::string_view text(bytes_.get(), used);
    return PlainBody{text, std::move(bytes_), {}};
  }
  size_t used = 0;

 private:
  size_t cap_;
  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
};

struct FreeInflater {
  void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
};

// The length that the last member claims. A lie only costs a second try.
size_t claimed_size(std::string_view gzip) {
  uint32_t size = 0;
  if (gzip.size() >= 18) std::memcpy(&size, gzip.data() + gzip.size() - sizeof size, sizeof size);
  return size;
}

PlainBody gunzip(std::string_view in, size_t cap) {
  const std::unique_ptr<libdeflate_decompressor, FreeInflater> inflater(libdeflate_alloc_decompressor());
  if (inflater == nullptr) return refused(event::reason::kBodyEncoding);
  Output out(cap);
  // A claim is believed only within what deflate can do (1,032 to 1), so that few bytes cannot reserve many.
  out.grow(std::min(claimed_size(in) + 1, in.size() * 1032));
  while (!in.empty()) {
    size_t in_used = 0, out_used = 0;
    switch (libdeflate_gzip_decompress_ex(inflater.get(), in.data(), in.size(), out.free_begin(), out.free_size(), &in_used,
                                          &out_used)) {
      case LIBDEFLATE_SUCCESS:
        out.used += out_used;
        in.remove_prefix(in_used);
        break;
      case LIBDEFLATE_INSUFFICIENT_SPACE:
        if (!out.grow(0)) return refused(event::reason::kBodyUnpackedTooLarge);
        break;
      default: return refused(event::reason::kBodyEncoding);
    }
  }
  return std::move(out).take();
}

struct FreeZstd {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

PlainBody unzstd(std::string_view in, size_t cap) {
  const std::unique_ptr<ZSTD_DCtx, FreeZstd> context(ZSTD_createDCtx());
  if (context == nullptr) return refused(event::reason::kBodyEncoding);
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
  Output out(cap + 1);  // one more, so that a body of exactly the cap can end
  out.grow(std::min(in.size() * 8, cap));
  ZSTD_inBuffer from{in.data(), in.size(), 0};
  size_t wanted = 1;  // 0: a frame is complete
  while (from.pos < from.size || wanted != 0) {
    ZSTD_outBuffer to{out.free_begin(), out.free_size(), 0};
    const size_t in_before = from.pos;
    wanted = ZSTD_decompressStream(context.get(), &to, &from);
    if (ZSTD_isError(wanted)) return refused(event::reason::kBodyEncoding);
    out.used += to.pos;
    if (wanted != 0 && out.free_size() == 0) {
      if (!out.grow(0)) return refused(event::reason::kBodyUnpackedTooLarge);
    } else if (wanted != 0 && from.pos == from.size && to.pos == 0 && from.pos == in_before) {
      return refused(event::reason::kBodyEncoding);  // the body ends within a frame
    }
  }
  if (out.used > cap) return refused(event::reason::kBodyUnpackedTooLarge);
  return std::move(out).take();
}

bool begins(std::string_view body, std::string_view magic) { return body.substr(0, magic.size()) == magic; }

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
}

PlainBody unpack_any(std::string_view body, std::string_view content_encoding, size_t unpacked_bytes_max) {
  if (begins(body, "\x1f\x8b"sv)) return gunzip(body, unpacked_bytes_max);
  // Also the sixteen magics of skippable frames, which may stand in front.
  if (begins(body, "\x28\xb5\x2f\xfd"sv) ||
      (body.size() >= 4 && (body[0] & 0xF0) == 0x50 && begins(body.substr(1), "\x2a\x4d\x18"sv))) {
    return unzstd(body, unpacked_bytes_max);
  }
  if (body.size() > unpacked_bytes_max) return refused(event::reason::kBodyUnpackedTooLarge);
  const std::string_view plain = trim_space(body);
  const std::string_view coding = trim_space(content_encoding);
  const bool looks_plain = plain.empty() || plain.front() == '{' || plain.front() == '[' || begins(plain, kByteOrderMark);
  if (!coding.empty() && !same_word(coding, "identity") && !looks_plain) return refused(event::reason::kBodyEncoding);
  return PlainBody{body, nullptr, {}};
}

}  // namespace

PlainBody unpack(std::string_view body, std::string_view content_encoding, size_t unpacked_bytes_max) {
  PlainBody plain = unpack_any(body, content_encoding, unpacked_bytes_max);
  if (begins(plain.text, kByteOrderMark)) plain.text.remove_prefix(kByteOrderMark.size());
  return plain;
}

}  // namespace sluice::collect
