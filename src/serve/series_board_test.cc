#include "serve/series_board.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "serve/ranking.h"

namespace sluice::serve {
namespace {

using nlohmann::json;

plan::Span hour(int64_t n) { return {time_ms(n * 3'600'000), time_ms((n + 1) * 3'600'000)}; }
Point point(const std::string& value) {
  Point p;
  p.value = value;
  p.state = plan::State::final;
  return p;
}
plan::Group key(const std::string& name) { return {name}; }

TEST(SeriesBoard, the_top_twelve_by_total_are_shown_and_the_others_counted) {
  SeriesBoard board(DurationMs(0), 1000);
  board.set_over({hour(0).start, hour(9).end});
  for (int i = 1; i <= 15; ++i) {  // series i has two points of i each
    board.put(key("s" + std::to_string(i)), hour(1), point(std::to_string(i)));
    board.put(key("s" + std::to_string(i)), hour(2), point(std::to_string(i)));
  }
  const json data = json::parse(board.data());
  EXPECT_EQ(data["more"], 3);
  ASSERT_EQ(data["series"].size(), 12u);
  EXPECT_EQ(data["series"][0]["key"], json({"s15"}));
  EXPECT_EQ(data["series"][11]["key"], json({"s4"}));
}

TEST(SeriesBoard, equal_totals_are_ranked_by_key_so_that_charts_do_not_flicker) {
  SeriesBoard board(DurationMs(0), 1000);
  board.set_over({hour(0).start, hour(9).end});
  for (const char* name : {"n", "b", "a", "m", "c", "d", "e", "f", "g", "h", "i", "j", "k"})
    board.put(key(name), hour(1), point("1"));
  const json data = json::parse(board.data());
  EXPECT_EQ(data["series"][0]["key"], json({"a"}));
  EXPECT_EQ(data["series"][11]["key"], json({"m"}));
}

TEST(SeriesBoard, a_series_that_rises_into_the_top_makes_the_change_whole) {
  SeriesBoard board(DurationMs(0), 1000);
  board.set_over({hour(0).start, hour(9).end});
  for (int i = 1; i <= 13; ++i) board.put(key("s" + std::to_string(i)), hour(1), point(std::to_string(i)));
  ASSERT_TRUE(board.take_change()->whole);
  board.put(key("s13"), hour(1), point("14"));
  EXPECT_FALSE(board.take_change()->whole);
  board.put(key("s1"), hour(2), point("0.5"));
  EXPECT_FALSE(board.take_change()) << "not shown, so nothing to say";
  board.put(key("s1"), hour(2), point("1.000000001"));
  const auto change = board.take_change();
  ASSERT_TRUE(change);
  EXPECT_TRUE(change->whole);
  EXPECT_NE(change->data.find("\"s1\""), std::string::npos);
  EXPECT_EQ(change->data.find("\"s2\""), std::string::npos);
}

TEST(SeriesBoard, totals_follow_replaced_removed_and_departed_points) {
  SeriesBoard board(DurationMs(0), 1000);
  board.set_over({hour(0).start, hour(3).end});
  board.put(key("a"), hour(1), point("10"));
  board.put(key("a"), hour(2), point("5.5"));
  board.put(key("a"), hour(2), point("-6"));
  EXPECT_EQ(board.series().at(key("a")).total, Decimal::whole(4).raw);
  board.set_over({hour(1).end, hour(5).end});
  EXPECT_EQ(board.series().at(key("a")).total, Decimal::whole(-6).raw);
  board.remove(key("a"), hour(2));
  EXPECT_TRUE(board.series().empty());
  EXPECT_EQ(board.points(), 0u);
}

TEST(SeriesBoard, only_windows_that_end_inside_are_taken) {
  SeriesBoard board(DurationMs(0), 1000);
  board.set_over({hour(2).start, hour(3).end});
  board.put(key("a"), hour(1), point("1"));  // ends at the start
  board.put(key("a"), hour(2), point("1"));
  board.put(key("a"), hour(3), point("1"));  // ends at the end
  board.put(key("a"), hour(4), point("1"));
  EXPECT_EQ(board.points(), 2u);
  EXPECT_TRUE(board.find(key("a"), hour(2)));
  EXPECT_TRUE(board.find(key("a"), hour(3)));
}

TEST(SeriesBoard, a_full_board_drops_its_oldest_windows_whole_and_says_from_where_it_is_complete) {
  SeriesBoard board(DurationMs(0), 80);
  board.set_over({hour(0).start, hour(99).end});
  for (int64_t h = 0; h < 50; ++h) {
    board.put(key("a"), hour(h), point("1"));
    board.put(key("b"), hour(h), point("1"));
    EXPECT_LE(board.points(), 80u);
  }
  EXPECT_GE(board.points(), 60u);
  EXPECT_EQ(board.points() % 2, 0u) << "no window with half of its groups";
  const json data = json::parse(board.data());
  EXPECT_EQ(data["start"], to_ms(board.start()));
  EXPECT_EQ(data["series"][0]["points"][0]["s"], data["start"]);
  board.put(key("a"), hour(0), point("1"));
  EXPECT_FALSE(board.find(key("a"), hour(0)));
  EXPECT_TRUE(board.find(key("b"), hour(49)));
}

TEST(SeriesBoard, a_replacement_removes_what_it_does_not_name) {
  SeriesBoard board(DurationMs(0), 1000);
  board.set_over({hour(0).start, hour(9).end});
  board.put(key("a"), hour(1), point("1"));
  board.put(key("a"), hour(2), point("2"));
  board.take_change();
  board.begin_replace();
  board.put(key("a"), hour(2), point("2"));
  board.put(key("a"), hour(3), point("3"));
  board.end_replace();
  const json data = json::parse(board.take_change()->data);
  EXPECT_EQ(data["series"][0]["points"].size(), 2u) << "the point that stayed the same is not sent";
  EXPECT_EQ(data["series"][0]["points"][0]["removed"], true);
  EXPECT_EQ(data["series"][0]["points"][1]["v"], "3");
}

TEST(SeriesBoard, computed_points_change_state_when_the_watermark_passes_their_due_time) {
  SeriesBoard board(DurationMs(60'000), 1000);
  board.set_over({hour(0).start, hour(9).end});
  Point late = point("1");
  late.computed = true;
  late.state = plan::State::filling;
  late.any_late = late.any_on_time = true;
  board.put(key("a"), hour(1), late);
  late.any_late = false;
  board.put(key("b"), hour(1), late);
  board.take_change();
  board.advance(hour(1).end + DurationMs(59'999));
  EXPECT_FALSE(board.take_change());
  board.advance(hour(1).end + DurationMs(60'000));
  ASSERT_TRUE(board.take_change());
  EXPECT_EQ(board.find(key("a"), hour(1))->state, plan::State::revised);
  EXPECT_EQ(board.find(key("b"), hour(1))->state, plan::State::final);
}

TEST(SeriesBoard, a_new_value_keeps_the_revision_that_was_there) {
  SeriesBoard board(DurationMs(0), 1000);
  board.set_over({hour(0).start, hour(9).end});
  Point p = point("1");
  p.state = plan::State::revised;
  board.put(key("a"), hour(1), p);
  board.revise(key("a"), hour(1), {time_ms(5), "0", "1", "late"});
  p.value = "2";
  board.put(key("a"), hour(1), p);
  EXPECT_EQ(board.find(key("a"), hour(1))->revision->old_value, "0");
}

TEST(SeriesBoard, null_and_empty_keys_are_different_series) {
  SeriesBoard board(DurationMs(0), 1000);
  board.set_over({hour(0).start, hour(9).end});
  board.put({std::nullopt}, hour(1), point("1"));
  board.put({""}, hour(1), point("2"));
  const json data = json::parse(board.data());
  EXPECT_EQ(data["series"][0]["key"], json({""}));
  EXPECT_EQ(data["series"][1]["key"], json::array({nullptr}));
}

TEST(Ranking, values_rank_by_size_whatever_their_length) {
  EXPECT_TRUE(ranks_before("10", "9.999999999"));
  EXPECT_TRUE(ranks_before("-1", "-2"));
  EXPECT_TRUE(ranks_before("0", std::nullopt));
  EXPECT_FALSE(ranks_before(std::nullopt, std::nullopt));
  EXPECT_TRUE(ranks_before("100000000000000000000", "99999999999999999999"));
  EXPECT_EQ(rank_of("12.5"), Decimal::kOne * int128{12} + 500'000'000);
  EXPECT_EQ(rank_of("2026-03-28 14:22:01.000"), Decimal::kOne);
  // A value that does not fit counts as 10^24: a board of 50,000 of them cannot overflow.
  EXPECT_EQ(rank_of("99999999999999999999999999999"), rank_of("1000000000000000000000000"));
}

}  // namespace
}  // namespace sluice::serve
