// funnel_answer.h - a funnel panel: the reply of its query as groups, and what the page is sent of them.
//
// Rows    A group's values are per step people, then median_ms (LoadedRow, OverRow, ShownPoint).
// Bounds  kFunnelGroupsMax groups are shown, those with most entries; all are counted. kAnswerRowsMax rows are read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "serve/over_answer.h"
#include "serve/reply_row.h"

namespace sluice::serve {

inline constexpr size_t kFunnelGroupsMax = 12;

// `text`: the panel's query.
Status load_funnel(const Asker& ask, const plan::Metric& metric, const SharedQuery& query, const std::string& text, Loaded& into);
// Rows of funnel_over_query; with `groups` each also says how many there are in all.
Result<std::vector<LoadedRow>> read_funnel_rows(std::string_view reply, const plan::Metric& metric, size_t kept,
                                                uint64_t* groups);

std::string funnel_data(const PanelEntry& entry, const OverAnswer& answer, TimeMs watermark);

}  // namespace sluice::serve
