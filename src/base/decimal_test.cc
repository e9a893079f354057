#include "base/decimal.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace sluice {
namespace {

// The tables below were computed with exact fractions by a script that shares no code with this program.

int128 raw_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  int128 raw = 0;
  for (const char c : text.substr(negative ? 1 : 0)) raw = raw * 10 + (c - '0');
  return negative ? -raw : raw;
}

Decimal decimal(std::string_view text) { return *Decimal::from_json(text); }
std::string shown(std::optional<Decimal> value) { return value ? value->to_text() : "NULL"; }

struct Reading {
  const char* json;
  const char* expected;
};
constexpr Reading kReadings[] = {
    {"0", "0"},
    {"-0", "0"},
    {"-0.0", "0"},
    {"5", "5"},
    {"1.5", "1.5"},
    {"1e3", "1000"},
    {"-2.5E+2", "-250"},
    {"1e-9", "0.000000001"},
    {"1e-10", "0"},
    {"5e-10", "0.000000001"},
    {"4.9999999999e-10", "0"},
    {"-5e-10", "-0.000000001"},
    {"0.1234567885", "0.123456789"},
    {"0.1234567894999", "0.123456789"},
    {"1.99999999999", "2"},
    {"0.0000000005", "0.000000001"},
    {"999999999999999999", "999999999999999999"},
    {"999999999999999999.999999999", "999999999999999999.999999999"},
    {"999999999999999999.9999999994", "999999999999999999.999999999"},
    {"999999999999999999.9999999995", "NULL"},
    {"1000000000000000000", "NULL"},
    {"1e18", "NULL"},
    {"-1e18", "NULL"},
    {"1e17", "100000000000000000"},
    {"9.99999999999999999999e17", "999999999999999999.999"},
    {"123456789012345678901234567890", "NULL"},
    {"1e400", "NULL"},
    {"1e-400", "0"},
    {"-1e-400", "0"},
    {"0e999999999999", "0"},
    {"0.000e5", "0"},
    {"100e-2", "1"},
    {"12345678901234567.123456789", "12345678901234567.123456789"},
    {"19.989999999999998", "19.99"},
    {"1234567890123456.123456789", "1234567890123456.123456789"},
    {"1E0", "1"},
    {"1e+00018", "NULL"},
    {"0.1e19", "NULL"},
    {"0.01e20", "NULL"},
    {"1e99999999999999999999", "NULL"},
    {"1e-99999999999999999999", "0"},
    {"3.0000000000000000000000000000000000000000000000005", "3"},
};

TEST(Decimal, json_numbers_are_read_exactly_and_rounded_half_up_away_from_zero) {
  for (const Reading& reading : kReadings) EXPECT_EQ(shown(Decimal::from_json(reading.json)), reading.expected) << reading.json;
}

TEST(Decimal, what_is_no_json_number_is_none) {
  for (const char* text : {"", "-", "+1", "01", "-01", ".5", "5.", "1e", "1e+", "1.e5", "0x10", "NaN", "Infinity", "1 ", " 1",
                           "1,5", "--1", "1e1.5", "1_0"}) {
    EXPECT_FALSE(Decimal::from_json(text)) << text;
  }
}

TEST(Decimal, a_million_digits_cost_no_more_than_reading_them) {
  EXPECT_EQ(shown(Decimal::from_json("0." + std::string(1'000'000, '9'))), "1");
  EXPECT_EQ(shown(Decimal::from_json("1" + std::string(1'000'000, '0'))), "NULL");
  EXPECT_EQ(shown(Decimal::from_json("0." + std::string(1'000'000, '0') + "7e1000000")), "0.7");
}

TEST(Decimal, text_of_any_value_reads_back_as_itself) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20'000; ++i) {
    const auto bits = static_cast<unsigned>(random() % 89);
    int128 raw = static_cast<int128>((static_cast<uint128>(random()) << 64 | random()) & ((static_cast<uint128>(1) << bits) - 1));
    if ((random() & 1) != 0) raw = -raw;
    const Decimal value{raw};
    EXPECT_EQ(decimal(value.to_text()), value);
  }
}

TEST(Decimal, the_widest_values_are_printed_whole) {
  const int128 most = raw_of("99999999999999999999999999999999999999");
  EXPECT_EQ(Decimal{most}.to_text(), "99999999999999999999999999999.999999999");
  EXPECT_EQ(Decimal{-most}.to_text(), "-99999999999999999999999999999.999999999");
  EXPECT_EQ(Decimal{1}.to_text(), "0.000000001");
  EXPECT_EQ(Decimal{0}.to_text(), "0");
  EXPECT_EQ(Decimal::whole(-3).to_text(), "-3");
}

