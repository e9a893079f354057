#include "plan/clickhouse.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "plan/clickhouse_funnel.h"
#include "plan/clickhouse_measure.h"
#include "plan/clickhouse_retention.h"
#include "plan/clickhouse_sessions.h"

namespace sluice::plan::clickhouse {
namespace {

// Columns of the machinery come in front of or behind the author's, whose names may be the same: these then get an underscore in
// front, which no name begins with.
bool clashes(const std::string& name) {
  static constexpr std::array<std::string_view, 6> kOwn{"group_key", "version", "is_deleted", "epoch", "any_late", "any_on_time"};
  return std::find(kOwn.begin(), kOwn.end(), name) != kOwn.end() || name.ends_with("__sum") || name.ends_with("__count");
}

}  // namespace

const std::vector<std::string>& reserved_table_names() {
  static const std::vector<std::string> kNames{"events",    "quarantine", "duplicates",  "identities",    "ledger",
                                               "revisions", "watermarks", "definitions", "store_identity"};
  return kNames;
}

std::string quote_name(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    if (c == '`' || c == '\\') out += '\\';
    out += c;
  }
  return out + "`";
}

std::string quote_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string select(const std::vector<std::string>& columns, const std::string& from, const std::string& rest) {
  std::string out = "SELECT\n";
  for (size_t i = 0; i < columns.size(); ++i) out += fmt::format("  {}{}\n", columns[i], i + 1 < columns.size() ? "," : "");
  out += from.starts_with("SELECT") ? fmt::format("FROM (\n{})\n", from) : fmt::format("FROM {}\n", from);
  return out + rest;
}

std::string stored_name(const std::string& name) { return clashes(name) ? "_" + name : name; }

std::vector<Column> stored_columns(const Measure& measure) {
  const std::string name = stored_name(measure.name);
  switch (measure.kind) {
    case MeasureKind::count:
    case MeasureKind::count_of:
    case MeasureKind::distinct: return {{name, "UInt64"}};
    case MeasureKind::avg: return {{measure.name + "__sum", "Nullable(Decimal(38, 9))"}, {measure.name + "__count", "UInt64"}};
    case MeasureKind::sum:
    case MeasureKind::percentile: return {{name, "Nullable(Decimal(38, 9))"}};
    case MeasureKind::topk: return {{name, std::string(kTopType)}};
    case MeasureKind::min:
    case MeasureKind::max:
    case MeasureKind::first:
    case MeasureKind::last:
      return {{name, measure.type == Type::text   ? "Nullable(String)"
                     : measure.type == Type::time ? "Nullable(DateTime64(3, 'UTC'))"
                                                  : "Nullable(Decimal(38, 9))"}};
    case MeasureKind::derived: return {};
  }
  return {};
}

std::vector<Column> table_columns(const Metric& metric) {
  std::vector<Column> columns{
      {"window_start", "DateTime64(3, 'UTC')"}, {"window_end", "DateTime64(3, 'UTC')"}, {"group_key", "String"}};
  for (const Dimension& dimension : metric.dimensions) columns.push_back({stored_name(dimension.name), "Nullable(String)"});
  for (const Measure& measure : metric.measures) {
    for (Column& column : stored_columns(measure)) columns.push_back(std::move(column));
  }
  columns.push_back({"state", "String"});
  columns.push_back({"version", "UInt64"});
  columns.push_back({"is_deleted", "UInt8"});
  columns.push_back({"epoch", "UInt64"});
  return columns;
}

// Settings: facts/exactly-once.md 10 to 14 (every part synced before it is acknowledged or its sources go); no deduplication by token.
std::string create_table(const Metric& metric, const std::string& table) {
  std::string out = fmt::format("CREATE TABLE IF NOT EXISTS sluice.{} (\n", quote_name(table));
  const std::vector<Column> columns = table_columns(metric);
  for (size_t i = 0; i < columns.size(); ++i) {
    out += fmt::format("  {} {}{}\n", quote_name(columns[i].name), columns[i].type, i + 1 < columns.size() ? "," : ")");
  }
  out += "ENGINE = ReplacingMergeTree(version, is_deleted)\nORDER BY (window_start, window_end, group_key)\n";
  out += "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,\n";
  out += "  min_compressed_bytes_to_fsync_after_merge = 1, old_parts_lifetime = 10, non_replicated_deduplication_window = 0";
  return out;
}

