#include "plan/version.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/hash.h"
#include "plan/calendar.h"
#include "plan/dimension_table.h"
#include "plan/typing.h"

namespace sluice::plan {
namespace {

// Every field with its length in front: no two lists of fields give the same bytes.
void put(std::string& out, std::string_view text) {
  out += fmt::format("{}:", text.size());
  out += text;
  out += ';';
}
void put(std::string& out, int64_t number) { put(out, fmt::format("{}", number)); }

// Names of operations in the bytes: their numbers may change, these do not.
std::string_view op_word(Op op) {
  switch (op) {
    case Op::literal_text: return "text";
    case Op::literal_number: return "number";
    case Op::literal_boolean: return "boolean";
    case Op::literal_time: return "time";
    case Op::literal_null: return "null";
    case Op::name: return "name";
    case Op::path_text: return "path_text";
    case Op::path_number: return "path_number";
    case Op::joined_text: return "joined_text";
    case Op::joined_number: return "joined_number";
    case Op::measure: return "measure";
    case Op::equal: return "=";
    case Op::not_equal: return "!=";
    case Op::less: return "<";
    case Op::less_equal: return "<=";
    case Op::greater: return ">";
    case Op::greater_equal: return ">=";
    case Op::like: return "like";
    case Op::in: return "in";
    case Op::is_null: return "is_null";
    case Op::is_not_null: return "is_not_null";
    case Op::logical_not: return "not";
    case Op::logical_and: return "and";
    case Op::logical_or: return "or";
    case Op::add: return "+";
    case Op::subtract: return "-";
    case Op::multiply: return "*";
    case Op::divide: return "/";
    case Op::lower: return "lower";
    case Op::upper: return "upper";
    case Op::length: return "length";
  }
  return "";
}

std::string_view kind_word(MeasureKind kind) {
  switch (kind) {
    case MeasureKind::count: return "count";
    case MeasureKind::count_of: return "count_of";
    case MeasureKind::sum: return "sum";
    case MeasureKind::avg: return "avg";
    case MeasureKind::min: return "min";
    case MeasureKind::max: return "max";
    case MeasureKind::distinct: return "distinct";
    case MeasureKind::percentile: return "percentile";
    case MeasureKind::first: return "first";
    case MeasureKind::last: return "last";
    case MeasureKind::topk: return "topk";
    case MeasureKind::derived: return "derived";
  }
  return "";
}

std::string_view window_word(Window::Kind kind) {
  switch (kind) {
    case Window::Kind::tumble: return "tumble";
    case Window::Kind::hop: return "hop";
    case Window::Kind::cumulate: return "cumulate";
    case Window::Kind::calendar: return "calendar";
  }
  return "";
}

void put(std::string& out, const Expression& expression, const Metric& metric, const std::vector<std::string>& paths) {
  put(out, static_cast<int64_t>(expression.nodes.size()));
  for (const Node& node : expression.nodes) {
    put(out, op_word(node.op));
    put(out, static_cast<int64_t>(node.inputs.size()));
    for (const uint32_t input : node.inputs) put(out, static_cast<int64_t>(input));
    switch (node.op) {
      case Op::literal_text: put(out, node.text); break;
      case Op::literal_number: put(out, node.number.to_text()); break;
      case Op::literal_boolean: put(out, node.boolean ? 1 : 0); break;
      case Op::literal_time: put(out, node.time_ms); break;
      case Op::literal_null: put(out, type_name(node.type)); break;
      case Op::name: put(out, name_of(static_cast<Name>(node.index))); break;
      case Op::path_text:
      case Op::path_number: put(out, paths[node.index]); break;
      case Op::joined_text:
      case Op::joined_number: {
        const auto same = [&](const NamedJoin& join) { return join.join == node.index; };
        put(out, std::find_if(metric.joins.begin(), metric.joins.end(), same) - metric.joins.begin());
        put(out, node.text);
        break;
      }
      case Op::measure: put(out, metric.measures[node.index].name); break;
      default: break;
    }
  }
}

}  // namespace

std::string metric_version(const Metric& metric, const Plan& plan) {
  const std::vector<std::string>& paths = plan.paths;
  std::string out;
  put(out, kCanonicalForm);
  put(out, metric.name);
  put(out, metric.where, metric, paths);
  put(out, window_word(metric.window.kind));
  put(out, metric.window.size.count());
  put(out, metric.window.step.count());
  put(out, metric.window.offset.count());
  if (metric.window.calendar) {
    // With its instants: a newer zone database that changes them makes another metric, computed anew.
    put(out, metric.window.zone);
    put(out, unit_name(metric.window.unit));
    for (const Calendar::Run& run : metric.window.calendar->runs) {
      put(out, to_ms(run.start));
      put(out, run.size.count());
    }
  }
  put(out, metric.allowed_lateness.count());
  if (metric.latency != Metric::Latency::realtime) put(out, metric.latency == Metric::Latency::minutes ? "minutes" : "batch");
  put(out, static_cast<int64_t>(metric.dimensions.size()));
  for (const Dimension& dimension : metric.dimensions) {
    put(out, dimension.name);
    put(out, dimension.value, metric, paths);
  }
  put(out, static_cast<int64_t>(metric.measures.size()));
  for (const Measure& measure : metric.measures) {
    put(out, measure.name);
    put(out, kind_word(measure.kind));
    put(out, type_name(measure.type));
    put(out, measure.argument, metric, paths);
    put(out, measure.where, metric, paths);
    put(out, static_cast<int64_t>(measure.p_numerator));
    put(out, static_cast<int64_t>(measure.p_denominator));
    if (measure.kind == MeasureKind::topk) put(out, static_cast<int64_t>(measure.top));
  }
  for (const NamedJoin& named : metric.joins) {
    const Join& join = plan.joins[named.join];
    const DimensionFile& file = plan.dimension_files[join.file];
    for (const std::string* text : {&file.name, &file.key, &file.valid_from, &file.valid_to}) put(out, *text);
    put(out, join.on, metric, paths);
  }
  if (metric.sessions) {
    put(out, metric.kind == Metric::Kind::sessions ? "sessions" : "from sessions");
    put(out, metric.sessions->by, metric, paths);
    put(out, metric.sessions->where, metric, paths);
    put(out, metric.sessions->gap.count());
    put(out, metric.sessions->max.count());
  }
  if (metric.cohorts) {
    put(out, "retention");
    put(out, static_cast<int64_t>(metric.cohorts->periods));
    for (const Expression* expression : {&metric.cohorts->by, &metric.cohorts->start, &metric.cohorts->back})
      put(out, *expression, metric, paths);
  }
  if (metric.funnel) {
    put(out, "funnel");
    put(out, metric.funnel->by, metric, paths);
    put(out, metric.funnel->within.count());
    put(out, metric.funnel->strict ? 1 : 0);
    for (const FunnelStep& step : metric.funnel->steps) {
      put(out, step.name);
      put(out, step.where, metric, paths);
    }
  }
  return to_hex(hash128(out)).substr(0, 16);
}

std::string plan_hash(const Plan& plan) {
  std::vector<const Source*> sources;
  for (const Source& source : plan.sources) sources.push_back(&source);
  std::sort(sources.begin(), sources.end(), [](const Source* a, const Source* b) { return a->name < b->name; });
  std::string out;
  put(out, kCanonicalForm);
  put(out, static_cast<int64_t>(sources.size()));
  for (const Source* source : sources) {
    put(out, source->name);
    put(out, source->disorder.count());
    put(out, source->idle.count());
    put(out, source->dedup.count());
  }
  put(out, static_cast<int64_t>(plan.metrics.size()));
  for (const Metric& metric : plan.metrics) {
    put(out, metric.name);
    put(out, metric.version);
  }
  for (const DimensionFile& file : plan.dimension_files) {
    put(out, file.name);
    put(out, file.key);
    put(out, file.table->hash());
  }
  return to_hex(hash128(out));
}

}  // namespace sluice::plan
