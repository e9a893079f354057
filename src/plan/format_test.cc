#include "plan/format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include <fmt/format.h>

#include "plan/compile_test_fixture.h"

namespace sluice::plan {
namespace {

// Of the metrics file of a project, or "refused: ..." .
std::string formatted(std::string_view metrics) {
  const std::vector<SourceFile> project = files(metrics);
  EXPECT_EQ(errors(project), "");
  const FormattedFile file = format_project(project)[1];
  return file.refusal ? "refused: " + *file.refusal : file.text;
}
// A metric named m with these lines behind its name.
std::string refusal(std::string_view lines) {
  return formatted("version: 1\nmetrics:\n  - name: m\n    window: {tumble: 1d}\n    measures: {n: count()}\n" +
                   std::string(lines));
}

TEST(Format, keys_come_in_the_table_s_order_and_comments_go_with_them) {
  EXPECT_EQ(formatted(R"(# What this file is.

# first key
metrics:
# about m
- window:     # days
      tumble: 1d
  # what is counted


  measures: {"n": count(),   lines: sum(properties.lines)}     # two
  # the name
  name: m
  where: event = 'a'   and
      user_key != 'x'  # spread
# of this form
version:   1
)"),
            R"(# What this file is.

# first key
# of this form
version: 1
metrics:
  # about m
  # the name
  - name: m
    where: event = 'a'   and
      user_key != 'x'  # spread
    window:  # days
      tumble: 1d
    # what is counted

    measures: {"n": count(), lines: sum(properties.lines)}  # two
)");
}

TEST(Format, names_that_the_author_chose_stay_in_his_order) {
  EXPECT_EQ(formatted("version: 1\nmetrics:\n  - name: m\n    window: {tumble: 1d}\n    measures:\n      z: count()\n      a: "
                      "{label: A, value: "
                      "count()}\n"),
            "version: 1\nmetrics:\n  - name: m\n    window: {tumble: 1d}\n    measures:\n      z: count()\n      a: {value: "
            "count(), label: "
            "A}\n");
}

TEST(Format, brackets_that_are_too_long_or_hold_comments_become_lines) {
  const std::string long_title(80, 'x');
  const std::vector<FormattedFile> out = format_project(files(
      kCommits,
      "version: 1\ndashboards:\n  - name: d\n    rows:\n      - [{stat: commits_daily.commits, title: " + long_title +
          "}, {stat: commits_daily.lines}] # wide\n      - [{stat: commits_daily.commits,\n       over: 7d}]\n"
          "      - [{stat: commits_daily.commits}, # left\n         # right\n         {stat: commits_daily.lines}]  # both\n"));
  EXPECT_EQ(out[2].refusal, std::nullopt);
  EXPECT_EQ(out[2].text,
            "version: 1\ndashboards:\n  - name: d\n    rows:\n      # wide\n      - - {stat: commits_daily.commits, title: " +
                long_title +
                "}\n        - {stat: commits_daily.lines}\n      - [{stat: commits_daily.commits, over: 7d}]\n"
                "      - - {stat: commits_daily.commits}  # left\n        # right\n        - {stat: commits_daily.lines}\n"
                "        # both\n");
  EXPECT_EQ(out[1].changed, false);
}

TEST(Format, brackets_end_at_the_width_exactly) {
  const std::string front =
      "version: 1\nmetrics:\n  - name: m\n    window: {tumble: 1d}\n    measures: {n: {value: count(), label: ";
  const size_t before = front.size() - front.rfind('\n') - 1;
  const std::string fits(kFormatWidth - before - 2, 'x');
  EXPECT_EQ(formatted(front + fits + "}}\n"), front + fits + "}}\n");
  EXPECT_NE(formatted(front + fits + "y}}\n").find("    measures:\n      n: {value: count(), label: "), std::string::npos);
}

TEST(Format, texts_of_several_lines_keep_their_lines) {
  EXPECT_EQ(formatted("version: 1\nmetrics:\n- name: m\n  question: |-  # asked\n     Who?\n\n       And why?\n  where: >-\n     "
                      "event\n     = 'a'\n\n"
                      "  window:\n    # a day\n    {tumble: 1d}\n  measures:\n    n:\n       count()\n    t: {value: count(), "
                      "label: \"a\\\n         b  \n"
                      "         c\"}\n"),
            "version: 1\nmetrics:\n  - name: m\n    question: |-  # asked\n      Who?\n\n        And why?\n    where: >-\n      "
            "event\n      = 'a'\n\n"
            "    # a day\n    window: {tumble: 1d}\n    measures:\n      n: count()\n      t:\n        value: count()\n        "
            "label: \"a\\\n"
            "          b\n          c\"\n");
}

TEST(Format, line_ends_of_windows_and_what_stands_around_a_document_go) {
  EXPECT_EQ(formatted("\xEF\xBB\xBF---\r\n\r\n# top  \r\nversion: 1   \r\n\r\n\r\nmetrics: []\r\n\r\n"),
            "# top\nversion: 1\n\nmetrics: []\n");
  EXPECT_EQ(formatted("{version: 1, metrics: [ ] } # all"), "version: 1\nmetrics: []\n# all\n");
}

TEST(Format, what_cannot_be_kept_is_refused_by_name_and_left_alone) {
  EXPECT_EQ(refusal("    question: |+\n      x\n\n"),
            "refused: metrics/m.yaml: line 6: | and > with a number or + are not kept; write it in double quotes");
  EXPECT_EQ(refusal("    ? question\n    : x\n"),
            "refused: metrics/m.yaml: line 6: `? ` before a key is not kept; write KEY: VALUE");
  EXPECT_EQ(refusal("    question: ! x\n"), "refused: metrics/m.yaml: line 6: tags (!name) are not kept; leave it out");
  EXPECT_EQ(formatted("%YAML 1.2\n---\nversion: 1\n"),
            "refused: metrics/m.yaml: line 1: directives (%) are not kept; leave it out");
  EXPECT_EQ(formatted("version: 1\nmetrics: [ # none\n  ]\n"),
            "refused: metrics/m.yaml: line 3: a comment inside empty brackets has no place; put it above them");
  const std::string text = "version:   1\nmetrics: [ # none\n  ]\n";
  const std::vector<FormattedFile> out = format_project(files(text));
  EXPECT_EQ(out[1].text, text);
  EXPECT_FALSE(out[1].changed);
}

// Random projects, written as badly as YAML allows. Each comment says what it is about; the generator knows in which order they come
// when all keys stand in the table's order, which is the order in which it makes them.
struct Node;
struct Child {
  std::string key;
  std::shared_ptr<Node> value;
  std::vector<std::string> above;
  std::string beside;
};
struct Node {
  char kind = 's';
  std::string text;
  bool any_order = false;  // its keys are those of the table
  bool flow = false;
  std::vector<Child> children;
  std::vector<std::string> below;
};
using NodePtr = std::shared_ptr<Node>;

NodePtr scalar(std::string text) { return std::make_shared<Node>(Node{'s', std::move(text), false, false, {}, {}}); }
NodePtr map(std::vector<std::pair<std::string, NodePtr>> entries, bool any_order = true) {
  Node node{'m', {}, any_order, false, {}, {}};
  for (auto& [key, value] : entries) node.children.push_back({key, value, {}, {}});
  return std::make_shared<Node>(std::move(node));
}
NodePtr list(std::vector<NodePtr> items) {
  Node node{'l', {}, false, false, {}, {}};
  for (NodePtr& item : items) node.children.push_back({"", item, {}, {}});
  return std::make_shared<Node>(std::move(node));
}

class BadWriter {
 public:
  explicit BadWriter(uint32_t seed) : random_(seed) {}

  bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  size_t up_to(size_t most) { return random_() % (most + 1); }

  std::string write(Node& root) {
    out_.clear();
    block(root, up_to(2), true, true);
    if (chance(50)) out_ += std::string(up_to(3), '\n');
    return out_;
  }
  std::vector<std::string> comments(const Node& root) const {
    std::vector<std::string> all = head_;
    collect(root, all);
    return all;
  }
  size_t made() const { return number_; }
  size_t flows_with_comments = 0;

 private:
  std::string comment(std::string_view where, const std::string& key) {
    ++number_;
    return fmt::format("# {} {} {}", where, key.empty() ? "item" : key, number_);
  }
  void line(size_t indent, const std::string& text) { out_ += std::string(indent, ' ') + text + (chance(20) ? "  \n" : "\n"); }
  static bool plain(const std::string& text, bool flow) {
    return text.find(": ") == std::string::npos && text.find(" #") == std::string::npos && !text.ends_with(':') &&
           std::string_view("'\"[{&*!|>%@`#-?,]}").find(text[0]) == std::string_view::npos &&
           (!flow || text.find_first_of(",[]{}?") == std::string::npos);
  }
  std::string quoted(const std::string& text) {
    std::string out;
    if (chance(50)) {
      for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
      return "'" + out + "'";
    }
    for (const char c : text) out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    return "\"" + out + "\"";
  }
  std::string key(const std::string& name) { return chance(90) ? name : chance(50) ? "'" + name + "'" : "\"" + name + "\""; }
  static void collect(const Node& node, std::vector<std::string>& into) {
    for (const Child& child : node.children) {
      into.insert(into.end(), child.above.begin(), child.above.end());
      if (!child.beside.empty() && !child.value->flow) into.push_back(child.beside);
      collect(*child.value, into);
      if (!child.beside.empty() && child.value->flow) into.push_back(child.beside);
    }
    into.insert(into.end(), node.below.begin(), node.below.end());
  }

