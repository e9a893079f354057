#include "serve/dropped.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/rfc3339.h"
#include "plan/clickhouse_funnel.h"
#include "serve/inspect.h"
#include "serve/json_out.h"
#include "serve/reply_row.h"

namespace sluice::serve {
namespace {

constexpr DurationMs kTimeout{60'000};

struct Dropped {
  std::string sql;  // empty: no event, nobody
  std::string name;
  event::Epoch epoch;
};

Result<Dropped> dropped_of(Hub& hub, std::string_view panel_id, const DroppedWanted& wanted, const PanelRange& range) {
  const ShownPanel shown = SLUICE_TRY(hub.shown_or_compute(panel_id, range));
  const plan::Metric& metric = *shown.entry->metric;
  if (!metric.funnel) return fail(Code::invalid, "only a funnel loses people; this panel is none");
  if (wanted.step < 2 || wanted.step > metric.funnel->steps.size()) {
    return fail(Code::invalid,
                fmt::format("`step` must be from 2 to {}, the one that was not reached", metric.funnel->steps.size()));
  }
  if (wanted.key.size() != shown.query->kept.size())
    return fail(Code::invalid, "`key` must be that of the panel's group: [] or, where the funnel is split, [value]");
  if (shown.empty) return Dropped{"", metric.name, shown.as_of.epoch};
  plan::clickhouse::FunnelDrop drop{shown.over, shown.query->kept, wanted.key, wanted.step, shown.query->filters};
  return Dropped{plan::clickhouse::funnel_dropped_query(*shown.project->plan, metric, drop, shown.as_of.epoch.value), metric.name,
                 shown.as_of.epoch};
}

}  // namespace

Result<DroppedWanted> read_dropped(std::string_view step, std::string_view key, std::string_view limit) {
  DroppedWanted wanted;
  const auto number = parse_unsigned(step);
  if (!number) return fail(Code::invalid, "`step` must be the number of the step that was not reached, from 2");
  wanted.step = *number;
  if (!limit.empty()) {
    const auto rows = parse_unsigned(limit);
    if (!rows || *rows < 1 || *rows > kDroppedRowsMax)
      return fail(Code::invalid, fmt::format("`limit` must be from 1 to {}; dropped.csv has all of them", kDroppedRowsMax));
    wanted.limit = *rows;
  }
  if (key.empty()) return wanted;
  const nlohmann::json list = key.size() > kWhereBytesMax ? nlohmann::json() : nlohmann::json::parse(key, nullptr, false);
  const auto is_part = [](const nlohmann::json& part) { return part.is_string() || part.is_null(); };
  if (!list.is_array() || !std::all_of(list.begin(), list.end(), is_part))
    return fail(Code::invalid, "`key` must be a JSON list of texts or null: [\"de\"]");
  for (const nlohmann::json& part : list)
    wanted.key.push_back(part.is_null() ? std::nullopt : std::optional<std::string>(part.get<std::string>()));
  return wanted;
}

Result<std::string> dropped_json(Hub& hub, Queries& queries, std::string_view panel_id, const DroppedWanted& wanted,
                                 const PanelRange& range) {
  const Dropped dropped = SLUICE_TRY(dropped_of(hub, panel_id, wanted, range));
  std::string reply;
  if (!dropped.sql.empty()) {
    reply = SLUICE_TRY((Asker{queries, kTimeout}(
        fmt::format("SELECT *, count() OVER () FROM (\n{}) ORDER BY at DESC, key LIMIT {}", dropped.sql, wanted.limit))));
  }
  TabSeparatedReader reader(reply);
  ReplyCells cells;
  uint64_t rows = 0, all = 0;
  bool odd = false;
  JsonOut out;
  out.object([&] {
    out.key("step").count(wanted.step);
    out.key("rows").array([&] {
      while (reader.next(cells)) {
        ReplyRow row(cells);
        const std::string key = row.text();
        const TimeMs at = row.time();
        all = row.count();
        odd = odd || !row.whole();
        ++rows;
        out.object([&] {
          out.key("key").text(key);
          out.key("at").time(at);
        });
      }
    });
    out.key("more").count(std::max(all, rows) - rows);
    out.key("epoch").count(dropped.epoch.value);
  });
  if (odd || reader.failed()) return odd_reply(dropped.name);
  return out.take();
}

Result<std::string> dropped_csv(Hub& hub, Queries& queries, std::string_view panel_id, const DroppedWanted& wanted,
                                const PanelRange& range) {
  const Dropped dropped = SLUICE_TRY(dropped_of(hub, panel_id, wanted, range));
  std::string reply;
  if (!dropped.sql.empty()) reply = SLUICE_TRY((Asker{queries, kTimeout}(dropped.sql)));
  TabSeparatedReader reader(reply);
  ReplyCells cells;
  std::string out = "key,entered_at\r\n";
  while (reader.next(cells)) {
    ReplyRow row(cells);
    append_csv_field(out, row.next());
    out += "," + format_rfc3339(row.time()) + "\r\n";
    if (!row.whole()) return odd_reply(dropped.name);
  }
  if (reader.failed()) return odd_reply(dropped.name);
  return out;
}

}  // namespace sluice::serve
