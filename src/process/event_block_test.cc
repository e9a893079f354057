// Bytes by hand from the format's description in event_block.h; what the engine makes of them, tests/text shows.
#include "process/event_block.h"

#include <gtest/gtest.h>

#include "process/row_binary.h"

namespace sluice::process {
namespace {

using namespace std::string_literals;

std::string u64(uint64_t n) {
  std::string out;
  ByteWriter(out).u64(n);
  return out;
}

// The bytes of one column, found by its name and type.
std::string_view column(std::string_view block, const std::string& name, const std::string& type, size_t bytes) {
  std::string head;
  ByteWriter(head).text(name);
  ByteWriter(head).text(type);
  const size_t at = block.find(head);
  EXPECT_NE(at, std::string_view::npos) << name << " " << type;
  return at == std::string_view::npos ? std::string_view() : block.substr(at + head.size(), bytes);
}

TEST(WordColumn, words_stand_once_and_values_are_their_indices) {
  WordColumn words;
  for (const char* word : {"a", "bc", "a", ""}) words.add(word);
  std::string out;
  words.write(out);
  EXPECT_EQ(out, u64(0x600) + u64(3) + "\0\1a\2bc"s + u64(4) + "\1\2\1\0"s);
}

TEST(WordColumn, without_values_nothing_is_written) {
  WordColumn words;
  std::string out;
  words.write(out);
  EXPECT_EQ(out, "");
  words.add("x");
  words.clear();
  words.write(out);
  EXPECT_EQ(out, "");
}

TEST(WordColumn, indices_get_wider_with_the_number_of_words) {
  for (const auto& [words, width] : {std::pair<size_t, size_t>{254, 1}, {255, 2}, {65'534, 2}, {65'535, 4}}) {
    WordColumn column;
    for (size_t i = 1; i <= words; ++i) column.add(std::to_string(i));
    std::string out;
    column.write(out);
    EXPECT_EQ(out[0], static_cast<char>(width / 2)) << words;
    uint64_t last = 0;
    std::memcpy(&last, out.data() + out.size() - width, width);
    EXPECT_EQ(last, words) << "'' is the first of them";
    EXPECT_EQ(out.substr(out.size() - words * width - 8, 8), u64(words));
  }
}

class Block : public testing::Test {
 protected:
  void add(uint64_t offset, std::vector<event::ScalarView> scalars, uint16_t flags) {
    event::EventView event;
    event.properties = R"({"n":1})";
    event.scalars = std::move(scalars);
    plan::Row row;
    row.source = "site";
    row.event = "sold";
    row.message_id = "m";
    row.event_time = time_ms(1000);
    block_.add(event, row, flags, kMinusInfinity, {event::PartitionId(0), event::Offset(offset)});
  }
  EventBlock block_;
};

TEST_F(Block, maps_are_ends_then_keys_then_values) {
  add(7, {{"properties.a", "x", std::nullopt}, {"properties.n", "1", Decimal::whole(1)}}, 0);
  add(8, {}, 0);
  ASSERT_EQ(block_.rows(), 2U);
  const std::string block = block_.take(event::Epoch(5));
  EXPECT_EQ(block_.rows(), 0U);
  EXPECT_EQ(block.substr(0, 2), "\x14\x02");
  const std::string texts = u64(1) + u64(2) + u64(2) + u64(0x600) + u64(3) + "\0\x0cproperties.a\x0cproperties.n"s + u64(2) +
                            "\1\2\1x\1"
                            "1"s;
  EXPECT_EQ(column(block, "texts", "Map(LowCardinality(String), String)", texts.size()), texts);
  const std::string numbers =
      u64(1) + u64(1) + u64(1) + u64(0x600) + u64(2) + "\0\x0cproperties.n"s + u64(1) + "\1"s + u64(1'000'000'000) + u64(0);
  EXPECT_EQ(column(block, "numbers", "Map(LowCardinality(String), Decimal(38, 9))", numbers.size()), numbers);
  EXPECT_EQ(column(block, "log_offset", "UInt64", 16), u64(7) + u64(8));
  EXPECT_EQ(column(block, "epoch", "UInt64", 16), u64(5) + u64(5));
}

TEST_F(Block, no_flags_at_all_are_ends_alone) {
  add(1, {}, 0);
  add(2, {}, 0);
  const std::string block = block_.take(event::Epoch(1));
  const std::string flags = u64(1) + u64(0) + u64(0) + "\x09watermark"s;
  EXPECT_EQ(column(block, "flags", "Array(LowCardinality(String))", flags.size()), flags);
}

TEST_F(Block, flags_are_names_and_a_second_block_knows_nothing_of_the_first) {
  add(1, {{"properties.a", "x", std::nullopt}}, event::bit(event::Flag::future));
  (void)block_.take(event::Epoch(1));
  add(2, {}, event::bit(event::Flag::no_zone));
  const std::string block = block_.take(event::Epoch(2));
  const std::string flags = u64(1) + u64(1) + u64(0x600) + u64(2) + "\0\x07no_zone"s + u64(1) + "\1"s;
  EXPECT_EQ(column(block, "flags", "Array(LowCardinality(String))", flags.size()), flags);
  const std::string texts = u64(1) + u64(0) + "\x07numbers"s;
  EXPECT_EQ(column(block, "texts", "Map(LowCardinality(String), String)", texts.size()), texts);
}

TEST_F(Block, a_watermark_before_the_first_is_the_day_that_stands_for_it) {
  add(1, {}, 0);
  const std::string block = block_.take(event::Epoch(1));
  EXPECT_EQ(column(block, "watermark", "DateTime64(3, 'UTC')", 8), u64(static_cast<uint64_t>(to_ms(kStoredMinusInfinity))));
}

}  // namespace
}  // namespace sluice::process