  // `first_line`: its first child begins a line; else the cursor stands behind a dash.
  void block(Node& node, size_t indent, bool is_root, bool first_line, bool compact = false) {
    std::vector<Child*> order;
    for (Child& child : node.children) order.push_back(&child);
    if (node.any_order) std::shuffle(order.begin(), order.end(), random_);
    for (Child* child : order) {
      const bool first = child == order.front();
      if (!first || first_line) {
        while (chance(25)) out_ += chance(50) ? "\n" : " \n";  // more would belong to a literal text above
        while (chance(25)) {
          std::string text = comment(is_root && first ? "head" : "above", child->key);
          line(indent, text);
          (is_root && first ? head_ : child->above).push_back(std::move(text));
          if (chance(20)) out_ += "\n";
        }
        out_ += std::string(indent, ' ');
      }
      if (node.kind == 'm') out_ += key(child->key) + (chance(10) ? " :" : ":");
      else out_ += "-";
      value(*child, indent, node.kind == 'l');
    }
    while (!compact && chance(10)) {
      node.below.push_back(comment("below", ""));
      line(indent, node.below.back());
    }
  }

  void end_line(Child& child) {
    if (chance(20)) {
      child.beside = comment("beside", child.key);
      out_ += std::string(1 + up_to(3), ' ') + child.beside;
    }
    out_ += chance(20) ? "   \n" : "\n";
  }

  void value(Child& child, size_t indent, bool item) {
    Node& node = *child.value;
    if (node.kind != 's' && (node.children.empty() || chance(35))) {
      node.flow = true;
      out_ += std::string(1 + up_to(2), ' ');
      const size_t before = number_;
      flow(node, indent + 2);
      if (number_ > before) ++flows_with_comments;
      return end_line(child);
    }
    if (node.kind == 's') return scalar_value(child, indent);
    if (item && chance(70)) {  // behind the dash
      const size_t gap = 1 + up_to(3);
      out_ += std::string(gap, ' ');
      return block(node, indent + 1 + gap, false, false);
    }
    if (item) {
      out_ += "\n";
    } else {
      end_line(child);
    }
    const bool compact = !item && node.kind == 'l' && chance(30);  // dashes right below the key: no comment can end such a list
    block(node, compact ? indent : indent + 1 + up_to(3), false, true, compact);
  }

