#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "plan/reader.h"

namespace sluice::plan {
namespace {

constexpr size_t kPanelsMax = 200;  // of a dashboard
constexpr uint32_t kTopPanelMax = 100;
constexpr size_t kBandMeasuresMin = 2, kBandMeasuresMax = 5;

struct Form {
  std::string_view key;
  Panel::Kind kind;
  Metric::Kind of;  // definitions it shows
  std::string_view takes;  // further keys, beside `over` and `title`
};
constexpr std::array<Form, 8> kForms{{
    {"stat", Panel::Kind::stat, Metric::Kind::windows, ""},
    {"timeseries", Panel::Kind::timeseries, Metric::Kind::windows, "by"},
    {"table", Panel::Kind::table, Metric::Kind::windows, "columns"},
    {"top", Panel::Kind::top, Metric::Kind::windows, "by limit"},
    {"band", Panel::Kind::band, Metric::Kind::windows, "measures"},
    {"funnel", Panel::Kind::funnel, Metric::Kind::funnel, "by"},
    {"retention", Panel::Kind::retention, Metric::Kind::retention, ""},
    {"sessions", Panel::Kind::sessions, Metric::Kind::sessions, ""},
}};

// The form that shows definitions of a kind, for advice.
std::string_view form_of(Metric::Kind kind) {
  switch (kind) {
    case Metric::Kind::windows: return "stat";
    case Metric::Kind::funnel: return "funnel";
    case Metric::Kind::retention: return "retention";
    case Metric::Kind::sessions: return "sessions";
  }
  return "stat";
}
std::string_view kind_word(Metric::Kind kind) { return kind == Metric::Kind::windows ? "metric" : form_of(kind); }

template <class Named>
std::optional<uint32_t> index_of(const std::vector<Named>& list, std::string_view name) {
  const auto at = std::find_if(list.begin(), list.end(), [&](const Named& item) { return item.name == name; });
  if (at == list.end()) return std::nullopt;
  return static_cast<uint32_t>(at - list.begin());
}
template <class Named>
void append_names(const std::vector<Named>& list, std::vector<std::string>& names) {
  for (const Named& item : list) names.push_back(item.name);
}
template <class Named>
std::vector<std::string> names_of(const std::vector<Named>& list) {
  std::vector<std::string> names;
  append_names(list, names);
  return names;
}
// Where `index` bytes into a scalar stand.
size_t inside(Reader& reader, const Yaml& scalar, size_t index) { return place_in_scalar(reader.document(), scalar, index); }

class PanelReader {
 public:
  PanelReader(Reader& reader, const Yaml& map, const KeySet& keys, const Plan& plan)
      : reader_(reader), map_(map), keys_(keys), plan_(plan) {}

