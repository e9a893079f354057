// stamp.h - gives a decoded event what depends on the moment and on its request: time (R2), id (R3), content hash (R5).
//
// Promise Decided here once and written into the record; a request sent again whole gets the same ids, unless an event has
//         neither id nor timestamp. Ordinals of identical events count within one request: one Stamp per request.
// Errors  A Fault: timestamp_invalid, timestamp_out_of_range, id_too_long.
// Source  semantics R2, R3, R5.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/hash.h"
#include "base/units.h"
#include "collect/decode.h"
#include "os/entropy.h"

namespace sluice::collect {

inline constexpr DurationMs kSkewMin{60'000};  // smaller skews are transit; correcting them would reorder a device's own events

class Stamp {
 public:
  // now: the edge's clock as the request arrived. idempotency_key: "" when none was sent.
  Stamp(std::string_view source, TimeMs now, std::string_view idempotency_key, os::Entropy& entropy)
      : source_(source), now_(now), idempotency_key_(idempotency_key), entropy_(entropy) {}

  // index: of the event in its request.
  std::optional<Fault> apply(Draft& draft, Arena& arena, uint32_t index);

 private:
  std::optional<Fault> set_time(Draft& draft) const;
  std::optional<Fault> set_id(Draft& draft, Arena& arena, uint32_t index);
  void write_content(const Draft& draft);

  std::string source_;
  TimeMs now_;
  std::string idempotency_key_;
  os::Entropy& entropy_;
  std::string content_;  // scratch: what is hashed
  std::unordered_map<Hash128, uint32_t> identical_;  // how often this content was seen; at most one entry per event
};

}  // namespace sluice::collect