  void scalar_value(Child& child, size_t indent) {
    const std::string& text = child.value->text;
    const size_t space = text.find(' ');
    const bool splits = space != std::string::npos && space + 1 < text.size() && text[space + 1] != '#' && text[space + 1] != ' ';
    if (chance(10)) {
      out_ += (chance(50) ? " |-" : " >-");
      end_line(child);
      out_ += std::string(indent + 1 + up_to(3), ' ') + text + "\n";
      return;
    }
    if (chance(10)) {  // on the next line, with comments between
      end_line(child);
      if (chance(50)) {
        std::string between = comment("between", "");
        line(up_to(6), between);
        (child.beside.empty() ? child.above : late_).push_back(between);
        if (!late_.empty()) {  // what stood beside moves above, too
          child.above.push_back(std::exchange(child.beside, {}));
          child.above.push_back(between);
          late_.clear();
        }
      } else if (!child.beside.empty()) {
        child.above.push_back(std::exchange(child.beside, {}));
      }
      out_ += std::string(indent + 1 + up_to(3), ' ');
    } else {
      out_ += std::string(1 + up_to(2), ' ');
    }
    if (plain(text, false) && chance(70)) {
      if (splits && chance(40)) {
        out_ += text.substr(0, space) + (chance(30) ? "  \n" : "\n") + std::string(indent + 1 + up_to(5), ' ') +
                text.substr(space + 1);
      } else {
        out_ += text;
      }
    } else {
      out_ += quoted(text);
    }
    end_line(child);
  }

  void gap(size_t indent, std::vector<std::string>& into, std::string_view where, const std::string& about) {
    if (chance(70)) return;
    while (chance(30)) out_ += ' ';
    if (chance(50)) return;
    out_ += "\n";
    while (chance(30)) {
      into.push_back(comment(where, about));
      line(indent + up_to(3), into.back());
    }
    out_ += std::string(indent + up_to(3), ' ');
  }

  void flow(Node& node, size_t indent) {
    out_ += node.kind == 'm' ? '{' : '[';
    std::vector<Child*> order;
    for (Child& child : node.children) order.push_back(&child);
    if (node.any_order) std::shuffle(order.begin(), order.end(), random_);
    for (Child* child : order) {
      gap(indent, child->above, "above", child->key);
      if (node.kind == 'm') out_ += key(child->key) + ": ";
      Node& inner = *child->value;
      if (inner.kind == 's') {
        out_ += plain(inner.text, true) && chance(70) ? inner.text : quoted(inner.text);
      } else {
        inner.flow = true;
        flow(inner, indent);
      }
      const bool last = child == order.back();
      if (!last) out_ += ',';
      if (chance(8)) {
        child->beside = comment("beside", child->key);
        out_ += " " + child->beside + "\n" + std::string(indent, ' ');
      } else if (!last) {
        out_ += ' ';
      }
    }
    if (!node.children.empty()) gap(indent, node.below, "below", "");
    out_ += node.kind == 'm' ? '}' : ']';
  }

  std::mt19937 random_;
  std::string out_;
  std::vector<std::string> head_, late_;
  size_t number_ = 0;
};

class RandomProject {
 public:
  explicit RandomProject(uint32_t seed) : random_(seed + 1'000'000) {}