struct RowCase {
  const char* a;
  const char* b;
  const char* product;
  const char* quotient;
};
constexpr RowCase kRowCases[] = {
    {"993908.161973069", "8.101071364", "8051720.949405903", "122688.483697336"},
    {"6", "8", "48", "0.75"},
    {"-628720317", "999999992", "-628720311970237464", "-0.628720322"},
    {"-126478448.61301391", "9.5", "-1201545261.823632145", "-13313520.906633043"},
    {"-764623112.5", "-778853512.5", "595529396909307656.25", "0.981729042"},
    {"8462366.51339698", "-813.5", "-6884135158.64844323", "-10402.417348982"},
    {"468372862.060328271", "-999361461", "-468073787721361131.046163931", "-0.468672127"},
    {"-955.525020128", "-999999991.384718084", "955525011895.882573806", "0.000000956"},
    {"855656247", "-497128.5", "-425371106586739.5", "-1721.197330268"},
    {"-268527155.117464983", "-952452258.717960391", "255759295418737639.576534424", "0.281932404"},
    {"-625.125730654", "-786", "491348.824294044", "0.795325357"},
    {"-913476486.821365562", "-701672505", "640961334766547061.40927281", "1.301855895"},
    {"715887.949394817", "84", "60134587.749164628", "8522.475588034"},
    {"-107620085", "999995707.843581165", "-107619623077761371.681699025", "-0.107620547"},
};

TEST(Decimal, row_products_and_quotients_are_exact_and_rounded_once) {
  for (const RowCase& c : kRowCases) {
    EXPECT_EQ(shown(row_multiply(decimal(c.a), decimal(c.b))), c.product) << c.a << " * " << c.b;
    EXPECT_EQ(shown(row_divide(decimal(c.a), decimal(c.b))), c.quotient) << c.a << " / " << c.b;
  }
}

TEST(Decimal, row_factors_from_a_billion_on_give_null) {
  const Decimal below = decimal("999999999.999999999"), limit = decimal("1000000000"), two = decimal("2");
  EXPECT_EQ(shown(row_multiply(below, below)), "999999999999999998");
  EXPECT_EQ(shown(row_multiply(limit, two)), "NULL");
  EXPECT_EQ(shown(row_multiply(two, Decimal{-limit.raw})), "NULL");
  EXPECT_EQ(shown(row_divide(limit, two)), "NULL");
  EXPECT_EQ(shown(row_divide(two, limit)), "NULL");
  EXPECT_EQ(shown(row_divide(below, Decimal{1})), "999999999999999999");
  EXPECT_EQ(shown(row_divide(two, Decimal{0})), "NULL");
  EXPECT_EQ(shown(row_add(limit, limit)), "2000000000") << "sums have no such bound";
  EXPECT_EQ(shown(row_subtract(two, limit)), "-999999998");
}

