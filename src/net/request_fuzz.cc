// Feeds bytes to the request parser whole and in pieces: both must end the same way, and what a request holds is bounded.
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "net/request_parser.h"

namespace {

using sluice::net::RequestParser;

constexpr RequestParser::Limits kLimits{2'000, 5'000};
constexpr size_t kHeldMax = 70'000;  // the head, a chunk line, and 64 KiB of a body over its limit

struct Outcome {
  int status = 0;  // 0: more is needed; 1: complete; else the refusal
  size_t used = 0;
  sluice::net::Request request;
};

// Piece sizes come from the input too, so that the fuzzer finds the cuts that matter.
Outcome run(std::string_view bytes, std::string_view sizes) {
  RequestParser parser(kLimits);
  Outcome out;
  for (size_t i = 0; !bytes.empty() && !parser.complete() && parser.refusal() == nullptr; ++i) {
    const size_t size = sizes.empty() ? bytes.size() : static_cast<unsigned char>(sizes[i % sizes.size()]) % 64 + 1;
    const std::string_view piece = bytes.substr(0, size);
    const size_t used = parser.feed(piece);
    SLUICE_ASSERT(used == piece.size() || parser.complete() || parser.refusal() != nullptr, "feed takes all it is given");
    SLUICE_ASSERT(parser.held_bytes() <= kHeldMax, "what a request holds is bounded");
    parser.take_expectation();
    out.used += used;
    bytes.remove_prefix(used);
  }
  if (parser.refusal() != nullptr) {
    out.status = parser.refusal()->status;
  } else if (parser.complete()) {
    out.status = 1;
    out.request = parser.take();
    SLUICE_ASSERT(
        out.request.body.empty() || out.request.body.capacity() - out.request.body.size() >= RequestParser::kBodyPadding,
        "a body has room behind it");
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t cut = input.empty() ? 0 : static_cast<unsigned char>(input[0]) % 8;
  if (input.size() <= cut + 1) return 0;
  const std::string_view sizes = input.substr(1, cut);
  const std::string_view bytes = input.substr(1 + cut);
  const Outcome whole = run(bytes, "");
  const Outcome pieces = run(bytes, sizes);
  // A body over its limit may be drained a piece further or less, and a chunk line of more than 8 KiB passes when it comes at once.
  if (whole.request.body_over_limit || pieces.request.body_over_limit || size > RequestParser::kChunkLineBytesMax) return 0;
  // A broken chunk line is refused as soon as five of its bytes are there: sooner or later, but never taken.
  SLUICE_ASSERT((whole.status == 1) == (pieces.status == 1), "cuts do not change the outcome");
  if (whole.status != 1 || pieces.status != 1) return 0;
  SLUICE_ASSERT(whole.used == pieces.used, "cuts do not change where a request ends");
  SLUICE_ASSERT(whole.request.body == pieces.request.body && whole.request.path == pieces.request.path &&
                    whole.request.query == pieces.request.query && whole.request.headers == pieces.request.headers,
                "cuts do not change a request");
  return 0;
}
