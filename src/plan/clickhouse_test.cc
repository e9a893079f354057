#include "plan/clickhouse.h"

#include <gtest/gtest.h>

#include "plan/compile_test_fixture.h"

namespace sluice::plan {
namespace {

Plan sample() {
  return plan_of(
      metric("    window: {tumble: 1d}\n    dimensions: {version: source, kind: event}\n"
             "    measures: {n: count(), x__sum: count(user_id), x: avg(properties.a), first_seen: min(event_time), last_text: "
             "max(text(properties.a)), half: x / 2}\n"));
}

TEST(ClickHouse, columns_are_the_machinery_the_dimensions_and_the_stored_measures_in_order) {
  std::string columns;
  for (const clickhouse::Column& c : clickhouse::table_columns(sample().metrics[0])) columns += c.name + " " + c.type + "\n";
  EXPECT_EQ(columns,
            "window_start DateTime64(3, 'UTC')\nwindow_end DateTime64(3, 'UTC')\ngroup_key String\n"
            "kind Nullable(String)\n_version Nullable(String)\n"
            "first_seen Nullable(DateTime64(3, 'UTC'))\nlast_text Nullable(String)\nn UInt64\n"
            "x__sum Nullable(Decimal(38, 9))\nx__count UInt64\n_x__sum UInt64\n"
            "state String\nversion UInt64\nis_deleted UInt8\nepoch UInt64\n");
}

TEST(ClickHouse, the_table_replaces_by_key_and_syncs_every_part) {
  const std::string sql = clickhouse::create_table(sample().metrics[0], "m`1");
  EXPECT_EQ(sql.substr(0, sql.find('(')), "CREATE TABLE IF NOT EXISTS sluice.`m\\`1` ");
  EXPECT_NE(sql.find("ENGINE = ReplacingMergeTree(version, is_deleted)\nORDER BY (window_start, window_end, group_key)\n"),
            std::string::npos);
  for (const char* setting : {"fsync_after_insert = 1", "fsync_part_directory = 1", "min_rows_to_fsync_after_merge = 1",
                              "min_compressed_bytes_to_fsync_after_merge = 1", "old_parts_lifetime = 10"}) {
    EXPECT_NE(sql.find(setting), std::string::npos) << setting;
  }
}

TEST(ClickHouse, the_view_has_the_columns_as_written_under_their_own_names) {
  const std::string sql = clickhouse::create_view(sample().metrics[0], "m1");
  size_t at = 0;
  for (const char* column : {"AS window_start,", "AS window_end,", "AS `version`,", "AS `kind`,", "AS `n`,", "AS `x__sum`,",
                             "AS `x`,", "AS `first_seen`,", "AS `last_text`,", "AS `half`,", "AS state\n"}) {
    const size_t found = sql.find(column, at);
    ASSERT_NE(found, std::string::npos) << column << "\n" << sql;
    at = found;
  }
  EXPECT_NE(sql.find("FROM sluice.`m1` AS _t FINAL\nWHERE _t.is_deleted = 0"), std::string::npos);
}

TEST(ClickHouse, group_keys_tell_null_from_empty_and_do_not_run_together) {
  using clickhouse::group_key;
  EXPECT_EQ(group_key({}), "");
  EXPECT_EQ(group_key({std::nullopt}), "n");
  EXPECT_EQ(group_key({""}), "t0:");
  EXPECT_EQ(group_key({"a", std::nullopt, "ä"}), "t1:ant2:ä");
  EXPECT_NE(group_key({"t1:a", "b"}), group_key({"t1:at1:b"}));
  EXPECT_NE(group_key({"n"}), group_key({std::nullopt}));
}

TEST(ClickHouse, first_and_last_go_by_time_and_place_and_topk_counts_what_it_keeps) {
  const Plan plan =
      plan_of(metric("    window: {tumble: 1d}\n    measures:\n      f: first(properties.a)\n      l: {value: "
                     "last(number(properties.a)), where: event = "
                     "'x'}\n      t: topk(event, 3)\n      w: last(received_at)\n"));
  const Metric& m = plan.metrics[0];
  EXPECT_EQ(m.measures[0].type, Type::text) << "a path in first() is a text";
  EXPECT_EQ(m.measures[1].type, Type::number);
  EXPECT_EQ(m.measures[2].top, 3U);
  EXPECT_EQ(m.measures[3].type, Type::time);
  std::string columns;
  for (const clickhouse::Column& c : clickhouse::table_columns(m)) columns += c.name + " " + c.type + "\n";
  EXPECT_NE(columns.find("f Nullable(String)\nl Nullable(Decimal(38, 9))\nt Array(Tuple(value String, count UInt64))\n"
                         "w Nullable(DateTime64(3, 'UTC'))\n"),
            std::string::npos)
      << columns;
  const std::string sql = clickhouse::definition_query(plan, m, 1, time_ms(0));
  for (const char* part :
       {"(toUnixTimestamp64Milli(event_time), log_partition, log_offset) AS _o", "argMin(_a0, _o) AS _m0",
        "argMaxIf(_a1, _o, _f1) AS _m1", "sumMapIf([assumeNotNull(_a2)], [toUInt64(1)], isNotNull(_a2)) AS _m2",
        "1, 3) AS Array(Tuple(value String, count UInt64)))", "fromUnixTimestamp64Milli(_m3, 'UTC')"})
    EXPECT_NE(sql.find(part), std::string::npos) << part << "\n" << sql;
}

TEST(ClickHouse, a_topk_as_one_text_is_read_back_whatever_its_values_hold) {
  using clickhouse::read_top_cell;
  EXPECT_EQ(read_top_cell(""), std::vector<TopValue>{});
  EXPECT_EQ(read_top_cell("12:3:a:13:0:1:2:\xc3\xa4"), (std::vector<TopValue>{{"a:1", 12}, {"", 3}, {"\xc3\xa4", 1}}));
  for (const char* damaged : {"1", "1:", "1:2:a", "x:1:a", "1:-1:a", "1:1", ":1:a", "1:1:ab"})
    EXPECT_FALSE(read_top_cell(damaged)) << damaged;
  EXPECT_EQ(top_text({}), "[]");
  EXPECT_EQ(top_text({{"a\"b", 12}, {"", 3}}), "[[\"a\\\"b\",12],[\"\",3]]");
}

TEST(ClickHouse, names_and_texts_are_quoted_against_what_they_hold) {
  EXPECT_EQ(clickhouse::quote_text("it's a \\ text"), "'it\\'s a \\\\ text'");
  EXPECT_EQ(clickhouse::quote_name("a`b\\"), "`a\\`b\\\\`");
}

TEST(ClickHouse, a_job_names_its_windows_by_their_ends_once_and_reads_only_their_time) {
  const Plan plan = sample();
  const std::string sql = clickhouse::windows_query(
      plan, plan.metrics[0], {Span{time_ms(86'400'000), time_ms(172'800'000)}, Span{time_ms(0), time_ms(86'400'000)}}, 7);
  EXPECT_NE(sql.find("IN (86400000, 172800000)"), std::string::npos) << sql;
  EXPECT_NE(sql.find("WHERE epoch <= 7\n"), std::string::npos);
  EXPECT_NE(sql.find("event_time >= fromUnixTimestamp64Milli(toInt64(0), 'UTC') AND event_time < "
                     "fromUnixTimestamp64Milli(toInt64(172800000), 'UTC')"),
            std::string::npos);
}

TEST(ClickHouse, the_tables_of_every_project_are_reserved) {
  for (const char* table : {"events", "quarantine", "identities", "ledger", "revisions", "watermarks", "definitions"}) {
    const auto& names = clickhouse::reserved_table_names();
    EXPECT_NE(std::find(names.begin(), names.end(), table), names.end()) << table;
  }
}

}  // namespace
}  // namespace sluice::plan
