// store_check.h - does the store still hold what it acknowledged? Asked at each start and reconnect (design 6, Recovery).
//
// Promise check_store() compares rows per epoch of every append table with the commit marks. A whole epoch that is gone (a store restored
//         from an older copy, lost parts, an empty store) gives `first_missing`: folding again from before it heals. An epoch that is
//         there in part, or twice, cannot be healed without doubling rows: Code::corrupt, naming the epochs.
//         A store of another data id: Code::conflict.
// Errors  also Code::unavailable and Code::unknown: the store does not answer now, ask again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "process/journal.h"
#include "process/warehouse.h"

namespace sluice::process {

// Creates the table of the store's identity when it is absent, and claims an unclaimed store.
Status claim_store(Warehouse& warehouse, const std::string& data_id);
Result<std::optional<Epoch>> check_store(Warehouse& warehouse, const std::vector<CommitEntry>& marks);

}  // namespace sluice::process
