#include "serve/funnel_answer.h"

#include <fmt/format.h>

#include <algorithm>

#include "plan/clickhouse_measure.h"

namespace sluice::serve {
namespace {

namespace sql = plan::clickhouse;

}  // namespace

Status load_funnel(const Asker& ask, const plan::Metric& metric, const SharedQuery& query, const std::string& text,
                   Loaded& into) {
  std::string names;
  for (const uint32_t i : query.kept) names += sql::quote_name(sql::stored_name(metric.dimensions[i].name)) + ", ";
  const std::string partition = names.empty() ? "" : "PARTITION BY " + names.substr(0, names.size() - 2);
  // People of step 1 are the most of their group.
  const std::string reply = SLUICE_TRY(
      ask(fmt::format("SELECT *, count() OVER (), max(people) OVER ({}) AS _entered FROM (\n{}\n) ORDER BY _entered DESC, {}step "
                      "LIMIT {}",
                      partition, text, names, kAnswerRowsMax - kAnswerRowsMax % metric.funnel->steps.size())));
  into.rows = SLUICE_TRY(read_funnel_rows(reply, metric, query.kept.size(), &into.groups));
  return ok();
}

Result<std::vector<LoadedRow>> read_funnel_rows(std::string_view reply, const plan::Metric& metric, size_t kept,
                                                uint64_t* groups) {
  const size_t steps = metric.funnel->steps.size();
  std::vector<LoadedRow> rows;
  TabSeparatedReader reader(reply);
  ReplyCells cells;
  size_t step = steps;  // of the last row read
  while (reader.next(cells)) {
    ReplyRow row(cells);
    plan::Group key;
    for (size_t i = 0; i < kept; ++i) key.push_back(row.next());
    const uint64_t number = row.count();
    row.next();  // its name
    std::optional<std::string> people = row.next(), median = row.next();
    const bool late = row.count() != 0, on_time = row.count() != 0;
    if (groups != nullptr) {
      *groups = row.count() / steps;
      row.next();  // what they are ordered by
    }
    if (!row.whole() || number != step % steps + 1) return odd_reply(metric.name);
    step = number;
    if (step == 1) {
      rows.emplace_back();
      rows.back().key = std::move(key);
      rows.back().any_late = late;
      rows.back().any_on_time = on_time;
    } else if (rows.back().key != key) {
      return odd_reply(metric.name);
    }
    rows.back().values.push_back(std::move(people));
    rows.back().values.push_back(std::move(median));
  }
  if (reader.failed() || step != steps) return odd_reply(metric.name);
  return rows;
}

std::string funnel_data(const PanelEntry& entry, const OverAnswer& answer, TimeMs watermark) {
  const plan::Metric& metric = *entry.metric;
  const size_t shown = std::min(answer.rows.size(), kFunnelGroupsMax);
  JsonOut out;
  out.object([&] {
    write_span(out, answer);
    out.key("state").text(plan::state_name(state_of_all(metric, answer, watermark)));
    out.key("computed_at").time(answer.computed_at);
    out.key("took_ms").number(answer.took.count());
    out.key("groups").array([&] {
      for (size_t g = 0; g < shown; ++g) {
        const OverRow& row = answer.rows[g];
        out.object([&] {
          out.key("key").array([&] {
            for (const auto& part : row.key) out.text_or_null(part);
          });
          out.key("state").text(plan::state_name(over_state(metric, answer, row, watermark)));
          out.key("steps").array([&] {
            for (size_t i = 0; i < metric.funnel->steps.size(); ++i) {
              out.object([&] {
                out.key("name").text(metric.funnel->steps[i].name);
                out.key("people").text_or_null(row.values[2 * i]);
                out.key("median_ms").text_or_null(row.values[2 * i + 1]);
              });
            }
          });
        });
      }
    });
    out.key("more").count(std::max<uint64_t>(answer.groups, answer.rows.size()) - shown);
  });
  return out.take();
}

}  // namespace sluice::serve
