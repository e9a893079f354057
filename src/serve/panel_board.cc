#include "serve/panel_board.h"

#include "serve/answer_board.h"
#include "serve/retention_board.h"
#include "serve/series_panel.h"
#include "serve/session_board.h"

namespace sluice::serve {

std::unique_ptr<PanelBoard> make_panel_board(const PanelEntry& entry, size_t points_max) {
  switch (entry.panel->kind) {
    case plan::Panel::Kind::timeseries:
    case plan::Panel::Kind::band: return std::make_unique<SeriesPanel>(entry, points_max);
    case plan::Panel::Kind::retention: return std::make_unique<RetentionBoard>(entry, points_max);
    case plan::Panel::Kind::sessions: return std::make_unique<SessionBoard>();
    case plan::Panel::Kind::stat:
    case plan::Panel::Kind::table:
    case plan::Panel::Kind::top:
    case plan::Panel::Kind::funnel: break;
  }
  return std::make_unique<AnswerBoard>(entry);
}

std::optional<PanelChange> whole_if_changed(std::string data, std::string& sent) {
  if (data == sent) return std::nullopt;
  sent = data;
  return PanelChange{true, std::move(data)};
}

std::shared_ptr<const OverAnswer> over_answer_of(const Loaded& loaded) {
  auto answer = std::make_shared<OverAnswer>();
  answer->window = loaded.over;
  answer->empty = loaded.newest == kMinusInfinity;
  answer->groups = loaded.groups;
  answer->computed_at = loaded.computed_at;
  answer->took = loaded.took;
  for (const LoadedRow& row : loaded.rows) answer->rows.push_back({row.key, row.values, row.any_late, row.any_on_time});
  return answer;
}

}  // namespace sluice::serve
