#include "store/show_grammar.h"

#include <gtest/gtest.h>

namespace sluice::store {
namespace {

// "" when the text begins no sentence of the grammar, "refused" when it is none.
std::string printed(std::string_view sql, std::string_view database = "sluice") {
  const std::vector<Token> tokens = tokenize(sql).value();
  const std::optional<Result<std::string>> sentence = read_show(tokens, database);
  if (!sentence) return "";
  return *sentence ? **sentence : "refused";
}

TEST(ShowGrammar, sentences_are_printed_anew) {
  EXPECT_EQ(printed("show databases"), "SHOW DATABASES");
  EXPECT_EQ(printed("SHOW TABLES"), "SHOW TABLES");
  EXPECT_EQ(printed("SHOW FULL TABLES FROM \"sluice\" LIKE 'a%' LIMIT 3"), "SHOW FULL TABLES FROM `sluice` LIKE 'a%' LIMIT 3");
  EXPECT_EQ(printed("SHOW TABLES IN system NOT ILIKE 'x'"), "SHOW TABLES FROM `system` NOT ILIKE 'x'");
  EXPECT_EQ(printed("SHOW CREATE TABLE events"), "SHOW CREATE TABLE `sluice`.`events`");
  EXPECT_EQ(printed("SHOW CREATE sluice.`a``b`"), "SHOW CREATE TABLE `sluice`.`a\\`b`");
  EXPECT_EQ(printed("exists view sluice.v"), "EXISTS VIEW `sluice`.`v`");
  EXPECT_EQ(printed("EXISTS DATABASE sluice"), "EXISTS DATABASE `sluice`");
  EXPECT_EQ(printed("DESC events"), "DESCRIBE TABLE `sluice`.`events`");
  EXPECT_EQ(printed("DESCRIBE TABLE settings", "system"), "DESCRIBE TABLE `system`.`settings`");
}

TEST(ShowGrammar, everything_else_is_refused_or_not_ours) {
  for (const char* sql : {"SHOW",
                          "SHOW PROCESSLIST",
                          "SHOW TABLES FROM default",
                          "SHOW TABLES FROM sluice FROM default",
                          "SHOW TABLES LIKE x",
                          "SHOW TABLES LIMIT x",
                          "SHOW TABLES NOT",
                          "SHOW TABLES INTO OUTFILE 'x'",
                          "SHOW DATABASES; DROP TABLE events",
                          "SHOW CREATE USER x",
                          "SHOW CREATE TABLE default.secret",
                          "SHOW CREATE TABLE a.b.c",
                          "EXISTS default.secret",
                          "EXISTS TEMPORARY TABLE x",
                          "EXISTS DATABASE default",
                          "DESC default.secret",
                          "DESC file('x')",
                          "DESCRIBE",
                          "DESCRIBE TABLE `a\\tb`",
                          "DESCRIBE system.processes",
                          "DESCRIBE 'x'"}) {
    EXPECT_EQ(printed(sql), "refused") << sql;
  }
  EXPECT_EQ(printed("SELECT 1"), "");
  EXPECT_EQ(printed("EXPLAIN SELECT 1"), "");
}

}  // namespace
}  // namespace sluice::store