std::string create_view(const Metric& metric, const std::string& table) {
  // Every column is qualified: an alias of the same name would win otherwise, in WHERE too.
  const auto column = [](const std::string& name) { return "_t." + quote_name(name); };
  const std::vector<std::string> visible = visible_sql(metric, [&](const std::string& name) { return column(name); });
  std::string out = fmt::format("CREATE OR REPLACE VIEW sluice.{} AS\nSELECT\n", quote_name(metric.name));
  const std::string rest =
      fmt::format("  _t.state AS state\nFROM sluice.{} AS _t FINAL\nWHERE _t.is_deleted = 0", quote_name(table));
  if (metric.kind == Metric::Kind::sessions) {
    for (const std::string& one : session_columns("_t")) out += fmt::format("  {},\n", one);
    return out + rest;
  }
  out += "  _t.window_start AS window_start,\n  _t.window_end AS window_end,\n";
  const size_t own = metric.kind == Metric::Kind::windows ? 0 : 1;  // the last dimension of other kinds is their own
  for (const uint32_t i : written_order(metric.dimensions)) {
    if (i + own == metric.dimensions.size()) continue;
    out += fmt::format("  {} AS {},\n", column(stored_name(metric.dimensions[i].name)), quote_name(metric.dimensions[i].name));
  }
  if (metric.cohorts) {
    for (const std::string& one : retention_columns("_t.window_start", column("period"))) out += fmt::format("  {},\n", one);
  }
  if (metric.funnel) {
    for (const std::string& step : funnel_step_columns(metric, column("step"))) out += fmt::format("  {},\n", step);
  }
  for (const uint32_t i : written_order(metric.measures))
    out += fmt::format("  {} AS {},\n", visible[i], quote_name(metric.measures[i].name));
  return out + rest;
}

std::string drop_view(const std::string& metric) { return "DROP VIEW IF EXISTS sluice." + quote_name(metric); }

std::string drop_table(const std::string& table) { return "DROP TABLE IF EXISTS sluice." + quote_name(table); }

std::vector<std::string> visible_sql(const Metric& metric, const std::function<std::string(const std::string&)>& column) {
  std::vector<std::string> visible(metric.measures.size()), numbers(metric.measures.size());
  for (size_t i = 0; i < metric.measures.size(); ++i) {
    const Measure& measure = metric.measures[i];
    const std::vector<Column> stored = stored_columns(measure);
    if (stored.empty()) continue;
    visible[i] = column(stored[0].name);
    if (measure.kind == MeasureKind::avg) {
      visible[i] =
          fmt::format("CAST(round(CAST({} AS Nullable(Decimal(76, 20))) / nullIf({}, 0), 9) AS Nullable(Decimal(38, 9)))",
                      column(stored[0].name), column(stored[1].name));
    }
    numbers[i] = stored[0].type == "UInt64" ? fmt::format("toDecimal128({}, 9)", visible[i]) : visible[i];
  }
  for (size_t i = 0; i < metric.measures.size(); ++i) {
    if (metric.measures[i].kind == MeasureKind::derived) visible[i] = derived_sql(metric.measures[i].argument, numbers);
  }
  return visible;
}

std::string filter_sql(const std::string& value, const DimensionFilter& filter) {
  return filter.value ? fmt::format("{} = {}", value, quote_text(*filter.value)) : fmt::format("{} IS NULL", value);
}

std::string top_cell(const std::string& column) {
  return fmt::format("arrayStringConcat(arrayMap(_e -> concat(toString(_e.2), ':', toString(length(_e.1)), ':', _e.1), {}))",
                     column);
}

std::optional<std::vector<TopValue>> read_top_cell(std::string_view cell) {
  std::vector<TopValue> top;
  const auto take = [&](uint64_t& number) {
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
    if (error != std::errc() || end == cell.data() + cell.size() || *end != ':') return false;
    cell.remove_prefix(static_cast<size_t>(end - cell.data()) + 1);
    return true;
  };
  while (!cell.empty()) {
    uint64_t count = 0, size = 0;
    if (!take(count) || !take(size) || size > cell.size()) return std::nullopt;
    top.push_back({std::string(cell.substr(0, size)), count});
    cell.remove_prefix(size);
  }
  return top;
}

std::string group_key(const std::vector<std::optional<std::string>>& dimensions) {
  std::string key;
  for (const std::optional<std::string>& value : dimensions) key += value ? fmt::format("t{}:{}", value->size(), *value) : "n";
  return key;
}

}  // namespace sluice::plan::clickhouse
