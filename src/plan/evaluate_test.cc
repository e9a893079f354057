#include "plan/evaluate.h"

#include <gtest/gtest.h>

#include "plan/like.h"
#include "plan/metric_row.h"
#include "plan/typing.h"

namespace sluice::plan {
namespace {

// One event with a few properties; expressions are compiled against it and their value is shown as text.
class Sample {
 public:
  Sample() {
    scalars_ = {
        {"properties.n", "12.5", Decimal{12'500'000'000}}, {"properties.big", "1000000000", Decimal::whole(1'000'000'000)},
        {"properties.t", "Ünï'x", std::nullopt},           {"properties.empty", "", std::nullopt},
        {"properties.a key", "odd", std::nullopt},         {"properties.x\\.y", "dotted", std::nullopt},
        {"properties.x.y", "nested", std::nullopt},        {"context.bot", "true", std::nullopt}};
  }

  std::string show(std::string_view text, Type wanted) {
    const SyntaxTree tree = parse_expression(text);
    if (tree.fault) return "fault: " + tree.fault->what;
    PathTable table;
    const Typed typed = type_row(tree, static_cast<uint32_t>(tree.nodes.size() - 1), wanted, table);
    if (typed.fault) return "fault: " + typed.fault->what;
    std::vector<const event::ScalarView*> slots;
    for (const std::string& path : table.paths()) {
      const event::ScalarView* found = nullptr;
      for (const event::ScalarView& scalar : scalars_) {
        if (scalar.path == path) found = &scalar;
      }
      slots.push_back(found);
    }
    Row row;
    row.source = "site";
    row.event = "buy";
    row.message_id = "m1";
    row.user_id = "u1";
    row.stitching_key = row.user_key = "u1";
    row.dialect = "native";
    row.event_time = time_ms(1'000);
    row.received_at = time_ms(2'000);
    row.paths = slots;
    const Value v = evaluator_.evaluate(typed.expression, row);
    switch (v.kind) {
      case Value::Kind::null: return "null";
      case Value::Kind::text: return std::string(v.text);
      case Value::Kind::number: return v.number.to_text();
      case Value::Kind::time: return std::to_string(to_ms(v.time));
      case Value::Kind::boolean: return v.boolean ? "true" : "false";
      case Value::Kind::top: break;  // no expression gives one
    }
    return "";
  }
  std::string condition(std::string_view text) { return show(text, Type::boolean); }
  std::string number(std::string_view text) { return show(text, Type::number); }
  std::string text(std::string_view text) { return show(text, Type::text); }

 private:
  std::vector<event::ScalarView> scalars_;
  Evaluator evaluator_;
};

TEST(Evaluate, logic_is_three_valued) {
  Sample s;
  // The truth tables of SQL: rows false, null, true.
  const std::vector<std::string> values{"false", "null", "true"};
  const std::vector<std::vector<std::string>> conjunction{
      {"false", "false", "false"}, {"false", "null", "null"}, {"false", "null", "true"}};
  const std::vector<std::vector<std::string>> disjunction{
      {"false", "null", "true"}, {"null", "null", "true"}, {"true", "true", "true"}};
  for (size_t a = 0; a < 3; ++a) {
    for (size_t b = 0; b < 3; ++b) {
      EXPECT_EQ(s.condition(values[a] + " and " + values[b]), conjunction[a][b]);
      EXPECT_EQ(s.condition(values[a] + " or " + values[b]), disjunction[a][b]);
    }
  }
  EXPECT_EQ(s.condition("not null"), "null");
  EXPECT_EQ(s.condition("not true"), "false");
  EXPECT_EQ(s.condition("null is null"), "true");
  EXPECT_EQ(s.condition("(event = null) is null"), "true");
  EXPECT_EQ(s.condition("properties.none = 'a'"), "null");
  EXPECT_EQ(s.condition("properties.none != 'a'"), "null");
  EXPECT_EQ(s.condition("properties.none in ('a')"), "null");
  EXPECT_EQ(s.condition("properties.none not in ('a')"), "null");
  EXPECT_EQ(s.condition("properties.none like '%'"), "null");
  EXPECT_EQ(s.condition("event in ('a', 'buy')"), "true");
  EXPECT_EQ(s.condition("event not in ('a', 'buy')"), "false");
}

TEST(Evaluate, only_true_passes_and_an_empty_condition_passes) {
  Evaluator evaluator;
  const Row row;
  Expression null;
  null.nodes.push_back(Node{.op = Op::literal_null, .type = Type::boolean, .inputs = {}, .text = {}, .number = {}});
  EXPECT_FALSE(evaluator.passes(null, row));
  EXPECT_TRUE(evaluator.passes(Expression{}, row));
}

TEST(Evaluate, precedence_is_that_of_sql) {
  Sample s;
  EXPECT_EQ(s.condition("true or false and false"), "true");
  EXPECT_EQ(s.condition("not false and false"), "false");
  EXPECT_EQ(s.condition("not event = 'x'"), "true");
  EXPECT_EQ(s.number("2 + 3 * 4 - 6 / 4"), "12.5");
  EXPECT_EQ(s.number("10 - 4 - 3"), "3");
  EXPECT_EQ(s.number("-2 * -3 - -1"), "7");
  EXPECT_EQ(s.condition("1 + 1 = 2 AND NOT event IS NULL"), "true");
}

TEST(Evaluate, a_path_takes_the_type_of_its_neighbour) {
  Sample s;
  EXPECT_EQ(s.condition("properties.n = 12.5"), "true");
  EXPECT_EQ(s.condition("properties.n = '12.5'"), "true");
  EXPECT_EQ(s.condition("properties.n > 9"), "true");
  EXPECT_EQ(s.condition("properties.n > '9'"), "false");    // as texts: 1 before 9
  EXPECT_EQ(s.condition("properties.t > 1"), "null");       // no number there
  EXPECT_EQ(s.condition("context.bot = true"), "true");
  EXPECT_EQ(s.condition("context.bot in (false)"), "false");
  EXPECT_EQ(s.condition("text(properties.n) = text(properties.n)"), "true");
  EXPECT_EQ(s.text("properties.empty"), "");
  EXPECT_EQ(s.text("properties['a key']"), "odd");
  EXPECT_EQ(s.text("properties['x.y']"), "dotted");
  EXPECT_EQ(s.text("properties.x.y"), "nested");
  EXPECT_EQ(s.text("properties.x['y']"), "nested");
}

TEST(Evaluate, names_are_those_of_the_event_and_empty_ids_are_null) {
  Sample s;
  EXPECT_EQ(s.text("source"), "site");
  EXPECT_EQ(s.text("user_id"), "u1");
  EXPECT_EQ(s.text("anonymous_id"), "null");
  EXPECT_EQ(s.text("dialect"), "native");
  EXPECT_EQ(s.condition("event_time < received_at"), "true");
  EXPECT_EQ(s.condition("event_time = '1970-01-01T01:00:01+01:00'"), "true");
  EXPECT_EQ(s.condition("event_time in ('1970-01-01T00:00:01Z')"), "true");
}

TEST(Evaluate, arithmetic_is_exact_and_rounds_half_away_from_zero) {
  Sample s;
  EXPECT_EQ(s.number("0.1 + 0.2"), "0.3");
  EXPECT_EQ(s.number("999999999999999999.999999999 + 999999999999999999.999999999"), "1999999999999999999.999999998");
  EXPECT_EQ(s.number("1 / 3"), "0.333333333");
  EXPECT_EQ(s.number("-2 / 3"), "-0.666666667");
  EXPECT_EQ(s.number("0.000000001 / 2"), "0.000000001");
  EXPECT_EQ(s.number("-0.000000001 / 2"), "-0.000000001");
  EXPECT_EQ(s.number("0.000000005 * 0.1"), "0.000000001");
  EXPECT_EQ(s.number("0.000000004 * 0.1"), "0");
  EXPECT_EQ(s.number("999999999.999999999 * 999999999.999999999"), "999999999999999998");
  EXPECT_EQ(s.number("properties.big * 1"), "null");        // 10^9 is one too much
  EXPECT_EQ(s.number("1 / properties.big"), "null");
  EXPECT_EQ(s.number("properties.n / 0"), "null");
  EXPECT_EQ(s.number("properties.none + 1"), "null");
}

TEST(Evaluate, functions_change_ascii_only_and_count_code_points) {
  Sample s;
  EXPECT_EQ(s.text("upper(properties.t)"), "ÜNï'X");
  EXPECT_EQ(s.text("lower(upper(properties.t))"), "Ünï'x");
  EXPECT_EQ(s.number("length(properties.t)"), "5");
  EXPECT_EQ(s.number("length('e\u0301')"), "2");
  EXPECT_EQ(s.number("length('🎈')"), "1");
  EXPECT_EQ(s.number("length(properties.none)"), "null");
  EXPECT_EQ(s.condition("properties.t = 'Ünï''x'"), "true");
}

TEST(Evaluate, texts_compare_as_unsigned_bytes) {
  Sample s;
  EXPECT_EQ(s.condition("'Z' < 'a'"), "true");
  EXPECT_EQ(s.condition("'z' < 'ä'"), "true");
  EXPECT_EQ(s.condition("'' < 'a'"), "true");
  EXPECT_EQ(s.condition("'a' < 'aa'"), "true");
  EXPECT_EQ(s.condition("'日' < '🎈'"), "true");
}

TEST(Evaluate, an_evaluator_is_reused_without_old_values_showing_through) {
  Sample s;
  EXPECT_EQ(s.text("upper(lower(upper(event)))"), "BUY");
  EXPECT_EQ(s.condition("null"), "null");
  EXPECT_EQ(s.text("lower(source)"), "site");
}

TEST(Like, percent_is_any_run_and_underscore_one_code_point) {
  EXPECT_TRUE(like("", ""));
  EXPECT_TRUE(like("", "%"));
  EXPECT_FALSE(like("", "_"));
  EXPECT_TRUE(like("abc", "a%"));
  EXPECT_TRUE(like("abc", "%c"));
  EXPECT_TRUE(like("abc", "%b%"));
  EXPECT_FALSE(like("abc", "b"));
  EXPECT_TRUE(like("aäc", "a_c"));
  EXPECT_FALSE(like("aäc", "a__c"));
  EXPECT_TRUE(like("a🎈", "a_"));
  EXPECT_TRUE(like("a\nb", "a%b"));
  EXPECT_FALSE(like("ABC", "abc"));
}

TEST(Like, escaped_signs_stand_for_themselves) {
  EXPECT_TRUE(like("100%", "100\\%"));
  EXPECT_FALSE(like("1000", "100\\%"));
  EXPECT_TRUE(like("a_b", "a\\_b"));
  EXPECT_FALSE(like("axb", "a\\_b"));
  EXPECT_TRUE(like("a\\b", "a\\\\b"));
  EXPECT_TRUE(like("%%", "\\%%"));
}

TEST(Like, many_percents_end_in_reasonable_time) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "%a";
  EXPECT_FALSE(like(std::string(20'000, 'a') + "b", pattern));
  EXPECT_TRUE(like(std::string(20'000, 'a'), pattern));
}

// A derived measure over values that stand for m0, m1, ...
std::string derived(std::string_view text, const std::vector<Value>& measures) {
  std::vector<std::string> names;
  for (size_t i = 0; i < measures.size(); ++i) names.push_back("m" + std::to_string(i));
  const SyntaxTree tree = parse_expression(text);
  if (tree.fault) return tree.fault->what;
  const Typed typed = type_derived(tree, names);
  if (typed.fault) return typed.fault->what;
  Evaluator evaluator;
  const Value v = evaluator.derive(typed.expression, measures);
  return v.is_null() ? "null" : v.number.to_text();
}
Value number(std::string_view text) { return Value::of(*Decimal::from_json(text)); }

TEST(Derive, works_without_the_bound_of_rows_and_rounds_each_step) {
  EXPECT_EQ(derived("m0 / m1", {number("10"), number("4")}), "2.5");
  EXPECT_EQ(derived("m0 / m1 * 3", {number("1"), number("3")}), "0.999999999");
  EXPECT_EQ(derived("m0 * 1000000000", {number("3000000000")}), "3000000000000000000");
  EXPECT_EQ(derived("m0 / 7", {number("999999999999999999")}), "142857142857142857");
}

TEST(Derive, is_null_on_null_on_division_by_zero_and_from_ten_to_the_29_on) {
  EXPECT_EQ(derived("m0 / m1", {number("10"), number("0")}), "null");
  EXPECT_EQ(derived("m0 + m1", {number("10"), Value::null()}), "null");
  EXPECT_EQ(derived("m0 * 100000000000", {number("999999999999999999")}), "99999999999999999900000000000");
  EXPECT_EQ(derived("m0 * 100000000000", {number("999999999999999999.999999999")}), "99999999999999999999999999900");
  EXPECT_EQ(derived("m0 * 1000000000000", {number("100000000000000000")}), "null");
  EXPECT_EQ(derived("m0 * 1000000000000 / 1000000000000", {number("100000000000000000")}), "null");  // the step before was NULL
}

TEST(MetricRow, avg_is_divided_and_derived_measures_follow) {
  Metric metric;
  Measure avg, count, derived;
  avg.kind = MeasureKind::avg;
  count.kind = MeasureKind::count;
  derived.kind = MeasureKind::derived;
  const SyntaxTree tree = parse_expression("a * n");
  derived.argument = type_derived(tree, {"a", "d", "n"}).expression;
  metric.measures = {avg, derived, count};
  Evaluator evaluator;
  const auto of = [](Value v) { return StoredValue::of(v); };
  const std::vector<StoredValue> visible = visible_values(metric, {of(number("2")), of(number("3")), of(number("3"))}, evaluator);
  EXPECT_EQ(visible[0].number.to_text(), "0.666666667");
  EXPECT_EQ(visible[1].number.to_text(), "2.000000001");
  const std::vector<StoredValue> none = visible_values(metric, {StoredValue{}, of(number("0")), of(number("3"))}, evaluator);
  EXPECT_EQ(none[0].kind, Value::Kind::null);
  EXPECT_EQ(none[1].kind, Value::Kind::null);
}

}  // namespace
}  // namespace sluice::plan
