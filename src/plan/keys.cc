#include "plan/keys.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace sluice::plan {
namespace {

constexpr bool kRequired = true, kOptional = false, kReserved = true;

// sluice.yaml
constexpr std::array kListenerKeys{
    Key{"collect", Shape::address, nullptr, kOptional, false, "where events are sent to"},
    Key{"web", Shape::address, nullptr, kOptional, false, "where the page, /health and /metrics are"},
    Key{"sql", Shape::address, nullptr, kOptional, false, "where SQL is answered over HTTP"},
};
constexpr KeySet kListeners{"listeners", kListenerKeys};
constexpr std::array kSourceKeys{
    Key{"name", Shape::name, nullptr, kRequired, false, "what `source` says in expressions and tables"},
    Key{"disorder", Shape::duration, nullptr, kOptional, false,
        "how far behind the newest event another may be and still count as in time (10s)"},
    Key{"idle", Shape::duration, nullptr, kOptional, false,
        "after this silence the source no longer holds back the watermark (60s)"},
    Key{"dedup", Shape::duration, nullptr, kOptional, false, "how long a message id is remembered (24h)"},
};
constexpr KeySet kSource{"a source", kSourceKeys};
constexpr std::array kRetentionKeys{
    Key{"log_time", Shape::duration, nullptr, kOptional, false, "how long the log keeps what is stored (7d)"},
    Key{"log_bytes", Shape::size, nullptr, kOptional, false, "how large the log may grow (20GiB)"},
};
constexpr KeySet kRetention{"retention", kRetentionKeys};
constexpr std::array kProjectKeys{
    Key{"version", Shape::number, nullptr, kRequired, false, "1"},
    Key{"name", Shape::name, nullptr, kRequired, false, "of the project"},
    Key{"listeners", Shape::map, &kListeners, kOptional, false, "HOST:PORT of each port"},
    Key{"sources", Shape::list, &kSource, kRequired, false, "who sends events; each has its own keys, clock and deduplication"},
    Key{"retention", Shape::map, &kRetention, kOptional, false, "how much of the log is kept"},
};
constexpr KeySet kProject{"sluice.yaml", kProjectKeys};

// metrics/*.yaml
constexpr std::array kWindowKeys{
    Key{"tumble", Shape::duration, nullptr, kOptional, false, "windows of this size, one after another"},
    Key{"hop", Shape::duration, nullptr, kOptional, false, "windows of this size, a new one every `slide`"},
    Key{"slide", Shape::duration, nullptr, kOptional, false, "of hop; its size is a multiple of it"},
    Key{"cumulate", Shape::duration, nullptr, kOptional, false, "windows that grow by `step` up to this size, then begin again"},
    Key{"step", Shape::duration, nullptr, kOptional, false, "of cumulate; its size is a multiple of it"},
    Key{"offset", Shape::duration, nullptr, kOptional, false, "moves the windows' origin, 1970-01-01T00:00Z"},
    Key{"calendar", Shape::text, nullptr, kOptional, false, "day, week (from Monday) or month of a time zone"},
    Key{"zone", Shape::text, nullptr, kOptional, false, "of calendar: Europe/Berlin"},
};
constexpr KeySet kWindow{"a window", kWindowKeys};
constexpr std::array kDimensionKeys{
    Key{"value", Shape::expression, nullptr, kRequired, false, "a text"},
    Key{"label", Shape::text, nullptr, kOptional, false, "what the page calls it"},
};
constexpr KeySet kDimension{"a dimension", kDimensionKeys, true};
constexpr std::array kMeasureKeys{
    Key{"value", Shape::expression, nullptr, kRequired, false, "an aggregate, or arithmetic over measures of this metric"},
    Key{"where", Shape::expression, nullptr, kOptional, false, "counts only events that pass"},
    Key{"label", Shape::text, nullptr, kOptional, false, "what the page calls it"},
};
constexpr KeySet kMeasure{"a measure", kMeasureKeys, true};
constexpr std::array kJoinKeys{
    Key{"dimension", Shape::name, nullptr, kRequired, false, "which of the project's `dimensions`"},
    Key{"on", Shape::expression, nullptr, kRequired, false, "the key to look for, a text of the event: properties.account_id"},
};
constexpr KeySet kJoin{"a join", kJoinKeys};
constexpr Key kJoinsKey{"joins",   Shape::named, &kJoin,
                        kOptional, false,        "dimensions as of event time: account, read as account.plan"};
constexpr std::array kMetricKeys{
    Key{"name", Shape::name, nullptr, kRequired, false, "of the view sluice.NAME"},
    Key{"question", Shape::text, nullptr, kOptional, false, "what it answers"},
    Key{"from", Shape::name, nullptr, kOptional, false, "events, or the name of sessions: then of their columns (events)"},
    Key{"where", Shape::expression, nullptr, kOptional, false, "only events that pass"},
    Key{"window", Shape::map, &kWindow, kRequired, false, "tumble, hop, cumulate or calendar"},
    Key{"allowed_lateness", Shape::duration, nullptr, kOptional, false,
        "how long after its end a window waits before it is final (10m)"},
    Key{"dimensions", Shape::named, &kDimension, kOptional, false, "one group per combination of their values"},
    Key{"measures", Shape::named, &kMeasure, kRequired, false, "the numbers of each group"},
    kJoinsKey,
    Key{"latency", Shape::text, nullptr, kOptional, false, "how soon rows follow events: realtime, minutes or batch (realtime)"},
};
constexpr KeySet kMetric{"a metric", kMetricKeys};
constexpr std::array kStepKeys{
    Key{"name", Shape::name, nullptr, kRequired, false, "in the column step_name"},
    Key{"where", Shape::expression, nullptr, kRequired, false, "events that are this step"},
};
constexpr KeySet kStep{"a step", kStepKeys};
constexpr std::array kFunnelKeys{
    Key{"name", Shape::name, nullptr, kRequired, false, "of the view sluice.NAME"},
    Key{"question", Shape::text, nullptr, kOptional, false, "what it answers"},
    Key{"by", Shape::expression, nullptr, kRequired, false, "who goes through the steps: user_key"},
    Key{"within", Shape::duration, nullptr, kRequired, false, "how long after its first step a last one still counts"},
    Key{"window", Shape::map, &kWindow, kRequired, false, "of the first step: tumble, hop or cumulate"},
    Key{"order", Shape::text, nullptr, kOptional, false, "strict: each step later than the one before it, not at the same time"},
    Key{"dimensions", Shape::named, &kDimension, kOptional, false,
        "of the event of the first step: levels per combination of them"},
    kJoinsKey,
    Key{"allowed_lateness", Shape::duration, nullptr, kOptional, false,
        "how long after its end and `within` a window waits before it is final (10m)"},
    Key{"steps", Shape::list, &kStep, kRequired, false, "in order, two or more"},
};
constexpr KeySet kFunnel{"a funnel", kFunnelKeys};
constexpr std::array kCohortKeys{
    Key{"name", Shape::name, nullptr, kRequired, false, "of the view sluice.NAME"},
    Key{"question", Shape::text, nullptr, kOptional, false, "what it answers"},
    Key{"by", Shape::expression, nullptr, kRequired, false, "who comes back: user_key"},
    Key{"window", Shape::map, &kWindow, kRequired, false, "the periods: {tumble: 7d, offset: 4d} are weeks from Monday"},
    Key{"periods", Shape::number, nullptr, kRequired, false, "how many of them each cohort is followed, its own among them"},
    Key{"allowed_lateness", Shape::duration, nullptr, kOptional, false,
        "how long after its end a period waits before it is final (10m)"},
    kJoinsKey,
    Key{"start", Shape::expression, nullptr, kRequired, false, "events whose first one makes someone's cohort"},
    Key{"return", Shape::expression, nullptr, kRequired, false, "events that show that someone came back"},
};
constexpr KeySet kCohort{"a retention", kCohortKeys};
constexpr std::array kSessionsKeys{
    Key{"name", Shape::name, nullptr, kRequired, false, "of the view sluice.NAME"},
    Key{"by", Shape::expression, nullptr, kOptional, false, "whose events, in each source (stitching_key)"},
    Key{"gap", Shape::duration, nullptr, kOptional, false,
        "an event later than this after the one before it begins a new one (30m)"},
    Key{"max", Shape::duration, nullptr, kOptional, false, "the longest that one lasts (24h)"},
    Key{"where", Shape::expression, nullptr, kOptional, false, "only events that pass"},
    Key{"allowed_lateness", Shape::duration, nullptr, kOptional, false,
        "how long after it can no longer grow a session waits before it is final (10m)"},
};
constexpr KeySet kSessions{"sessions", kSessionsKeys};
constexpr std::array kDimensionFileKeys{
    Key{"name", Shape::name, nullptr, kRequired, false, "of the view sluice.NAME, and in `joins`"},
    Key{"key", Shape::text, nullptr, kRequired, false, "the column that events are joined on"},
    Key{"file", Shape::text, nullptr, kRequired, false, "from the project's folder: dimensions/accounts.csv, or .jsonl"},
    Key{"valid_from", Shape::text, nullptr, kOptional, false, "the column with the instant from which a row holds"},
    Key{"valid_to", Shape::text, nullptr, kOptional, false, "the column with the instant before which a row holds"},
};
constexpr KeySet kDimensionFile{"a dimension of the project", kDimensionFileKeys};
constexpr std::array kMetricsKeys{
    Key{"version", Shape::number, nullptr, kRequired, false, "1"},
    Key{"metrics", Shape::list, &kMetric, kOptional, false, "numbers per window"},
    Key{"sessions", Shape::list, &kSessions, kOptional, false, "runs of events of one key"},
    Key{"funnels", Shape::list, &kFunnel, kOptional, false, "who goes how far through steps in order"},
    Key{"retention", Shape::list, &kCohort, kOptional, false, "who comes back, by the period of their first time"},
    Key{"dimensions", Shape::list, &kDimensionFile, kOptional, false, "files of rows to join events with"},
    Key{"contracts", Shape::list, nullptr, kOptional, kReserved, "what events must look like"},
};
constexpr KeySet kMetrics{"a metrics file", kMetricsKeys};

// dashboards/*.yaml
constexpr std::array kPanelKeys{
    Key{"stat", Shape::text, nullptr, kOptional, false, "METRIC.MEASURE as one number"},
    Key{"timeseries", Shape::text, nullptr, kOptional, false, "METRIC.MEASURE over time"},
    Key{"table", Shape::text, nullptr, kOptional, false, "METRIC with the columns named"},
    Key{"top", Shape::text, nullptr, kOptional, false,
        "METRIC.MEASURE: the values of a dimension that have most of it, or a topk"},
    Key{"band", Shape::text, nullptr, kOptional, false, "METRIC over time, several of its numbers in one chart"},
    Key{"funnel", Shape::text, nullptr, kOptional, false, "FUNNEL: who goes how far"},
    Key{"retention", Shape::text, nullptr, kOptional, false, "RETENTION: who comes back"},
    Key{"sessions", Shape::text, nullptr, kOptional, false, "SESSIONS: the newest ones"},
    Key{"by", Shape::name_or_names, nullptr, kOptional, false,
        "timeseries: a line per value of these dimensions; top, funnel: one dimension"},
    Key{"columns", Shape::name_or_names, nullptr, kOptional, false, "table: dimensions and measures in order"},
    Key{"measures", Shape::name_or_names, nullptr, kOptional, false, "band: 2 to 5 measures, lowest first: [p50, p90, p99]"},
    Key{"limit", Shape::number, nullptr, kOptional, false, "top: how many values (10)"},
    Key{"over", Shape::duration, nullptr, kOptional, false, "how far back (90d)"},
    Key{"title", Shape::text, nullptr, kOptional, false, "else the measure's label"},
};
constexpr KeySet kPanel{"a panel", kPanelKeys};
constexpr std::array kDashboardKeys{
    Key{"name", Shape::name, nullptr, kRequired, false, "of the page /d/NAME"},
    Key{"question", Shape::text, nullptr, kOptional, false, "its title"},
    Key{"rows", Shape::rows, &kPanel, kRequired, false, "rows of panels, top to bottom"},
};
constexpr KeySet kDashboard{"a dashboard", kDashboardKeys};
constexpr std::array kDashboardsKeys{
    Key{"version", Shape::number, nullptr, kRequired, false, "1"},
    Key{"dashboards", Shape::list, &kDashboard, kOptional, false, "pages of panels"},
};
constexpr KeySet kDashboards{"a dashboards file", kDashboardsKeys};

std::string_view expected(Shape shape) {
  switch (shape) {
    case Shape::text: return "a text";
    case Shape::expression: return "an expression";
    case Shape::name: return "a name";
    case Shape::duration: return "a duration like 10m";
    case Shape::size: return "a size like 20GiB";
    case Shape::number: return "a number";
    case Shape::address: return "HOST:PORT";
    case Shape::map: return "keys with values";
    case Shape::list: return "a list (lines that begin with `- `)";
    case Shape::named: return "names with values";
    case Shape::name_or_names: return "a name or a list of names";
    case Shape::rows: return "a list of rows, each a list of panels";
  }
  return "a value";
}

std::string_view found(const Yaml& node) {
  switch (node.kind) {
    case Yaml::Kind::null: return "nothing";
    case Yaml::Kind::scalar: return "a text";
    case Yaml::Kind::list: return "a list";
    case Yaml::Kind::map: return "keys";
  }
  return "nothing";
}

std::vector<std::string_view> known_names(const KeySet& keys) {
  std::vector<std::string_view> names;
  for (const Key& key : keys.keys) {
    if (!key.reserved) names.push_back(key.name);
  }
  return names;
}

void report_unknown(const Document& document, const Yaml::Entry& entry, const KeySet& keys, Diagnostics& diagnostics) {
  const std::vector<std::string_view> names = known_names(keys);
  std::string hint = did_you_mean(entry.key, names);
  // Inside { } YAML ends a plain text at a comma: {value: percentile(x, 0.9)} reads as two keys.
  if (hint.empty() && std::count(entry.key.begin(), entry.key.end(), ')') > std::count(entry.key.begin(), entry.key.end(), '(')) {
    hint = "; inside { } put an expression with a comma into double quotes";
  }
  if (hint.empty()) hint = fmt::format("; {} has {}", keys.what, listed(names));
  diagnostics.add(document, entry.at, fmt::format("unknown key {}{}", quoted(entry.key), hint));
}

void check_entry(const Document& document, const Yaml::Entry& entry, const Key& key, Diagnostics& diagnostics) {
  const Yaml& value = entry.value;
  const auto wrong = [&](const Yaml& at, Shape shape) {
    diagnostics.add(document, at.at, fmt::format("`{}` is {}, not {}", key.name, expected(shape), found(at)));
  };
  if (key.reserved) {
    diagnostics.add(document, entry.at, fmt::format("`{}` ({}) is not in this release; leave it out", key.name, key.about));
    return;
  }
  if (!has_shape(value, key.shape, key.inner)) {
    wrong(value.kind == Yaml::Kind::null ? Yaml{Yaml::Kind::null, entry.at, {}, {}, {}} : value, key.shape);
    return;
  }
  switch (key.shape) {
    case Shape::map: check_shape(document, value, *key.inner, diagnostics); break;
    case Shape::list:
      for (const Yaml& item : value.items) check_shape(document, item, *key.inner, diagnostics);
      break;
    case Shape::named:
      for (const Yaml::Entry& inner : value.entries) {
        if (inner.value.kind == Yaml::Kind::null) {
          diagnostics.add(document, inner.at, fmt::format("{} has no value", quoted(inner.key)));
        } else {
          check_shape(document, inner.value, *key.inner, diagnostics);
        }
      }
      break;
    case Shape::rows:
      for (const Yaml& row : value.items) {
        if (row.kind != Yaml::Kind::list) {
          diagnostics.add(document, row.at,
                          fmt::format("a row is a list of panels, not {}; write - [{{...}}, {{...}}]", found(row)));
          continue;
        }
        for (const Yaml& panel : row.items) check_shape(document, panel, *key.inner, diagnostics);
      }
      break;
    case Shape::name_or_names:
      for (const Yaml& item : value.items) {
        if (item.kind != Yaml::Kind::scalar) wrong(item, Shape::name_or_names);
      }
      break;
    default: break;
  }
}

}  // namespace

