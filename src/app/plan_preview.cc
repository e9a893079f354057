#include "app/plan_preview.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>

#include "base/json_text.h"
#include "base/rfc3339.h"
#include "plan/clickhouse_sessions.h"
#include "plan/dimension_table.h"
#include "quality/ledger.h"

namespace sluice::app {
namespace {

namespace sql = plan::clickhouse;

constexpr uint64_t kEveryEpoch = UINT64_MAX;
constexpr uint64_t kSampleRows = 200'000;  // enough for a time that means something
constexpr size_t kSampleWindows = 500;

const plan::Metric* find(const plan::Plan& plan, const std::string& name) {
  const auto at = std::find_if(plan.metrics.begin(), plan.metrics.end(), [&](const plan::Metric& m) { return m.name == name; });
  return at == plan.metrics.end() ? nullptr : &*at;
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (;;) {
    const size_t tab = line.find('\t');
    cells.push_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return cells;
    line.remove_prefix(tab + 1);
  }
}

template <class Take>
void each_line(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    take(cells_of(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

int64_t number(std::string_view cell) {
  int64_t value = 0;
  std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return value;
}

// Per window: the visible measures, in the metric's order.
using Values = std::map<plan::Span, std::vector<std::string>>;

Result<Values> values_of(const plan::Plan& plan, const plan::Metric& metric, plan::Span over, const Ask& ask) {
  Values values;
  if (metric.kind != plan::Metric::Kind::windows) return values;  // their groups are the point: there is no total
  const std::string reply = SLUICE_TRY(ask(sql::series_query(plan, metric, over, {}, kEveryEpoch), "TabSeparated"));
  each_line(reply, [&](const std::vector<std::string_view>& cells) {
    if (cells.size() < 2 + metric.measures.size()) return;
    std::vector<std::string>& row = values[{time_ms(number(cells[0])), time_ms(number(cells[1]))}];
    for (size_t i = 0; i < metric.measures.size(); ++i) row.emplace_back(cells[2 + i] == "\\N" ? "NULL" : cells[2 + i]);
  });
  return values;
}

std::string value_of(const Values& values, const plan::Span& window, const plan::Metric* metric, const std::string& measure) {
  const auto row = values.find(window);
  if (metric == nullptr || row == values.end()) return "";
  for (size_t i = 0; i < metric->measures.size(); ++i) {
    if (metric->measures[i].name == measure) return row->second[i];
  }
  return "";
}

struct Listed {
  std::vector<plan::Span> windows;  // ascending
  std::vector<uint64_t> rows;
};

Result<Listed> list(const plan::Plan& plan, const plan::Metric& metric, const Ask& ask) {
  Listed listed;
  const std::string reply = SLUICE_TRY(ask(sql::window_list_query(plan, metric, kEveryEpoch), "TabSeparated"));
  bool ended = false;
  each_line(reply, [&](const std::vector<std::string_view>& cells) {
    if (cells.size() < 3 || number(cells[0]) == sql::kEndOfRanges) ended = true;
    if (ended) return;  // of sessions: ranges of keys, then the runs that are open
    listed.windows.push_back({time_ms(number(cells[0])), time_ms(number(cells[1]))});
    listed.rows.push_back(static_cast<uint64_t>(number(cells[2])));
  });
  return listed;
}

// Seconds for all, from a computation of the newest windows.
Result<double> measure(const plan::Plan& plan, const plan::Metric& metric, const Listed& listed, uint64_t rows, const Ask& ask,
                       os::Clock& clock) {
  std::vector<plan::Span> sample;
  uint64_t sampled = 0;
  for (size_t i = listed.windows.size(); i > 0 && sampled < kSampleRows && sample.size() < kSampleWindows; --i) {
    sample.push_back(listed.windows[i - 1]);
    sampled += listed.rows[i - 1];
  }
  if (sampled == 0) return 0.0;
  const os::MonotonicTime began = clock.monotonic();
  SLUICE_CHECK(ask(sql::windows_query(plan, metric, sample, kEveryEpoch), "Null"));
  const std::chrono::duration<double> took = clock.monotonic() - began;
  return took.count() * static_cast<double>(rows) / static_cast<double>(sampled);
}

// Names of dimensions of `after` whose rows the store does not hold as a table of `before`.
std::vector<std::string> other_rows(const plan::Plan& before, const plan::Plan& after) {
  std::vector<std::string> names;
  for (const plan::DimensionFile& file : after.dimension_files) {
    const auto same = [&](const plan::DimensionFile& old) {
      return old.name == file.name && old.table->hash() == file.table->hash();
    };
    if (std::none_of(before.dimension_files.begin(), before.dimension_files.end(), same)) names.push_back(file.name);
  }
  return names;
}

bool joins_any(const plan::Plan& plan, const plan::Metric& metric, const std::vector<std::string>& dimensions) {
  return std::any_of(metric.joins.begin(), metric.joins.end(), [&](const plan::NamedJoin& join) {
    const std::string& name = plan.dimension_files[plan.joins[join.join].file].name;
    return std::find(dimensions.begin(), dimensions.end(), name) != dimensions.end();
  });
}

const char* change_name(MetricPreview::Change change) {
  switch (change) {
    case MetricPreview::Change::born: return "new";
    case MetricPreview::Change::changed: return "changed";
    case MetricPreview::Change::removed: return "removed";
  }
  return "";
}

// Columns under one another, right-aligned but for the first.
std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows.front().size(), 0);
  const auto width = [](const std::string& text) {
    return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  };
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    out += "  ";
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - width(row[i]), ' ');
      out += i == 0 ? row[i] + pad : "  " + pad + row[i];
    }
    out += '\n';
  }
  return out;
}

}  // namespace

