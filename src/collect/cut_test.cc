// Where events begin and end. Expected pieces are written by hand, or known because the text was put together from them.
#include "collect/cut.h"

#include <gtest/gtest.h>

#include <string>

#include "base/hash.h"

namespace sluice::collect {
namespace {

std::string shown(const Cut& cut) {
  std::string out(cut.reason);
  for (const auto piece : cut.pieces) out += "<" + std::string(piece) + ">";
  return out;
}

TEST(CutTest, arrays_are_cut_by_brackets_and_strings_alone) {
  EXPECT_EQ(shown(cut_array("[]", 9)), "");
  EXPECT_EQ(shown(cut_array(" [ \n] ", 9)), "");
  EXPECT_EQ(shown(cut_array("[1]", 9)), "<1>");
  EXPECT_EQ(shown(cut_array("[ 1 , 2 ]", 9)), "<1><2>");
  EXPECT_EQ(shown(cut_array("[{\"a\":[1,2]},[3,[4]]]", 9)), "<{\"a\":[1,2]}><[3,[4]]>");
  EXPECT_EQ(shown(cut_array(R"(["],[",{"\"]":"\\"}])", 9)), R"(<"],["><{"\"]":"\\"}>)");
  EXPECT_EQ(shown(cut_array("[1,,2]", 9)), "<1><><2>");
  EXPECT_EQ(shown(cut_array("[,]", 9)), "<><>");
  EXPECT_EQ(shown(cut_array("[{\"a\":1],{}]", 9)), "<{\"a\":1]><{}>");
}

TEST(CutTest, an_array_that_does_not_end_where_the_text_ends_is_not_cut) {
  for (const char* text : {"[", "[1", "[1,", "[\"]", "[\"\\", "[1]]", "[1] x", "[1}", "[{\"a\":[1},2]", "[\"\\\"]"}) {
    EXPECT_EQ(cut_array(text, 9).reason, "json_invalid") << text;
  }
}

TEST(CutTest, more_pieces_than_the_bound_are_not_cut) {
  EXPECT_EQ(shown(cut_array("[1,2,3]", 3)), "<1><2><3>");
  EXPECT_EQ(cut_array("[1,2,3,4]", 3).reason, "batch_too_large");
  EXPECT_EQ(cut_lines("1\n2\n3\n\n", 3).reason, "");
  EXPECT_EQ(cut_lines("1\n2\n3\n4", 3).reason, "batch_too_large");
}

TEST(CutTest, bodies_are_one_object_an_array_or_lines) {
  EXPECT_EQ(shown(cut_events("{\"a\":1}", false, 9)), "<{\"a\":1}>");
  EXPECT_EQ(shown(cut_events("{\n\"a\":1\n}", false, 9)), "<{\n\"a\":1\n}>");
  EXPECT_EQ(shown(cut_events("{\n\"a\":1\n}", true, 9)), "<{><\"a\":1><}>");
  EXPECT_EQ(shown(cut_events("{\"a\":1}\n{\"a\":2}", false, 9)), "<{\"a\":1}><{\"a\":2}>");
  EXPECT_EQ(shown(cut_events("{\"a\":1}\nx", false, 9)), "<{\"a\":1}><x>");
  EXPECT_EQ(shown(cut_events("{\"a\":1\n{\"a\":2}", false, 9)), "<{\"a\":1><{\"a\":2}>");
  EXPECT_EQ(shown(cut_events("{\"a\":\n1", false, 9)), "json_invalid");
  EXPECT_EQ(shown(cut_events("x\ny", false, 9)), "json_invalid");
  EXPECT_EQ(shown(cut_events("x\n{}", false, 9)), "<x><{}>");
  EXPECT_EQ(shown(cut_events(" \n ", false, 9)), "");
}

TEST(CutTest, members_come_with_key_and_value_as_sent) {
  const auto members = [](std::string_view text) {
    std::string out;
    const bool whole = cut_members(text, [&](std::string_view key, std::string_view value) {
      out += std::string(key) + "=" + std::string(value) + ";";
      return true;
    });
    return out + (whole ? "" : "!");
  };
  EXPECT_EQ(members("{}"), "");
  EXPECT_EQ(members(R"( { "a" : [1,{"b":2}] , "c}":"d,\"" } )"), R"("a"=[1,{"b":2}];"c}"="d,\"";)");
  for (const char* text :
       {"", "[]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1]", "{\"a\":1}}", "{a:1}", "{\"a\" 1}", "{\"a\":1,}"}) {
    EXPECT_TRUE(members(text).ends_with("!")) << text;
  }
}

// Strings of every length around the 16 bytes that are looked at together, with a quote, bracket or backslash at every place.
TEST(CutTest, strings_end_where_they_end_at_every_offset) {
  for (size_t length = 0; length < 40; ++length) {
    for (size_t at = 0; at <= length; ++at) {
      for (const std::string special : {"", "\\\"", "\\\\", "]", "}", ","}) {
        std::string text(length, 'x');
        text.insert(at, special);
        const std::string piece = "{\"k\":\"" + text + "\"}";
        ASSERT_EQ(shown(cut_array("[" + piece + ", " + piece + "]", 9)), "<" + piece + "><" + piece + ">");
      }
    }
  }
}

}  // namespace
}  // namespace sluice::collect
