// A panel with another range and with filters: what the address may say, what is asked of the store, what is kept.
#include "serve/panel_range.h"

#include <random>

#include "plan/clickhouse.h"
#include "serve/web_port_test_fixture.h"

namespace sluice::serve {
namespace {

using nlohmann::json;

Code range_error(std::string_view over, std::string_view until, std::string_view where) {
  const auto range = read_range(over, until, where);
  return range ? Code::unknown : range.error().code;
}

TEST(PanelRange, is_read_from_the_texts_of_an_address) {
  EXPECT_TRUE(read_range("", "", "")->as_shown());
  const PanelRange range = read_range("3600000", "-1", R"([["repo","f'mt\u00e9"],["lang",null]])").value();
  EXPECT_EQ(range.over, DurationMs(3'600'000));
  EXPECT_EQ(range.until, time_ms(-1));
  EXPECT_EQ(range.where, (std::vector<NamedFilter>{{"repo", "f'mt\u00e9"}, {"lang", std::nullopt}}));
  EXPECT_FALSE(range.as_shown());
}

TEST(PanelRange, what_is_no_range_is_refused) {
  for (const char* over : {"0", "999", "-5", "1e9", "7d", "99999999999999999999", "3162240000001000"})
    EXPECT_EQ(range_error(over, "", ""), Code::invalid) << over;
  for (const char* until : {"now", "1.5", "-9999999999999", "9999999999999", "18446744073709551615"})
    EXPECT_EQ(range_error("", until, ""), Code::invalid) << until;
  for (const char* where : {"x", "{}", "null", "[1]", "[[]]", R"([["a"]])", R"([["a","b","c"]])", R"([[1,"b"]])", R"([["a",1]])",
                            R"([["a",true]])", R"([["a",["b"]]])", R"([["a","b"])", R"([["a","b"]]x)", "[[\"a\",\"\xff\"]]",
                            R"([["a","\u0000"]])", R"([["a","\ud800"]])"})
    EXPECT_EQ(range_error("", "", where), Code::invalid) << where;
  std::string many = "[", deep(10'000, '[');
  for (size_t i = 0; i <= kFiltersMax; ++i) many += std::string(i == 0 ? "" : ",") + R"(["a","b"])";
  EXPECT_EQ(range_error("", "", many + "]"), Code::invalid);
  EXPECT_EQ(range_error("", "", deep), Code::invalid);
  EXPECT_EQ(range_error("", "", "[[\"a\",\"" + std::string(kWhereBytesMax, 'x') + "\"]]"), Code::invalid);
}

TEST(PanelRange, keys_of_different_ranges_differ) {
  const auto key = [](const char* over, const char* until, const char* where, const char* panel = "d.0.0") {
    return range_key(panel, read_range(over, until, where).value());
  };
  const std::set<std::string> keys{key("", "", ""),
                                   key("", "", "", "d.0.1"),
                                   key("5000", "", ""),
                                   key("", "5000", ""),
                                   key("", "", R"([["a","b"]])"),
                                   key("", "", R"([["a",null]])"),
                                   key("", "", R"([["a","null"]])"),
                                   key("", "", R"([["a","b\",\"c"]])"),
                                   key("", "", R"([["a","b"],["c","d"]])")};
  EXPECT_EQ(keys.size(), 9U);
}

class RangeTest : public WebPortTest {
 protected:
  json data(const std::string& panel, const std::string& query) {
    const net::Response response = get("/api/panels/" + panel + "/data", query);
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body, nullptr, false);
  }
  static std::string encoded(const std::string& text) {
    std::string out;
    for (const unsigned char c : text) {
      constexpr std::string_view kHex = "0123456789ABCDEF";
      out += {'%', kHex[c >> 4], kHex[c & 15]};
    }
    return out;
  }
};

TEST_F(RangeTest, a_stat_of_another_range_and_with_filters_is_computed_for_it) {
  hub().commit(committed(5));
  const json answer = data(
      kStat, "over=3600000&until=" + std::to_string(kToday - kDay) + "&where=" + encoded(R"([["repo","fmt"],["zone","x"]])"));
  EXPECT_EQ(answer["panel"], kStat);
  EXPECT_EQ(answer["epoch"], 5);
  EXPECT_EQ(answer["watermark"], kToday);
  EXPECT_EQ(answer["data"]["value"], "412");
  EXPECT_EQ(answer["data"]["start"], kToday - kDay - 3'600'000);
  EXPECT_EQ(answer["data"]["end"], kToday - kDay);
  EXPECT_EQ(answer["unfiltered"], json({"zone"}));
  const std::string& sql = store_.last("over").sql;
  EXPECT_NE(sql.find("= 'fmt'"), std::string::npos) << sql;
  EXPECT_NE(sql.find("event_time < fromUnixTimestamp64Milli(toInt64(" + std::to_string(kToday - kDay) + ")"), std::string::npos)
      << sql;
  EXPECT_NE(sql.find("epoch <= 5"), std::string::npos) << sql;
}

TEST_F(RangeTest, without_until_the_end_is_that_of_the_live_panel) {
  hub().commit(committed(5));
  const json answer = data(kStat, "over=" + std::to_string(2 * kDay));
  EXPECT_EQ(answer["data"]["end"], kToday);
  EXPECT_EQ(answer["data"]["start"], kToday - 2 * kDay);
}

TEST_F(RangeTest, a_time_series_of_all_dimensions_filters_the_view) {
  store_.answers["view"] = view_line(day(1), "fmt", 3) + view_line(day(2), "fmt", 2);
  hub().commit(committed(5));
  const json answer = data(kView, "where=" + encoded(R"([["repo","f'mt"],["lang",null]])"));
  EXPECT_EQ(answer["data"]["series"][0]["points"].size(), 2U);
  const std::string& sql = store_.last("view").sql;
  EXPECT_NE(sql.find("AND `lang` IS NULL AND `repo` = 'f\\'mt'"), std::string::npos) << sql;
}

TEST_F(RangeTest, a_series_that_drops_a_dimension_may_be_filtered_by_it) {
  store_.answers["series"] = series_line(day(1), "fmt", "7", false, true);
  hub().commit(committed(5));
  const json answer = data(kSeries, "where=" + encoded(R"([["lang","c"]])"));
  EXPECT_EQ(answer["data"]["series"][0]["points"][0]["v"], "7");
  EXPECT_TRUE(answer["unfiltered"].empty());
  EXPECT_NE(store_.last("series").sql.find("= 'c'"), std::string::npos);
}

TEST_F(RangeTest, the_same_question_costs_one_query_until_something_changed) {
  // Long over: its state is final.
  hub().commit(committed(5, time_ms(kToday + kDay)));
  const std::string query = "until=" + std::to_string(kToday);
  data(kStat, query);
  clock_.pass(60'000);
  data(kStat, query);
  EXPECT_EQ(store_.count["over"], 1) << "nothing changed, nothing is filling";
  commit(6);
  data(kStat, query);
  EXPECT_EQ(store_.count["over"], 2);
  commit(7);
  data(kStat, query);
  EXPECT_EQ(store_.count["over"], 2) << "no sooner than pacing allows";
  EXPECT_EQ(data(kStat, query)["epoch"], 6) << "and says as of when it is";
  clock_.pass(5'000);
  EXPECT_EQ(data(kStat, query)["epoch"], 7);
  EXPECT_EQ(store_.count["over"], 3);
}

TEST_F(RangeTest, what_is_filling_is_asked_again_as_time_passes) {
  hub().commit(committed(5, time_ms(kToday)));
  const std::string query = "until=" + std::to_string(kToday);
  EXPECT_EQ(data(kStat, query)["data"]["state"], "filling");
  hub().commit(committed(6, time_ms(kToday + kDay)));
  clock_.pass(5'000);
  EXPECT_EQ(data(kStat, query)["data"]["state"], "final");
}

TEST_F(RangeTest, who_asks_while_another_waits_for_the_same_gets_its_answer) {
  hub().commit(committed(5));
  const net::Request request{"GET", "/api/panels/" + kStat + "/data", "over=3600000", {}, "", false, "127.0.0.1"};
  std::vector<std::shared_ptr<HandExchange>> all;
  for (int i = 0; i < 10; ++i) all.push_back(send(request));
  EXPECT_TRUE(port_->step(DurationMs(0)));
  for (const auto& exchange : all) {
    ASSERT_TRUE(exchange->response);
    EXPECT_EQ(exchange->response->status, 200);
    EXPECT_EQ(exchange->response->body, all[0]->response->body);
  }
  EXPECT_FALSE(port_->step(DurationMs(0))) << "one job for all of them";
  EXPECT_EQ(store_.count["over"], 1);
}

TEST_F(RangeTest, those_who_wait_together_are_bounded_and_all_are_answered) {
  hub().commit(committed(5));
  const net::Request request{"GET", "/api/panels/" + kStat + "/data", "over=3600000", {}, "", false, "127.0.0.1"};
  std::vector<std::shared_ptr<HandExchange>> all;
  const size_t asked = Flights::kJoinedMax + WebPort::kJobsMax + 5;
  for (size_t i = 0; i < asked; ++i) all.push_back(send(request));
  size_t refused = 0;
  for (const auto& exchange : all) refused += exchange->response && exchange->response->status == 503 ? 1 : 0;
  EXPECT_GT(refused, 0U) << "beyond both bounds";
  port_->stop();
  for (const auto& exchange : all) EXPECT_TRUE(exchange->response);
}

TEST_F(RangeTest, a_store_that_is_away_is_told_to_all_who_wait) {
  hub().commit(committed(5));
  store_.failing.emplace("over", fail(Code::unavailable, "the store is restarting"));
  const net::Request request{"GET", "/api/panels/" + kStat + "/data", "over=3600000", {}, "", false, "127.0.0.1"};
  const auto first = send(request), second = send(request);
  port_->step(DurationMs(0));
  EXPECT_EQ(first->response->status, 503);
  EXPECT_EQ(second->response->status, 503);
  store_.failing.clear();
  EXPECT_EQ(ask(request).status, 200) << "nothing of it is kept";
}

TEST_F(RangeTest, explain_verify_and_csv_are_of_the_range_that_is_asked_for) {
  hub().commit(committed(5));
  const std::string query = "over=3600000&until=" + std::to_string(kToday) + "&where=" + encoded(R"([["repo","fmt"]])");
  const json explained = json::parse(get("/api/panels/" + kStat + "/explain", query).body);
  EXPECT_NE(explained["sql"].get<std::string>().find("= 'fmt'"), std::string::npos);
  EXPECT_NE(explained["view_sql"].get<std::string>().find("`repo` = 'fmt'"), std::string::npos);
  store_.answers["newest"] = "412\t1000\t2.4\t0\t1\n";
  const json verified = json::parse(ask({"POST", "/api/panels/" + kStat + "/verify", query, {}, "{}", false, "127.0.0.1"}).body);
  EXPECT_TRUE(verified["equal"].get<bool>()) << verified;
  EXPECT_NE(verified["sql"].get<std::string>().find("= 'fmt'"), std::string::npos);
  const net::Response csv = get("/api/panels/" + kStat + "/csv", query);
  EXPECT_NE(csv.body.find("2026-03-27T23:00:00.000Z,2026-03-28T00:00:00.000Z,412,"), std::string::npos) << csv.body;
}

TEST_F(RangeTest, wrong_addresses_are_told_and_run_nothing) {
  hub().commit(committed(5));
  EXPECT_EQ(get("/api/panels/" + kStat + "/data", "over=x").status, 400);
  EXPECT_EQ(get("/api/panels/nothing.0.0/data", "over=3600000").status, 404);
  EXPECT_EQ(ask({"POST", "/api/panels/" + kStat + "/data", "", {}, "", false, "127.0.0.1"}).status, 405);
  EXPECT_EQ(ask({"GET", "/api/panels/" + kStat + "/data", "", {{"Host", "evil.example"}}, "", false, "127.0.0.1"}).status, 403);
  EXPECT_EQ(
      ask({"GET", "/api/person", "key=u", {{"Host", "localhost"}, {"Origin", "http://evil.example"}}, "", false, ""}).status,
      403);
  EXPECT_TRUE(store_.asked.empty());
}

TEST_F(RangeTest, before_the_first_commit_nothing_is_known) {
  EXPECT_EQ(get("/api/panels/" + kStat + "/data", "over=3600000").status, 503);
  EXPECT_TRUE(store_.asked.empty());
}

// The text between the quotes, as the engine reads it; nullopt where the literal does not end.
std::optional<std::string> literal_at(const std::string& sql, size_t at, size_t& end) {
  std::string out;
  for (size_t i = at; i < sql.size(); ++i) {
    if (sql[i] == '\'') {
      end = i + 1;
      return out;
    }
    if (sql[i] == '\\') ++i;
    if (i < sql.size()) out += sql[i];
  }
  return std::nullopt;
}

TEST_F(RangeTest, whatever_a_value_holds_it_stays_one_literal) {
  const plan::Metric& metric = plan_.metrics[0];
  const auto sql_of = [&](const std::string& value) {
    return plan::clickhouse::over_query(plan_, metric, day(1), {}, 5, {{1, value}});
  };
  const std::string plain = sql_of("x");
  const size_t at = plain.find("= 'x'") + 3;
  std::mt19937 random(20260328);
  constexpr std::string_view kNasty = "'\\`\"\n\r\t;-/*)%{}\x01\x7f\xc3\xa9 a0";
  for (int round = 0; round < 20'000; ++round) {
    std::string value;
    for (size_t n = random() % 24; n > 0; --n)
      value += random() % 4 == 0 ? static_cast<char>(1 + random() % 255) : kNasty[random() % kNasty.size()];
    const std::string sql = sql_of(value);
    ASSERT_EQ(sql.substr(0, at), plain.substr(0, at));
    size_t end = 0;
    ASSERT_EQ(literal_at(sql, at, end), value);
    ASSERT_EQ(sql.substr(end), plain.substr(at + 2)) << "what follows is as with any other value";
  }
}

TEST_F(RangeTest, no_text_of_where_breaks_its_reader) {
  std::mt19937 random(7);
  constexpr std::string_view kAlphabet = "[]\"\\,:{}nultrefase01u \xc3\xa9\xff";
  const std::string good = R"([["repo","fmt"],["lang",null]])";
  size_t read = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string text = good;
    for (size_t n = 1 + random() % 4; n > 0; --n) {
      const size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text[at] = kAlphabet[random() % kAlphabet.size()]; break;
        case 1: text.erase(at, 1 + random() % 3); break;
        default: text.insert(at, 1, kAlphabet[random() % kAlphabet.size()]);
      }
      if (text.empty()) text = "[";
    }
    const auto range = read_range("", "", text);
    if (!range) continue;
    ++read;
    std::vector<std::string> unknown;
    const auto filters = filters_of(plan_.metrics[0], *range, unknown);
    ASSERT_LE(filters.size() + unknown.size(), range->where.size());
    for (const auto& filter : filters) ASSERT_LT(filter.dimension, 2U);
  }
  EXPECT_GT(read, 100U) << "some of them are right";
}

std::shared_ptr<RangedPanel> answer_of(size_t bytes) {
  auto answer = std::make_shared<RangedPanel>();
  answer->data.assign(bytes, 'x');
  return answer;
}

TEST(RangeAnswers, the_longest_unused_goes_first_and_bytes_are_bounded) {
  RangeAnswers answers(3, 1000);
  for (const char* key : {"a", "b", "c"}) answers.put(key, answer_of(100));
  EXPECT_TRUE(answers.find("a"));
  answers.put("d", answer_of(100));
  EXPECT_EQ(answers.size(), 3U);
  EXPECT_FALSE(answers.find("b"));
  EXPECT_TRUE(answers.find("a"));
  answers.put("a", answer_of(850));
  EXPECT_EQ(answers.size(), 2U) << "the same key twice is once; then bytes: c went";
  EXPECT_LE(answers.bytes(), 1000U);
  answers.put("e", answer_of(2000));
  EXPECT_EQ(answers.size(), 0U) << "larger than all: not kept";
  EXPECT_EQ(answers.bytes(), 0U);
}

TEST_F(RangeTest, a_person_is_shown_newest_first_page_by_page) {
  hub().commit(committed(5));
  store_.answers["newest"] = "1000\t9000\t3\n";
  int asked = 0;
  store_.during = [&](const std::string&) {
    // First the bounds, then the rows.
    store_.answers["newest"] = ++asked % 2 == 1
                                   ? "1000\t9000\t3\n"
                                   : "9000\t9001\tbuy\tsite\tu'1\tm3\t0:7\t{\"a\":\"x\\\\ty\"}\n"
                                     "5000\t5001\tview\tsite\tu'1\tm2\t0:6\t{}\n1000\t1001\tview\tsite\tu'1\tm1\t0:5\t{}\n";
  };
  const net::Response response = get("/api/person", "key=u%271&limit=2");
  ASSERT_EQ(response.status, 200) << response.body;
  const json person = json::parse(response.body);
  EXPECT_EQ(person["key"], "u'1");
  EXPECT_EQ(person["first_seen"], 1000);
  EXPECT_EQ(person["last_seen"], 9000);
  EXPECT_EQ(person["events"], "3");
  ASSERT_EQ(person["rows"].size(), 2U);
  EXPECT_TRUE(person["more"].get<bool>());
  EXPECT_EQ(person["rows"][0]["properties"], "{\"a\":\"x\\ty\"}");
  EXPECT_EQ(person["rows"][1]["place"], "0:6");
  EXPECT_NE(store_.asked.back().sql.find("user_key = 'u\\'1'"), std::string::npos);
  EXPECT_NE(store_.asked.back().sql.find("LIMIT 3"), std::string::npos);
  get("/api/person", "key=u&before=5000&place=0:6");
  EXPECT_NE(store_.asked.back().sql.find(
                "(event_time, log_partition, log_offset) < (fromUnixTimestamp64Milli(toInt64(5000), 'UTC'), 0, 6)"),
            std::string::npos)
      << store_.asked.back().sql;
}

TEST_F(RangeTest, a_person_needs_a_key_and_pages_are_bounded) {
  for (const char* query : {"", "key=", "key=%00", "key=u&limit=0", "key=u&limit=501", "key=u&before=x", "key=u&before=5&place=7",
                            "key=u&place=0:6", "key=u&before=5&place=70000:1"})
    EXPECT_EQ(get("/api/person", query).status, 400) << query;
  EXPECT_EQ(get("/api/person", "key=" + std::string(5000, 'x')).status, 400);
  EXPECT_TRUE(store_.asked.empty());
}

}  // namespace
}  // namespace sluice::serve
