// Random typed expressions over random hostile rows: the C++ evaluator and the printed SQL on the real engine, to the last digit.
// Seeds: SLUICE_SEED (default 1) and SLUICE_CASES (default 2000) of the environment; a failure names its expression and row.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/hash.h"
#include "engine.h"
#include "hostile.h"
#include "plan/clickhouse_expression.h"
#include "plan/typing.h"

namespace sluice::agreement {
namespace {

constexpr size_t kRows = 97;
constexpr size_t kPerQuery = 40;

uint64_t setting(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct Case {
  std::string text;
  plan::Expression expression;
};

// Nullopt for what the compiler refuses: the generator does not know that a path beside null has no type.
std::optional<Case> typed(const std::string& text, plan::Type wanted, plan::PathTable& table) {
  const plan::SyntaxTree tree = plan::parse_expression(text);
  if (tree.fault) return std::nullopt;
  plan::Typed typed = plan::type_row(tree, static_cast<uint32_t>(tree.nodes.size() - 1), wanted, table);
  if (typed.fault) return std::nullopt;
  return Case{text, std::move(typed.expression)};
}

std::string column(const Case& c, const std::vector<std::string>& table) {
  const std::string sql = plan::clickhouse::value_sql(c.expression, table);
  switch (c.expression.root().type) {
    case plan::Type::text: return fmt::format("hex({})", sql);
    case plan::Type::number: return fmt::format("toString({})", sql);
    case plan::Type::time: return fmt::format("toString({})", sql);
    case plan::Type::boolean: return fmt::format("toString(CAST({} AS Nullable(UInt8)))", sql);
  }
  return sql;
}

Cell shown(const plan::Value& value) {
  switch (value.kind) {
    case plan::Value::Kind::null: return std::nullopt;
    case plan::Value::Kind::text: {
      std::string upper = hex(value.text);
      for (char& c : upper) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
      return upper;
    }
    case plan::Value::Kind::number: return value.number.to_text();
    case plan::Value::Kind::time: return fmt::format("{}", to_ms(value.time));
    case plan::Value::Kind::boolean: return std::string(value.boolean ? "1" : "0");
    case plan::Value::Kind::top: break;  // no expression gives one
  }
  return std::nullopt;
}

struct Counts {
  size_t expressions = 0, refused = 0, values = 0, nulls = 0, trues = 0;
};

void compare(Engine& engine, const std::vector<Case>& cases, const std::vector<StoredEvent>& events, const plan::PathTable& table,
             Counts& counts) {
  std::string sql = "SELECT";
  for (const Case& c : cases) sql += (&c == &cases.front() ? " " : ", ") + column(c, table.paths());
  sql += " FROM sluice.events ORDER BY log_offset";
  std::string error;
  const std::optional<Table> rows = engine.ask(sql, error);
  ASSERT_TRUE(rows) << error << "\n" << sql;
  ASSERT_EQ(rows->size(), events.size());
  plan::Evaluator evaluator;
  std::vector<event::ScalarView> views;
  std::vector<const event::ScalarView*> slots;
  for (size_t r = 0; r < events.size(); ++r) {
    const plan::Row row = row_of(events[r], table.paths(), views, slots);
    for (size_t c = 0; c < cases.size(); ++c) {
      const Cell mine = shown(evaluator.evaluate(cases[c].expression, row));
      const Cell& theirs = (*rows)[r][c];
      ++counts.values;
      counts.nulls += mine ? 0 : 1;
      counts.trues += cases[c].expression.root().type == plan::Type::boolean && mine == "1" ? 1 : 0;
      ASSERT_EQ(mine, theirs) << cases[c].text << "\n" << column(cases[c], table.paths()) << "\nrow " << r;
    }
  }
  counts.expressions += cases.size();
}

TEST(ExpressionAgreement, evaluator_and_printed_sql_give_the_same_values) {
  std::string reason;
  Engine* engine = Engine::open(reason);
  if (engine == nullptr) GTEST_SKIP() << reason;
  const uint64_t seed = setting("SLUICE_SEED", 1), wanted = setting("SLUICE_CASES", 2000);
  Random random(seed);
  engine->run("CREATE DATABASE IF NOT EXISTS sluice");
  // Half of all runs compile expressions at once: the engine has two ways to compute, and they were seen to differ.
  engine->run(fmt::format("SET min_count_to_compile_expression = {}", seed % 2 == 0 ? 3 : 0));
  Counts counts;
  std::vector<StoredEvent> events;
  while (counts.expressions < wanted && !HasFatalFailure()) {
    if (counts.expressions % 400 < kPerQuery) {
      events = random_events(random, kRows);
      engine->run("DROP TABLE IF EXISTS sluice.events");
      engine->run(events_table());
      engine->run(insert_events(events));
    }
    plan::PathTable table;
    std::vector<Case> cases;
    while (cases.size() < kPerQuery) {
      const int depth = static_cast<int>(random.below(5));
      std::optional<Case> c;
      switch (random.below(5)) {
        case 0: c = typed(text_expression(random, depth), plan::Type::text, table); break;
        case 2: c = typed(depth == 0 ? time_expression(random) : "null", plan::Type::time, table); break;
        case 1: c = typed(number_expression(random, depth), plan::Type::number, table); break;
        default: c = typed(condition(random, depth), plan::Type::boolean, table); break;
      }
      if (c) cases.push_back(*std::move(c));
      else ++counts.refused;
    }
    compare(*engine, cases, events, table, counts);
  }
  std::printf("seed %llu: %zu expressions, %zu values equal, of them %zu NULL and %zu true; %zu texts refused by the compiler\n",
              static_cast<unsigned long long>(seed), counts.expressions, counts.values, counts.nulls, counts.trues,
              counts.refused);
  // A generator that only makes NULL would prove nothing.
  EXPECT_GT(counts.trues, counts.values / 20);
  EXPECT_LT(counts.nulls, counts.values * 2 / 3);
}

// Chains as long and brackets as deep as the compiler lets through still run on the engine.
TEST(ExpressionAgreement, the_longest_and_deepest_expressions_run_on_the_engine) {
  std::string reason;
  Engine* engine = Engine::open(reason);
  if (engine == nullptr) GTEST_SKIP() << reason;
  Random random(7);
  engine->run("CREATE DATABASE IF NOT EXISTS sluice");
  engine->run("DROP TABLE IF EXISTS sluice.events");
  engine->run(events_table());
  const std::vector<StoredEvent> events = random_events(random, 20);
  engine->run(insert_events(events));
  std::string sum = "number(properties.n)", ors = "event = 'view'", product = "number(properties.n)", nots = "event = 'buy'",
              brackets = "number(properties.n)", list = "event in ('x'";
  for (int i = 0; i < 390; ++i) sum += i % 2 == 0 ? " + number(properties.m)" : " - 0.000000001";
  for (int i = 0; i < 240; ++i) ors += fmt::format(" {} source = 's{}'", i % 3 == 0 ? "and" : "or", i);
  for (int i = 0; i < 62; ++i) product = fmt::format("{} {} 1.000000001", product, i % 2 == 0 ? "*" : "/");
  for (int i = 0; i < 62; ++i) nots = fmt::format("not {}", nots);
  for (int i = 0; i < 62; ++i) brackets = fmt::format("({} {} {})", i % 2 == 0 ? "2" : "0.5", i % 2 == 0 ? "*" : "-", brackets);
  for (int i = 0; i < 900; ++i) list += fmt::format(", 'v{}'", i);
  plan::PathTable table;
  std::vector<Case> cases;
  for (const std::string& text : {sum, product, brackets}) {
    cases.push_back(typed(text, plan::Type::number, table).value_or(Case{}));
    ASSERT_FALSE(cases.back().expression.empty()) << text;
  }
  for (const std::string& text : {ors, nots, list + ")"}) {
    cases.push_back(typed(text, plan::Type::boolean, table).value_or(Case{}));
    ASSERT_FALSE(cases.back().expression.empty()) << text;
  }
  Counts counts;
  for (const Case& c : cases) compare(*engine, {c}, events, table, counts);
}

}  // namespace
}  // namespace sluice::agreement

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  sluice::agreement::Engine::close();
  return result;
}
