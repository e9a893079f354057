#include "collect/read_events.h"

namespace sluice::collect {

void read_events(const std::vector<std::string_view>& pieces, std::string_view raw, const DecodeEvent& decode,
                 const CollectOptions& options, Stamp& stamp, Intake& intake) {
  if (pieces.empty()) return intake.refuse_body(event::reason::kBodyEmpty, raw);
  Decoder decoder(options);
  for (const std::string_view piece : pieces) {
    if (piece.size() > options.event_bytes_max) {
      intake.reject(Fault{event::reason::kEventTooLarge, "$"}, piece, {});
    } else if (!decode(decoder, piece)) {
      intake.reject(decoder.fault(), piece, decoder.draft().event.message_id);
    } else if (const auto fault = stamp.apply(decoder.draft(), decoder.arena(), intake.next())) {
      intake.reject(*fault, piece, decoder.draft().event.message_id);
    } else {
      intake.accept(decoder.draft().event);
    }
    if (intake.full()) return intake.refuse_body(event::reason::kBatchTooLarge, raw);
  }
}

}  // namespace sluice::collect
