#include "serve/project.h"

#include <algorithm>

#include "plan/calendar.h"
#include "serve/json_out.h"

namespace sluice::serve {
namespace {

// Groups may be added to a total: charts may stack them.
bool is_additive(const plan::Measure& measure) {
  using Kind = plan::MeasureKind;
  return measure.kind == Kind::count || measure.kind == Kind::count_of || measure.kind == Kind::sum;
}

const char* window_kind(plan::Window::Kind kind) {
  switch (kind) {
    case plan::Window::Kind::tumble: return "tumble";
    case plan::Window::Kind::hop: return "hop";
    case plan::Window::Kind::cumulate: return "cumulate";
    case plan::Window::Kind::calendar: return "calendar";
  }
  return "tumble";
}

const char* panel_kind(plan::Panel::Kind kind) {
  switch (kind) {
    case plan::Panel::Kind::stat: return "stat";
    case plan::Panel::Kind::timeseries: return "timeseries";
    case plan::Panel::Kind::table: return "table";
    case plan::Panel::Kind::top: return "top";
    case plan::Panel::Kind::band: return "band";
    case plan::Panel::Kind::funnel: return "funnel";
    case plan::Panel::Kind::retention: return "retention";
    case plan::Panel::Kind::sessions: return "sessions";
  }
  return "stat";
}

const char* definition_kind(plan::Metric::Kind kind) {
  switch (kind) {
    case plan::Metric::Kind::windows: return "windows";
    case plan::Metric::Kind::funnel: return "funnel";
    case plan::Metric::Kind::retention: return "retention";
    case plan::Metric::Kind::sessions: return "sessions";
  }
  return "windows";
}

// A plan has dimensions and measures by name; people wrote them in an order that means something.
template <class Named>
std::vector<const Named*> as_written(const std::vector<Named>& all) {
  std::vector<const Named*> order;
  for (const Named& one : all) order.push_back(&one);
  std::sort(order.begin(), order.end(), [](const Named* a, const Named* b) { return a->written < b->written; });
  return order;
}

const std::string& label_or_name(const std::string& label, const std::string& name) { return label.empty() ? name : label; }

// What only definitions of one kind have.
void write_kind(JsonOut& out, const plan::Metric& metric) {
  out.key("kind").text(definition_kind(metric.kind));
  if (metric.funnel) {
    out.key("steps").array([&] {
      for (const plan::FunnelStep& step : metric.funnel->steps) out.text(step.name);
    });
    out.key("within_ms").number(metric.funnel->within.count());
  }
  if (metric.cohorts) out.key("periods").count(metric.cohorts->periods);
}

void write_metric(JsonOut& out, const plan::Metric& metric, const Progress* progress) {
  out.object([&] {
    out.key("name").text(metric.name);
    out.key("question").text(metric.question);
    write_kind(out, metric);
    // The last dimension of a funnel is its step, that of a retention its period, that of sessions their id: every row has it.
    const plan::Dimension* own = metric.kind == plan::Metric::Kind::windows ? nullptr : &metric.dimensions.back();
    out.key("dimensions").array([&] {
      for (const plan::Dimension* d : as_written(metric.dimensions)) {
        if (d == own) continue;
        out.object([&] {
          out.key("name").text(d->name);
          out.key("label").text(label_or_name(d->label, d->name));
        });
      }
    });
    out.key("measures").array([&] {
      for (const plan::Measure* m : as_written(metric.measures)) {
        out.object([&] {
          out.key("name").text(m->name);
          out.key("label").text(label_or_name(m->label, m->name));
          out.key("type").text(m->kind == plan::MeasureKind::topk ? "top" : plan::type_name(m->type));
          out.key("additive").boolean(is_additive(*m));
        });
      }
    });
    out.key("window").object([&] {
      out.key("kind").text(window_kind(metric.window.kind));
      // Windows of a calendar differ in length: what they mostly have.
      const bool calendar = metric.window.kind == plan::Window::Kind::calendar;
      out.key("size_ms").number((calendar ? metric.window.step : metric.window.size).count());
      out.key("step_ms").number(metric.window.step.count());
      out.key("offset_ms").number(metric.window.offset.count());
      if (calendar) {
        out.key("unit").text(plan::unit_name(metric.window.unit));
        out.key("zone").text(metric.window.zone);
      }
    });
    out.key("allowed_lateness_ms").number(metric.allowed_lateness.count());
    out.key("version").text(metric.version);
    out.key("progress");
    if (progress == nullptr) {
      out.raw("null");
    } else {
      out.object([&] {
        out.key("done").count(progress->done);
        out.key("total").count(progress->total);
      });
    }
  });
}

std::string panel_title(const plan::Panel& panel, const plan::Metric& metric) {
  if (!panel.title.empty() || panel.kind == plan::Panel::Kind::table) return panel.title;
  using Kind = plan::Panel::Kind;
  if (panel.kind == Kind::stat || panel.kind == Kind::timeseries || panel.kind == Kind::top) {
    const plan::Measure& measure = metric.measures[panel.measures.front()];
    return label_or_name(measure.label, measure.name);
  }
  return label_or_name(metric.question, metric.name);
}

void write_panel(JsonOut& out, const plan::Plan& plan, const plan::Panel& panel, const std::string& id) {
  using Kind = plan::Panel::Kind;
  const plan::Metric& metric = plan.metrics[panel.metric];
  out.object([&] {
    out.key("id").text(id);
    out.key("kind").text(panel_kind(panel.kind));
    out.key("metric").text(metric.name);
    if (panel.kind == Kind::table) {
      out.key("columns").array([&] {
        for (const std::string& column : panel.columns) out.text(column);
      });
    }
    if (panel.kind == Kind::stat || panel.kind == Kind::timeseries || panel.kind == Kind::top)
      out.key("measure").text(metric.measures[panel.measures.front()].name);
    if (panel.kind == Kind::band) {
      out.key("measures").array([&] {
        for (const uint32_t m : panel.measures) out.text(metric.measures[m].name);
      });
    }
    if (panel.kind == Kind::timeseries || panel.kind == Kind::top || panel.kind == Kind::funnel) {
      out.key("by").array([&] {
        for (const uint32_t d : panel.dimensions) out.text(metric.dimensions[d].name);
      });
    }
    if (panel.kind == Kind::top) out.key("limit").count(panel.limit);
    out.key("title").text(panel_title(panel, metric));
    out.key("over_ms").number(panel.over.count());
  });
}

void write_dashboard(JsonOut& out, const plan::Plan& plan, const plan::Dashboard& dashboard) {
  out.object([&] {
    out.key("name").text(dashboard.name);
    out.key("question").text(dashboard.question);
    out.key("rows").array([&] {
      for (size_t row = 0; row < dashboard.rows.size(); ++row) {
        out.array([&] {
          for (size_t column = 0; column < dashboard.rows[row].size(); ++column) {
            write_panel(out, plan, dashboard.rows[row][column], panel_id(dashboard, row, column));
          }
        });
      }
    });
  });
}

}  // namespace

std::string panel_id(const plan::Dashboard& dashboard, size_t row, size_t column) {
  return dashboard.name + "." + std::to_string(row) + "." + std::to_string(column);
}

std::string definition_error_json(const DefinitionError& error) {
  JsonOut out;
  out.object([&] {
    out.key("file").text(error.file);
    out.key("line").number(error.line);
    out.key("column").number(error.column);
    out.key("message").text(error.message);
    out.key("source_line").text(error.source_line);
  });
  return out.take();
}

std::string notes_json(const std::vector<std::string>& notes) {
  JsonOut out;
  out.object([&] {
    out.key("notes").array([&] {
      for (const std::string& note : notes) out.text(note);
    });
  });
  return out.take();
}

std::string project_json(const Project& project, const ProjectNow& now, const std::optional<std::string>& example_event) {
  const plan::Plan& plan = *project.plan;
  JsonOut out;
  out.object([&] {
    out.key("project").text(plan.project);
    out.key("version").text(project.version);
    out.key("sources").array([&] {
      for (const plan::Source& source : plan.sources) {
        out.object([&] {
          out.key("name").text(source.name);
          out.key("disorder_ms").number(source.disorder.count());
          out.key("idle_ms").number(source.idle.count());
        });
      }
    });
    out.key("notes").array([&] {
      for (const std::string& note : now.notes) out.text(note);
    });
    out.key("collect").text(project.collect_url);
    out.key("sql").text(project.sql_url);
    out.key("demo").boolean(project.demo);
    out.key("example_event").text_or_null(example_event);
    out.key("definition_error").raw(now.definition_error);
    out.key("metrics").array([&] {
      for (size_t i = 0; i < plan.metrics.size(); ++i) {
        const auto at = std::find_if(now.progress.begin(), now.progress.end(), [&](const Progress& p) { return p.metric == i; });
        write_metric(out, plan.metrics[i], at == now.progress.end() ? nullptr : &*at);
      }
    });
    out.key("dashboards").array([&] {
      for (const plan::Dashboard& dashboard : plan.dashboards) write_dashboard(out, plan, dashboard);
    });
  });
  return out.take();
}

}  // namespace sluice::serve
