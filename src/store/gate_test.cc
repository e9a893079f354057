#include "store/gate.h"

#include <gtest/gtest.h>

#include "store/engine_config.h"
#include "store/engine_test_fixture.h"
#include "store/errors.h"

namespace sluice::store {
namespace {

class GateTest : public EngineTest {
 protected:
  Result<Admitted> check(std::string_view sql, const Parameters& parameters = {}, std::string_view database = "sluice") {
    Connection reader = open_reader(database);
    return Gate(names(), database).check(reader, sql, parameters);
  }
  void expect_refused(std::string_view sql, const Parameters& parameters = {}) {
    const Result<Admitted> result = check(sql, parameters);
    EXPECT_FALSE(result) << sql;
    if (!result) {
      EXPECT_NE(exception_code(result.error().message), 0) << result.error().message;
    }
  }
  void expect_admitted(std::string_view sql, const Parameters& parameters = {}) {
    const Result<Admitted> result = check(sql, parameters);
    ASSERT_TRUE(result) << sql << "\n" << result.error().message;
    Connection reader = open_reader("sluice");
    const Result<Reply> reply = reader.query(result->sql, "TSV", parameters);
    EXPECT_TRUE(reply) << result->sql << "\n" << reply.error().message;
  }
};

TEST_F(GateTest, ordinary_questions_are_admitted_and_run) {
  for (const char* sql : {
           "SELECT 1",
           "select count() from events",
           "SELECT * FROM sluice.events LIMIT 3;",
           "WITH 1 AS x SELECT x",
           "WITH a AS (SELECT event FROM events) SELECT a.event, COUNT(*) FROM a GROUP BY ALL",
           "FROM sluice.events SELECT count()",
           "(SELECT 1) UNION ALL (SELECT 2)",
           "SELECT DATE_TRUNC('hour', now()), dateTrunc('HOUR', now()), CURRENT_DATABASE(), uniqExactIf(id, id > 3) FROM events",
           "SELECT \"event\" AS \"event\", COUNT(*) AS \"count\" FROM \"sluice\".\"events\" WHERE \"id\" >= 3 GROUP BY \"event\" "
           "ORDER BY 1",
           "SELECT quantile(0.5)(id), quantilesExact(0.1, 0.9)(id), countDistinct(event), sum(id) FILTER (WHERE id > 1) FROM "
           "events",
           "SELECT CASE WHEN id > 3 THEN 'a' ELSE 'b' END, id BETWEEN 1 AND 2, EXTRACT(year FROM now()), trim(BOTH 'a' FROM "
           "event) FROM events",
           "SELECT arrayMap(x -> x + 1, [1, 2]), map('a', 1), (1, 2).1, [1, 2][1], 1::Decimal(38, 9), toDateTime64('2026-01-01', "
           "3, 'UTC')",
           "SELECT row_number() OVER (PARTITION BY event ORDER BY id), sum(id) OVER w FROM events WINDOW w AS (ORDER BY id)",
           "SELECT * FROM events AS a JOIN view AS b USING (event) WHERE a.id IN (SELECT id FROM events) LIMIT 1 BY event",
           "SELECT * FROM sluice.view ORDER BY event",
           "SELECT count() FROM events WHERE id IN (1, 2, 3)",
           "SELECT name, value, readonly FROM system.settings LIMIT 3",
           "SELECT name FROM system.tables WHERE database = 'sluice'",
           "SELECT name FROM system.columns",
           "SELECT name FROM system.databases",
           "SELECT name FROM system.functions LIMIT 1",
           "SELECT name FROM system.formats LIMIT 1",
           "SELECT * FROM system.one",
           "SHOW DATABASES",
           "SHOW DATABASES LIKE 's%' LIMIT 2",
           "SHOW TABLES",
           "SHOW TABLES FROM sluice",
           "SHOW TABLES FROM `sluice` LIKE 'e%'",
           "SHOW FULL TABLES IN sluice NOT ILIKE 'x'",
           "SHOW CREATE TABLE events",
           "SHOW CREATE VIEW sluice.view",
           "DESCRIBE events",
           "DESC TABLE \"sluice\".\"events\"",
           "DESCRIBE TABLE `sluice`.`events`",
           "DESC (SELECT 1 AS a)",
           "EXISTS TABLE sluice.events",
           "EXISTS sluice.nothing",
           "EXISTS DATABASE `sluice`",
           "EXPLAIN SELECT 1",
           "EXPLAIN AST SELECT count() FROM events",
           "EXPLAIN SYNTAX SELECT 1",
           "EXPLAIN PLAN indexes = 1, actions = 0 SELECT count() FROM events",
           "EXPLAIN PIPELINE SELECT 1",
           "EXPLAIN QUERY TREE SELECT 1",
           "EXPLAIN ESTIMATE SELECT count() FROM events",
           "/* {\"app\": \"dbt\"} */ select count(*) as failures from ( select * from sluice.events where id is null ) "
           "dbt_internal_test -- end",
           "SELECT 'it''s; DROP TABLE events', \"id\" FROM events",
           "SELECT * EXCEPT (id) FROM events",
           "SELECT COLUMNS('e.*') FROM events",
           "SELECT event, id FROM events ORDER BY id WITH FILL FROM 1 TO 20 STEP 2",
           "SELECT 1 AS `a key`",
       }) {
    expect_admitted(sql);
  }
}

TEST_F(GateTest, format_clauses_are_taken_off_and_told) {
  const Result<Admitted> admitted = check("SELECT 1 AS check\n FORMAT Native;");
  ASSERT_TRUE(admitted);
  EXPECT_EQ(admitted->sql, "SELECT 1 AS check");
  EXPECT_EQ(admitted->format, "Native");
  EXPECT_TRUE(admitted->is_select);
}

TEST_F(GateTest, parameters_are_bound_before_the_tree_is_read) {
  expect_admitted("SELECT {x:UInt8}, {s:String}", {{"x", "5"}, {"s", "it's\\ta"}});
  expect_admitted("SELECT count() FROM sluice.{t:Identifier}", {{"t", "events"}});
  expect_refused("SELECT * FROM {d:Identifier}.{t:Identifier}", {{"d", "default"}, {"t", "secret"}});
  expect_refused("SELECT * FROM {t:Identifier}", {{"t", "default.secret"}});
  expect_refused("SELECT * FROM {t:Identifier}", {{"t", "/etc/hostname"}});
  expect_refused("SELECT {f:Identifier}('/etc/hostname')", {{"f", "file"}});
  expect_refused("SELECT {x:UInt8}", {{"x", "1 or 1=1"}});
}

// facts/store.md 6 and facts/interop.md 5, each attempt.
TEST_F(GateTest, every_known_attempt_is_refused) {
  for (const std::string& sql : attempts()) expect_refused(sql);
}

TEST_F(GateTest, every_known_attempt_is_refused_behind_explain_and_describe) {
  for (const std::string& sql : attempts()) {
    expect_refused("EXPLAIN " + sql);
    expect_refused("DESCRIBE (" + sql + ")");
    expect_refused("SELECT * FROM (" + sql + ")");
  }
}

TEST_F(GateTest, hidden_expressions_are_found_by_their_tokens) {
  for (const char* sql : {
           "SELECT COLUMNS('e') APPLY(file) FROM events",
           "SELECT * APPLY(x -> file(x)) FROM events",
           "SELECT sum(id) OVER (PARTITION BY file('/etc/hostname')) FROM events",
           "SELECT sum(id) OVER w FROM events WINDOW w AS (ORDER BY file('/etc/hostname'))",
           "SELECT id FROM events ORDER BY id WITH FILL FROM length(file('/etc/hostname'))",
           "SELECT id FROM events ORDER BY id WITH FILL INTERPOLATE (event AS file('/etc/hostname'))",
           "SELECT * REPLACE (file('/etc/hostname') AS event) FROM events",
           "SELECT id FROM events LIMIT 1 BY file('/etc/hostname')",
           "SELECT id FROM events LIMIT length(file('/etc/hostname'))",
           "SELECT `file`('/etc/hostname')",
           "SELECT \"file\"('/etc/hostname')",
           "SELECT file /* c */ ('/etc/hostname')",
           "SELECT 1 FROM events GROUP BY GROUPING SETS ((file('/etc/hostname')))",
           "SELECT id FROM events QUALIFY file('/etc/hostname') = ''",
           "SELECT arrayMap(x -> file(x), ['/etc/hostname'])",
           "SELECT (SELECT file('/etc/hostname'))",
           "SELECT id FROM events ARRAY JOIN [file('/etc/hostname')] AS f",
           "SELECT 1 IN (SELECT file('/etc/hostname'))",
           "SELECT '/etc/hostname' AS p, file(p)",
           "WITH file('/etc/hostname') AS f SELECT f",
       }) {
    for (const std::string_view between : {"", " ", "\n", "\u00A0", "\u2003", "/**/"}) {
      std::string spaced = sql;
      for (size_t at = spaced.find("file("); at != std::string::npos; at = spaced.find("file(", at + 5 + between.size()))
        spaced.insert(at + 4, between);
      const Result<Admitted> result = check(spaced);
      ASSERT_FALSE(result) << spaced;
      const int code = exception_code(result.error().message);
      EXPECT_TRUE(code == kAccessDenied.number || between.starts_with('\xC2') || between.starts_with('\xE2'))
          << spaced << "\n"
          << result.error().message;
    }
  }
}

TEST_F(GateTest, the_tree_alone_finds_functions_in_every_clause_that_it_shows) {
  // The engine takes a no-break space for a space; the token check is told to stand aside by quoting nothing.
  for (const char* sql : {"SELECT id FROM events ORDER BY id WITH FILL FROM length(file('x'))",
                          "SELECT sum(id) OVER (ORDER BY file('x')) FROM events"}) {
    Connection reader = open_reader("sluice");
    const Result<Reply> print = reader.query(std::string("EXPLAIN AST ") + sql, "TSVRaw");
    ASSERT_TRUE(print) << print.error().message;
    EXPECT_NE(print->bytes().find("Function file"), std::string_view::npos) << sql << "\n" << print->bytes();
  }
}

TEST_F(GateTest, characters_that_only_the_engine_takes_for_spaces_are_refused_outside_quotes) {
  expect_refused("SELECT\u00A01");
  expect_refused(std::string("SELECT 1\0; DROP TABLE events", 28));
  expect_refused("SELECT \u2018text\u2019");
  expect_admitted("SELECT 'ü\u00A0', `event` FROM events -- \u00A0 in a comment");
}

TEST_F(GateTest, unknown_functions_are_refused_by_name) {
  const Result<Admitted> result = check("SELECT nosuchfunction(1)");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("nosuchfunction"), std::string::npos) << result.error().message;
  const Result<Admitted> sleeping = check("SELECT sleep(1)");
  ASSERT_FALSE(sleeping);
  EXPECT_NE(sleeping.error().message.find("sleep"), std::string::npos) << sleeping.error().message;
}

TEST_F(GateTest, text_that_does_not_parse_gets_the_engines_message) {
  const Result<Admitted> result = check("SELECT 1 +");
  ASSERT_FALSE(result);
  EXPECT_EQ(exception_code(result.error().message), 62) << result.error().message;
  EXPECT_EQ(exception_code(check("").error().message), 62);
  EXPECT_EQ(exception_code(check("-- nothing\n").error().message), 62);
  EXPECT_EQ(exception_code(check("SELECT 'open").error().message), 62);
}

TEST_F(GateTest, no_allowed_function_is_a_table_function_and_each_one_exists) {
  Connection writer = open_writer();
  std::string list;
  for (const char* name : allowed_functions()) list += (list.empty() ? "'" : ",'") + std::string(name) + "'";
  const Result<Reply> both =
      writer.query("SELECT groupArray(name) FROM system.table_functions WHERE name IN (" + list + ")", "TSVRaw");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->bytes(), "[]\n");
  const Result<Reply> missing = writer.query(
      "SELECT arrayFilter(n -> n NOT IN ('lambda', 'exists', 'grouping') AND NOT has((SELECT groupArray(name) FROM "
      "system.functions), n), [" +
          list + "])",
      "TSVRaw");
  ASSERT_TRUE(missing) << missing.error().message;
  EXPECT_EQ(missing->bytes(), "[]\n");
}