  NodePtr project() {
    return map({{"version", scalar("1")},
                {"name", scalar("p")},
                {"listeners", map({{"collect", scalar("127.0.0.1:8080")}, {"web", scalar("127.0.0.1:8090")}})},
                {"sources", list({map({{"name", scalar("site")}, {"disorder", scalar("10s")}, {"dedup", scalar("24h")}}),
                                  map({{"name", scalar("app")}})})},
                {"retention", map({{"log_time", scalar("7d")}, {"log_bytes", scalar("20GiB")}})}});
  }
  NodePtr metrics() {
    std::vector<NodePtr> all;
    for (size_t i = 0; i < 1 + random_() % 3; ++i) all.push_back(metric(fmt::format("m{}", i)));
    std::vector<NodePtr> funnels;
    for (size_t i = 0; i < random_() % 3; ++i) funnels.push_back(funnel(fmt::format("f{}", i)));
    return map({{"version", scalar("1")}, {"metrics", list(all)}, {"funnels", list(funnels)}});
  }
  NodePtr dashboards() {
    std::vector<NodePtr> rows;
    for (size_t i = 0; i < 1 + random_() % 3; ++i) {
      std::vector<NodePtr> panels{map({{"stat", scalar("m0.n")}, {"over", scalar("7d")}, {"title", text()}})};
      if (random_() % 2 == 0) panels.push_back(map({{"table", scalar("m0")}, {"columns", list({scalar("repo"), scalar("n")})}}));
      if (random_() % 2 == 0) panels.push_back(map({{"timeseries", scalar("m0.n")}, {"by", scalar("repo")}}));
      rows.push_back(list(panels));
    }
    return map({{"version", scalar("1")},
                {"dashboards", list({map({{"name", scalar("d")}, {"question", text()}, {"rows", list(rows)}})})}});
  }

