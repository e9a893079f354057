// The first byte says what the rest is: a whole YAML file of one of the three kinds, an expression as a condition, or as a measure.
// Checks beside "no crash": a plan or errors, never both; what compiled compiles to the same versions after packing; a typed
// expression keeps its promises (inputs before users), prints, and has a value on an empty and on a full row.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "plan/clickhouse.h"
#include "plan/clickhouse_expression.h"
#include "plan/compile.h"
#include "plan/evaluate.h"
#include "plan/typing.h"

namespace {

using namespace sluice;  // NOLINT: a fuzz target is one file
using plan::SourceFile;

void require(bool condition) {
  if (!condition) std::abort();
}

const SourceFile kProject{"sluice.yaml", "version: 1\nname: p\nsources: [{name: a}]\n"};
const SourceFile kMetric{
    "metrics/a.yaml",
    "version: 1\nmetrics: [{name: m, window: {tumble: 1d}, dimensions: {d: source}, measures: {n: count()}}]\n"};

void compile(const std::vector<SourceFile>& files) {
  const plan::Compiled compiled = plan::compile(files);
  require(compiled.plan.has_value() == compiled.diagnostics.empty());
  for (const plan::Diagnostic& d : compiled.diagnostics) require(d.at.line >= 1 && d.at.column >= 1 && !d.message.empty());
  if (!compiled.plan) return;
  const auto again = plan::unpack(plan::pack(files));
  require(again.has_value());
  require(plan::compile(*again).plan->hash == compiled.plan->hash);
  for (const plan::Metric& metric : compiled.plan->metrics) {
    require(!plan::clickhouse::create_view(metric, "t").empty());
    require(!plan::clickhouse::definition_query(*compiled.plan, metric, 1, kMinusInfinity).empty());
  }
}

void check_expression(const plan::Expression& expression, const std::vector<std::string>& paths) {
  for (size_t i = 0; i < expression.nodes.size(); ++i) {
    for (const uint32_t input : expression.nodes[i].inputs) require(input < i);
  }
  require(!plan::clickhouse::value_sql(expression, paths).empty());
  plan::Evaluator evaluator;
  plan::Row row;
  const std::vector<const event::ScalarView*> nothing(paths.size(), nullptr);
  row.paths = nothing;
  evaluator.evaluate(expression, row);
  const event::ScalarView scalar{"p", "ä%_\\1", Decimal::whole(7)};
  const std::vector<const event::ScalarView*> full(paths.size(), &scalar);
  row.paths = full;
  row.source = row.event = row.message_id = row.user_id = row.user_key = "xY\xC3\xA4";
  evaluator.evaluate(expression, row);
}

void expression(std::string_view text) {
  const plan::SyntaxTree tree = plan::parse_expression(text);
  if (tree.fault) return require(tree.fault->at <= text.size() && !tree.fault->what.empty());
  const auto root = static_cast<uint32_t>(tree.nodes.size() - 1);
  for (const plan::Type type : {plan::Type::text, plan::Type::number, plan::Type::time, plan::Type::boolean}) {
    plan::PathTable paths;
    const plan::Typed typed = plan::type_row(tree, root, type, paths);
    require(typed.fault.has_value() == typed.expression.empty());
    if (!typed.fault) check_expression(typed.expression, paths.paths());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0: compile({{"sluice.yaml", text}}); break;
    case 1: compile({kProject, {"metrics/m.yaml", text}}); break;
    case 2: compile({kProject, kMetric, {"dashboards/d.yaml", text}}); break;
    case 3: expression(text); break;
    default: {
      std::string indented;  // a literal block takes any text
      for (const char c : text) indented += c == '\n' ? "\n          " : std::string(1, c);
      compile({kProject,
               {"metrics/m.yaml",
                "version: 1\nmetrics:\n  - name: m\n    window: {hop: 1h, slide: 15m}\n    measures:\n      n: count()\n      "
                "x:\n        value: |-\n          " +
                    indented + "\n"}});
    }
  }
  return 0;
}