struct DerivedCase {
  const char* raw_a;
  const char* raw_b;
  const char* sum;
  const char* difference;
  const char* product;
  const char* quotient;
};
constexpr DerivedCase kDerivedCases[] = {
    {"67882730397035541990737061104900140744", "3", "67882730397035541990737061104.900140747",
     "67882730397035541990737061104.900140741", "203648191191106625972.211183315", "NULL"},
    {"559079756173099574103442792760230649", "21288292236054", "559079756173099574103464081.052466703",
     "559079756173099574103421504.467994595", "NULL", "26262311225991073401442.725046052"},
    {"95703871630891727816461661085", "3694079308443250343553796362222480007", "3694079404147121974445524178.684141092",
     "-3694079212739378712662068545.760818922", "NULL", "0.000000026"},
    {"5145012578469185790792606745718070179", "59395287388528748424350458458", "5145012637864473179321355170.068528637",
     "5145012519073898402263858321.367611721", "NULL", "86623245.794124448"},
    {"1558945565650744929577077709034988813", "62390736306181524461640173175843012854", "63949681871832269391217250884.878001667",
     "-60831790740530779532063095466.808024041", "NULL", "0.024986811"},
    {"96899344124984631911474588866", "874388293481981166743", "96899344999372925393.455755609", "96899343250596338429.493422123",
     "NULL", "110819580.782712608"},
    {"99999999999999999968068612272498006642", "3000000000", "99999999999999999968068612275.498006642",
     "99999999999999999968068612269.498006642", "NULL", "33333333333333333322689537424.166002214"},
    {"99999999922790968895407557188344209713", "31924930672777", "99999999922790968895407589113.27488249",
     "99999999922790968895407525263.413536936", "NULL", "3132348224895688955144478.907647006"},
    {"151192260049545525835998157", "88727906505368927703990504269", "88879098765418473229.826502426",
     "-88576714245319382178.154506112", "NULL", "0.001703999"},
    {"99999999999999999498644765482745972290", "3", "99999999999999999498644765482.745972293",
     "99999999999999999498644765482.745972287", "299999999999999998495.934296448", "NULL"},
    {"20571415270043", "73472875482988142211292043559644775399", "73472875482988142211292064131.060045442",
     "-73472875482988142211292022988.229505356", "NULL", "0"},
    {"122664846815371944796", "33144428259071380090640432515305579145", "33144428259071380213305279330.677523941",
     "-33144428259071379967975585699.933634349", "NULL", "0"},
    {"335966487716883349258", "44128633184859608133851792400355198112", "44128633184859608469818280117.23854737",
     "-44128633184859607797885304683.471848854", "NULL", "0"},
    {"419477522366445576381", "3", "419477522366.445576384", "419477522366.445576378", "1258.432567099", "139825840788815192127"},
    {"31154193040718871156817197098207293463", "3000000000", "31154193040718871156817197101.207293463",
     "31154193040718871156817197095.207293463", "93462579122156613470451591294.621880389",
     "10384731013572957052272399032.735764488"},
    {"96028278886629", "67450947821609729088618691362502504097", "67450947821609729088618787390.781390726",
     "-67450947821609729088618595334.223617468", "NULL", "0"},
};

TEST(Decimal, derived_measures_are_exact_up_to_their_bound) {
  for (const DerivedCase& c : kDerivedCases) {
    const Decimal a{raw_of(c.raw_a)}, b{raw_of(c.raw_b)};
    EXPECT_EQ(shown(derived_add(a, b)), c.sum) << c.raw_a << " + " << c.raw_b;
    EXPECT_EQ(shown(derived_subtract(a, b)), c.difference) << c.raw_a << " - " << c.raw_b;
    EXPECT_EQ(shown(derived_multiply(a, b)), c.product) << c.raw_a << " * " << c.raw_b;
    EXPECT_EQ(shown(derived_divide(a, b)), c.quotient) << c.raw_a << " / " << c.raw_b;
    const Decimal minus_a{-a.raw}, minus_b{-b.raw};
    EXPECT_EQ(shown(derived_multiply(minus_a, minus_b)), c.product) << "signs cancel";
    EXPECT_EQ(shown(derived_divide(minus_a, minus_b)), c.quotient) << "signs cancel";
  }
}

TEST(Decimal, derived_values_from_ten_to_the_29_on_are_null_on_both_sides) {
  const Decimal most{raw_of("99999999999999999999999999999999999999")}, least{-most.raw}, step{1}, one = Decimal::whole(1);
  EXPECT_EQ(shown(derived_add(most, step)), "NULL");
  EXPECT_EQ(shown(derived_subtract(least, step)), "NULL");
  EXPECT_EQ(shown(derived_add(most, most)), "NULL") << "past 127 bits as well";
  EXPECT_EQ(derived_multiply(most, one), most);
  EXPECT_EQ(derived_divide(least, one), least);
  EXPECT_EQ(shown(derived_multiply(most, Decimal{2'000'000'000})), "NULL");
  EXPECT_EQ(shown(derived_divide(most, Decimal{999'999'999})), "NULL");
  EXPECT_EQ(shown(derived_divide(one, Decimal{0})), "NULL");
  EXPECT_EQ(shown(derived_multiply(most, most)), "NULL") << "all 256 bits";
}

TEST(Decimal, averages_round_half_away_from_zero) {
  EXPECT_EQ(average(decimal("10"), 4).to_text(), "2.5");
  EXPECT_EQ(average(decimal("1"), 3).to_text(), "0.333333333");
  EXPECT_EQ(average(decimal("2"), 3).to_text(), "0.666666667");
  EXPECT_EQ(average(decimal("-2"), 3).to_text(), "-0.666666667");
  EXPECT_EQ(average(Decimal{1}, 2).to_text(), "0.000000001");
  EXPECT_EQ(average(Decimal{-1}, 2).to_text(), "-0.000000001");
  EXPECT_EQ(average(Decimal{1}, 3).to_text(), "0");
}

}  // namespace
}  // namespace sluice
