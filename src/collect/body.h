// body.h - request bytes to plain bytes: gzip (also of several members), zstd, or as they are.
//
// Promise The bytes decide, not the headers: SDKs send gzip under any content type and proxies unpack without saying so. A header
//         that names another encoding than gzip, zstd or identity is refused when the bytes are not plain JSON either.
// Bounds  unpacked_bytes_max: inflating stops there, so a bomb costs at most that much memory and time. zstd windows: 8 MiB.
// Errors  A reason: body_encoding, body_unpacked_too_large.
#pragma once

#include <memory>
#include <string_view>

namespace sluice::collect {

struct PlainBody {
  std::string_view text;  // into the request's body, or into `unpacked`
  std::unique_ptr<char[]> unpacked;
  std::string_view reason;  // empty: text is the whole plain body
};

// content_encoding: the header's value, "" when absent. `body` must outlive the result.
PlainBody unpack(std::string_view body, std::string_view content_encoding, size_t unpacked_bytes_max);

}  // namespace sluice::collect
