// session_board.h - a sessions panel: the newest sessions, read from their view again when some of them changed.
//
// Shown   Sessions that started in [start, end), newest start first, kSessionsShown of them; all are counted.
// Rows    A row's window is [started_at, ended_at), its key the session's id; values: source, key, user_key, events, duration_ms.
// Threads As panel_board.h.
#pragma once

#include "serve/panel_board.h"
#include "serve/reply_row.h"

namespace sluice::serve {

inline constexpr size_t kSessionsShown = 100;

class SessionBoard final : public PanelBoard {
 public:
  void clear() override;
  void install(const PanelAnswer& answer) override;
  void advance(TimeMs) override {}  // states are the rows' own
  std::string data() const override;
  std::optional<PanelChange> take_change() override;
  std::vector<ShownPoint> points() const override;

 private:
  plan::Span over_{};
  uint64_t all_ = 0;
  std::vector<LoadedRow> rows_;
  event::Epoch as_of_;
  std::string sent_;
};

// The rows that the panel shows, and how many there are in all; of raw events their columns are those of the view.
std::string newest_sessions_sql(const plan::Metric& metric, plan::Span over);
Status load_sessions(const Asker& ask, const plan::Metric& metric, Loaded& into);
std::string shown_sessions_sql(const plan::Metric& metric, plan::Span over);
std::string computed_sessions_sql(const Project& project, uint32_t metric, plan::Span over, event::Epoch epoch);
// Of the view's columns in order, or those of newest_sessions_sql(), which count what there is.
Result<std::vector<LoadedRow>> read_session_rows(std::string_view reply, const plan::Metric& metric, uint64_t* all);

void write_session(JsonOut& out, const LoadedRow& row);

// {"session":{..}|null,"rows":[event_row],"more":n}: a session and its events in order, at most kSessionEventsMax.
// not_found: no sessions of that name; invalid: `id` is none.
inline constexpr size_t kSessionEventsMax = 1000;
Result<std::string> session_events_json(const Project& project, Queries& queries, std::string_view name, std::string_view id);

}  // namespace sluice::serve
