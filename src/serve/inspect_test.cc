#include "serve/inspect.h"

#include <gtest/gtest.h>

#include "serve/page_test_fixture.h"
#include "serve/tables_json.h"

namespace sluice::serve {
namespace {

using nlohmann::json;

class InspectTest : public PageTest {
 protected:
  json verify(const std::string& panel, const std::string& body) {
    const auto result = verify_json(hub(), store_, clock_, panel, body);
    EXPECT_TRUE(result) << result.error().message;
    return result ? json::parse(*result) : json();
  }
  Code verify_error(const std::string& panel, const std::string& body) {
    const auto result = verify_json(hub(), store_, clock_, panel, body);
    return result ? Code::unknown : result.error().code;
  }
};

TEST_F(InspectTest, explain_shows_the_definition_and_both_queries) {
  hub().commit(committed(5));
  const json shown = json::parse(*explain_json(hub(), kStat));
  EXPECT_NE(shown["definition"].get<std::string>().find("commits: count()"), std::string::npos);
  EXPECT_NE(shown["sql"].get<std::string>().find("epoch <= 5"), std::string::npos);
  EXPECT_NE(shown["view_sql"].get<std::string>().find("FROM sluice.`commits_daily`"), std::string::npos);
  EXPECT_EQ(shown["metric"], "commits_daily");
  EXPECT_EQ(shown["epoch"], 5);
  EXPECT_EQ(shown["watermark"], kToday);
  EXPECT_EQ(shown["file"], "metrics/commits.yaml");
  EXPECT_EQ(shown["line"], 3);
  EXPECT_EQ(shown["version"], plan_.metrics[0].version);
}

TEST_F(InspectTest, a_stat_is_computed_again_from_raw_events_of_its_epoch) {
  hub().commit(committed(5));
  hub().shown_or_compute(kStat).value();
  Committed c = committed(6);
  c.metrics.push_back(change(6, {}));
  hub().commit(c);  // changed since: the number shown is still that of epoch 5
  store_.answers["newest"] = "412\t1000\t2.427184466\t0\t1\n";
  const json same = verify(kStat, "{}");
  EXPECT_EQ(same["shown"], "412");
  EXPECT_EQ(same["computed"], "412");
  EXPECT_TRUE(same["equal"].get<bool>());
  EXPECT_EQ(same["epoch"], 5);
  EXPECT_NE(same["sql"].get<std::string>().find("epoch <= 5"), std::string::npos);
  EXPECT_EQ(store_.asked.back().sql, same["sql"]) << "what is shown is what ran";
  store_.answers["newest"] = "413\t1000\t2.4\t0\t1\n";
  EXPECT_FALSE(verify(kStat, "")["equal"].get<bool>());
  store_.answers["newest"] = "";
  EXPECT_TRUE(verify(kStat, "{}")["computed"].is_null());
}

TEST_F(InspectTest, a_tables_row_is_compared_cell_by_cell) {
  store_.answers["over"] = "fmt\t30\t100\t3.3\t0\t1\t2\n\\N\t10\t\\N\t\\N\t0\t1\t2\n";
  hub().commit(committed(5));
  hub().shown_or_compute(kTable).value();
  store_.answers["newest"] = "\\N\t10\t\\N\t1\t0\t1\n";
  const json row = verify(kTable, R"({"key":[null]})");
  EXPECT_FALSE(row["equal"].get<bool>());
  EXPECT_EQ(row["cells"], json({{{"name", "lines_per_commit"}, {"shown", nullptr}, {"computed", "1"}, {"equal", false}},
                                {{"name", "commits"}, {"shown", "10"}, {"computed", "10"}, {"equal", true}}}));
  EXPECT_NE(row["sql"].get<std::string>().find("`repo` IS NULL"), std::string::npos);
}

TEST_F(InspectTest, a_bucket_read_from_the_view_is_computed_as_of_its_rows_own_epoch) {
  store_.answers["view"] = view_line(day(1), "f'mt", 3);
  store_.answers["row_epoch"] = "4\n";
  hub().publish_tables({"commits_daily_1"});
  hub().commit(committed(5));
  hub().shown_or_compute(kView).value();
  store_.answers["newest"] = "\\N\tf'mt\t3\t\\N\t\\N\t0\t1\n";
  const std::string body = R"({"key":["f'mt",null],"window_start":)" + std::to_string(kToday - kDay) + "}";
  const json bucket = verify(kView, body);
  EXPECT_TRUE(bucket["equal"].get<bool>());
  EXPECT_EQ(bucket["epoch"], 4);
  EXPECT_NE(store_.last("row_epoch").sql.find("sluice.`commits_daily_1` FINAL"), std::string::npos);
  EXPECT_NE(store_.last("row_epoch").sql.find("group_key = 'nt4:f\\'mt'"), std::string::npos) << store_.last("row_epoch").sql;
  EXPECT_NE(bucket["sql"].get<std::string>().find("`repo` = 'f\\'mt'"), std::string::npos);
  // A row that came by the feed says its epoch itself.
  commit(6, {row(day(1), "f'mt", 4)});
  EXPECT_EQ(verify(kView, body)["epoch"], 6);
  EXPECT_EQ(store_.count["row_epoch"], 1);
}

TEST_F(InspectTest, a_whole_series_is_compared_point_by_point_differences_first) {
  store_.answers["view"] = view_line(day(1), "fmt", 3) + view_line(day(2), "fmt", 5) + view_line(day(1), "ninja", 9);
  hub().commit(committed(5));
  hub().shown_or_compute(kView).value();
  const auto line = [](plan::Span window, const std::string& commits) {
    return std::to_string(to_ms(window.start)) + "\t" + std::to_string(to_ms(window.end)) + "\t\\N\tfmt\t" + commits +
           "\t\\N\t\\N\t0\t1\n";
  };
  store_.answers["newest"] = line(day(1), "3") + line(day(2), "6") + line(day(3), "1");
  const json series = verify(kView, R"({"key":["fmt",null]})");
  EXPECT_EQ(series["shown"], "3");
  EXPECT_EQ(series["computed"], "3");
  EXPECT_FALSE(series["equal"].get<bool>());
  EXPECT_EQ(series["compared"], 3);
  EXPECT_EQ(series["different"], 2);
  EXPECT_EQ(series["cells"][0]["shown"], "5");
  EXPECT_EQ(series["cells"][0]["computed"], "6");
  EXPECT_TRUE(series["cells"][1]["shown"].is_null());
}

TEST_F(InspectTest, what_is_not_shown_cannot_be_verified) {
  hub().commit(committed(5));
  EXPECT_EQ(verify_error("nothing", "{}"), Code::not_found);
  EXPECT_TRUE(hub().shown_or_compute(kStat));
  store_.answers["over"] = "fmt\t30\t100\t3.3\t0\t1\t1\n";
  EXPECT_EQ(verify_error(kTable, R"({"key":["unseen"]})"), Code::not_found);
  EXPECT_EQ(verify_error(kTable, "{}"), Code::invalid);
  EXPECT_EQ(verify_error(kStat, R"({"key":["x"]})"), Code::invalid);
  for (const char* body : {"[", "[]", R"({"key":1})", R"({"key":[1]})", R"({"window_start":"x"})"}) {
    EXPECT_EQ(verify_error(kStat, body), Code::invalid) << body;
  }
  store_.failing["newest"] = fail(Code::unavailable, "the store is away");
  EXPECT_EQ(verify_error(kStat, "{}"), Code::unavailable);
}

TEST_F(InspectTest, csv_has_every_series_its_state_and_as_of) {
  store_.answers["view"] = view_line(day(1), "a,\"b\"", 3, "filling") + view_line(day(2), "", 5, "revised");
  hub().commit(committed(5));
  EXPECT_EQ(*csv_text(hub(), kView),
            "window_start,window_end,repo,lang,commits,state,as_of\r\n"
            "2026-03-26T00:00:00.000Z,2026-03-27T00:00:00.000Z,\"\",,5,revised,2026-03-28T00:00:00.005Z\r\n"
            "2026-03-27T00:00:00.000Z,2026-03-28T00:00:00.000Z,\"a,\"\"b\"\"\",,3,filling,2026-03-28T00:00:00.005Z\r\n");
  EXPECT_EQ(*csv_text(hub(), kStat),
            "window_start,window_end,commits,state,as_of\r\n"
            "2026-02-26T00:00:00.000Z,2026-03-28T00:00:00.000Z,412,filling,2026-03-28T00:00:00.005Z\r\n");
}

TEST_F(InspectTest, the_quarantine_lists_reasons_with_their_meaning_and_rows) {
  store_.during = [this](const std::string&) {
    store_.answers["newest"] = store_.asked.back().sql.find("GROUP BY reason") != std::string::npos
                                   ? "json_invalid\t7\nmade_up\t2\n"
                                   : "site\t1774656000000\tjson_invalid\t$.a\t{\\n\t70000\tnative\t0:12\n";
  };
  const json quarantine = json::parse(*quarantine_json(store_, 50, "json'invalid"));
  EXPECT_EQ(quarantine["total"], 9);
  EXPECT_EQ(quarantine["reasons"][0]["count"], 7);
  EXPECT_NE(quarantine["reasons"][0]["meaning"], "");
  EXPECT_EQ(quarantine["reasons"][1]["meaning"], "");
  EXPECT_EQ(quarantine["rows"], json({{{"source", "site"},
                                       {"received_at", 1'774'656'000'000},
                                       {"reason", "json_invalid"},
                                       {"path", "$.a"},
                                       {"raw", "{\n"},
                                       {"raw_bytes", 70'000},
                                       {"dialect", "native"},
                                       {"place", "0:12"}}}));
  EXPECT_NE(store_.asked.back().sql.find("reason = 'json\\'invalid'"), std::string::npos);
  EXPECT_NE(store_.asked.back().sql.find("LIMIT 50"), std::string::npos);
  quarantine_json(store_, 1'000'000, "").value();
  EXPECT_NE(store_.asked.back().sql.find("LIMIT 500"), std::string::npos);
}

}  // namespace
}  // namespace sluice::serve
