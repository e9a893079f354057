#include "store/tree.h"

#include <gtest/gtest.h>

#include <random>

namespace sluice::store {
namespace {

TEST(Tree, nodes_know_their_kind_detail_parent_and_place) {
  const Result<std::vector<Node>> nodes = read_tree(
      "SelectQuery (children 2)\n"
      " ExpressionList (children 2)\n"
      "  Function sum (alias total) (children 1)\n"
      "   ExpressionList\n"
      "  Literal 'a (alias b)\\n'\n"
      " TableIdentifier sluice.events (alias e)\n");
  ASSERT_TRUE(nodes) << nodes.error().message;
  ASSERT_EQ(nodes->size(), 6U);
  EXPECT_EQ((*nodes)[2].kind, "Function");
  EXPECT_EQ((*nodes)[2].detail, "sum");
  EXPECT_EQ((*nodes)[2].parent, 1U);
  EXPECT_EQ((*nodes)[3].parent, 2U);
  EXPECT_EQ((*nodes)[4].kind, "Literal");
  EXPECT_EQ((*nodes)[4].position, 1U);
  EXPECT_EQ((*nodes)[5].detail, "sluice.events");
  EXPECT_EQ((*nodes)[5].parent, 0U);
  EXPECT_EQ((*nodes)[5].position, 1U);
}

TEST(Tree, whatever_does_not_keep_its_own_counts_is_refused) {
  for (const char* print : {
           "",
           "\n",
           " SelectQuery\n",
           "SelectQuery (children 1)\n",
           "SelectQuery\n ExpressionList\n",
           "SelectQuery\nSelectQuery\n",
           "SelectQuery (children 1)\n  ExpressionList\n",
           "SelectQuery (children 1)\nExpressionList\n",
           "SelectQuery (children 2)\n Identifier a\nb\n",
           "SelectQuery (children 1)\n Identifier a\n Identifier b\n",
           "SelectQuery (children 1)\n\n Identifier a\n",
       }) {
    EXPECT_FALSE(read_tree(print)) << print;
  }
}

TEST(Tree, an_alias_that_looks_like_structure_hides_nothing) {
  // An alias `a (children 1` of a leaf: the claimed child does not come one step deeper.
  EXPECT_FALSE(read_tree("ExpressionList (children 2)\n Identifier x (alias a (children 1)\n Function file\n"));
  const Result<std::vector<Node>> nodes =
      read_tree("ExpressionList (children 1)\n Function file (alias lower (alias x) (children 0)\n");
  ASSERT_TRUE(nodes);
  EXPECT_NE((*nodes)[1].detail, "lower");
  EXPECT_TRUE((*nodes)[1].detail.starts_with("file"));
}

TEST(Tree, any_lines_are_read_or_refused) {
  std::mt19937 random(11);
  const char* pieces[] = {" ",          "  ", "\n", "Function f", "Identifier x", " (children 1)", " (children 2)",
                          " (alias a)", "(",  ")",  "(children"};
  size_t read = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string print;
    for (size_t i = random() % 12; i > 0; --i) print += pieces[random() % std::size(pieces)];
    const Result<std::vector<Node>> nodes = read_tree(print);
    if (!nodes) continue;
    ++read;
    for (size_t i = 1; i < nodes->size(); ++i) ASSERT_LT((*nodes)[i].parent, i) << print;
  }
  EXPECT_GT(read, 100U);
}

}  // namespace
}  // namespace sluice::store
