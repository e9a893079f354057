// compile_test_fixture.h - small projects for tests, and their errors as text.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "plan/compile.h"

namespace sluice::plan {

inline constexpr std::string_view kProject = R"(version: 1
name: history
listeners: {collect: 127.0.0.1:18080, web: 127.0.0.1:18090, sql: 127.0.0.1:18123}
sources:
  - {name: site, disorder: 10s, idle: 60s, dedup: 24h}
)";
inline constexpr std::string_view kCommits = R"(version: 1
metrics:
  - name: commits_daily
    question: Who is active?
    where: event = 'commit_authored'
    window: {tumble: 1d}
    dimensions:
      repo: properties.repo
    measures:
      commits: count()
      authors: distinct(user_key)
      lines: sum(properties.insertions)
      p99_lines: percentile(properties.insertions, 0.99)
      lines_per_commit: {value: lines / commits, label: Lines per commit}
)";
inline constexpr std::string_view kActivity = R"(version: 1
dashboards:
  - name: activity
    question: Who is active, and where?
    rows:
      - [{stat: commits_daily.authors, over: 30d}, {stat: commits_daily.commits, over: 30d}]
      - [{timeseries: commits_daily.commits, by: repo, over: 365d}]
      - [{table: commits_daily, columns: [repo, commits, authors, p99_lines], over: 90d}]
)";

inline std::vector<SourceFile> files(std::string_view metrics, std::string_view dashboards = "",
                                     std::string_view project = kProject) {
  std::vector<SourceFile> out{{"sluice.yaml", std::string(project)}};
  if (!metrics.empty()) out.push_back({"metrics/m.yaml", std::string(metrics)});
  if (!dashboards.empty()) out.push_back({"dashboards/d.yaml", std::string(dashboards)});
  return out;
}

inline std::string errors(const std::vector<SourceFile>& of) {
  std::string out;
  for (const Diagnostic& d : compile(of).diagnostics) out += d.text() + "\n";
  return out;
}
// Of one metric whose body is given (indented by four).
inline std::string metric(std::string_view body) { return "version: 1\nmetrics:\n  - name: m\n" + std::string(body); }
inline std::string metric_errors(std::string_view body) { return errors(files(metric(body))); }
inline Plan plan_of(std::string_view metrics, std::string_view dashboards = "") {
  Compiled compiled = compile(files(metrics, dashboards));
  for (const Diagnostic& d : compiled.diagnostics) ADD_FAILURE() << d.text();
  Plan nothing;
  nothing.metrics.resize(1);
  return compiled.plan.value_or(nothing);
}
// Errors of an expression that stands as `where` from column 12 of line 4 on, without the place's constant front.
inline std::string where_error(std::string_view expression) {
  return metric_errors("    where: " + std::string(expression) + "\n    window: {tumble: 1d}\n    measures: {n: count()}\n");
}
inline std::string measure_error(std::string_view expression) {
  return metric_errors("    window: {tumble: 1d}\n    measures:\n      n: count()\n      t: max(event)\n      x: " +
                       std::string(expression) + "\n");
}

}  // namespace sluice::plan
