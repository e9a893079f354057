#include "process/job.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include "base/rfc3339.h"
#include "plan/clickhouse_join.h"
#include "plan/clickhouse_sessions.h"
#include "process/adoption.h"
#include "process/row_binary.h"

namespace sluice::process {
namespace {

using plan::MeasureKind;
using plan::MetricRow;
using plan::Span;
using plan::StoredValue;
using plan::Value;

bool is_count(MeasureKind kind) {
  return kind == MeasureKind::count || kind == MeasureKind::count_of || kind == MeasureKind::distinct;
}

StoredValue read_count(RowReader& from) {
  return StoredValue::of(Value::of(Decimal{static_cast<int128>(from.u64()) * Decimal::kOne}));
}

StoredValue read_nullable(RowReader& from, plan::Type type) {
  if (from.is_null()) return StoredValue{};
  switch (type) {
    case plan::Type::text: return StoredValue::of(Value::of(from.text()));
    case plan::Type::time: return StoredValue::of(Value::of(from.time()));
    default: return StoredValue::of(Value::of(from.decimal()));
  }
}

StoredValue read_top(RowReader& from) {
  std::vector<plan::TopValue> top;
  for (uint64_t n = from.count(); n > 0 && !from.failed(); --n) {
    std::string value(from.text());
    top.push_back({std::move(value), from.u64()});
  }
  return StoredValue::of(std::move(top));
}

// Window, dimensions and stored measures: how every query of a metric's rows begins.
MetricRow read_row(RowReader& from, const plan::Metric& metric) {
  MetricRow row;
  const TimeMs start = from.time();
  row.window = {start, from.time()};
  for (size_t i = 0; i < metric.dimensions.size(); ++i) row.dimensions.push_back(from.nullable_text());
  for (const plan::Measure& measure : metric.measures) {
    if (measure.kind == MeasureKind::derived) continue;
    if (is_count(measure.kind)) {
      row.stored.push_back(read_count(from));
    } else if (measure.kind == MeasureKind::topk) {
      row.stored.push_back(read_top(from));
    } else {
      row.stored.push_back(read_nullable(from, measure.kind == MeasureKind::avg ? plan::Type::number : measure.type));
      if (measure.kind == MeasureKind::avg) row.stored.push_back(read_count(from));
    }
  }
  return row;
}

std::string key_of(const MetricRow& row) {
  return fmt::format("{}/{}/{}", to_ms(row.window.start), to_ms(row.window.end), plan::clickhouse::group_key(row.dimensions));
}

// The same windows as a condition on a metric's table.
std::string window_condition(const plan::Metric& metric, const std::vector<Span>& windows) {
  if (metric.kind == plan::Metric::Kind::sessions) {
    namespace sql = plan::clickhouse;
    return sql::ranges_condition(sql::key_hash_sql("assumeNotNull(source)", "assumeNotNull(key)"), windows);
  }
  std::string list;
  for (const Span& w : windows) {
    if (!list.empty()) list += ",";
    list += fmt::format("({},{})", to_ms(w.start), to_ms(w.end));
  }
  return "(toUnixTimestamp64Milli(window_start), toUnixTimestamp64Milli(window_end)) IN (" + list + ")";
}

MetricRow tombstone_of(const MetricRow& old) {
  MetricRow row = old;
  for (StoredValue& value : row.stored) value = StoredValue{};
  row.removed = true;
  return row;
}

}  // namespace

std::string value_text(const StoredValue& value) {
  switch (value.kind) {
    case Value::Kind::text: return value.text;
    case Value::Kind::number: return value.number.to_text();
    case Value::Kind::time: return format_rfc3339(value.time);
    case Value::Kind::top: return plan::top_text(value.top);
    case Value::Kind::null:
    case Value::Kind::boolean: break;
  }
  return "";
}

Result<JobResult> JobRunner::run(const plan::Plan& plan, const plan::Metric& metric, const std::string& table,
                                 const JobEntry& job) {
  SLUICE_CHECK(await_dimensions(plan, metric));
  const Target target{plan, metric, table, job};
  JobResult result;
  const bool keys = metric.kind == plan::Metric::Kind::sessions;
  for (size_t i = 0, end = 0; i < job.windows.size(); i = end) {
    for (size_t ranges = 0; end < std::min(job.windows.size(), i + kSliceWindows) && ranges < kSliceRanges; ++end)
      ranges += keys && job.windows[end].end - job.windows[end].start > DurationMs(1) ? 1 : 0;
    SLUICE_CHECK(run_slice(
        target, {job.windows.begin() + static_cast<ptrdiff_t>(i), job.windows.begin() + static_cast<ptrdiff_t>(end)}, result));
  }
  return result;
}

// A table is filled by one insert, whole or not at all, but in its own time: a join with an empty one would be wrong without a word.
Status JobRunner::await_dimensions(const plan::Plan& plan, const plan::Metric& metric) {
  for (const plan::NamedJoin& named : metric.joins) {
    const plan::DimensionFile& file = plan.dimension_files[plan.joins[named.join].file];
    const std::string table = plan::clickhouse::dimension_table_name(file);
    const std::string reply = SLUICE_TRY(
        warehouse_.query(fmt::format("SELECT count() FROM sluice.{} FINAL", plan::clickhouse::quote_name(table)), "RowBinary"));
    RowReader from(reply);
    if (from.u64() < file.table->rows().size() || from.failed())
      return fail(Code::unavailable, fmt::format("store: the rows of dimension {} are on their way", file.name));
  }
  return ok();
}

Status JobRunner::run_slice(const Target& target, const std::vector<Span>& windows, JobResult& result) {
  Result<std::vector<MetricRow>> computed = compute(target, windows);
  if (!computed && computed.error().code == Code::full) {
    if (windows.size() == 1) {
      return fail(Code::full,
                  fmt::format("metric {}: the window from {} has more groups than a metric may have; narrow its dimensions",
                              target.metric.name, format_rfc3339(windows.front().start)));
    }
    const auto middle = windows.begin() + static_cast<ptrdiff_t>(windows.size() / 2);
    SLUICE_CHECK(run_slice(target, {windows.begin(), middle}, result));
    return run_slice(target, {middle, windows.end()}, result);
  }
  if (!computed) return std::move(computed).error();
  const std::vector<Published> old_rows = SLUICE_TRY(published(target, windows));
  absl::flat_hash_map<std::string, const MetricRow*> old_of;
  // What the operator emitted behind the job's epoch is newer than all that the job knows: of a key some sessions are live.
  absl::flat_hash_set<std::string> newer;
  for (const Published& old : old_rows) {
    if (old.epoch > target.job.up_to) {
      newer.insert(key_of(old.row));
    } else {
      old_of.emplace(key_of(old.row), &old.row);
    }
  }

  std::vector<MetricRow> changed;
  std::vector<plan::Revision> revisions;
  const auto revise = [&](const MetricRow& row, const MetricRow* old) {
    // A value that was still filling was never said to be final: its growth is no revision.
    if (target.job.first || old == nullptr || old->state == plan::State::filling) return;
    const std::vector<StoredValue> before = plan::visible_values(target.metric, old->stored, evaluator_);
    std::vector<StoredValue> after(before.size());
    if (!row.removed) after = plan::visible_values(target.metric, row.stored, evaluator_);
    for (size_t i = 0; i < before.size(); ++i) {
      if (before[i] == after[i]) continue;
      revisions.push_back({row.window, row.dimensions, target.metric.measures[i].name, value_text(before[i]),
                           value_text(after[i]), target.job.restates ? plan::Cause::dimension : plan::Cause::late});
    }
  };
  for (MetricRow& row : *computed) {
    if (newer.contains(key_of(row))) continue;
    const auto it = old_of.find(key_of(row));
    const MetricRow* old = it == old_of.end() ? nullptr : it->second;
    if (it != old_of.end()) old_of.erase(it);
    if (old != nullptr && old->stored == row.stored && old->state == row.state) continue;
    revise(row, old);
    changed.push_back(std::move(row));
  }
  for (const auto& [key, old] : old_of) {  // the group lost its last event
    changed.push_back(tombstone_of(*old));
    revise(changed.back(), old);
  }
  SLUICE_CHECK(write(target, changed, revisions));
  for (MetricRow& row : changed) {
    if (result.rows.size() < kRowsKeptMax) result.rows.push_back(std::move(row));
  }
  for (plan::Revision& revision : revisions) {
    if (result.revisions.size() < kRowsKeptMax) result.revisions.push_back(std::move(revision));
  }
  return ok();
}

Result<std::vector<MetricRow>> JobRunner::compute(const Target& target, const std::vector<Span>& windows) {
  const std::string reply = SLUICE_TRY(warehouse_.query(
      plan::clickhouse::windows_query(target.plan, target.metric, windows, target.job.up_to.value), "RowBinary"));
  std::vector<MetricRow> rows;
  RowReader from(reply);
  while (from.more()) {
    MetricRow row = read_row(from, target.metric);
    const bool any_late = from.u8() != 0;
    const bool any_on_time = from.u8() != 0;
    const bool own_due = target.metric.kind == plan::Metric::Kind::sessions;
    const TimeMs due = own_due ? from.time() : target.metric.due(row.window);
    row.state = plan::state_of(due, target.metric.allowed_lateness, target.job.watermark, any_late, any_on_time);
    rows.push_back(std::move(row));
    if (rows.size() > kWindowGroupsMax) return fail(Code::full, "too many groups");
  }
  if (from.failed()) return fail(Code::unavailable, "store: a short reply to a job");
  return rows;
}

Result<std::vector<JobRunner::Published>> JobRunner::published(const Target& target, const std::vector<Span>& windows) {
  std::string columns = "toUnixTimestamp64Milli(window_start), toUnixTimestamp64Milli(window_end)";
  // Dimensions and stored measures under the table's names, which may differ from their own (`version` is the table's).
  const std::vector<plan::clickhouse::Column> all = plan::clickhouse::table_columns(target.metric);
  constexpr size_t kFirst = 3;  // after window_start, window_end and group_key
  for (size_t i = kFirst; i + 4 < all.size(); ++i) columns += ", " + plan::clickhouse::quote_name(all[i].name);
  const std::string sql = fmt::format("SELECT {}, state, epoch FROM sluice.{} FINAL WHERE is_deleted = 0 AND {}", columns,
                                      plan::clickhouse::quote_name(target.table), window_condition(target.metric, windows));
  const std::string reply = SLUICE_TRY(warehouse_.query(sql, "RowBinary"));
  std::vector<Published> rows;
  RowReader from(reply);
  while (from.more()) {
    MetricRow row = read_row(from, target.metric);
    const std::string_view state = from.text();
    row.state = state == "final" ? plan::State::final : state == "revised" ? plan::State::revised : plan::State::filling;
    rows.push_back({std::move(row), Epoch(from.u64())});
  }
  if (from.failed()) return fail(Code::unavailable, "store: a short reply to a job");
  return rows;
}

Status JobRunner::write(const Target& target, const std::vector<MetricRow>& rows, const std::vector<plan::Revision>& revisions) {
  const Epoch up_to = target.job.up_to;
  if (!revisions.empty()) {
    std::string bytes;
    RowWriter to(bytes);
    for (const plan::Revision& revision : revisions) {
      write_revision(to, {target.metric.name, target.metric.version, revision, target.job.job.value, target.job.clock, up_to});
    }
    SLUICE_CHECK(warehouse_.insert({insert_statement(Table::revisions), bytes, revisions.size(),
                                    fmt::format("sluice-job-{}-revisions", target.job.job.value)}));
  }
  constexpr size_t kRowsPerInsert = 50'000;
  for (size_t i = 0; i < rows.size(); i += kRowsPerInsert) {
    const size_t end = std::min(rows.size(), i + kRowsPerInsert);
    std::string bytes;
    RowWriter to(bytes);
    for (size_t k = i; k < end; ++k) write_metric_row(to, target.metric, rows[k], 2 * up_to.value + 1, up_to);
    SLUICE_CHECK(warehouse_.insert({metric_insert_statement(target.metric, target.table), bytes, end - i,
                                    fmt::format("sluice-job-{}-{}", target.job.job.value, i)}));
  }
  return ok();
}

Result<std::vector<Span>> JobRunner::list(const plan::Plan& plan, const plan::Metric& metric, const std::string& table,
                                          Epoch up_to) {
  SLUICE_CHECK(await_dimensions(plan, metric));
  std::vector<Span> windows;
  const auto read = [&](const std::string& sql, bool counted) -> Status {
    const std::string reply = SLUICE_TRY(warehouse_.query(sql, "RowBinary"));
    RowReader from(reply);
    while (from.more()) {
      const TimeMs start = from.time();
      windows.push_back({start, from.time()});
      if (counted) from.u64();  // rows
    }
    return from.failed() ? Status(fail(Code::unavailable, "store: a short reply to a list of windows")) : ok();
  };
  SLUICE_CHECK(read(plan::clickhouse::window_list_query(plan, metric, up_to.value), true));
  if (table.empty()) return windows;
  // A window whose events pass no more has rows that must go.
  SLUICE_CHECK(read(fmt::format("SELECT DISTINCT toUnixTimestamp64Milli(window_start), toUnixTimestamp64Milli(window_end) FROM "
                                "sluice.{} FINAL WHERE is_deleted = 0",
                                plan::clickhouse::quote_name(table)),
                    false));
  std::sort(windows.begin(), windows.end());
  windows.erase(std::unique(windows.begin(), windows.end()), windows.end());
  return windows;
}

Result<std::string> JobRunner::stored(const plan::Plan& plan, const plan::Metric& metric, Epoch folded_from, AdoptedEntry& part) {
  SLUICE_CHECK(await_dimensions(plan, metric));
  if (part.up_to.value == 0) {
    const Epoch last(folded_from.value - 1);
    const std::string sql =
        plan::clickhouse::stored_part_end_query(plan, metric, {part.since, part.after.value, last.value}, kPartEvents);
    const Result<std::string> reply = warehouse_.query(sql, "RowBinary");
    if (!reply) return reply.error();
    RowReader from(*reply);
    const Epoch newest(from.u64());
    const bool whole = from.u64() < kPartEvents;
    if (from.failed()) return fail(Code::unavailable, "store: a short reply to where a part of the stored events ends");
    part.up_to = whole ? last : newest;
    part.end = part.up_to == last ? AdoptedEntry::End::takes_over : AdoptedEntry::End::open;
  }
  return warehouse_.query(plan::clickhouse::stored_events_query(plan, metric, {part.since, part.after.value, part.up_to.value}),
                          "RowBinary");
}

}  // namespace sluice::process
