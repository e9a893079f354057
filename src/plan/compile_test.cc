#include "plan/compile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "plan/compile_test_fixture.h"

namespace sluice::plan {
namespace {

TEST(Compile, the_first_project_compiles_as_written) {
  const Plan plan = plan_of(kCommits, kActivity);
  EXPECT_EQ(plan.project, "history");
  EXPECT_EQ(plan.collect_address, "127.0.0.1:18080");
  EXPECT_EQ(plan.web_address, "127.0.0.1:18090");
  EXPECT_EQ(plan.sql_address, "127.0.0.1:18123");
  ASSERT_EQ(plan.sources.size(), 1U);
  EXPECT_EQ(plan.sources[0].name, "site");
  EXPECT_EQ(plan.sources[0].disorder.count(), 10'000);
  EXPECT_EQ(plan.sources[0].idle.count(), 60'000);
  EXPECT_EQ(plan.sources[0].dedup.count(), 86'400'000);
  EXPECT_EQ(plan.paths, (std::vector<std::string>{"properties.insertions", "properties.repo"}));

  ASSERT_EQ(plan.metrics.size(), 1U);
  const Metric& m = plan.metrics[0];
  EXPECT_EQ(m.name, "commits_daily");
  EXPECT_EQ(m.question, "Who is active?");
  EXPECT_EQ(m.window.kind, Window::Kind::tumble);
  EXPECT_EQ(m.window.size.count(), 86'400'000);
  EXPECT_EQ(m.allowed_lateness.count(), 600'000);
  EXPECT_EQ(m.location.line, 3);
  EXPECT_EQ(m.location.column, 5);
  ASSERT_EQ(m.dimensions.size(), 1U);
  EXPECT_EQ(m.dimensions[0].value.root().op, Op::path_text);
  EXPECT_EQ(plan.paths[m.dimensions[0].value.root().index], "properties.repo");
  std::vector<std::string> names;
  for (const Measure& measure : m.measures) names.push_back(measure.name);
  EXPECT_EQ(names, (std::vector<std::string>{"authors", "commits", "lines", "lines_per_commit", "p99_lines"}));
  EXPECT_EQ(m.measures[0].kind, MeasureKind::distinct);
  EXPECT_EQ(m.measures[2].argument.root().op, Op::path_number);
  EXPECT_EQ(m.measures[3].kind, MeasureKind::derived);
  EXPECT_EQ(m.measures[3].label, "Lines per commit");
  EXPECT_EQ(m.measures[3].written, 4U);
  EXPECT_EQ(m.measures[4].p_numerator, 99U);
  EXPECT_EQ(m.measures[4].p_denominator, 100U);
  EXPECT_EQ(m.version.size(), 16U);
  EXPECT_EQ(plan.hash.size(), 32U);

  ASSERT_EQ(plan.dashboards.size(), 1U);
  const auto& rows = plan.dashboards[0].rows;
  ASSERT_EQ(rows.size(), 3U);
  ASSERT_EQ(rows[0].size(), 2U);
  EXPECT_EQ(rows[0][0].kind, Panel::Kind::stat);
  EXPECT_EQ(rows[0][0].over.count(), 30LL * 86'400'000);
  EXPECT_EQ(m.measures[rows[0][0].measures[0]].name, "authors");
  EXPECT_EQ(rows[1][0].kind, Panel::Kind::timeseries);
  EXPECT_EQ(rows[1][0].dimensions, (std::vector<uint32_t>{0}));
  EXPECT_EQ(rows[2][0].columns, (std::vector<std::string>{"repo", "commits", "authors", "p99_lines"}));
  EXPECT_EQ(rows[2][0].measures, (std::vector<uint32_t>{1, 0, 4}));
}

std::filesystem::path repository() { return std::filesystem::path(__FILE__).parent_path() / ".." / ".."; }
std::string text_of(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

// The YAML block of docs/definitions.md holds three files, each behind a comment with its path.
TEST(Compile, the_project_of_the_manual_compiles_as_printed) {
  const std::string manual = text_of(repository() / "docs" / "definitions.md");
  const size_t begin = manual.find("```yaml\n") + 8, end = manual.find("```", begin);
  ASSERT_LT(end, manual.size());
  std::vector<SourceFile> project;
  std::istringstream lines(manual.substr(begin, end - begin));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# ")) {
      project.push_back({line.substr(2), ""});
    } else {
      ASSERT_FALSE(project.empty());
      project.back().text += line + "\n";
    }
  }
  ASSERT_EQ(project.size(), 3U);
  EXPECT_EQ(errors(project), "");
  const Compiled compiled = compile(project);
  ASSERT_TRUE(compiled.plan);
  EXPECT_EQ(compiled.plan->metrics[0].measures.size(), 6U);
}

TEST(Compile, the_example_project_compiles) {
  std::vector<SourceFile> project;
  const std::filesystem::path root = repository() / "examples" / "git";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::string path = std::filesystem::relative(entry.path(), root).generic_string();
    if (path == "sluice.yaml" || path.starts_with("metrics/") || path.starts_with("dashboards/"))
      project.push_back({path, text_of(entry.path())});
  }
  ASSERT_GE(project.size(), 3U);
  EXPECT_EQ(errors(project), "");
}

TEST(Compile, a_definition_is_kept_as_written_for_people) {
  const Plan plan = plan_of(
      "version: 1\nmetrics:\n  # first\n  - name: a\n    # why\n    window: {tumble: 1d}\n\n    measures:\n      n: count()\n\n  "
      "# second\n  - {name: b, window: {tumble: 1d}, where: \"event != '}'\", measures: {n: count()}}\n");
  EXPECT_EQ(plan.metrics[0].definition, "name: a\n# why\nwindow: {tumble: 1d}\n\nmeasures:\n  n: count()\n");
  EXPECT_EQ(plan.metrics[1].definition, "{name: b, window: {tumble: 1d}, where: \"event != '}'\", measures: {n: count()}}");
}

TEST(Compile, a_version_does_not_depend_on_comments_order_labels_questions_or_defaults_written_out) {
  const std::string first = plan_of(metric("    question: one\n    where: event = 'a'\n    window: {tumble: 1d}\n    dimensions: "
                                           "{a: source, b: event}\n    measures: {n: count(), m: {value: count(), label: L}}\n"))
                                .metrics[0]
                                .version;
  const std::string second =
      plan_of(metric("    # note\n    measures:\n      m: count()   # note\n      n: {value: count()}\n    dimensions: {b: "
                     "event, a: {value: source, label: A}}\n    window: {offset: 2d, tumble: 24h}\n    allowed_lateness: 600s\n  "
                     "  from: events\n    where: (event) = 'a'\n"))
          .metrics[0]
          .version;
  EXPECT_EQ(first, second);
}

TEST(Compile, everything_that_changes_a_value_changes_the_version) {
  const std::vector<std::string> bodies{
      "    window: {tumble: 1d}\n    measures: {n: count()}\n",
      "    window: {tumble: 2d}\n    measures: {n: count()}\n",
      "    window: {tumble: 1d, offset: 1h}\n    measures: {n: count()}\n",
      "    window: {hop: 1d, slide: 1h}\n    measures: {n: count()}\n",
      "    window: {cumulate: 1d, step: 1h}\n    measures: {n: count()}\n",
      "    window: {tumble: 1d}\n    measures: {m: count()}\n",
      "    window: {tumble: 1d}\n    measures: {n: count(user_id)}\n",
      "    window: {tumble: 1d}\n    measures: {n: count(properties.a)}\n",
      "    window: {tumble: 1d}\n    measures: {n: count(number(properties.a))}\n",
      "    window: {tumble: 1d}\n    measures: {n: {value: count(), where: event = 'a'}}\n",
      "    window: {tumble: 1d}\n    measures: {n: {value: count(), where: event = 'b'}}\n",
      "    window: {tumble: 1d}\n    where: event = 'a'\n    measures: {n: count()}\n",
      "    window: {tumble: 1d}\n    allowed_lateness: 0s\n    measures: {n: count()}\n",
      "    window: {tumble: 1d}\n    dimensions: {a: source}\n    measures: {n: count()}\n",
      "    window: {tumble: 1d}\n    dimensions: {b: source}\n    measures: {n: count()}\n",
      "    window: {tumble: 1d}\n    dimensions: {a: event}\n    measures: {n: count()}\n",
      "    window: {tumble: 1d}\n    measures:\n      n: percentile(properties.a, 0.5)\n",
      "    window: {tumble: 1d}\n    measures:\n      n: percentile(properties.a, 0.51)\n",
      "    window: {tumble: 1d}\n    measures:\n      n: topk(properties.a, 3)\n",
      "    window: {tumble: 1d}\n    measures:\n      n: topk(properties.a, 4)\n",
      "    window: {tumble: 1d}\n    measures:\n      n: first(properties.a)\n",
      "    window: {tumble: 1d}\n    measures:\n      n: first(number(properties.a))\n",
      "    window: {tumble: 1d}\n    measures:\n      n: last(properties.a)\n",
  };
  std::vector<std::string> versions;
  for (const std::string& body : bodies) versions.push_back(plan_of(metric(body)).metrics[0].version);
  std::sort(versions.begin(), versions.end());
  EXPECT_EQ(std::unique(versions.begin(), versions.end()), versions.end());
}

TEST(Compile, the_plan_hash_covers_sources_and_metrics_and_nothing_else) {
  const auto hash = [](std::string_view sources, std::string_view metrics) {
    const Compiled c = compile(files(metrics, "", "version: 1\nname: p\n" + std::string(sources)));
    return c.plan ? c.plan->hash : "";
  };
  const std::string m = metric("    window: {tumble: 1d}\n    measures: {n: count()}\n");
  const std::string base = hash("sources: [{name: a}, {name: b, idle: 60s}]\n", m);
  EXPECT_EQ(base, hash("sources: [{name: b}, {name: a, dedup: 1d}]\nlisteners: {web: h:1}\nretention: {log_time: 1d}\n", m));
  EXPECT_NE(base, hash("sources: [{name: a}, {name: b, idle: 61s}]\n", m));
  EXPECT_NE(base, hash("sources: [{name: a}, {name: c}]\n", m));
  EXPECT_NE(base, hash("sources: [{name: a}, {name: b}]\n", metric("    window: {tumble: 2d}\n    measures: {n: count()}\n")));
}

TEST(Compile, listeners_and_retention_are_read) {
  const Compiled c = compile(files("", "",
                                   "version: 1\nname: p\nsources: [{name: a}]\nlisteners: {web: '[::1]:0', sql: "
                                   "localhost:0}\nretention: {log_time: 36h, log_bytes: 64MiB}\n"));
  ASSERT_TRUE(c.plan);
  EXPECT_EQ(c.plan->collect_address, "127.0.0.1:8080");
  EXPECT_EQ(c.plan->web_address, "[::1]:0");
  EXPECT_EQ(c.plan->log_retention.log_time.count(), 36LL * 3'600'000);
  EXPECT_EQ(c.plan->log_retention.log_bytes, 64U << 20);
  EXPECT_EQ(c.plan->sources[0].dedup.count(), 86'400'000);
}

TEST(Compile, derived_measures_are_written_in_terms_of_stored_ones) {
  const Plan plan = plan_of(metric("    window: {tumble: 1d}\n    measures: {a: b / n, b: n + 1, n: count()}\n"));
  const Expression& a = plan.metrics[0].measures[0].argument;
  ASSERT_EQ(a.nodes.size(), 5U);
  EXPECT_EQ(a.nodes[0].op, Op::measure);
  EXPECT_EQ(a.nodes[0].index, 2U);
  EXPECT_EQ(a.nodes[2].op, Op::add);
  EXPECT_EQ(a.nodes[4].op, Op::divide);
  EXPECT_EQ(a.nodes[4].inputs, (std::vector<uint32_t>{2, 3}));
  std::string doubling = "    window: {tumble: 1d}\n    measures:\n      m00: count()\n";
  for (int i = 1; i <= 12; ++i) {
    const std::string before = "m" + std::string(i <= 10 ? "0" : "") + std::to_string(i - 1);
    doubling += "      m" + std::string(i < 10 ? "0" : "") + std::to_string(i) + ": " + before + " + " + before + "\n";
  }
  EXPECT_NE(metric_errors(doubling).find("`m09` has more than 1000 parts with all it is derived from"), std::string::npos);
}

TEST(Compile, files_survive_packing) {
  const std::vector<SourceFile> project = files(kCommits, kActivity);
  const std::string packed = pack(project);
  const Result<std::vector<SourceFile>> back = unpack(packed);
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*back)[i].path, project[i].path);
    EXPECT_EQ((*back)[i].text, project[i].text);
  }
  EXPECT_EQ(compile(*back).plan->hash, compile(project).plan->hash);
  // Cut anywhere inside a file it is refused; between files it is a shorter list.
  size_t refused = 0;
  for (size_t n = 0; n < packed.size(); ++n) refused += unpack(std::string_view(packed).substr(0, n)) ? 0 : 1;
  EXPECT_EQ(refused, packed.size() - 3);
  EXPECT_FALSE(unpack("sluice project 1\n1 99999999999999999999\na\nb\n"));
  EXPECT_FALSE(unpack("sluice project 1\n18446744073709551615 18446744073709551615\na\nb\n"));
}

}  // namespace
}  // namespace sluice::plan
