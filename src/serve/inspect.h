// inspect.h - "How do you know?": what stands behind a panel's numbers, computed again from raw events, and the rows as CSV.
//
// Use     On a worker: each of these may run queries.
// Errors  not_found (no such panel, row or point), unavailable (not computed yet, store down), invalid (body).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "os/clock.h"
#include "serve/hub.h"
#include "serve/queries.h"

namespace sluice::serve {

// {definition, sql, view_sql, metric, version, epoch, watermark, file, line}
Result<std::string> explain_json(Hub& hub, std::string_view panel_id, const PanelRange& range = {});

// body: {} for a stat; {"key":[..]} for a series, a table's row or a funnel's group; {"key":[..],"window_start":ms} for one point;
// verify.h says what else.
// {shown, computed, equal, epoch, took_ms, sql} and, for a row or a series, `cells`: [{name, shown, computed, equal}], at most 50.
Result<std::string> verify_json(Hub& hub, Queries& queries, os::Clock& clock, std::string_view panel_id, std::string_view body,
                                const PanelRange& range = {});

// {panel, epoch, as_of, watermark, data, unfiltered}: the panel with another range or filters.
Result<std::string> panel_data_json(Hub& hub, std::string_view panel_id, const PanelRange& range);

// window_start, window_end, dimensions, measures, state, as_of; RFC 4180. NULL is an empty field, '' is "".
Result<std::string> csv_text(Hub& hub, std::string_view panel_id, const PanelRange& range = {});
// One field: NULL is empty, what needs quotes has them.
void append_csv_field(std::string& out, const std::optional<std::string>& value);

}  // namespace sluice::serve