 private:
  NodePtr pick(std::vector<std::string> texts) { return scalar(texts[random_() % texts.size()]); }
  NodePtr text() {
    return pick({"How many?", "Lines: per # commit", "it's \"quoted\" \\ here", "- no list", "a, b [c] {d}", "#1", "Zürich, März",
                 "a long text that goes on and on so that whatever stands in brackets with it will be far too wide for one line "
                 "of them"});
  }
  NodePtr condition() {
    return pick({"event = 'a'", "event = 'a: b' and user_id != 'x # y'", "properties['odd, key'] in ('a', 'b')",
                 "context.bot = true or length(user_key) > 3", "properties.ms >= 12.5"});
  }
  NodePtr window() {
    return random_() % 2 == 0 ? map({{"tumble", scalar("7d")}, {"offset", scalar("4d")}})
                              : map({{"hop", scalar("1h")}, {"slide", scalar("15m")}});
  }
  NodePtr dimensions() {
    return map({{"repo", scalar("properties.repo")}, {"bot", map({{"value", scalar("lower(context.bot)")}, {"label", text()}})}},
               false);
  }
  NodePtr metric(const std::string& name) {
    return map(
        {{"name", scalar(name)},
         {"question", text()},
         {"where", condition()},
         {"window", window()},
         {"allowed_lateness", scalar("10m")},
         {"dimensions", dimensions()},
         {"measures",
          map({{"z", map({{"value", scalar("percentile(properties.ms, 0.99)")}, {"where", condition()}, {"label", text()}})},
               {"n", scalar("count()")},
               {"half", map({{"value", scalar("n / 2")}})}},
              false)}});
  }
  NodePtr funnel(const std::string& name) {
    return map({{"name", scalar(name)},
                {"by", scalar("user_key")},
                {"within", scalar("30m")},
                {"window", window()},
                {"order", scalar("strict")},
                {"steps", list({map({{"name", scalar("one")}, {"where", condition()}}),
                                map({{"name", scalar("two")}, {"where", condition()}})})}});
  }
  std::mt19937 random_;
};

// Everything of a plan that people see or that its numbers depend on.
std::string summary(const Plan& plan) {
  std::string out = plan.hash + plan.project + plan.collect_address + fmt::format("{}", plan.log_retention.log_bytes);
  for (const Metric& metric : plan.metrics) {
    out += fmt::format("\n{} {} {}", metric.name, metric.version, metric.question);
    for (const Dimension& dimension : metric.dimensions)
      out += fmt::format(" {}:{}:{}", dimension.name, dimension.label, dimension.written);
    for (const Measure& measure : metric.measures) out += fmt::format(" {}:{}:{}", measure.name, measure.label, measure.written);
  }
  for (const Dashboard& dashboard : plan.dashboards) {
    out += "\n" + dashboard.question;
    for (const auto& row : dashboard.rows) {
      out += "\n";
      for (const Panel& panel : row) {
        out += fmt::format("{} {} {} ", static_cast<int>(panel.kind), panel.over.count(), panel.title);
        for (const std::string& column : panel.columns) out += column + ",";
      }
    }
  }
  return out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

// The comments of the generator, in the order in which they stand; each about the key that it names.
std::vector<std::string> comments_in(const std::string& text) {
  std::vector<std::string> found;
  const std::vector<std::string> lines = lines_of(text);
  for (size_t i = 0; i < lines.size(); ++i) {
    for (const std::string_view where : {"head", "above", "beside", "below", "between"}) {
      const size_t at = lines[i].find(fmt::format("# {} ", where));
      if (at == std::string::npos) continue;
      found.push_back(lines[i].substr(at));
      const size_t from = at + 3 + where.size();
      const std::string about = lines[i].substr(from, lines[i].rfind(' ') - from);
      size_t code = i;
      while (where == "above" && code + 1 < lines.size() &&
             (lines[code].empty() || lines[code].find_first_not_of(' ') == lines[code].find('#')))
        ++code;
      const std::string& line = lines[code];
      if (where == "above" && about != "item") {
        EXPECT_TRUE(line.find(about) == line.find_first_not_of(" -'\"")) << lines[i] << "\n" << line;
      } else if (where == "above") {
        EXPECT_EQ(line[line.find_first_not_of(' ')], '-') << lines[i] << "\n" << line;
      }
    }
  }
  return found;
}

TEST(Format, random_projects_keep_their_plan_and_every_comment_in_order_and_twice_is_once) {
  size_t comments = 0, flows = 0, changed = 0;
  for (uint32_t seed = 1; seed <= 300 && !::testing::Test::HasFailure(); ++seed) {
    RandomProject random(seed);
    std::vector<SourceFile> project;
    std::vector<std::vector<std::string>> expected;
    for (const auto& [path, root] : std::vector<std::pair<std::string, NodePtr>>{{"sluice.yaml", random.project()},
                                                                                 {"metrics/m.yaml", random.metrics()},
                                                                                 {"dashboards/d.yaml", random.dashboards()}}) {
      BadWriter writer(seed * 3 + static_cast<uint32_t>(project.size()));
      const std::string text = writer.write(*root);
      project.push_back({path, text});
      expected.push_back(writer.comments(*root));
      comments += writer.made();
      flows += writer.flows_with_comments;
    }
    SCOPED_TRACE(fmt::format("seed {}\n{}\n=====\n{}\n=====\n{}", seed, project[0].text, project[1].text, project[2].text));
    const Compiled before = compile(project);
    ASSERT_TRUE(before.plan) << before.diagnostics[0].text();
    std::vector<SourceFile> once;
    const std::vector<FormattedFile> out = format_project(project);
    for (size_t i = 0; i < out.size(); ++i) {
      ASSERT_EQ(out[i].refusal, std::nullopt) << out[i].refusal.value_or("");
      once.push_back({out[i].path, out[i].text});
      if (out[i].changed) ++changed;
      EXPECT_EQ(comments_in(out[i].text), expected[i]) << out[i].text;
      EXPECT_EQ(out[i].text.find("\n\n\n"), std::string::npos);
      EXPECT_TRUE(out[i].text.ends_with('\n') && !out[i].text.ends_with("\n\n"));
      for (const std::string& line : lines_of(out[i].text)) EXPECT_FALSE(line.ends_with(' ')) << line;
    }
    const Compiled after = compile(once);
    ASSERT_TRUE(after.plan) << after.diagnostics[0].text();
    EXPECT_EQ(summary(*before.plan), summary(*after.plan));
    for (const FormattedFile& file : format_project(once)) EXPECT_FALSE(file.changed) << file.text;
  }
  EXPECT_GT(comments, 5000U);
  EXPECT_GT(flows, 200U);
  EXPECT_GT(changed, 800U);
}

}  // namespace
}  // namespace sluice::plan
