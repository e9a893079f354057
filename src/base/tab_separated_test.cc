#include "base/tab_separated.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using Cells = std::vector<std::optional<std::string>>;

TEST(TabSeparated, null_is_apart_from_empty_and_from_the_escaped_text) {
  TabSeparatedReader reader("\\N\t\t\\\\N\n");
  Cells cells;
  ASSERT_TRUE(reader.next(cells));
  EXPECT_EQ(cells, (Cells{std::nullopt, "", "\\N"}));
  EXPECT_FALSE(reader.next(cells));
  EXPECT_FALSE(reader.failed());
}

TEST(TabSeparated, escapes_give_back_the_bytes) {
  TabSeparatedReader reader("a\\tb\\nc\\\\d\\'e\\0f\n");
  Cells cells;
  ASSERT_TRUE(reader.next(cells));
  ASSERT_EQ(cells.size(), 1u);
  EXPECT_EQ(*cells[0], std::string("a\tb\nc\\d'e\0f", 11));
}

TEST(TabSeparated, a_cut_reply_fails) {
  TabSeparatedReader reader("1\t2\n3");
  Cells cells;
  ASSERT_TRUE(reader.next(cells));
  EXPECT_FALSE(reader.next(cells));
  EXPECT_TRUE(reader.failed());
}

TEST(TabSeparated, numbers_are_read_whole_or_not_at_all) {
  EXPECT_EQ(parse_unsigned("18446744073709551615"), UINT64_MAX);
  EXPECT_FALSE(parse_unsigned("18446744073709551616"));
  EXPECT_FALSE(parse_unsigned("-1"));
  EXPECT_FALSE(parse_unsigned("1 "));
  EXPECT_FALSE(parse_unsigned(""));
  EXPECT_EQ(parse_signed("-2208988800000"), -2208988800000);
}

}  // namespace
}  // namespace sluice
