// over_answer.h - the answer of an `over` query, and what stats and tables show of it.
//
// Promise State is R1's with due = the window's end (of a funnel `within` after it), as of the answer's watermark.
// Bounds  kAnswerRowsMax groups are read (the largest by the metric's first measure as written); a table shows kTableRowsMax of them by its own
//         first measure and says how many more there are.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plan/plan.h"
#include "serve/json_out.h"
#include "serve/loading.h"
#include "serve/panel_list.h"

namespace sluice::serve {

inline constexpr size_t kTableRowsMax = 200;

struct OverRow {
  plan::Group key;  // kept dimensions, ascending
  std::vector<std::optional<std::string>> values;  // every measure, visible, as text; of a funnel per step people, median_ms
  bool any_late = false;
  bool any_on_time = false;
};

struct OverAnswer {
  plan::Span window;
  bool empty = true;  // no event passes `where`: there is no window
  std::vector<OverRow> rows;
  uint64_t groups = 0;  // all of them, also those not in rows
  TimeMs computed_at{};
  DurationMs took{};
};

// A table as it was last sent: rows by key, each as JSON.
struct ShownTable {
  std::string head;  // JSON up to the rows
  std::vector<plan::Group> order;  // largest first
  std::map<plan::Group, std::string> rows;
};

plan::State over_state(const plan::Metric& metric, const OverAnswer& answer, const OverRow& row, TimeMs watermark);
// Of a picture of all groups: one number that was revised makes it one that was.
plan::State state_of_all(const plan::Metric& metric, const OverAnswer& answer, TimeMs watermark);
// "start" and "end" of what is shown; null while there is no event.
void write_span(JsonOut& out, const OverAnswer& answer);
// "start" and "end"; null where there is none.
void write_span(JsonOut& out, const std::optional<plan::Span>& span);
std::string stat_data(const PanelEntry& entry, const OverAnswer& answer, TimeMs watermark);
ShownTable table_rows(const PanelEntry& entry, const OverAnswer& answer, TimeMs watermark);
std::string table_data(const ShownTable& table);
// Only what differs; nullopt when nothing does.
std::optional<std::string> table_patch(const ShownTable& before, const ShownTable& after);

}  // namespace sluice::serve
