// ledger.h - the report that proves (or disproves) that no event was lost or doubled (semantics R12).
//
// Input   Three independent counts: (a) the fold's ledger rows with the edge's `received`, (b) `received` and `pending` of the frames
//         behind position(as_of), counted one by one, (c) the store's own count() of events and quarantine per minute and per epoch.
// Promise Pure. Every difference is listed with the epochs it lies in; nothing is ever corrected away.
// As of   Read `sluice.ledger` first; as_of = the largest epoch among its rows. Wait until that epoch is committed, then count the
//         store with `epoch <= as_of` and the frames behind position(as_of): so the three counts are of one moment, also under load.
// Epochs  named from the commit marks (rows per table and epoch) and, where the edge's count is wrong, from the frames' manifests.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "event/ledger.h"
#include "event/position.h"

namespace sluice::quality {

struct StoreCounts {
  uint64_t events = 0;
  uint64_t quarantine = 0;
  bool operator==(const StoreCounts&) const = default;
};

struct EpochMark {  // from the journal: rows per append table that the commit mark promises
  event::Epoch epoch;
  StoreCounts marked;
};

// Records of one epoch and minute against what the manifests of their frames say; only for minutes that do not balance.
struct EdgeCount {
  event::Epoch epoch;
  event::LedgerKey key;
  uint64_t received = 0;  // sum of the manifests
  uint64_t records = 0;  // counted
};

using LedgerTable = std::map<event::LedgerKey, event::LedgerCounts>;
using StoreTable = std::map<event::LedgerKey, StoreCounts>;

struct LedgerInput {
  event::Epoch as_of;
  LedgerTable folded;  // (a)
  LedgerTable waiting;  // (b): received and pending
  StoreTable stored;  // (c)
  std::vector<EpochMark> marks;  // as far back as the journal goes
  std::map<event::Epoch, StoreCounts> stored_by_epoch;  // (c) of the same epochs
  std::vector<EdgeCount> edge;  // empty until unbalanced_at_the_edge() says for which minutes it is wanted
};

struct Difference {
  enum class Kind : uint8_t { edge, events, quarantine };
  Kind kind = Kind::edge;
  event::LedgerKey key;
  uint64_t expected = 0;  // edge: received; else what the fold counted
  uint64_t found = 0;  // edge: stored + quarantined + duplicate + pending; else what the store has
  std::vector<event::Epoch> epochs;  // empty: older than the journal
};
struct EpochDifference {
  event::Epoch epoch;
  StoreCounts marked;
  StoreCounts found;
};

struct LedgerReport {
  event::Epoch as_of;
  LedgerTable rows;  // (a) + (b)
  StoreTable stored;
  event::LedgerCounts totals;
  StoreCounts stored_totals;
  uint64_t missing = 0;  // events that were received and are nowhere
  uint64_t surplus = 0;  // events that are there and were not received, or twice
  std::vector<Difference> differences;
  std::vector<EpochDifference> epochs;
  bool balances() const { return differences.empty() && epochs.empty(); }
};

// Minutes whose four fates do not add up to `received`: count their frames (EdgeCount) so that the report can name epochs.
std::vector<event::LedgerKey> unbalanced_at_the_edge(const LedgerInput& input);
LedgerReport make_report(const LedgerInput& input);

std::string summary(const LedgerReport& report);  // 49,075 received = 49,075 stored, 0 missing
std::string table_text(const LedgerReport& report);
std::string report_json(const LedgerReport& report);
inline int exit_code(const LedgerReport& report) { return report.balances() ? 0 : 1; }
std::string thousands(uint64_t n);

}  // namespace sluice::quality
