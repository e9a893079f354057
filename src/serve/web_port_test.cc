#include "serve/web_port_test_fixture.h"

namespace sluice::serve {
namespace {

using nlohmann::json;

TEST_F(WebPortTest, every_answer_carries_the_strict_policy) {
  hub().commit(committed(1));
  for (const char* path :
       {"/", "/assets/app-3f9a.js", "/api/project", "/health", "/metrics", "/api/quarantine", "/nothing", "/api/nothing"}) {
    const net::Response response = get(path);
    ASSERT_TRUE(net::find_header(response.headers, "Content-Security-Policy")) << path;
    const std::string policy(*net::find_header(response.headers, "Content-Security-Policy"));
    EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
    EXPECT_EQ(policy.find("unsafe"), std::string::npos);
    EXPECT_EQ(net::find_header(response.headers, "X-Content-Type-Options"), "nosniff") << path;
  }
}

TEST_F(WebPortTest, a_foreign_host_or_origin_is_refused_with_the_reason_and_runs_nothing) {
  for (const net::Headers& headers :
       {net::Headers{{"Host", "evil.example"}}, net::Headers{{"Host", "localhost"}, {"Origin", "http://evil.example"}}}) {
    const net::Response response = ask({"POST", "/api/sql", "", headers, "SELECT 1", false, "127.0.0.1"});
    EXPECT_EQ(response.status, 403);
    EXPECT_NE(response.body.find("evil.example"), std::string::npos);
  }
  EXPECT_TRUE(store_.asked.empty());
}

TEST_F(WebPortTest, pages_are_index_html_with_a_strong_tag) {
  for (const char* path : {"/", "/d/activity", "/live", "/quarantine", "/sql"}) {
    const net::Response page = get(path, "", {{"Accept-Encoding", "br, gzip"}});
    EXPECT_EQ(page.status, 200) << path;
    EXPECT_EQ(page.body, index_gzip_);
    EXPECT_EQ(net::find_header(page.headers, "Content-Encoding"), "gzip");
    EXPECT_EQ(net::find_header(page.headers, "Cache-Control"), "no-cache");
    const std::string etag(*net::find_header(page.headers, "ETag"));
    EXPECT_EQ(etag.front(), '"');
    const net::Response again = get(path, "", {{"Accept-Encoding", "gzip"}, {"If-None-Match", etag}});
    EXPECT_EQ(again.status, 304);
    EXPECT_TRUE(again.body.empty());
    EXPECT_EQ(get(path, "", {{"If-None-Match", etag}}).body, kIndex) << "another encoding is another representation";
  }
}

TEST_F(WebPortTest, assets_never_change_and_are_unpacked_for_who_takes_no_gzip) {
  const net::Response script = get("/assets/app-3f9a.js");
  EXPECT_EQ(script.body, kScript);
  EXPECT_EQ(net::find_header(script.headers, "Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(net::find_header(script.headers, "Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(get("/assets/app-3f9a.js", "", {{"Accept-Encoding", "gzip;q=0"}}).body, kScript);
  EXPECT_EQ(get("/assets/gone-1.js").status, 404);
  EXPECT_EQ(get("/assets/../index.html").status, 404);
}

TEST_F(WebPortTest, a_wrong_address_gets_the_page_in_a_browser_and_json_elsewhere) {
  const net::Response page = get("/dashboards/x", "", {{"Accept", "text/html,*/*"}});
  EXPECT_EQ(page.status, 404);
  EXPECT_EQ(page.body, kIndex);
  EXPECT_EQ(json::parse(get("/dashboards/x").body)["error"]["code"], "not_found");
}

TEST_F(WebPortTest, without_an_embedded_page_it_says_how_to_build_one) {
  port_ = std::make_unique<WebPort>(hub(), store_, actions_, clock_, WebOptions{}, std::span<const EmbeddedFile>{});
  const net::Response page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("./run build"), std::string::npos);
}

TEST_F(WebPortTest, the_project_is_told_as_the_page_needs_it) {
  hub().publish_notes({"a note"});
  Committed c = committed(1);
  c.progress = {{0, 120, 5800}};
  hub().commit(c);
  const json project = json::parse(get("/api/project").body);
  EXPECT_EQ(project["project"], "history");
  EXPECT_EQ(project["notes"], json({"a note"}));
  EXPECT_TRUE(project["definition_error"].is_null());
  EXPECT_EQ(project["example_event"],
            R"({"event":"commit_authored","user_id":"u_1","properties":{"lang":"example","repo":"example","insertions":1}})");
  const json& metric = project["metrics"][0];
  EXPECT_EQ(metric["dimensions"], json({{{"name", "repo"}, {"label", "repo"}}, {{"name", "lang"}, {"label", "lang"}}}))
      << "as written";
  EXPECT_EQ(metric["measures"][2]["label"], "Lines per commit");
  EXPECT_EQ(metric["window"]["size_ms"], kDay);
  EXPECT_EQ(metric["progress"]["total"], 5800);
  const json& rows = project["dashboards"][0]["rows"];
  EXPECT_EQ(rows[0][0], (json{{"id", "activity.0.0"},
                              {"kind", "stat"},
                              {"metric", "commits_daily"},
                              {"measure", "commits"},
                              {"title", "commits"},
                              {"over_ms", 30 * kDay}}));
  EXPECT_EQ(rows[1][0]["by"], json({"repo", "lang"}));
  EXPECT_EQ(rows[3][0]["columns"], json({"repo", "commits", "lines_per_commit"}));
}

TEST_F(WebPortTest, live_opens_a_stream_and_resumes_by_parameter_or_header) {
  hub().commit(committed(5));
  const auto exchange = send({"GET", "/api/live", "panels=activity.0.0,activity.1.0&feeds=events", {}, "", false, ""});
  ASSERT_TRUE(exchange->stream);
  EXPECT_EQ(net::find_header(exchange->response->headers, "Content-Type"), "text/event-stream");
  EXPECT_EQ(exchange->stream->take(kStat).size(), 1u);
  work();
  commit(6);
  for (const net::Request& back :
       {net::Request{"GET", "/api/live", "panels=activity.1.0&epoch=6", {}, "", false, ""},
        net::Request{"GET", "/api/live", "panels=activity.1.0", {{"Last-Event-ID", "6"}}, "", false, ""}}) {
    EXPECT_TRUE(send(back)->stream->take(kView).empty()) << "nothing changed since";
  }
  EXPECT_EQ(get("/api/live", "panels=activity.7.7").status, 400);
  EXPECT_EQ(json::parse(get("/api/live", "panels=activity.7.7").body)["error"]["message"],
            "there is no panel `activity.7.7`; GET /api/project lists them");
}

TEST_F(WebPortTest, sql_goes_through_the_readers_gate_and_numbers_stay_text) {
  store_.answers["reader"] = "n\tname\nUInt64\tNullable(String)\n18446744073709551615\t\\N\n1\ta\\tb\n";
  const json result = json::parse(post("/api/sql", "SELECT 1").body);
  EXPECT_EQ(store_.asked.back().role, Role::reader);
  EXPECT_EQ(store_.asked.back().sql, "SELECT 1");
  EXPECT_EQ(result["columns"], json({{{"name", "n"}, {"type", "UInt64"}}, {{"name", "name"}, {"type", "Nullable(String)"}}}));
  EXPECT_EQ(result["rows"], json::array({json::array({"18446744073709551615", nullptr}), json::array({"1", "a\tb"})}));
  EXPECT_FALSE(result["truncated"].get<bool>());
}

TEST_F(WebPortTest, sql_results_end_at_ten_thousand_rows_and_say_so) {
  std::string rows = "n\nUInt8\n";
  for (int i = 0; i < 10'000; ++i) rows += "1\n";
  store_.answers["reader"] = rows;
  EXPECT_FALSE(json::parse(post("/api/sql", "SELECT 1").body)["truncated"].get<bool>());
  store_.answers["reader"] = rows + "2\n";
  const json result = json::parse(post("/api/sql", "SELECT 1").body);
  EXPECT_TRUE(result["truncated"].get<bool>());
  EXPECT_EQ(result["rows"].size(), 10'000u);
}

TEST_F(WebPortTest, refused_or_wrong_sql_says_what_the_engine_said) {
  store_.failing["reader"] = fail(Code::invalid, "Code: 497. function `file` is not allowed");
  const net::Response response = post("/api/sql", "SELECT file('x')");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(json::parse(response.body)["error"]["message"], "Code: 497. function `file` is not allowed");
  store_.failing.clear();
  store_.format = "JSON";
  EXPECT_EQ(post("/api/sql", "SELECT 1 FORMAT JSON").status, 400);
  EXPECT_EQ(get("/api/sql").status, 405);
  EXPECT_EQ(post("/api/sql", std::string(WebPort::kSqlBodyMax + 1, ' ')).status, 413);
}

TEST_F(WebPortTest, a_store_that_is_away_is_503_with_when_to_come_back) {
  store_.failing["newest"] = fail(Code::unavailable, "the store is restarting");
  const net::Response response = get("/api/quarantine");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(net::find_header(response.headers, "Retry-After"), "1");
}

TEST_F(WebPortTest, health_is_503_only_while_starting) {
  EXPECT_EQ(get("/health").status, 503);
  Health health;
  health.started = true;
  health.stages = {{"store", StageState::degraded, 3, DurationMs(1000), "killed"}};
  hub().publish_health(health);
  const net::Response response = get("/health");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(json::parse(response.body)["stages"][0]["lag_events"], 3);
}

TEST_F(WebPortTest, metrics_are_prometheus_text) {
  const net::Response response = get("/metrics");
  EXPECT_EQ(net::find_header(response.headers, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(response.body.find("\nsluice_uptime_seconds 7\n"), std::string::npos);
}

TEST_F(WebPortTest, keys_and_the_ledger_are_for_the_control_socket_alone) {
  EXPECT_EQ(post("/api/keys", R"({"source":"site"})").status, 405);
  EXPECT_EQ(get("/api/ledger").status, 404);
  EXPECT_EQ(json::parse(post("/api/keys", R"({"source":"site"})", Trust::control).body)["key"], "k\"ey");
  EXPECT_EQ(post("/api/keys", R"({"source":"nobody"})", Trust::control).status, 404);
  EXPECT_EQ(post("/api/keys", "site", Trust::control).status, 400);
  EXPECT_EQ(ask({"GET", "/api/ledger", "", {}, "", false, "unix"}, Trust::control).body, "{\"balances\":true}");
}

TEST_F(WebPortTest, the_control_socket_needs_no_host) {
  auto exchange = std::make_shared<HandExchange>();
  port_->handle({"GET", "/api/project", "", {}, "", false, "unix"}, net::Responder(exchange), Trust::control);
  EXPECT_EQ(exchange->response->status, 200);
  port_->handle({"GET", "/api/project", "", {}, "", false, "unix"}, net::Responder(exchange), Trust::network);
  EXPECT_EQ(exchange->response->status, 403);
}

TEST_F(WebPortTest, a_trace_needs_an_id) {
  EXPECT_EQ(get("/api/trace").status, 400);
  EXPECT_EQ(get("/api/trace", "id=a%20b").body, "{\"id\":\"a b\"}");
}

TEST_F(WebPortTest, more_requests_than_may_wait_get_503_and_none_is_dropped) {
  std::vector<std::shared_ptr<HandExchange>> waiting;
  for (size_t i = 0; i < WebPort::kJobsMax; ++i) waiting.push_back(send({"GET", "/api/trace", "id=x", {}, "", false, ""}));
  const auto refused = send({"GET", "/api/trace", "id=x", {}, "", false, ""});
  ASSERT_TRUE(refused->response);
  EXPECT_EQ(refused->response->status, 503);
  while (port_->step(DurationMs(0))) {
  }
  for (const auto& exchange : waiting) EXPECT_EQ(exchange->response->status, 200);
}

TEST_F(WebPortTest, a_request_whose_client_left_runs_nothing) {
  const auto exchange = send({"POST", "/api/sql", "", {}, "SELECT 1", false, ""});
  exchange->is_alive = false;
  EXPECT_TRUE(port_->step(DurationMs(0)));
  EXPECT_TRUE(store_.asked.empty());
}

TEST_F(WebPortTest, stop_answers_what_waits) {
  const auto before = send({"GET", "/api/trace", "id=x", {}, "", false, ""});
  port_->stop();
  EXPECT_EQ(before->response->status, 503);
  EXPECT_EQ(send({"GET", "/api/trace", "id=x", {}, "", false, ""})->response->status, 503);
}

TEST_F(WebPortTest, schemas_for_editors_are_files_of_the_page) {
  for (const std::string name : {"sluice", "metrics", "dashboards"}) {
    const net::Response response = get("/schema/" + name + ".json");
    EXPECT_EQ(response.status, 200) << name;
    EXPECT_EQ(net::find_header(response.headers, "Content-Type"), "application/schema+json");
    EXPECT_EQ(json::parse(response.body)["$id"], "/schema/" + name + ".json");
  }
  EXPECT_EQ(get("/schema/events.json").status, 404);
  EXPECT_EQ(get("/schema/.json").status, 404);
  EXPECT_EQ(post("/schema/metrics.json", "").status, 405);
}

TEST_F(WebPortTest, methods_that_an_address_does_not_take_are_named) {
  EXPECT_EQ(post("/api/project", "").status, 405);
  EXPECT_EQ(net::find_header(post("/health", "").headers, "Allow"), "GET");
  EXPECT_EQ(get("/api/panels/activity.0.0/verify").status, 405);
  EXPECT_EQ(get("/api/panels/activity.0.0/nothing").status, 404);
  EXPECT_EQ(get("/api/panels/nothing/explain").status, 404);
}

}  // namespace
}  // namespace sluice::serve