Result<PlanPreview> preview(const plan::Plan& before, const plan::Plan& after, size_t periods, const Ask& ask, os::Clock& clock) {
  PlanPreview all;
  all.dimensions = other_rows(before, after);
  for (const plan::Metric& metric : after.metrics) {
    const plan::Metric* old = find(before, metric.name);
    const bool unread = joins_any(after, metric, all.dimensions);
    if (old != nullptr && old->version == metric.version && !unread) {
      ++all.unchanged;
      continue;
    }
    MetricPreview one;
    one.name = metric.name;
    one.change = old == nullptr ? MetricPreview::Change::born : MetricPreview::Change::changed;
    one.unread = unread;
    if (unread) {
      all.metrics.push_back(std::move(one));
      continue;
    }
    const Listed listed = SLUICE_TRY(list(after, metric, ask));
    one.windows = listed.windows.size();
    for (const uint64_t rows : listed.rows) one.rows += rows;
    one.seconds = SLUICE_TRY(measure(after, metric, listed, one.rows, ask, clock));
    for (const plan::Measure& m : metric.measures) one.measures.push_back(m.name);
    if (!listed.windows.empty() && periods > 0) {
      const size_t first = listed.windows.size() - std::min({periods, kPeriodsMax, listed.windows.size()});
      // `over` takes windows that end in (start, end].
      const plan::Span over{listed.windows[first].end - DurationMs(1), listed.windows.back().end};
      const Values now = SLUICE_TRY(values_of(after, metric, over, ask));
      const Values then = old == nullptr ? Values{} : SLUICE_TRY(values_of(before, *old, over, ask));
      std::map<plan::Span, bool> windows;
      for (const Values* values : {&then, &now}) {
        for (const auto& [window, row] : *values) windows[window] = true;
      }
      for (const auto& [window, there] : windows) {
        MetricPreview::Period period{window, {}};
        for (const std::string& name : one.measures)
          period.values.push_back({value_of(then, window, old, name), value_of(now, window, &metric, name)});
        one.periods.push_back(std::move(period));
      }
      if (one.periods.size() > periods)
        one.periods.erase(one.periods.begin(), one.periods.end() - static_cast<ptrdiff_t>(periods));
    }
    all.metrics.push_back(std::move(one));
  }
  for (const plan::Metric& metric : before.metrics) {
    if (find(after, metric.name) != nullptr) continue;
    all.metrics.emplace_back().name = metric.name;
    all.metrics.back().change = MetricPreview::Change::removed;
  }
  std::sort(all.metrics.begin(), all.metrics.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

std::string preview_text(const PlanPreview& preview) {
  std::string out;
  for (const MetricPreview& metric : preview.metrics) {
    out += fmt::format("{:<8} {}", change_name(metric.change), metric.name);
    if (metric.change == MetricPreview::Change::removed) {
      out += ": its view goes\n";
      continue;
    }
    if (metric.unread) {
      out += ": joins rows of a file that is not applied yet; all its windows are computed\n";
      continue;
    }
    out += fmt::format(": {} windows to compute from {} rows, about {:.1f} s\n", quality::thousands(metric.windows),
                       quality::thousands(metric.rows), metric.seconds);
    if (metric.periods.empty()) continue;
    std::vector<std::vector<std::string>> table{{"window"}};
    table[0].insert(table[0].end(), metric.measures.begin(), metric.measures.end());
    for (const MetricPreview::Period& period : metric.periods) {
      std::vector<std::string> row{format_rfc3339(period.window.start)};
      for (const MetricPreview::Value& value : period.values) {
        const auto shown = [](const std::string& text) { return text.empty() ? std::string("–") : text; };
        const bool same = value.before == value.after || metric.change == MetricPreview::Change::born;
        row.push_back(same ? shown(value.after) : shown(value.before) + " → " + shown(value.after));
      }
      table.push_back(std::move(row));
    }
    out += aligned(table);
  }
  for (const std::string& name : preview.dimensions) out += fmt::format("rows     {}: other rows than before\n", name);
  if (preview.metrics.empty()) out += "no number changes\n";
  return out + fmt::format("{} unchanged\n", preview.unchanged);
}

std::string preview_json(const PlanPreview& preview) {
  std::string out = "{\"metrics\":[";
  for (const MetricPreview& metric : preview.metrics) {
    if (out.back() != '[') out += ',';
    out += fmt::format(R"({{"name":{},"change":"{}","windows":{},"rows":{},"seconds":{:.3f},{}"periods":[)",
                       json_string(metric.name), change_name(metric.change), metric.windows, metric.rows, metric.seconds,
                       metric.unread ? R"("unread":true,)" : "");
    for (const MetricPreview::Period& period : metric.periods) {
      if (out.back() != '[') out += ',';
      out += fmt::format(R"({{"window_start":"{}","window_end":"{}","values":{{)", format_rfc3339(period.window.start),
                         format_rfc3339(period.window.end));
      for (size_t i = 0; i < period.values.size(); ++i) {
        const auto text = [](const std::string& value) { return value.empty() ? std::string("null") : json_string(value); };
        out += fmt::format(R"({}{}:{{"before":{},"after":{}}})", i > 0 ? "," : "", json_string(metric.measures[i]),
                           text(period.values[i].before), text(period.values[i].after));
      }
      out += "}}";
    }
    out += "]}";
  }
  return out + fmt::format("],\"unchanged\":{}}}", preview.unchanged);
}

}  // namespace sluice::app
