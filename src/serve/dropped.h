// dropped.h - who a funnel lost: the people behind a drop of a funnel panel, newest entry first.
//
// Promise Those counted by the panel: of its shown window, group and epoch, they reached step - 1 and not step.
// Bounds  kDroppedRowsMax rows as JSON; as CSV all, up to the bytes that a reply may have.
// Errors  invalid (no funnel, no such step, key of another shape), not_found (no such panel), those of the query.
// Use     On a worker.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "serve/hub.h"
#include "serve/queries.h"

namespace sluice::serve {

inline constexpr size_t kDroppedRowsMax = 1000;

struct DroppedWanted {
  size_t step = 0;  // 2 or more
  plan::Group key;  // of the group, in the panel's order
  size_t limit = 100;
};
// Of the texts of an address, '' is absent: step=3, key=["de"], limit=100.
Result<DroppedWanted> read_dropped(std::string_view step, std::string_view key, std::string_view limit);

// {"step":3,"rows":[{"key":"u_1","at":ms}],"more":n,"epoch":n}
Result<std::string> dropped_json(Hub& hub, Queries& queries, std::string_view panel_id, const DroppedWanted& wanted,
                                 const PanelRange& range);
// key,entered_at
Result<std::string> dropped_csv(Hub& hub, Queries& queries, std::string_view panel_id, const DroppedWanted& wanted,
                                const PanelRange& range);

}  // namespace sluice::serve
