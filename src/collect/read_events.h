// read_events.h - the loop that all dialects share: pieces of a body in, events and rejects out.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "collect/decode.h"
#include "collect/intake.h"
#include "collect/stamp.h"

namespace sluice::collect {

// A dialect's reading of one event: true, decoder.draft() is complete; false, decoder.fault().
using DecodeEvent = std::function<bool(Decoder&, std::string_view text)>;

// Each piece becomes an event or a reject in `intake`. When the records outgrow a frame, the whole body is refused: `raw` then
// goes to quarantine. A body without any event is refused as body_empty.
void read_events(const std::vector<std::string_view>& pieces, std::string_view raw, const DecodeEvent& decode,
                 const CollectOptions& options, Stamp& stamp, Intake& intake);

}  // namespace sluice::collect