const Key* KeySet::find(std::string_view name) const {
  const auto at = std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
  return at == keys.end() ? nullptr : &*at;
}

const KeySet& project_keys() { return kProject; }
const KeySet& metrics_keys() { return kMetrics; }
const KeySet& dashboards_keys() { return kDashboards; }

bool has_shape(const Yaml& node, Shape shape, const KeySet* inner) {
  switch (shape) {
    case Shape::map:
      return node.kind == Yaml::Kind::map || (inner != nullptr && inner->scalar_is_value && node.kind == Yaml::Kind::scalar);
    case Shape::named: return node.kind == Yaml::Kind::map;
    case Shape::list:
    case Shape::rows: return node.kind == Yaml::Kind::list;
    case Shape::name_or_names: return node.kind == Yaml::Kind::scalar || node.kind == Yaml::Kind::list;
    case Shape::text: return node.kind == Yaml::Kind::scalar;
    default: return node.kind == Yaml::Kind::scalar;
  }
}

bool check_shape(const Document& document, const Yaml& node, const KeySet& keys, Diagnostics& diagnostics) {
  if (node.kind == Yaml::Kind::scalar && keys.scalar_is_value) return true;
  if (node.kind != Yaml::Kind::map) {
    diagnostics.add(
        document, node.at,
        fmt::format("{} is keys with values, not {}; its keys are {}", keys.what, found(node), listed(known_names(keys))));
    return false;
  }
  for (const Yaml::Entry& entry : node.entries) {
    const Key* key = keys.find(entry.key);
    if (key == nullptr) {
      report_unknown(document, entry, keys, diagnostics);
    } else {
      check_entry(document, entry, *key, diagnostics);
    }
  }
  for (const Key& key : keys.keys) {
    if (key.required && node.find(key.name) == nullptr) {
      diagnostics.add(document, node.at, fmt::format("{} needs `{}` ({})", keys.what, key.name, key.about));
    }
  }
  return true;
}

const Yaml* value_of(const Yaml& map, const KeySet& keys, std::string_view name) {
  const Key* key = keys.find(name);
  if (map.kind == Yaml::Kind::scalar) return keys.scalar_is_value && name == "value" ? &map : nullptr;
  const Yaml::Entry* entry = map.find(name);
  if (key == nullptr || key->reserved || entry == nullptr || !has_shape(entry->value, key->shape, key->inner)) return nullptr;
  return &entry->value;
}

}  // namespace sluice::plan
