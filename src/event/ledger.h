// ledger.h - the four fates of an event and their counts per source and minute of arrival (semantics R12).
//
// received = stored + quarantined + duplicate + pending. `received` comes from the frames' manifests (the edge counted), stored,
// quarantined and duplicate from the fold, pending from frames behind the last committed position: three counters, no subtraction.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "base/units.h"

namespace sluice::event {

struct LedgerKey {
  std::string source;
  TimeMs minute{};  // of received_at, cut down to the minute
  auto operator<=>(const LedgerKey&) const = default;
};

struct LedgerCounts {
  uint64_t received = 0;
  uint64_t stored = 0;
  uint64_t quarantined = 0;
  uint64_t duplicate = 0;
  uint64_t conflict = 0;  // duplicates whose content differed; part of `duplicate`
  uint64_t pending = 0;
  bool balances() const { return received == stored + quarantined + duplicate + pending; }
  LedgerCounts& operator+=(const LedgerCounts& other) {
    received += other.received;
    stored += other.stored;
    quarantined += other.quarantined;
    duplicate += other.duplicate;
    conflict += other.conflict;
    pending += other.pending;
    return *this;
  }
  bool operator==(const LedgerCounts&) const = default;
};

constexpr TimeMs minute_of(TimeMs t) { return time_ms(floor_div(to_ms(t), 60'000) * 60'000); }

}  // namespace sluice::event
