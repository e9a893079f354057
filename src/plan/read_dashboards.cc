#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "plan/reader.h"

namespace sluice::plan {
namespace {

constexpr size_t kPanelsMax = 200;  // of a dashboard

struct Form {
  std::string_view key;
  Panel::Kind kind;
};
constexpr std::array<Form, 3> kForms{
    {{"stat", Panel::Kind::stat}, {"timeseries", Panel::Kind::timeseries}, {"table", Panel::Kind::table}}};

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
    refuse("by", form->kind == Panel::Kind::timeseries, *form);
    refuse("columns", form->kind == Panel::Kind::table, *form);
    const Yaml* target = value_of(map_, keys_, form->key);
    if (target == nullptr || !read_target(*target, panel)) return std::nullopt;
    const size_t before = reader_.errors();
    if (form->kind == Panel::Kind::timeseries) read_by(panel);
    if (form->kind == Panel::Kind::table) read_columns(panel);
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
        reader_.report(entry->at, fmt::format("a panel is one of stat, timeseries and table; here are `{}` and `{}`", form->key,
                                              candidate.key));
        return nullptr;
      }
      form = &candidate;
    }
    if (form == nullptr)
      reader_.report(map_.at,
                     "a panel is one of {stat: METRIC.MEASURE}, {timeseries: METRIC.MEASURE}, {table: METRIC, columns: [...]}");
    return form;
  }

  void refuse(std::string_view key, bool fits, const Form& form) {
    const Yaml::Entry* entry = map_.find(key);
    if (entry != nullptr && !fits) reader_.report(entry->at, fmt::format("`{}` does not go with `{}`", key, form.key));
  }

  bool read_target(const Yaml& target, Panel& panel) {
    const size_t dot = target.text.find('.');
    const std::string name = target.text.substr(0, dot);
    const std::optional<uint32_t> found = index_of(plan_.metrics, name);
    if (!found) {
      reader_.report(target.at, fmt::format("no metric {}{}", quoted(name), did_you_mean(name, names_of(plan_.metrics))));
      return false;
    }
    panel.metric = *found;
    if (metric(panel).kind != Metric::Kind::windows) {
      reader_.report(target.at,
                     fmt::format("`{}` is a {}; panels of these are not in this release: SQL has its numbers, as sluice.{}", name,
                                 metric(panel).kind == Metric::Kind::funnel ? "funnel" : "retention", name));
      return false;
    }
    if (panel.kind == Panel::Kind::table) {
      if (dot != std::string::npos)
        reader_.report(inside(reader_, target, dot),
                       fmt::format("`table` takes the metric alone: {}; measures go into `columns`", name));
      return dot == std::string::npos;
    }
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
    const Measure& found_measure = metric(panel).measures[*index];
    if (panel.kind != Panel::Kind::table && found_measure.kind == MeasureKind::topk) {
      reader_.report(target.at,
                     fmt::format("`{}` is a list; show it in a table: {{table: {}, columns: [{}]}}", measure, name, measure));
      return false;
    }
    if (panel.kind == Panel::Kind::timeseries && found_measure.type != Type::number) {
      reader_.report(target.at, fmt::format("`{}` is a {}; a time series draws numbers", measure, type_name(found_measure.type)));
      return false;
    }
    panel.measures.push_back(*index);
    return true;
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
    for (const Yaml* item : scalars(*by)) {
      const std::optional<uint32_t> index = index_of(metric(panel).dimensions, item->text);
      if (!index) {
        reader_.report(item->at, fmt::format("metric `{}` has no dimension {}{}", metric(panel).name, quoted(item->text),
                                             hint(item->text, names_of(metric(panel).dimensions))));
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
