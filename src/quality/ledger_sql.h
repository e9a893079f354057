// ledger_sql.h - what the ledger asks of the store, and its replies (TabSeparated) as counts.
//
// Errors  Code::corrupt when a reply is not what the query asked for.
#pragma once

#include <string>
#include <string_view>

#include "quality/ledger.h"

namespace sluice::quality {

// source, minute Int64 ms, received, stored, quarantined, duplicate, conflict, epoch
std::string folded_sql();
// source, minute Int64 ms, events, quarantine
std::string stored_sql(event::Epoch as_of);
// epoch, events, quarantine of epochs in (after, as_of]
std::string stored_by_epoch_sql(event::Epoch after, event::Epoch as_of);

struct Folded {
  LedgerTable rows;
  event::Epoch as_of;  // the largest epoch among them; 0 without rows
};
Result<Folded> parse_folded(std::string_view reply);
Result<StoreTable> parse_stored(std::string_view reply);
Result<std::map<event::Epoch, StoreCounts>> parse_stored_by_epoch(std::string_view reply);

}  // namespace sluice::quality