TEST_F(GateTest, functions_are_found_under_every_name_the_engine_takes) {
  for (const char* name : {"COUNT", "count", "sumIf", "uniqStateIf", "uniqExactArrayIf", "dateTrunc", "DATE_TRUNC",
                           "CURRENT_DATABASE", "lcase", "anyOrNull"}) {
    EXPECT_TRUE(names().allowed(name)) << name;
  }
  for (const char* name : {"file", "FILE", "sleep", "sleepEachRow", "fileIf", "SumIF", "hostName", "hostname", "joinGet",
                           "dictGetString", "merge", "arrayReduce"}) {
    EXPECT_FALSE(names().allowed(name)) << name;
  }
}

TEST_F(GateTest, the_bound_on_tokens_refuses_a_longer_text) {
  std::string sql = "SELECT 1";
  for (size_t i = 0; i < kTokensMax; ++i) sql += "+1";
  EXPECT_FALSE(split_statement(sql));
}

TEST_F(GateTest, unqualified_names_mean_the_sessions_database) {
  EXPECT_TRUE(check("SELECT name FROM settings", {}, "system"));
  EXPECT_FALSE(check("SELECT name FROM processes", {}, "system"));
  EXPECT_FALSE(check("SELECT name FROM settings.x", {}, "system"));
}

}  // namespace
}  // namespace sluice::store
