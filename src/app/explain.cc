#include "app/explain.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/rfc3339.h"
#include "plan/calendar.h"
#include "plan/clickhouse_measure.h"
#include "plan/diagnostics.h"
#include "plan/dimension_table.h"
#include "plan/expression_text.h"
#include "plan/reads.h"
#include "plan/scalars.h"
#include "process/cohort_returns.h"
#include "process/funnel_levels.h"
#include "process/session_rows.h"
#include "process/session_windows.h"
#include "process/window_aggregate.h"

namespace sluice::app {
namespace {

using plan::duration_text;

// Lines "  label       text"; a text of several lines stays in its column.
class Sheet {
 public:
  void line(std::string_view label, std::string_view text) { out_ += fmt::format("  {:<12}{}\n", label, text); }
  void title(std::string_view text) { out_ += fmt::format("{}\n", text); }
  void gap() { out_ += '\n'; }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

std::string window_text(const plan::Window& window) {
  const std::string origin =
      window.offset.count() == 0 ? "" : fmt::format(", counted from {}", format_rfc3339(TimeMs(window.offset)));
  const auto each = window.step.count() == 0 ? 1 : window.size / window.step;
  if (window.kind == plan::Window::Kind::calendar)
    return fmt::format("each {} of {}{}", plan::unit_name(window.unit), window.zone,
                       window.unit == plan::CalendarUnit::week ? ", from Monday" : "");
  if (window.kind == plan::Window::Kind::tumble)
    return fmt::format("{}, one after another, in UTC{}", duration_text(window.size), origin);
  if (window.kind == plan::Window::Kind::hop) {
    return fmt::format("{}, a new one every {}, in UTC{}; each event lies in {}", duration_text(window.size),
                       duration_text(window.step), origin, each);
  }
  return fmt::format("growing by {} up to {}, then from the start, in UTC{}; each event lies in up to {}",
                     duration_text(window.step), duration_text(window.size), origin, each);
}

std::string visible_type(const plan::Measure& measure) {
  const std::vector<plan::clickhouse::Column> columns = plan::clickhouse::stored_columns(measure);
  return columns.size() == 1 ? columns[0].type : "Nullable(Decimal(38, 9))";
}

// What a group keeps for a measure beyond its own bytes, as Accumulator::items() counts it.
std::string kept_text(const plan::Measure& measure) {
  constexpr size_t kItem = process::WindowAggregate::kItemBytes;
  switch (measure.kind) {
    case plan::MeasureKind::count:
    case plan::MeasureKind::count_of:
    case plan::MeasureKind::sum:
    case plan::MeasureKind::avg: return "nothing beyond the group";
    case plan::MeasureKind::min:
    case plan::MeasureKind::max:
    case plan::MeasureKind::first:
    case plan::MeasureKind::last: return fmt::format("{} B", kItem);
    case plan::MeasureKind::distinct: return fmt::format("{0} B and {0} B for each different value", kItem);
    case plan::MeasureKind::percentile: return fmt::format("{0} B and {0} B for each different number", kItem);
    case plan::MeasureKind::topk:
      return fmt::format("{0} B, {0} B for each different text and {0} B for each {1} bytes of it", kItem,
                         process::Accumulator::kTextBytes);
    case plan::MeasureKind::derived: break;
  }
  return "nothing: computed when it is read";
}

void add_paths(const plan::Expression& expression, const plan::Plan& plan, std::set<std::string>& into) {
  for (const plan::Node& node : expression.nodes) {
    if (node.op == plan::Op::path_text || node.op == plan::Op::path_number) into.insert(plan.paths[node.index]);
  }
}

std::string paths_text(const plan::Plan& plan, const plan::Metric& metric) {
  std::set<std::string> paths;
  for (const plan::Expression* expression : plan::event_expressions(metric)) add_paths(*expression, plan, paths);
  for (const plan::NamedJoin& join : metric.joins) add_paths(plan.joins[join.join].on, plan, paths);
  std::string out;
  for (const std::string& path : paths) out += (out.empty() ? "" : ", ") + path;
  return out.empty() ? "no path: names of events only" : out;
}

void add_windows(Sheet& sheet, const plan::Metric& metric) {
  sheet.line("windows", window_text(metric.window));
  std::string after = metric.due_after.count() == 0 ? "" : duration_text(metric.due_after) + " + ";
  after += duration_text(metric.allowed_lateness);
  sheet.line("final", fmt::format("when the watermark is {} past the window's end; `filling` before", after));
  sheet.line("", "`revised` instead if of its events one came later than that and one did not");
}

void add_dimensions(Sheet& sheet, const plan::Plan& plan, const plan::Metric& metric) {
  bool any = false;
  for (const uint32_t i : plan::clickhouse::written_order(metric.dimensions)) {
    const plan::Dimension& dimension = metric.dimensions[i];
    if (dimension.value.empty()) continue;  // the step of a funnel
    sheet.line(any ? "" : "groups by",
               fmt::format("{} = {}", dimension.name, plan::expression_text(dimension.value, plan, metric)));
    any = true;
  }
  if (!any) sheet.line("groups by", "nothing: one group a window");
}

void add_joins(Sheet& sheet, const plan::Plan& plan, const plan::Metric& metric) {
  for (const plan::NamedJoin& named : metric.joins) {
    const plan::Join& join = plan.joins[named.join];
    const plan::DimensionFile& file = plan.dimension_files[join.file];
    const bool always = file.valid_from.empty() && file.valid_to.empty();
    sheet.line("joins", fmt::format("{}: the row of {} whose {} is {}{}", named.name, file.name, file.key,
                                    plan::expression_text(join.on, plan, metric),
                                    always ? "" : ", of those that hold at the event's own time"));
    sheet.line("", fmt::format("{} rows of {}; without one, NULL", file.table->rows().size(), file.path));
  }
}

void add_bounds(Sheet& sheet) {
  const process::OperatorBounds bounds;
  sheet.line("", fmt::format("over {} open groups or {} MiB the largest window is counted from the stored events instead",
                             bounds.groups_max, bounds.state_bytes_max >> 20));
}

std::string latency_text(plan::Metric::Latency latency) {
  switch (latency) {
    case plan::Metric::Latency::realtime: return "realtime: rows follow their events within a second";
    case plan::Metric::Latency::minutes: return "minutes: rows that are filling follow once a minute";
    case plan::Metric::Latency::batch: break;
  }
  return "batch: a job computes what changed once an hour";
}

void add_sessions(Sheet& sheet, const plan::Plan& plan, const plan::Metric& metric) {
  const plan::Sessions& sessions = *metric.sessions;
  sheet.line("whose", plan::expression_text(sessions.by, plan, metric) + " in each source; an event without it counts nowhere");
  sheet.line("of", sessions.where.empty() ? "all events" : "events where " + plan::expression_text(sessions.where, plan, metric));
  sheet.line("begins", fmt::format("with an event more than {} after the one before it", duration_text(sessions.gap)));
  sheet.line("", fmt::format("and every {} from the first of those that follow one another", duration_text(sessions.max)));
}

void explain_sessions(Sheet& sheet, const plan::Plan& plan, const plan::Metric& metric) {
  using process::SessionRuns;
  add_sessions(sheet, plan, metric);
  sheet.line("final", fmt::format("when the watermark is {} past the time from which no event can join it; `filling` before",
                                  duration_text(metric.allowed_lateness)));
  sheet.line("", "`revised` instead if of its events one came later than that and one did not");
  sheet.gap();
  sheet.line("rows", "one for each session; one that a late event made into another is taken back");
  sheet.line("",
             "session_id, source, key, user_key String; started_at, ended_at DateTime64(3); events UInt64; duration_ms Int64");
  sheet.gap();
  sheet.line("memory", fmt::format("{} B for each key with a session that can still change, {} B for each such session",
                                   SessionRuns::kKeyBytes, SessionRuns::kSessionBytes));
  const process::OperatorBounds bounds;
  sheet.line("", fmt::format("over {} of them or {} MiB some are computed from the stored events instead, for {} B each",
                             bounds.groups_max, bounds.state_bytes_max >> 20, SessionRuns::kColdBytes));
}

void add_session_memory(Sheet& sheet) {
  using process::SessionRuns;
  using process::SessionWindows;
  sheet.line("memory", fmt::format("{} B for each key with a session that can still change, {} B for each such session",
                                   SessionRuns::kKeyBytes, SessionRuns::kSessionBytes));
  sheet.line("", fmt::format("{} B for each of them in each open window, {} B for each group of one, and what its measures keep",
                             SessionWindows::kOpenBytes, SessionWindows::kGroupBytes));
}

void explain_windows(Sheet& sheet, const plan::Plan& plan, const plan::Metric& metric) {
  const std::string of = metric.sessions ? "sessions" : "events";
  sheet.line("counts", (metric.where.empty() ? "all " + of : of + " where " + plan::expression_text(metric.where, plan, metric)) +
                           (metric.sessions ? " of " + metric.sessions->name : ""));
  if (metric.sessions) add_sessions(sheet, plan, metric);
  add_windows(sheet, metric);
  sheet.line("latency", latency_text(metric.latency));
  add_dimensions(sheet, plan, metric);
  sheet.gap();
  const bool batch = metric.latency == plan::Metric::Latency::batch;
  for (const uint32_t i : plan::clickhouse::written_order(metric.measures)) {
    const plan::Measure& measure = metric.measures[i];
    sheet.line("measure", fmt::format("{} = {}", measure.name, plan::measure_text(measure, plan, metric)));
    if (!measure.where.empty()) sheet.line("", "only where " + plan::expression_text(measure.where, plan, metric));
    sheet.line("", visible_type(measure) + (batch ? "" : "; keeps " + kept_text(measure)));
  }
  sheet.gap();
  if (batch) return sheet.line("memory", "nothing: it is computed from the stored events");
  if (metric.sessions) {
    add_session_memory(sheet);
  } else {
    sheet.line("memory", fmt::format("{} B for each group of an open window, and what its measures keep",
                                     process::WindowAggregate::kGroupBytes));
  }
  add_bounds(sheet);
}

void explain_funnel(Sheet& sheet, const plan::Plan& plan, const plan::Metric& metric) {
  using process::FunnelLevels;
  const plan::Funnel& funnel = *metric.funnel;
  sheet.line("who", plan::expression_text(funnel.by, plan, metric) + "; an event without it counts nowhere");
  for (size_t i = 0; i < funnel.steps.size(); ++i) {
    sheet.line(i == 0 ? "steps" : "",
               fmt::format("{} {}: {}", i + 1, funnel.steps[i].name, plan::expression_text(funnel.steps[i].where, plan, metric)));
  }
  sheet.line("in order", fmt::format("each step {} the one before it, the last at most {} after the first",
                                     funnel.strict ? "later than" : "at the time of or after", duration_text(funnel.within)));
  add_windows(sheet, metric);
  sheet.line("", "an event of the first step belongs to the window that its own time lies in");
  add_dimensions(sheet, plan, metric);
  sheet.gap();
  sheet.line("rows", fmt::format("{} for each window and group with an entry, one per step", funnel.steps.size()));
  sheet.line("", "step UInt8, step_name String");
  sheet.line("", "people UInt64: who reached the step");
  sheet.line("", "median_ms Nullable(Decimal(38, 9)): of the times from the entry to the step");
  sheet.gap();
  sheet.line("memory", fmt::format("{} B for each of `who` with a step in reach of an open window, {} B for each such event",
                                   FunnelLevels::kKeyBytes, FunnelLevels::kMomentBytes));
  sheet.line("", fmt::format("{} B for each of them in each open window, {} B for each row", FunnelLevels::kMemberBytes,
                             FunnelLevels::kGroupBytes));
  sheet.line("", fmt::format("{} B for each different time to convert of a row", FunnelLevels::kTimeBytes));
  add_bounds(sheet);
}

void explain_retention(Sheet& sheet, const plan::Plan& plan, const plan::Metric& metric) {
  const plan::CohortReturn& cohorts = *metric.cohorts;
  sheet.line("who", plan::expression_text(cohorts.by, plan, metric) + "; an event without it counts nowhere");
  sheet.line("begins with", plan::expression_text(cohorts.start, plan, metric));
  sheet.line("returns with", plan::expression_text(cohorts.back, plan, metric));
  sheet.line("periods", fmt::format("{}, 0 to {}: {}", cohorts.periods, cohorts.periods - 1, window_text(metric.window)));
  sheet.line("", "who belongs to the period of their first such event ever stored");
  sheet.line("final", fmt::format("when the watermark is {} past the period's end; `filling` before",
                                  duration_text(metric.allowed_lateness)));
  sheet.line("", "`revised` instead if of its events one came later than that and one did not");
  sheet.gap();
  sheet.line("rows", fmt::format("{} for each period in which someone began", cohorts.periods));
  sheet.line("", "people UInt64: of those who began then, how many returned in the period");
  sheet.gap();
  using process::CohortReturns;
  sheet.line("memory",
             fmt::format("{} B for each of `who` ever begun, {} B for each who returned in an open period, {} B for each row",
                         CohortReturns::kKeyBytes, CohortReturns::kReturnBytes, CohortReturns::kRowBytes));
  add_bounds(sheet);
}

}  // namespace

std::string explain_text(const plan::Plan& plan, const plan::Metric& metric) {
  Sheet sheet;
  const bool sessions = metric.kind == plan::Metric::Kind::sessions;
  const char* kind = sessions ? "sessions" : metric.funnel ? "a funnel" : metric.cohorts ? "a retention" : "a metric";
  sheet.title(fmt::format("{}: {}, in SQL the view sluice.{}", metric.name, kind, metric.name));
  if (!metric.question.empty()) sheet.line("question", metric.question);
  sheet.line("defined in", fmt::format("{}:{}:{}", metric.location.file, metric.location.line, metric.location.column));
  sheet.line("version", metric.version);
  sheet.gap();
  if (sessions) {
    explain_sessions(sheet, plan, metric);
  } else if (metric.funnel) {
    explain_funnel(sheet, plan, metric);
  } else if (metric.cohorts) {
    explain_retention(sheet, plan, metric);
  } else {
    explain_windows(sheet, plan, metric);
  }
  add_joins(sheet, plan, metric);
  sheet.line("reads", paths_text(plan, metric));
  return sheet.take();
}

Result<std::string> explain_sql(const plan::Plan& plan, const plan::Metric& metric, std::string_view engine) {
  if (engine != "clickhouse") {
    return fail(Code::invalid, fmt::format("SQL for {} is not in this release; --sql clickhouse is", plan::quoted(engine)));
  }
  return plan::clickhouse::definition_query(plan, metric, UINT64_MAX, std::nullopt);
}

Result<const plan::Metric*> find_definition(const plan::Plan& plan, std::string_view name) {
  std::vector<std::string> names;
  for (const plan::Metric& metric : plan.metrics) {
    if (metric.name == name) return &metric;
    names.push_back(metric.name);
  }
  std::string hint = plan::did_you_mean(name, names);
  if (hint.empty()) hint = names.empty() ? "; it defines nothing yet" : "; it defines " + plan::listed(names);
  return fail(Code::not_found, fmt::format("the project has no definition {}{}", plan::quoted(name), hint));
}

}  // namespace sluice::app
