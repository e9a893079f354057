// Every error that a person can make, with the exact line that they then read.
#include <gtest/gtest.h>

#include "plan/compile_test_fixture.h"

namespace sluice::plan {
namespace {

TEST(CompileErrors, all_errors_come_at_once_in_order_with_their_places) {
  EXPECT_EQ(errors(files("version: 1\nmetrics:\n  - name: Commits\n    wher: event = 'a'\n    window: {tumble: 1x}\n    "
                         "dimension: {a: source}\n    measures: {n: cuont()}\n",
                         "version: 2\ndashboards:\n  - name: d\n    rows: [[{stat: commits.n}]]\n")),
            "dashboards/d.yaml:1:10: version `2` is not known to this release; write version: 1\n"
            "dashboards/d.yaml:4:20: no metric `commits`\n"
            "metrics/m.yaml:3:11: `Commits` is no name: 1 to 63 of a-z, 0-9 and _, beginning with a letter\n"
            "metrics/m.yaml:4:5: unknown key `wher`; did you mean `where`?\n"
            "metrics/m.yaml:5:22: `tumble` is a whole number and one of ms, s, m, h, d: 10m; not `1x`\n"
            "metrics/m.yaml:6:5: unknown key `dimension`; did you mean `dimensions`?\n"
            "metrics/m.yaml:7:19: unknown function `cuont()`; did you mean `count`?\n");
}

TEST(CompileErrors, yaml_that_is_no_yaml_is_refused_at_its_place) {
  EXPECT_EQ(errors(files("version: 1\nmetrics:\n  - name: [a\n")),
            "metrics/m.yaml:4:1: not YAML: end of sequence flow not found\n");
  EXPECT_EQ(errors(files("version: 1\n\tmetrics: []\n")).substr(0, 27), "metrics/m.yaml:2:1: not YAM");
  EXPECT_EQ(errors(files("# nothing\n")), "metrics/m.yaml:1:1: the file is empty; it begins with `version: 1`\n");
  EXPECT_EQ(errors(files("version: 1\nmetrics: []\n---\nversion: 1\n")),
            "metrics/m.yaml:4:1: one document per file; put the second into a file of its own\n");
  EXPECT_EQ(errors(files("version: 1\nname\xff: 1\n")), "metrics/m.yaml:1:1: not UTF-8 text; save the file as UTF-8\n");
  EXPECT_EQ(errors(files("version: 1\nversion: 1\n")),
            "metrics/m.yaml:2:1: `version` stands here twice; the first is in line 1\n");
  EXPECT_EQ(errors(files("version: &v 1\nmetrics: []\n")),
            "metrics/m.yaml:1:10: anchors (&name) are not read; write the value where it is used\n");
  EXPECT_EQ(errors(files("version: !!int 1\nmetrics: []\n")),
            "metrics/m.yaml:1:10: tags (`tag:yaml.org,2002:int`) are not read; leave it out\n");
  EXPECT_NE(errors(files("version: 1\nmetrics: [&a {name: x}, *a]\n"))
                .find("metrics/m.yaml:2:25: aliases (*name) are not read; write the value out\n"),
            std::string::npos);
  EXPECT_EQ(errors(files("version: 1\n? [a, b]\n: c\n")), "metrics/m.yaml:2:3: a key is a text\n");
  EXPECT_EQ(errors(files("- a\n")),
            "metrics/m.yaml:1:1: a metrics file is keys with values, not a list; its keys are `version`, `metrics`, `sessions`, "
            "`funnels`, `retention` and `dimensions`\n");
}

TEST(CompileErrors, nesting_and_size_of_a_file_are_bounded) {
  EXPECT_EQ(errors(files("version: 1\nmetrics: " + std::string(40, '[') + std::string(40, ']') + "\n")),
            "metrics/m.yaml:2:41: nested deeper than 32 levels\n");
  EXPECT_EQ(errors(files("version: 1\n" + std::string(kFileBytesMax, '#'))),
            "metrics/m.yaml:1:1: larger than 1048576 bytes; split the file\n");
  std::string many = "version: 1\nmetrics:\n";
  for (int i = 0; i < 200'001; ++i) many += "- a\n";
  EXPECT_NE(errors(files(many)).find("more than 200000 values in one file; split it"), std::string::npos);
}

TEST(CompileErrors, at_most_a_hundred_errors_are_listed_and_the_rest_counted) {
  std::string many = "version: 1\nmetrics: []\n";
  for (int i = 0; i < 150; ++i) many += "x" + std::to_string(i) + ": 1\n";
  const Compiled compiled = compile(files(many));
  ASSERT_EQ(compiled.diagnostics.size(), kDiagnosticsMax + 1);
  EXPECT_EQ(compiled.diagnostics.back().message, "50 more errors are not shown; mend these first");
}

TEST(CompileErrors, project_errors_name_key_and_cure) {
  const auto project = [](std::string_view text) { return errors(files("", "", text)); };
  EXPECT_EQ(errors({}), "sluice.yaml:1:1: a project has a file sluice.yaml; `sluice init DIR` writes one\n");
  EXPECT_EQ(project("version: 1\nname: p\n"),
            "sluice.yaml:1:1: sluice.yaml needs `sources` (who sends events; each has its own keys, clock and deduplication)\n");
  EXPECT_EQ(project("version: 1\nname: p\nsources: []\n"),
            "sluice.yaml:3:10: a project has at least one source: - {name: site}\n");
  EXPECT_EQ(project("version: 1\nname: p\nsources: site\n"),
            "sluice.yaml:3:10: `sources` is a list (lines that begin with `- `), not a text\n");
  EXPECT_EQ(project("version: 1\nname: p\nsources: [{name: a}, {name: a}]\n"), "sluice.yaml:3:29: source `a` is defined twice\n");
  EXPECT_EQ(project("version: 1\nname: p\nsources: [{name: a, idel: 1s}]\n"),
            "sluice.yaml:3:21: unknown key `idel`; did you mean `idle`?\n");
  EXPECT_EQ(project("version: 1\nname: p\nsources: [{name: a, idle: 0s}]\n"),
            "sluice.yaml:3:27: `idle` lies between 1s and 366d\n");
  EXPECT_EQ(project("version: 1\nname: p\nsources: [{name: a, idle: 10}]\n"),
            "sluice.yaml:3:27: `idle` is a whole number and one of ms, s, m, h, d: 10m; not `10`\n");
  EXPECT_EQ(project("version: 1\nname: p\nsources: [a]\n"),
            "sluice.yaml:3:11: a source is keys with values, not a text; its keys are `name`, `disorder`, `idle` and `dedup`\n");
  EXPECT_EQ(project("version: 1\nname: p\nsources: [{name: a}]\nlisteners: {web: 8080, sql: h:1, collect: h:1}\n"),
            "sluice.yaml:4:18: `web` is HOST:PORT, like 127.0.0.1:8080; not `8080`\n"
            "sluice.yaml:4:29: `collect` has this address already\n");
  EXPECT_EQ(project("version: 1\nname: p\nsources: [{name: a}]\nretention: {log_time: 1m, log_bytes: 5}\n"),
            "sluice.yaml:4:23: `log_time` lies between 1h and 36600d\n"
            "sluice.yaml:4:38: `log_bytes` is a whole number and one of MiB, GiB, TiB, at least 64MiB; not `5`\n");
  EXPECT_EQ(project("version: 1\nname:\nsources: [{name: a}]\n"), "sluice.yaml:2:1: `name` is a name, not nothing\n");
  EXPECT_EQ(errors({{"sluice.yaml", std::string(kProject)}, {"metrics/a.yml", "version: 1\n"}}),
            "metrics/a.yml:1:1: not a file of a project; these are sluice.yaml, metrics/NAME.yaml, dimensions/NAME.yaml "
            "and dashboards/NAME.yaml\n");
}

TEST(CompileErrors, reserved_kinds_and_keys_say_that_they_are_not_in_this_release) {
  EXPECT_EQ(errors(files("version: 1\ncontracts: []\n")),
            "metrics/m.yaml:2:1: `contracts` (what events must look like) is not in this release; leave it out\n");
  EXPECT_EQ(
      metric_errors("    from: visits\n\n    latency: bach\n    window: {tumble: 1d}\n"
                    "    measures: {n: count()}\n"),
      "metrics/m.yaml:4:11: `from` is events or the name of sessions, and no sessions are called `visits`; the project has none\n"
      "metrics/m.yaml:6:14: `bach` is no latency: realtime, minutes or batch; did you mean `batch`?\n");
}

TEST(CompileErrors, names_are_checked_and_unique) {
  const std::string body = "    window: {tumble: 1d}\n    measures: {n: count()}\n";
  EXPECT_EQ(errors(files("version: 1\nmetrics:\n  - name: events\n" + body)),
            "metrics/m.yaml:3:11: `events` is a table that every project has; choose another name\n");
  EXPECT_EQ(errors(files("version: 1\nmetrics:\n  - name: a\n" + body + "  - name: a\n" + body)),
            "metrics/m.yaml:6:11: `a` is defined twice; the first is at metrics/m.yaml:3\n");
  EXPECT_EQ(errors(files("version: 1\nmetrics:\n  - name: a\n" + body,
                         "version: 1\ndashboards:\n  - name: a\n    rows: [[{stat: a.n}]]\n")),
            "dashboards/d.yaml:3:11: `a` is defined twice; the first is at metrics/m.yaml:3\n");
  EXPECT_EQ(
      errors(files("version: 1\nmetrics:\n  - name: " + std::string(64, 'a') + "\n" + body)),
      "metrics/m.yaml:3:11: `" + std::string(60, 'a') + "...` is no name: 1 to 63 of a-z, 0-9 and _, beginning with a letter\n");
  EXPECT_EQ(errors(files("version: 1\nmetrics:\n  - name: " + std::string(63, 'a') + "\n" + body)), "");
  EXPECT_EQ(metric_errors("    window: {tumble: 1d}\n    dimensions: {state: source, n: source}\n    measures: {window_end: "
                          "count(), n: count(), '1x': count()}\n"),
            "metrics/m.yaml:5:18: every view has a column `state`; choose another name\n"
            "metrics/m.yaml:6:16: every view has a column `window_end`; choose another name\n"
            "metrics/m.yaml:6:37: `n` is a dimension of this metric already\n"
            "metrics/m.yaml:6:49: `1x` is no name: 1 to 63 of a-z, 0-9 and _, beginning with a letter\n");
  EXPECT_EQ(metric_errors("    window: {tumble: 1d}\n    dimensions: {version: source, epoch: event}\n    measures: {is_deleted: "
                          "count(), group_key: count(), x__sum: count(), x: avg(properties.a)}\n"),
            "");
}

TEST(CompileErrors, windows_have_one_form_and_sizes_that_fit) {
  const auto window = [](std::string_view text) {
    return metric_errors("    window: " + std::string(text) + "\n    measures: {n: count()}\n");
  };
  EXPECT_EQ(window("{}"),
            "metrics/m.yaml:4:13: a window is one of {tumble: 1d}, {hop: 1h, slide: 15m}, {cumulate: 1d, step: 1h}\n");
  EXPECT_EQ(window("1d"), "metrics/m.yaml:4:13: `window` is keys with values, not a text\n");
  EXPECT_EQ(window("{tumble: 1d, hop: 1h}"),
            "metrics/m.yaml:4:26: a window is one of tumble, hop and cumulate; here are `tumble` and `hop`\n");
  EXPECT_EQ(window("{tumble: 1d, slide: 1h}"), "metrics/m.yaml:4:26: `slide` does not go with `tumble`\n");
  EXPECT_EQ(window("{hop: 1h}"), "metrics/m.yaml:4:13: `hop` needs `slide`\n");
  EXPECT_EQ(window("{hop: 1h, slide: 25m}"), "metrics/m.yaml:4:30: `hop` 1h is no multiple of `slide` 25m\n");
  EXPECT_EQ(window("{cumulate: 1d, step: 7h}"), "metrics/m.yaml:4:34: `cumulate` 1d is no multiple of `step` 7h\n");
  EXPECT_EQ(window("{hop: 1h, slide: 2h}"), "metrics/m.yaml:4:30: `hop` 1h is no multiple of `slide` 2h\n");
  EXPECT_EQ(window("{hop: 1d, slide: 1s}"),
            "metrics/m.yaml:4:30: each event would lie in more than 10000 windows; take a larger `slide`\n");
  EXPECT_EQ(window("{tumble: 367d}"), "metrics/m.yaml:4:22: `tumble` lies between 1ms and 366d\n");
  EXPECT_EQ(window("{tumble: 0s}"), "metrics/m.yaml:4:22: `tumble` lies between 1ms and 366d\n");
  EXPECT_EQ(window("{tumble: 366d, offset: 4d}"), "");
  EXPECT_EQ(plan_of(metric("    window: {hop: 1h, slide: 15m, offset: 20m}\n    measures: {n: count()}\n"))
                .metrics[0]
                .window.offset.count(),
            300'000);
}

TEST(CompileErrors, missing_and_misshapen_parts_of_a_metric_are_named) {
  EXPECT_EQ(metric_errors("    question: why\n"),
            "metrics/m.yaml:3:5: a metric needs `measures` (the numbers of each group)\n"
            "metrics/m.yaml:3:5: a metric needs `window` (tumble, hop, cumulate or calendar)\n");
  EXPECT_EQ(metric_errors("    window: {tumble: 1d}\n    measures: {}\n"),
            "metrics/m.yaml:5:15: a metric has at least one measure: {events: count()}\n");
  EXPECT_EQ(metric_errors("    window: {tumble: 1d}\n    measures: {n: }\n"), "metrics/m.yaml:5:16: `n` has no value\n");
  EXPECT_EQ(metric_errors("    window: {tumble: 1d}\n    measures: {n: {label: x}}\n"),
            "metrics/m.yaml:5:19: a measure needs `value` (an aggregate, or arithmetic over measures of this metric)\n");
  EXPECT_EQ(metric_errors("    window: {tumble: 1d}\n    measures: {n: [count()]}\n"),
            "metrics/m.yaml:5:19: a measure is keys with values, not a list; its keys are `value`, `where` and `label`\n");
  EXPECT_EQ(metric_errors("    window: {tumble: 1d}\n    measures: {n: {value: percentile(properties.a, 0.9)}}\n"),
            "metrics/m.yaml:5:50: the expression ends too early; `percentile(` is closed with `)`\n"
            "metrics/m.yaml:5:52: unknown key `0.9)`; inside { } put an expression with a comma into double quotes\n");
  EXPECT_EQ(metric_errors("    window: {tumble: 1d}\n    where: null\n    measures: {n: count()}\n"),
            "metrics/m.yaml:5:5: `where` is an expression, not nothing\n");
  std::string wide = "    window: {tumble: 1d}\n    measures:\n";
  for (int i = 0; i < 201; ++i) wide += "      m" + std::to_string(i) + ": count()\n";
  EXPECT_EQ(metric_errors(wide), "metrics/m.yaml:6:7: a metric has at most 200 measures\n");
  std::string deep = "    window: {tumble: 1d}\n    measures: {n: count()}\n    dimensions:\n";
  for (int i = 0; i < 17; ++i) deep += "      d" + std::to_string(i) + ": source\n";
  EXPECT_EQ(metric_errors(deep), "metrics/m.yaml:7:7: a metric has at most 16 dimensions\n");
}

TEST(CompileErrors, a_metric_is_bounded_by_the_sql_it_comes_to) {
  std::string large = "    window: {tumble: 1d}\n    measures:\n";
  for (int i = 0; i < 60; ++i) {
    large += "      m" + std::to_string(i) + ": sum(properties.a";
    for (int k = 0; k < 100; ++k) large += " + properties.abcdefghijklmnopqrstuvwxyz";
    large += ")\n";
  }
  const std::string said = metric_errors(large);
  EXPECT_TRUE(said.starts_with("metrics/m.yaml:3:5: metric `m` comes to ")) << said;
  EXPECT_TRUE(said.ends_with(" bytes of SQL, more than 500000; split its measures over two metrics\n")) << said;
}

TEST(CompileErrors, counts_are_bounded_and_each_bound_says_so) {
  const std::string body = "window: {tumble: 1d}, measures: {n: count()}";
  std::string metrics = "version: 1\nmetrics:\n", sources = "version: 1\nname: p\nsources:\n",
              panels = "version: 1\ndashboards:\n  - name: d\n    rows:\n";
  for (int i = 0; i <= 1000; ++i) metrics += "  - {name: m" + std::to_string(i) + ", " + body + "}\n";
  EXPECT_EQ(errors(files(metrics)), "metrics/m.yaml:1003:12: more than 1000 definitions in one project\n");
  for (int i = 0; i <= 1000; ++i) sources += "  - {name: s" + std::to_string(i) + "}\n";
  EXPECT_EQ(errors(files("", "", sources)), "sluice.yaml:4:3: more than 1000 sources\n");
  for (int i = 0; i <= 200; ++i) panels += "      - [{stat: m0.n}]\n";
  EXPECT_EQ(errors(files("version: 1\nmetrics: [{name: m0, " + body + "}]\n", panels)),
            "dashboards/d.yaml:205:10: a dashboard has at most 200 panels\n");
  std::string paths = "version: 1\nmetrics:\n";
  for (int m = 0; m < 21; ++m) {
    paths += "  - name: m" + std::to_string(m) + "\n    window: {tumble: 1d}\n    measures:\n";
    for (int i = 0; i < 200; ++i)
      paths += "      c" + std::to_string(i) + ": count(properties.p" + std::to_string(m * 200 + i) + ")\n";
  }
  EXPECT_NE(errors(files(paths)).find(": more than 4096 different paths in one project\n"), std::string::npos);
  EXPECT_EQ(where_error("properties." + std::string(1024, 'a') + " = 'x'"),
            "metrics/m.yaml:4:12: this path is longer than 1024 bytes\n");
  std::string derived = "    window: {tumble: 1d}\n    measures:\n      a: count()\n";
  for (int i = 0; i < 20; ++i)
    derived +=
        "      b" + std::to_string(i) + ": " +
        (i < 8 ? std::string(i == 0 ? "a + a" : "b" + std::to_string(i - 1) + " + b" + std::to_string(i - 1)) : "b6 + b6") + "\n";
  EXPECT_EQ(metric_errors(derived), "");
  for (int i = 20; i < 60; ++i) derived += "      b" + std::to_string(i) + ": b6 + b6\n";
  EXPECT_TRUE(metric_errors(derived).starts_with("metrics/m.yaml:3:5: metric `m` has ")) << metric_errors(derived);
}

TEST(CompileErrors, an_expression_error_points_into_the_yaml_text_whatever_its_style) {
  EXPECT_EQ(where_error("event = 'a' and useer_id = 'x'"),
            "metrics/m.yaml:4:28: unknown name `useer_id`; did you mean `user_id`?\n");
  EXPECT_EQ(where_error("\"event = 'a' and useer_id = 'x'\""),
            "metrics/m.yaml:4:29: unknown name `useer_id`; did you mean `user_id`?\n");
  EXPECT_EQ(where_error("'event = ''a'' and useer_id = ''x'''"),
            "metrics/m.yaml:4:31: unknown name `useer_id`; did you mean `user_id`?\n");
  EXPECT_EQ(where_error("\"event = '\\u00e4\\t' and useer_id = 'x'\""),
            "metrics/m.yaml:4:36: unknown name `useer_id`; did you mean `user_id`?\n");
  EXPECT_EQ(where_error("event = 'ä' and useer_id = 'x'"),
            "metrics/m.yaml:4:28: unknown name `useer_id`; did you mean `user_id`?\n");
  EXPECT_EQ(where_error("event = 'a'\n      and useer_id = 'x'"),
            "metrics/m.yaml:5:11: unknown name `useer_id`; did you mean `user_id`?\n");
  EXPECT_EQ(where_error(">\n      event = 'a'\n      and useer_id = 'x'"),
            "metrics/m.yaml:6:11: unknown name `useer_id`; did you mean `user_id`?\n");
  EXPECT_EQ(where_error("|-\n      event = 'a'\n\n      and useer_id = 'x'"),
            "metrics/m.yaml:7:11: unknown name `useer_id`; did you mean `user_id`?\n");
}

TEST(CompileErrors, every_syntax_error_has_its_words) {
  const auto at = [](int column, std::string_view message) {
    return "metrics/m.yaml:4:" + std::to_string(column) + ": " + std::string(message) + "\n";
  };
  EXPECT_EQ(where_error("''"), at(13, "the expression is empty"));
  EXPECT_EQ(where_error("event ="), at(19, "the expression ends too early; here a value should stand"));
  EXPECT_EQ(where_error("event = = 'a'"), at(20, "unexpected `=`; here a value should stand"));
  EXPECT_EQ(where_error("event == 'a'"), at(18, "`==` is written `=`"));
  EXPECT_EQ(where_error("event <> 'a'"), at(18, "`<>` is written `!=`"));
  EXPECT_EQ(where_error("event = 'a' && source = 'b'"), at(24, "`&&` is written `and`"));
  EXPECT_EQ(where_error("event = \"a\""), at(20, "texts stand in single quotes: 'text'"));
  EXPECT_EQ(where_error("event = 'a"), at(20, "this text has no closing quote; a quote inside a text is written twice: 'it''s'"));
  EXPECT_EQ(where_error("event = 'a' 'b'"), at(24, "unexpected `'b'`; here the expression should end"));
  EXPECT_EQ(where_error("event = source = 'b'"), at(27, "unexpected `=`; comparisons do not chain; join them with `and`"));
  EXPECT_EQ(where_error("(event = 'a'"), at(24, "the expression ends too early; the bracket is closed with `)`"));
  EXPECT_EQ(where_error("event is 'a'"), at(21, "unexpected `'a'`; `is null` and `is not null` are all that `is` knows"));
  EXPECT_EQ(where_error("event like source"), at(23, "unexpected `source`; `like` takes a text: 'checkout%'"));
  EXPECT_EQ(where_error("event like 'a\\d'"),
            at(23, "in a pattern a backslash stands only before %, _ or another backslash; engines differ on the rest"));
  EXPECT_EQ(where_error("event in 'a'"), at(21, "unexpected `'a'`; `in` takes a list: in ('a', 'b')"));
  EXPECT_EQ(where_error("event in ('a', null)"), at(27, "a list has no null: engines differ on it; add `or x is null`"));
  EXPECT_EQ(where_error("event in (source)"), at(22, "unexpected `source`; a list has only literals: 'text', 12.5, true"));
  EXPECT_EQ(where_error("properties.a = 1.1234567891"), at(27, "numbers have at most 9 digits after the point"));
  EXPECT_EQ(where_error("properties.a = 1e5"), at(27, "a number is written with digits and at most one point: 12.5"));
  EXPECT_EQ(where_error("properties.a = 1000000000000000000"), at(27, "numbers are below 10^18"));
  EXPECT_EQ(where_error("properties.a = 007"), at(27, "a number does not begin with 0; did you mean a text in single quotes?"));
  EXPECT_EQ(where_error("properties = 'a'"), at(12, "`properties` needs a key: properties.name"));
  EXPECT_EQ(where_error("context[a] = 'a'"), at(20, "unexpected `a`; an odd key is context['a key']"));
  EXPECT_EQ(where_error("event ~ 'a'"), at(18, "`~` has no meaning here"));
  EXPECT_EQ(where_error("properties.a-b = 'x'"), at(25, "unknown name `b`; a property is properties.b"));
  std::string deep = std::string(65, '(') + "event = 'a'" + std::string(65, ')');
  EXPECT_EQ(where_error(deep), at(12 + 64, "nested deeper than 64 levels"));
  std::string chain = "properties.a";
  for (int i = 0; i < 65; ++i) chain += " * 2";
  EXPECT_NE(where_error(chain + " = 1").find("nested deeper than 64 levels"), std::string::npos);
  std::string many = "event = 'a'";
  for (int i = 0; i < 300; ++i) many += " or event = 'a'";
  EXPECT_NE(where_error(many).find("more than 1000 parts in one expression"), std::string::npos);
  EXPECT_EQ(where_error("event = '" + std::string(kFileBytesMax / 64, 'a') + "'"),
            at(12, "an expression has at most 16384 bytes"));
}

TEST(CompileErrors, every_type_error_has_its_words) {
  const auto at = [](int column, std::string_view message) {
    return "metrics/m.yaml:4:" + std::to_string(column) + ": " + std::string(message) + "\n";
  };
  EXPECT_EQ(where_error("event"), at(12, "a text stands here, a condition is asked for"));
  EXPECT_EQ(where_error("context.bot"),
            at(12, "a text or a number stands here, a condition is asked for; write context.bot = true"));
  EXPECT_EQ(where_error("context.bot and event = 'a'"),
            at(12, "each side of and, or, not is a condition, not a text or a number; write context.bot = true"));
  EXPECT_EQ(where_error("event = 1"),
            at(20, "a number stands beside a text; both sides have one type (numbers without quotes, texts with)"));
  EXPECT_EQ(where_error("properties.a in ('x', 1)"),
            at(34, "a number stands beside a text; both sides have one type (numbers without quotes, texts with)"));
  EXPECT_EQ(where_error("event_time = 5"), at(25, "a number stands beside a time; both sides have one type"));
  EXPECT_EQ(where_error("event_time > '2026-01-01'"),
            at(25, "`2026-01-01` is no instant; write it as '2026-03-28T14:22:01Z', with its zone"));
  EXPECT_EQ(where_error("event_time > '2026-01-01T00:00:00'"),
            at(25, "`2026-01-01T00:00:00` is no instant; write it as '2026-03-28T14:22:01Z', with its zone"));
  EXPECT_EQ(where_error("properties.a = properties.b"), at(25, "text or number? Say text(properties.a) or number(properties.a)"));
  EXPECT_EQ(where_error("(event = 'a') = (source = 'b')"), at(26, "conditions are not compared; join them with and, or, not"));
  EXPECT_EQ(where_error("event + 1 = 2"), at(12, "each side of + - * / is a number, not a text"));
  EXPECT_EQ(where_error("length(properties.a, 1) = 2"), at(12, "`length()` takes one text"));
  EXPECT_EQ(where_error("lower(event_time) = 'a'"), at(18, "what `lower()` takes is a text, not a time"));
  EXPECT_EQ(where_error("text(event) = 'a'"), at(12, "`text()` takes one path: text(properties.name)"));
  EXPECT_EQ(where_error("count() > 1"), at(12, "`count()` is an aggregate; it stands alone in a measure"));
  EXPECT_EQ(where_error("lowr(event) = 'a'"), at(12, "unknown function `lowr()`; did you mean `lower`?"));
  EXPECT_EQ(where_error("proprties.a = 'a'"), at(12, "no join `proprties` here; did you mean `properties`?"));
  EXPECT_EQ(where_error("event_time like '2026%'"), at(12, "what stands before `like` is a text, not a time"));
  EXPECT_EQ(metric_errors("    window: {tumble: 1d}\n    dimensions: {d: length(event)}\n    measures: {n: count()}\n"),
            "metrics/m.yaml:5:21: a dimension is a text: a number stands here, a text is asked for\n");
}

TEST(CompileErrors, a_list_stands_in_a_table_and_in_no_calculation) {
  const std::string list = metric("    window: {tumble: 1d}\n    measures:\n      pages: topk(properties.page, 3)\n");
  EXPECT_EQ(errors(files(list,
                         "version: 1\ndashboards:\n  - name: d\n    rows:\n      - [{timeseries: m.pages}]\n"
                         "      - [{stat: m.pages}, {table: m, columns: [pages]}]\n")),
            "dashboards/d.yaml:5:23: `pages` is a list; show it by {top: m.pages} or in a table: {table: m, columns: [pages]}\n"
            "dashboards/d.yaml:6:17: `pages` is a list; show it by {top: m.pages} or in a table: {table: m, columns: [pages]}\n");
  EXPECT_EQ(errors(files(list + "      half: pages / 2\n")),
            "metrics/m.yaml:7:13: `pages` is a list; derived measures calculate with numbers\n");
}

TEST(CompileErrors, every_measure_error_has_its_words) {
  const auto at = [](int column, std::string_view message) {
    return "metrics/m.yaml:8:" + std::to_string(column) + ": " + std::string(message) + "\n";
  };
  EXPECT_EQ(measure_error("sum()"), at(10, "sum() takes one value"));
  EXPECT_EQ(measure_error("count(event, source)"), at(10, "count() takes nothing or one value"));
  EXPECT_EQ(measure_error("percentile(properties.a)"),
            at(10, "percentile() takes a number and p: percentile(properties.ms, 0.99)"));
  EXPECT_EQ(measure_error("percentile(properties.a, 99)"),
            at(35, "the second argument of percentile is a number from 0 to 1, written out: percentile(properties.ms, 0.99)"));
  EXPECT_EQ(measure_error("topk(properties.a)"), at(10, "topk() takes a text and n: topk(properties.page, 10)"));
  const std::string whole =
      "the second argument of topk is a whole number from 1 to 1000, written out: topk(properties.page, 10)";
  EXPECT_EQ(measure_error("topk(properties.a, 0)"), at(29, whole));
  EXPECT_EQ(measure_error("topk(properties.a, 1.5)"), at(29, whole));
  EXPECT_EQ(measure_error("topk(properties.a, 1001)"), at(29, whole));
  EXPECT_EQ(measure_error("topk(properties.a, event)"), at(29, whole));
  EXPECT_EQ(measure_error("topk(event_time, 3)"), at(15, "a time stands here, a text is asked for"));
  EXPECT_EQ(measure_error("first()"), at(10, "first() takes one value"));
  EXPECT_EQ(measure_error("last(event = 'a')"), at(21, "a condition stands here, a text or a number or a time is asked for"));
  EXPECT_EQ(measure_error("sum(event)"), at(14, "a text stands here, a number is asked for"));
  EXPECT_EQ(measure_error("distinct(length(event))"), at(19, "a number stands here, a text is asked for"));
  EXPECT_EQ(measure_error("min(event = 'a')"), at(20, "a condition stands here, a text or a number or a time is asked for"));
  EXPECT_EQ(measure_error("event"),
            at(10, "`event` is of an event; a measure needs an aggregate around it: count(event), distinct(event)"));
  EXPECT_EQ(measure_error("properties.a / n"),
            at(10, "`properties.a` is of an event; a derived measure reads measures: sum(properties.a) in a measure of its own"));
  EXPECT_EQ(measure_error("sum(properties.a) / n"),
            at(10, "`sum()` stands alone in a measure; name it as a measure of its own and calculate with the names"));
  EXPECT_EQ(measure_error("n / nn"), at(14, "no measure `nn` in this metric; it has `n`, `t` and `x`"));
  EXPECT_EQ(measure_error("n > 1"), at(12, "a derived measure knows + - * / only"));
  EXPECT_EQ(measure_error("n + t"), at(10, "`t` is a text; derived measures calculate with numbers"));
  EXPECT_EQ(measure_error("x + 1"), at(10, "`x` is derived from itself: x -> x"));
  EXPECT_EQ(measure_error("{value: n + 1, where: event = 'a'}"),
            at(25, "a derived measure has no `where`; give it to the measures it reads"));
  EXPECT_EQ(metric_errors("    window: {tumble: 1d}\n    measures: {a: b + 1, b: c, c: a * 2}\n"),
            "metrics/m.yaml:5:35: `a` is derived from itself: a -> b -> c -> a\n");
}

TEST(CompileErrors, dashboard_errors_name_what_there_is) {
  const std::string m = metric(
      "    window: {tumble: 1d}\n    dimensions: {repo: source, kind: event}\n    measures: {commits: count(), latest: "
      "max(event)}\n");
  const auto panel = [&](std::string_view text) {
    return errors(files(m, "version: 1\ndashboards:\n  - name: d\n    rows:\n      - [" + std::string(text) + "]\n"));
  };
  const auto at = [](int column, std::string_view message) {
    return "dashboards/d.yaml:5:" + std::to_string(column) + ": " + std::string(message) + "\n";
  };
  EXPECT_EQ(panel("{stat: m.commits}"), "");
  EXPECT_EQ(panel("{stat: m.latest}"), "");
  EXPECT_EQ(panel("{stat: m.comits}"), at(19, "metric `m` has no measure `comits`; did you mean `commits`?"));
  EXPECT_EQ(panel("{stat: m.zzz}"), at(19, "metric `m` has no measure `zzz`; it has `commits` and `latest`"));
  EXPECT_EQ(panel("{stat: m}"), at(17, "name a measure too: m.commits"));
  EXPECT_EQ(panel("{stats: m.commits}"),
            at(10,
               "a panel is one of {stat: METRIC.MEASURE}, {timeseries: METRIC.MEASURE}, {table: METRIC, columns: [...]}, {top: "
               "METRIC.MEASURE, by: DIMENSION}, {band: METRIC, measures: [...]}, {funnel: FUNNEL}, {retention: RETENTION}, "
               "{sessions: SESSIONS}") +
                at(11, "unknown key `stats`; did you mean `stat`?"));
  EXPECT_EQ(panel("{stat: m.commits, table: m}"), at(28, "a panel is of one kind; here are `stat` and `table`"));
  EXPECT_EQ(panel("{stat: m.commits, by: repo}"), at(28, "`by` does not go with `stat`"));
  EXPECT_EQ(panel("{timeseries: m.commits, by: [repo, kind]}"), "");
  EXPECT_EQ(panel("{timeseries: m.commits, by: rep}"), at(38, "metric `m` has no dimension `rep`; did you mean `repo`?"));
  EXPECT_EQ(panel("{timeseries: m.commits, by: [repo, repo]}"), at(45, "`repo` stands here twice"));
  EXPECT_EQ(panel("{timeseries: m.latest}"), at(23, "`latest` is a text; a time series draws numbers"));
  EXPECT_EQ(panel("{table: m}"), at(10, "`table` needs `columns`; metric `m` has `kind`, `repo`, `commits` and `latest`"));
  EXPECT_EQ(panel("{table: m.commits, columns: [commits]}"),
            at(19, "`table` takes the metric alone: m; measures go into `columns`"));
  EXPECT_EQ(panel("{table: m, columns: [repo]}"), at(30, "a table shows at least one measure"));
  EXPECT_EQ(panel("{table: m, columns: [comits]}"),
            at(31, "metric `m` has no dimension or measure `comits`; did you mean `commits`?"));
  EXPECT_EQ(panel("{table: m, columns: [commits], over: 1x}"),
            at(47, "`over` is a whole number and one of ms, s, m, h, d: 10m; not `1x`"));
  EXPECT_EQ(panel("stat"), at(10,
                              "a panel is keys with values, not a text; its keys are `stat`, `timeseries`, `table`, `top`, "
                              "`band`, `funnel`, `retention`, `sessions`, `by`, `columns`, `measures`, `limit`, `over` and "
                              "`title`"));
  EXPECT_EQ(panel(""), at(9, "a row has at least one panel"));
  EXPECT_EQ(errors(files(m, "version: 1\ndashboards:\n  - name: d\n    rows: [{stat: m.commits}]\n")),
            "dashboards/d.yaml:4:12: a row is a list of panels, not keys; write - [{...}, {...}]\n");
}

}  // namespace
}  // namespace sluice::plan
