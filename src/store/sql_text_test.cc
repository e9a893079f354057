#include "store/sql_text.h"

#include <gtest/gtest.h>

#include <random>

namespace sluice::store {
namespace {

std::vector<std::string> texts(std::string_view sql) {
  const Result<std::vector<Token>> tokens = tokenize(sql);
  if (!tokens) return {"error: " + tokens.error().message};
  std::vector<std::string> out;
  for (const Token& token : *tokens) out.emplace_back(token.text);
  return out;
}
using Texts = std::vector<std::string>;

TEST(SqlText, tokens_are_words_names_strings_numbers_and_symbols) {
  EXPECT_EQ(texts("SELECT a.b,`c d`, \"e\"\"f\", 'it''s \\' x' FROM t_1 WHERE x>=1.5e-3"),
            (Texts{"SELECT", "a", ".", "b", ",", "`c d`", ",", "\"e\"\"f\"", ",", "'it''s \\' x'", "FROM", "t_1", "WHERE", "x",
                   ">", "=", "1.5e-3"}));
  EXPECT_EQ(texts("$tag$ it's ; $tag$ $ 1"), (Texts{"$tag$ it's ; $tag$", "$", "1"}));
}

TEST(SqlText, comments_of_every_kind_are_dropped) {
  EXPECT_EQ(texts("a -- b\n c /* d ' ; */ e # f\ng #!h\ni --"), (Texts{"a", "c", "e", "g", "i"}));
  EXPECT_EQ(texts("'-- no comment' `/* none */`"), (Texts{"'-- no comment'", "`/* none */`"}));
}

TEST(SqlText, what_is_left_open_is_an_error) {
  for (const char* sql : {"'open", "\"open", "`open", "/* open", "'ends with a backslash\\'"}) EXPECT_FALSE(tokenize(sql)) << sql;
}

TEST(SqlText, the_tail_of_a_statement_is_taken_off) {
  const Result<Statement> statement = split_statement("SELECT 1 -- x\n FORMAT JSONEachRow ; ;");
  ASSERT_TRUE(statement);
  EXPECT_EQ(statement->text, "SELECT 1");
  EXPECT_EQ(statement->format, "JSONEachRow");
  EXPECT_EQ(split_statement("SELECT format FROM t")->format, "");
  EXPECT_EQ(split_statement("SELECT t.format x")->text, "SELECT t.format x");
  EXPECT_EQ(split_statement("SELECT 'FORMAT CSV'")->format, "");
  EXPECT_TRUE(split_statement("  -- nothing")->tokens.empty());
}

TEST(SqlText, names_are_read_as_the_engine_reads_them_or_not_at_all) {
  const auto name = [](std::string_view text) { return name_of(tokenize(text)->front()); };
  EXPECT_EQ(name("abc"), "abc");
  EXPECT_EQ(name("`a b`"), "a b");
  EXPECT_EQ(name("`a``b`"), "a`b");
  EXPECT_EQ(name("\"a\"\"b\""), "a\"b");
  EXPECT_EQ(name("`a\\tb`"), std::nullopt);
  EXPECT_EQ(name("`a\nb`"), std::nullopt);
  EXPECT_EQ(name("'text'"), std::nullopt);
  EXPECT_EQ(quote_name("a`b\\c"), "`a\\`b\\\\c`");
  EXPECT_EQ(quote_string("it's \\"), "'it\\'s \\\\'");
}

TEST(SqlText, any_bytes_end_in_tokens_that_lie_in_the_text_or_in_an_error) {
  std::mt19937 random(7);
  constexpr char kBytes[] = "'\"`$\\/*-#\n;.,ab1eE+ (\x80\xC2";  // its end, too, is a byte
  for (int round = 0; round < 20'000; ++round) {
    std::string sql;
    for (size_t i = random() % 40; i > 0; --i) sql += kBytes[random() % sizeof kBytes];
    const Result<std::vector<Token>> tokens = tokenize(sql);
    if (!tokens) continue;
    size_t end = 0;
    for (const Token& token : *tokens) {
      ASSERT_GE(token.at, end) << sql;
      end = token.at + token.text.size();
      ASSERT_LE(end, sql.size()) << sql;
      ASSERT_EQ(std::string_view(sql).substr(token.at, token.text.size()), token.text);
      ASSERT_FALSE(token.text.empty());
    }
  }
}

}  // namespace
}  // namespace sluice::store
