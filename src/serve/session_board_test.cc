// A sessions panel from a store's reply to the page, and the events of one session.
#include "serve/session_board.h"

#include "serve/inspect.h"
#include "serve/web_port_test_fixture.h"

namespace sluice::serve {
namespace {

using nlohmann::json;

const std::string kVisits = "d.0.0";
const std::string kId1(32, 'a'), kId2(32, 'b'), kId3(32, 'c');

std::shared_ptr<const plan::Plan> visits_plan() {
  plan::Plan plan;
  plan.project = "history";
  plan.hash = "visits";
  plan::Node by;
  by.op = plan::Op::name;
  by.type = plan::Type::text;
  by.index = static_cast<uint32_t>(plan::Name::stitching_key);
  plan::Metric metric;
  metric.kind = plan::Metric::Kind::sessions;
  metric.name = "visits";
  metric.definition = "{name: visits}";
  metric.window = plan::Window{.size = DurationMs{1}, .step = DurationMs{1}};
  metric.sessions.emplace();
  metric.sessions->name = "visits";
  metric.sessions->by.nodes.push_back(by);
  metric.dimensions.emplace_back();
  metric.dimensions.back().name = "session_id";
  plan.metrics.push_back(std::move(metric));
  plan::Panel panel;
  panel.kind = plan::Panel::Kind::sessions;
  panel.over = DurationMs(7 * kDay);
  plan::Dashboard dashboard;
  dashboard.name = "d";
  dashboard.rows.push_back({panel});
  plan.dashboards.push_back(std::move(dashboard));
  return std::make_shared<const plan::Plan>(std::move(plan));
}

// Of the panel's query; `more` beside those of the reply.
std::string line(const std::string& id, const std::string& user, int64_t start, int64_t end, int events, const std::string& state,
                 int all) {
  return id + "\tsite\tdevice\t" + user + "\t" + std::to_string(start) + "\t" + std::to_string(end) + "\t" +
         std::to_string(events) + "\t" + std::to_string(end - start) + "\t" + state + "\t" + std::to_string(all) + "\n";
}

class SessionTest : public WebPortTest {
 protected:
  SessionTest() : visits_(std::make_shared<const Project>(Project{visits_plan(), "0.1.0", "", "", false})) {
    hub().replace(visits_);
  }
  void commit_visits(uint64_t epoch, bool rows = false, bool events = false) {
    Committed c = committed(epoch);
    c.plan = "visits";
    if (rows || events) {
      c.metrics.push_back(change(epoch, {}, events));
      if (rows) c.metrics.back().rows.emplace_back();
    }
    hub().commit(std::move(c));
  }
  std::shared_ptr<const Project> visits_;
};

TEST_F(SessionTest, the_newest_sessions_are_shown_and_all_are_counted) {
  store_.answers["view"] = line(kId1, "u'1", kToday - 1000, kToday - 400, 3, "filling", 250) +
                           line(kId2, "device", kToday - kDay, kToday - kDay, 1, "final", 250);
  commit_visits(1);
  const auto stream = watch({kVisits});
  work();
  const json data = stream->take(kVisits).back().data["data"];
  EXPECT_EQ(data["end"], kToday - 3'600'000 + 1) << "just behind the newest event";
  EXPECT_EQ(data["start"], kToday - 3'600'000 + 1 - 7 * kDay);
  EXPECT_EQ(data["more"], 248);
  ASSERT_EQ(data["rows"].size(), 2U);
  EXPECT_EQ(data["rows"][0], (json{{"session_id", kId1},
                                   {"source", "site"},
                                   {"key", "device"},
                                   {"user_key", "u'1"},
                                   {"started_at", kToday - 1000},
                                   {"ended_at", kToday - 400},
                                   {"events", "3"},
                                   {"duration_ms", "600"},
                                   {"state", "filling"}}));
  EXPECT_NE(store_.last("view").sql.find("ORDER BY started_at DESC, session_id LIMIT 100"), std::string::npos);
}

TEST_F(SessionTest, rows_that_change_are_read_again_also_when_only_their_state_does) {
  store_.answers["view"] = line(kId1, "u", kToday - 1000, kToday - 400, 3, "filling", 1);
  commit_visits(1);
  const auto stream = watch({kVisits});
  work();
  stream->take();
  store_.answers["view"] = line(kId1, "u", kToday - 1000, kToday - 400, 3, "final", 1);
  commit_visits(2);
  clock_.pass(10'000);
  work();
  EXPECT_EQ(store_.count["view"], 1) << "nothing of it changed";
  commit_visits(3, true);
  work();
  const std::vector<Event> events = stream->take(kVisits);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].name, "snapshot");
  EXPECT_EQ(events[0].data["data"]["rows"][0]["state"], "final");
}

TEST_F(SessionTest, without_an_event_there_is_no_window) {
  store_.answers["newest"] = "\\N\n";
  commit_visits(1);
  const auto stream = watch({kVisits});
  work();
  const json data = stream->take(kVisits).back().data["data"];
  EXPECT_TRUE(data["start"].is_null());
  EXPECT_EQ(data["rows"], json::array());
}

TEST_F(SessionTest, a_reply_of_another_shape_is_no_answer) {
  const plan::Metric& metric = visits_->plan->metrics[0];
  uint64_t all = 0;
  EXPECT_TRUE(read_session_rows(line(kId1, "u", 1, 2, 3, "final", 9), metric, &all));
  EXPECT_EQ(all, 9U);
  EXPECT_FALSE(read_session_rows("a\tb\n", metric, &all));
  EXPECT_FALSE(read_session_rows(line(kId1, "u", 1, 2, 3, "final", 9), metric, nullptr)) << "times as texts";
}

TEST_F(SessionTest, rows_are_computed_again_from_raw_events) {
  store_.answers["view"] =
      line(kId1, "u", kToday - 1000, kToday - 400, 3, "final", 2) + line(kId2, "v", kToday - kDay, kToday - kDay, 1, "final", 2);
  commit_visits(5);
  hub().shown_or_compute(kVisits).value();
  store_.answers["newest"] = kId1 + "\tsite\tdevice\tu\t2026-03-27 23:59:59.000\t2026-03-27 23:59:59.600\t4\t600\tfinal\n" +
                             kId3 + "\tsite\tdevice\tw\t2026-03-27 00:00:00.000\t2026-03-27 00:00:00.000\t1\t0\tfilling\n";
  const auto verified = [&](const std::string& body) {
    return json::parse(verify_json(hub(), store_, clock_, kVisits, body).value());
  };
  const json all = verified("{}");
  EXPECT_EQ(all["compared"], 3);
  EXPECT_EQ(all["different"], 3) << "one of four events, one that is not there, one that is not shown";
  const json one = verified(R"({"key":[")" + kId1 + R"("]})");
  EXPECT_EQ(one["compared"], 7);
  EXPECT_EQ(one["different"], 1);
  EXPECT_EQ(one["cells"][0], (json{{"name", "events"}, {"shown", "3"}, {"computed", "4"}, {"equal", false}}));
  EXPECT_NE(one["sql"].get<std::string>().find("epoch <= 5"), std::string::npos);
  EXPECT_FALSE(verify_json(hub(), store_, clock_, kVisits, R"({"key":["nobody"]})"));
}

TEST_F(SessionTest, explain_and_csv_have_the_columns_of_the_view) {
  store_.answers["view"] = line(kId1, "a,b", kToday - 1000, kToday - 400, 3, "final", 1);
  commit_visits(5);
  const json explained = json::parse(explain_json(hub(), kVisits).value());
  EXPECT_NE(explained["view_sql"].get<std::string>().find("FROM sluice.`visits`\nWHERE started_at >= '"), std::string::npos);
  const std::string csv = csv_text(hub(), kVisits).value();
  EXPECT_TRUE(csv.starts_with("started_at,ended_at,session_id,source,key,user_key,events,duration_ms,state,as_of\r\n")) << csv;
  EXPECT_NE(csv.find("2026-03-27T23:59:59.000Z,2026-03-27T23:59:59.600Z," + kId1 + ",site,device,\"a,b\",3,600,final,"),
            std::string::npos)
      << csv;
}

TEST_F(SessionTest, a_sessions_events_are_those_of_its_key_in_its_time) {
  store_.answers["view"] = line(kId1, "u", 1000, 5000, 3, "final", 1);
  store_.answers["newest"] = "1000\t1001\tview\tsite\tdevice\tm1\t0:5\t{}\n5000\t5001\tbuy\tsite\tu\tm2\t0:6\t{\"a\":1}\n";
  const net::Response response = get("/api/sessions/visits/events", "id=" + kId1);
  ASSERT_EQ(response.status, 200) << response.body;
  const json session = json::parse(response.body);
  EXPECT_EQ(session["session"]["user_key"], "u");
  EXPECT_EQ(session["rows"].size(), 2U);
  EXPECT_EQ(session["rows"][1]["properties"], "{\"a\":1}");
  EXPECT_EQ(session["more"], 1) << "three were counted";
  const std::string& sql = store_.asked.back().sql;
  EXPECT_NE(sql.find("source = 'site'"), std::string::npos) << sql;
  EXPECT_NE(sql.find("= 'device' AND event_time >= fromUnixTimestamp64Milli(toInt64(1000), 'UTC') AND event_time <= "
                     "fromUnixTimestamp64Milli(toInt64(5000), 'UTC')"),
            std::string::npos)
      << sql;
}

TEST_F(SessionTest, what_is_no_session_is_told) {
  store_.answers["view"] = "";
  EXPECT_EQ(json::parse(get("/api/sessions/visits/events", "id=" + kId1).body),
            (json{{"session", nullptr}, {"rows", json::array()}, {"more", 0}}));
  const size_t asked = store_.asked.size();
  EXPECT_EQ(get("/api/sessions/nothing/events", "id=" + kId1).status, 404);
  for (const std::string& id :
       {std::string(), std::string("x"), std::string(32, 'G'), std::string(31, 'a') + "'", std::string(33, 'a')})
    EXPECT_EQ(get("/api/sessions/visits/events", "id=" + id).status, 400) << id;
  EXPECT_EQ(get("/api/sessions//events", "id=" + kId1).status, 404);
  EXPECT_EQ(store_.asked.size(), asked);
}

}  // namespace
}  // namespace sluice::serve
