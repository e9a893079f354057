#include "process/accumulator.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::process {
namespace {

using plan::MeasureKind;
using plan::StoredValue;
using plan::TopValue;
using plan::Value;

plan::Measure measure(MeasureKind kind, uint32_t top = 0) {
  plan::Measure m;
  m.kind = kind;
  m.type = plan::Type::text;
  m.top = top;
  return m;
}
Value text_value(std::string_view text) { return Value::of(text); }  // a literal alone would be taken for a boolean
Moment moment(int64_t ms, uint64_t offset, uint16_t partition = 0) {
  return {time_ms(ms), {event::PartitionId(partition), event::Offset(offset)}};
}
StoredValue result(const Accumulator& of, const plan::Measure& m) {
  std::vector<StoredValue> out;
  of.result(m, out);
  EXPECT_EQ(out.size(), 1U);
  return out.at(0);
}
Accumulator saved_and_loaded(const Accumulator& of) {
  std::string bytes;
  ByteWriter to(bytes);
  of.save(to);
  Accumulator other;
  ByteReader from(bytes);
  other.load(from);
  EXPECT_FALSE(from.failed());
  EXPECT_TRUE(from.at_end());
  return other;
}

struct Told {
  std::string_view text;
  Moment moment;
};
// In order: b at 5 in partition 0, a at 5 in partition 1, d at 7, place 1, c at 7, place 9.
const std::vector<Told> kTold{{"d", moment(7, 1)}, {"b", moment(5, 9)}, {"c", moment(7, 9)}, {"a", moment(5, 2, 1)}};

TEST(Accumulator, first_and_last_go_by_time_and_then_by_place_in_whatever_order_events_come) {
  std::vector<size_t> order{0, 1, 2, 3};
  do {
    Accumulator first, last;
    for (const size_t i : order) {
      first.add(measure(MeasureKind::first), Value::of(kTold[i].text), kTold[i].moment);
      last.add(measure(MeasureKind::last), Value::of(kTold[i].text), kTold[i].moment);
    }
    EXPECT_EQ(result(first, measure(MeasureKind::first)).text, "b");
    EXPECT_EQ(result(last, measure(MeasureKind::last)).text, "c");
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Accumulator, null_is_neither_first_nor_last) {
  Accumulator first;
  first.add(measure(MeasureKind::first), Value::null(), moment(-1, 0));
  EXPECT_EQ(result(first, measure(MeasureKind::first)), StoredValue{});
  first.add(measure(MeasureKind::first), Value::of(Decimal::whole(3)), moment(2, 0));
  EXPECT_EQ(result(first, measure(MeasureKind::first)).number, Decimal::whole(3));
}

TEST(Accumulator, a_value_from_the_epoch_itself_is_kept_with_its_moment) {
  Accumulator last;
  last.add(measure(MeasureKind::last), text_value("then"), moment(0, 0));
  Accumulator again = saved_and_loaded(last);
  again.add(measure(MeasureKind::last), text_value("before"), moment(-1, 7));
  EXPECT_EQ(result(again, measure(MeasureKind::last)).text, "then");
  again.add(measure(MeasureKind::last), text_value("after"), moment(0, 1));
  EXPECT_EQ(result(again, measure(MeasureKind::last)).text, "after");
}

TEST(Accumulator, topk_is_by_count_and_then_bytewise_and_keeps_no_more_than_it_was_asked_for) {
  Accumulator top;
  for (const char* text : {"\xc3\xa4", "b", "Z", "a", "b", "Z", "a", ""})
    top.add(measure(MeasureKind::topk, 3), text_value(text), {});
  top.add(measure(MeasureKind::topk, 3), Value::null(), {});
  EXPECT_EQ(result(top, measure(MeasureKind::topk, 3)).top, (std::vector<TopValue>{{"Z", 2}, {"a", 2}, {"b", 2}}));
  EXPECT_EQ(result(top, measure(MeasureKind::topk, 9)).top,
            (std::vector<TopValue>{{"Z", 2}, {"a", 2}, {"b", 2}, {"", 1}, {"\xc3\xa4", 1}}));
  EXPECT_EQ(result(Accumulator{}, measure(MeasureKind::topk, 3)).top, std::vector<TopValue>{});
  EXPECT_EQ(result(Accumulator{}, measure(MeasureKind::topk, 3)).kind, Value::Kind::top);
}

TEST(Accumulator, what_is_saved_goes_on_counting) {
  Accumulator top;
  for (const char* text : {"a", "b", "b"}) top.add(measure(MeasureKind::topk, 1), text_value(text), {});
  Accumulator again = saved_and_loaded(top);
  EXPECT_EQ(again.items(), top.items());
  for (int i = 0; i < 2; ++i) again.add(measure(MeasureKind::topk, 1), text_value("a"), {});
  EXPECT_EQ(result(again, measure(MeasureKind::topk, 1)).top, (std::vector<TopValue>{{"a", 3}}));
  EXPECT_EQ(result(again, measure(MeasureKind::topk, 2)).top, (std::vector<TopValue>{{"a", 3}, {"b", 2}}));
}

TEST(Accumulator, a_long_text_weighs_more_than_a_short_one_and_once) {
  Accumulator top;
  const plan::Measure m = measure(MeasureKind::topk, 1);
  top.add(m, text_value("short"), {});
  EXPECT_EQ(top.items(), 2U);
  const std::string long_text(10 * Accumulator::kTextBytes, 'x');
  for (int i = 0; i < 3; ++i) top.add(m, Value::of(std::string_view(long_text)), {});
  EXPECT_EQ(top.items(), 2U + 11U);
}

TEST(Accumulator, a_checkpoint_without_the_newer_parts_is_read_as_before) {
  // count 2, sum 0, values: max "zz", no set, no map: how 0.1.0 wrote it.
  std::string bytes;
  ByteWriter to(bytes);
  to.varint(2);
  to.fixed(int128{0});
  to.u8(1);
  save_value(to, StoredValue::of(text_value("zz")));
  to.varint(0);
  to.varint(0);
  Accumulator max;
  ByteReader from(bytes);
  max.load(from);
  ASSERT_FALSE(from.failed());
  EXPECT_TRUE(from.at_end());
  EXPECT_EQ(result(max, measure(MeasureKind::max)).text, "zz");
  std::string again;
  ByteWriter out(again);
  max.save(out);
  EXPECT_EQ(again, bytes);
}

}  // namespace
}  // namespace sluice::process