  std::optional<Panel> read() {
    const Form* form = read_form();
    if (form == nullptr) return std::nullopt;
    Panel panel;
    panel.kind = form->kind;
    panel.title = reader_.text(map_, keys_, "title");
    const Bounds bounds{.least = DurationMs{1000}, .most = DurationMs{36'600LL * 86'400'000}};
    panel.over = reader_.duration(map_, keys_, "over", bounds).value_or(panel.over);
    for (const std::string_view key : {"by", "columns", "measures", "limit"})
      refuse(key, form->takes.find(key) != std::string_view::npos, *form);
    const Yaml* target = value_of(map_, keys_, form->key);
    if (target == nullptr || !read_target(*target, *form, panel)) return std::nullopt;
    const size_t before = reader_.errors();
    switch (form->kind) {
      case Panel::Kind::timeseries: read_by(panel); break;
      case Panel::Kind::table: read_columns(panel); break;
      case Panel::Kind::top: read_top(*target, panel); break;
      case Panel::Kind::band: read_band(panel); break;
      case Panel::Kind::funnel: read_one_dimension(panel, "a funnel"); break;
      case Panel::Kind::stat:
      case Panel::Kind::retention:
      case Panel::Kind::sessions: break;
    }
    if (reader_.errors() != before) return std::nullopt;
    return panel;
  }

 private:
  const Metric& metric(const Panel& panel) const { return plan_.metrics[panel.metric]; }

  const Form* read_form() {
    const Form* form = nullptr;
    for (const Form& candidate : kForms) {
      const Yaml::Entry* entry = map_.find(candidate.key);
      if (entry == nullptr) continue;
      if (form != nullptr) {
        reader_.report(entry->at, fmt::format("a panel is of one kind; here are `{}` and `{}`", form->key, candidate.key));
        return nullptr;
      }
      form = &candidate;
    }
    if (form == nullptr)
      reader_.report(map_.at,
                     "a panel is one of {stat: METRIC.MEASURE}, {timeseries: METRIC.MEASURE}, {table: METRIC, columns: [...]}, "
                     "{top: METRIC.MEASURE, by: DIMENSION}, {band: METRIC, measures: [...]}, {funnel: FUNNEL}, {retention: "
                     "RETENTION}, {sessions: SESSIONS}");
    return form;
  }

  void refuse(std::string_view key, bool fits, const Form& form) {
    const Yaml::Entry* entry = map_.find(key);
    if (entry != nullptr && !fits) reader_.report(entry->at, fmt::format("`{}` does not go with `{}`", key, form.key));
  }

  bool read_target(const Yaml& target, const Form& form, Panel& panel) {
    const size_t dot = target.text.find('.');
    const std::string name = target.text.substr(0, dot);
    const std::optional<uint32_t> found = index_of(plan_.metrics, name);
    if (!found) {
      std::vector<std::string> known;
      for (const Metric& one : plan_.metrics) {
        if (one.kind == form.of) known.push_back(one.name);
      }
      reader_.report(target.at, fmt::format("no {} {}{}", kind_word(form.of), quoted(name), did_you_mean(name, known)));
      return false;
    }
    panel.metric = *found;
    const Metric::Kind kind = metric(panel).kind;
    if (kind != form.of) {
      reader_.report(target.at, fmt::format("`{}` is {}{}, which `{}` does not show; write {{{}: {}{}}}", name,
                                            kind == Metric::Kind::sessions ? "" : "a ", kind_word(kind), form.key, form_of(kind),
                                            name, kind == Metric::Kind::windows ? ".MEASURE" : ""));
      return false;
    }
    if (form.kind == Panel::Kind::stat || form.kind == Panel::Kind::timeseries || form.kind == Panel::Kind::top)
      return read_measure(target, dot, name, panel);
    if (dot == std::string::npos) return true;
    const std::string_view rest = form.kind == Panel::Kind::table  ? "; measures go into `columns`"
                                  : form.kind == Panel::Kind::band ? "; measures go into `measures`"
                                                                   : "";
    reader_.report(inside(reader_, target, dot),
                   fmt::format("`{}` takes the {} alone: {}{}", form.key, kind_word(form.of), name, rest));
    return false;
  }

  bool read_measure(const Yaml& target, size_t dot, const std::string& name, Panel& panel) {
    if (dot == std::string::npos) {
      reader_.report(target.at, fmt::format("name a measure too: {}.{}", name,
                                            metric(panel).measures.empty() ? "MEASURE" : metric(panel).measures[0].name));
      return false;
    }
    const std::string measure = target.text.substr(dot + 1);
    const std::optional<uint32_t> index = index_of(metric(panel).measures, measure);
    if (!index) {
      reader_.report(inside(reader_, target, dot + 1), fmt::format("metric `{}` has no measure {}{}", name, quoted(measure),
                                                                   hint(measure, names_of(metric(panel).measures))));
      return false;
    }
    const Measure& found = metric(panel).measures[*index];
    const bool top = panel.kind == Panel::Kind::top;
    if (!top && found.kind == MeasureKind::topk) {
      reader_.report(target.at, fmt::format("`{0}` is a list; show it by {{top: {1}.{0}}} or in a table: {{table: {1}, columns: "
                                            "[{0}]}}",
                                            measure, name));
      return false;
    }
    if (panel.kind != Panel::Kind::stat && found.kind != MeasureKind::topk && found.type != Type::number) {
      reader_.report(target.at, fmt::format("`{}` is a {}; {}", measure, type_name(found.type),
                                            top ? "values are ranked by numbers" : "a time series draws numbers"));
      return false;
    }
    panel.measures.push_back(*index);
    return true;
  }

  // `top`: the values of one dimension by a number, or those that a topk counted.
  void read_top(const Yaml& target, Panel& panel) {
    const Measure& measure = metric(panel).measures[panel.measures.front()];
    const Yaml::Entry* by = map_.find("by");
    if (measure.kind == MeasureKind::topk) {
      if (by != nullptr) reader_.report(by->at, fmt::format("`{}` has its own values; leave `by` out", measure.name));
    } else if (by == nullptr) {
      reader_.report(target.at, fmt::format("`top` needs `by`: the dimension whose values are ranked{}",
                                            hint("", names_of(metric(panel).dimensions))));
    } else {
      read_one_dimension(panel, "`top`");
    }
    const Yaml* limit = value_of(map_, keys_, "limit");
    if (limit == nullptr) return;
    const char* end = limit->text.data() + limit->text.size();
    const auto [read, error] = std::from_chars(limit->text.data(), end, panel.limit);
    if (error != std::errc() || read != end || panel.limit < 1 || panel.limit > kTopPanelMax)
      reader_.report(limit->at, fmt::format("`limit` is a whole number from 1 to {}, not {}", kTopPanelMax, quoted(limit->text)));
  }

  void read_one_dimension(Panel& panel, std::string_view what) {
    read_by(panel);
    if (panel.dimensions.size() > 1)
      reader_.report(value_of(map_, keys_, "by")->at, fmt::format("{} is split by one dimension", what));
  }

  void read_band(Panel& panel) {
    const Yaml* measures = value_of(map_, keys_, "measures");
    if (measures == nullptr) {
      if (map_.find("measures") == nullptr) reader_.report(map_.at, "`band` needs `measures`: [p50, p90, p99]");
      return;
    }
    const size_t before = reader_.errors();
    for (const Yaml* item : scalars(*measures)) {
      const std::optional<uint32_t> index = index_of(metric(panel).measures, item->text);
      if (!index) {
        reader_.report(item->at, fmt::format("metric `{}` has no measure {}{}", metric(panel).name, quoted(item->text),
                                             hint(item->text, names_of(metric(panel).measures))));
      } else if (metric(panel).measures[*index].kind == MeasureKind::topk ||
                 metric(panel).measures[*index].type != Type::number) {
        reader_.report(item->at, fmt::format("`{}` is not a number; a band draws numbers", item->text));
      } else if (std::find(panel.measures.begin(), panel.measures.end(), *index) != panel.measures.end()) {
        reader_.report(item->at, fmt::format("`{}` stands here twice", item->text));
      } else {
        panel.measures.push_back(*index);
      }
    }
    const size_t n = panel.measures.size();
    if (reader_.errors() == before && (n < kBandMeasuresMin || n > kBandMeasuresMax))
      reader_.report(measures->at, fmt::format("a band has {} to {} measures, not {}", kBandMeasuresMin, kBandMeasuresMax, n));
  }

  static std::string hint(const std::string& name, const std::vector<std::string>& names) {
    std::string near = did_you_mean(name, names);
    return near.empty() && !names.empty() ? fmt::format("; it has {}", listed(names)) : near;
  }

  // A scalar or a list of scalars, as a list.
  static std::vector<const Yaml*> scalars(const Yaml& value) {
    std::vector<const Yaml*> out;
    if (value.kind == Yaml::Kind::scalar) out.push_back(&value);
    for (const Yaml& item : value.items) {
      if (item.kind == Yaml::Kind::scalar) out.push_back(&item);
    }
    return out;
  }

  void read_by(Panel& panel) {
    const Yaml* by = value_of(map_, keys_, "by");
    if (by == nullptr) return;
    std::vector<std::string> known = names_of(metric(panel).dimensions);
    if (metric(panel).kind == Metric::Kind::funnel) known.pop_back();  // `step`, which every group has
    for (const Yaml* item : scalars(*by)) {
      const auto at = std::find(known.begin(), known.end(), item->text);
      const auto index = at == known.end() ? std::nullopt : std::optional(static_cast<uint32_t>(at - known.begin()));
      if (!index) {
        reader_.report(item->at, fmt::format("{} `{}` has no dimension {}{}", kind_word(metric(panel).kind), metric(panel).name,
                                             quoted(item->text), hint(item->text, known)));
      } else if (std::find(panel.dimensions.begin(), panel.dimensions.end(), *index) != panel.dimensions.end()) {
        reader_.report(item->at, fmt::format("`{}` stands here twice", item->text));
      } else {
        panel.dimensions.push_back(*index);
      }
    }
  }

  void read_columns(Panel& panel) {
    const Yaml* columns = value_of(map_, keys_, "columns");
    std::vector<std::string> known = names_of(metric(panel).dimensions);
    append_names(metric(panel).measures, known);
    if (columns == nullptr || (columns->kind == Yaml::Kind::list && columns->items.empty())) {
      if (columns != nullptr || map_.find("columns") == nullptr) {
        reader_.report(columns == nullptr ? map_.at : columns->at,
                       fmt::format("`table` needs `columns`; metric `{}` has {}", metric(panel).name, listed(known)));
      }
      return;
    }
    for (const Yaml* item : scalars(*columns)) {
      const std::optional<uint32_t> dimension = index_of(metric(panel).dimensions, item->text);
      const std::optional<uint32_t> measure = index_of(metric(panel).measures, item->text);
      if (std::find(panel.columns.begin(), panel.columns.end(), item->text) != panel.columns.end()) {
        reader_.report(item->at, fmt::format("`{}` stands here twice", item->text));
        continue;
      }
      if (dimension) panel.dimensions.push_back(*dimension);
      if (measure) panel.measures.push_back(*measure);
      if (!dimension && !measure) {
        reader_.report(item->at, fmt::format("metric `{}` has no dimension or measure {}{}", metric(panel).name,
                                             quoted(item->text), hint(item->text, known)));
        continue;
      }
      panel.columns.push_back(item->text);
    }
    if (panel.measures.empty() && !panel.columns.empty()) reader_.report(columns->at, "a table shows at least one measure");
  }

  Reader& reader_;
  const Yaml& map_;
  const KeySet& keys_;
  const Plan& plan_;
};

void read_dashboard(Reader& reader, const Yaml& map, const KeySet& keys, Definitions& into) {
  Dashboard dashboard;
  dashboard.location = reader.document().locate(map.at);
  dashboard.question = reader.text(map, keys, "question");
  const std::optional<std::string> name = reader.name(map, keys, "name");
  if (name) {
    claim_name(reader, *value_of(map, keys, "name"), *name, into);
    dashboard.name = *name;
  }
  const Yaml* rows = value_of(map, keys, "rows");
  if (rows == nullptr) return;
  if (rows->items.empty()) reader.report(rows->at, "a dashboard has at least one row of panels");
  size_t panels = 0;
  for (const Yaml& row : rows->items) {
    if (row.kind == Yaml::Kind::list && row.items.empty()) reader.report(row.at, "a row has at least one panel");
    std::vector<Panel> out;
    for (const Yaml& item : row.items) {
      if (item.kind != Yaml::Kind::map) continue;
      if (++panels > kPanelsMax) return reader.report(item.at, fmt::format("a dashboard has at most {} panels", kPanelsMax));
      if (std::optional<Panel> panel = PanelReader(reader, item, *keys.find("rows")->inner, into.plan).read())
        out.push_back(*std::move(panel));
    }
    dashboard.rows.push_back(std::move(out));
  }
  into.plan.dashboards.push_back(std::move(dashboard));
}

}  // namespace

void read_dashboards(Reader& reader, const Yaml& root, Definitions& into) {
  const KeySet& keys = dashboards_keys();
  reader.check_version(root, keys);
  const Yaml* dashboards = value_of(root, keys, "dashboards");
  if (dashboards == nullptr) return;
  for (const Yaml& dashboard : dashboards->items) {
    if (dashboard.kind == Yaml::Kind::map && into.plan.dashboards.size() <= kDefinitionsMax) {
      read_dashboard(reader, dashboard, *keys.find("dashboards")->inner, into);
    }
  }
}

}  // namespace sluice::plan
