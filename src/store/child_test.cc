#include "store/child.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <thread>

#include "base/bytes.h"
#include "store/engine_test_fixture.h"
#include "store/errors.h"

namespace sluice::store {
namespace {

constexpr std::chrono::seconds kPatience{20};

// A connection's side without a socket: keeps what was answered.
class FakeExchange final : public net::Exchange {
 public:
  void send(net::Response response) override {
    const std::lock_guard lock(mutex_);
    response_ = std::move(response);
    done_.notify_all();
  }
  std::shared_ptr<net::Stream> start(net::Response head, size_t) override;
  bool alive() const override { return alive_; }
  void leave() { alive_ = false; }

  bool answered_within(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return done_.wait_for(lock, patience, [&] { return response_.has_value(); });
  }
  net::Response response() {
    EXPECT_TRUE(answered_within(kPatience)) << "no reply";
    const std::lock_guard lock(mutex_);
    return response_.value_or(net::Response{});
  }
  bool streamed = false;
  bool aborted = false;

 private:
  friend class FakeStream;
  std::mutex mutex_;
  std::condition_variable done_;
  std::optional<net::Response> response_;
  std::atomic<bool> alive_{true};
};

class FakeStream final : public net::Stream {
 public:
  FakeStream(FakeExchange& exchange, net::Response head) : exchange_(exchange), response_(std::move(head)) {}
  bool write(std::string bytes) override {
    response_.body += bytes;
    return exchange_.alive();
  }
  void close() override { end(); }
  void abort() override {
    exchange_.aborted = true;
    end();
  }
  bool open() const override { return exchange_.alive(); }
  size_t buffered_bytes() const override { return 0; }

 private:
  void end() {
    exchange_.streamed = true;
    exchange_.send(std::move(response_));
  }
  FakeExchange& exchange_;
  net::Response response_;
};

std::shared_ptr<net::Stream> FakeExchange::start(net::Response head, size_t) {
  return std::make_shared<FakeStream>(*this, std::move(head));
}

std::string header(const net::Response& response, std::string_view name) {
  return std::string(net::find_header(response.headers, name).value_or(""));
}

class ChildTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Result<std::unique_ptr<Child>> child = Child::start(engine(), real_.ports(), ReaderLimits{.execution_seconds_max = 5});
    ASSERT_TRUE(child) << child.error().message;
    child_ = std::move(*child);
  }
  void TearDown() override {
    if (child_) child_->stop();
    for (std::thread& thread : threads_) thread.join();
  }
  void run_lanes() {
    for (const Lane lane : {Lane::inserts, Lane::writers, Lane::writers, Lane::readers})
      threads_.emplace_back([this, lane] { child_->run(lane); });
    threads_.emplace_back([this] { child_->watch(); });
  }
  std::shared_ptr<FakeExchange> send(std::string method, std::string query, std::string body, net::Headers headers = {}) {
    auto exchange = std::make_shared<FakeExchange>();
    net::Request request;
    request.method = std::move(method);
    request.path = "/";
    request.query = std::move(query);
    request.body = std::move(body);
    request.headers = std::move(headers);
    child_->handle(std::move(request), net::Responder(exchange));
    return exchange;
  }
  net::Response read(const std::string& sql, const std::string& query = "") { return send("POST", query, sql)->response(); }
  net::Response write(const std::string& sql, const std::string& query = "") {
    return send("POST", query, sql, {{"X-Sluice-Role", "writer"}})->response();
  }
  std::shared_ptr<FakeExchange> insert(const std::string& statement, std::string rows, const std::string& announced) {
    net::Headers headers{{"X-Sluice-Role", "writer"}};
    if (!announced.empty()) headers.emplace_back("X-Sluice-Rows", announced);
    return send("POST", "query=" + net::percent_encode(statement), std::move(rows), headers);
  }

  os::RealPorts real_;
  std::unique_ptr<Child> child_;
  std::vector<std::thread> threads_;
};

TEST_F(ChildTest, a_reader_asks_by_body_by_url_and_with_parameters) {
  run_lanes();
  EXPECT_EQ(read("SELECT count() FROM events").body, "10\n");
  EXPECT_EQ(send("GET", "query=SELECT+1+FORMAT+JSONEachRow", "")->response().body, "{\"1\":1}\n");
  EXPECT_EQ(send("POST", "query=SELECT+id+FROM+events", "WHERE id = 3")->response().body, "3\n");
  EXPECT_EQ(read("SELECT {s:String} FORMAT TSVRaw", "param_s=it%27s%5Ct").body, "it's\t\n");
  EXPECT_EQ(read("SELECT 1", "default_format=CSVWithNames").body, "\"1\"\n1\n");
  const net::Response response =
      read("SELECT id FROM events", "query_id=mine&session_id=s&wait_end_of_query=1&max_execution_time=3");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(header(response, "X-ClickHouse-Query-Id"), "mine");
  EXPECT_EQ(header(response, "X-ClickHouse-Format"), "TabSeparated");
  EXPECT_EQ(header(response, "X-ClickHouse-Timezone"), "UTC");
  EXPECT_NE(header(response, "X-ClickHouse-Summary").find("\"result_rows\":\"10\""), std::string::npos);
}

TEST_F(ChildTest, pings_are_answered_without_the_lanes) {
  for (const char* path : {"/ping", "/replicas_status", "/"}) {
    auto exchange = std::make_shared<FakeExchange>();
    net::Request request;
    request.method = "GET";
    request.path = path;
    child_->handle(std::move(request), net::Responder(exchange));
    EXPECT_EQ(exchange->response().body, "Ok.\n");
  }
}

TEST_F(ChildTest, exceptions_carry_their_code_and_status) {
  run_lanes();
  const net::Response unknown = read("SELECT * FROM nothing_here");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(header(unknown, "X-ClickHouse-Exception-Code"), "60");
  EXPECT_TRUE(unknown.body.starts_with("Code: 60. DB::Exception: ")) << unknown.body;
  EXPECT_NE(unknown.body.find("(UNKNOWN_TABLE)"), std::string::npos);
  EXPECT_EQ(read("SELECT 1 +").status, 400);
  EXPECT_EQ(read("SELECT * FROM default.secret").status, 403);
  EXPECT_EQ(read("SELECT 1", "database=nosuchdb").status, 404);
  EXPECT_EQ(header(read("SELECT 1", "max_insert_threads=2"), "X-ClickHouse-Exception-Code"), "115");
  EXPECT_EQ(read("SELECT 1 FORMAT Template").status, 400);
  EXPECT_EQ(read("SELECT 1", "role=writer").status, 403);
  EXPECT_EQ(read("SELECT 1", "decompress=1").status, 501);
  EXPECT_EQ(read("SELECT 1", "compress=1").status, 501);
  EXPECT_EQ(read("SELECT 1", "query_id=a%0d%0aX-Evil:1").status, 400);
  EXPECT_EQ(read("SELECT 1", "query_id=" + std::string(257, 'q')).status, 400);
  EXPECT_EQ(send("DELETE", "", "")->response().status, 501);
}

// As body, in the URL, and with the names in parameters: each refused, nothing read, nothing written.
TEST_F(ChildTest, every_known_attempt_is_refused_over_http_and_leaves_no_file) {
  run_lanes();
  const auto refused = [](const net::Response& response, const std::string& sql) {
    EXPECT_GE(response.status, 400) << sql;
    EXPECT_NE(header(response, "X-ClickHouse-Exception-Code"), "") << sql;
    EXPECT_EQ(response.body.find("root:"), std::string::npos) << sql;
  };
  for (const std::string& sql : attempts()) {
    refused(read(sql), sql);
    refused(send("GET", "query=" + net::percent_encode(sql), "")->response(), sql);
    refused(send("POST", "query=" + net::percent_encode(sql.substr(0, sql.find(' '))),
                 sql.substr(std::min(sql.find(' '), sql.size())))
                ->response(),
            sql);
  }
  for (const char* parameter :
       {"default.secret", "/etc/passwd", "file('/etc/passwd')", "system.processes", "(SELECT * FROM default.secret)"}) {
    refused(read("SELECT * FROM {t:Identifier}", "param_t=" + net::percent_encode(parameter)), parameter);
    refused(read("SELECT 1 IN {t:Identifier}", "param_t=" + net::percent_encode(parameter)), parameter);
    refused(read("DESCRIBE TABLE {t:Identifier}", "param_t=" + net::percent_encode(parameter)), parameter);
  }
  refused(read("SELECT {f:Identifier}('/etc/passwd')", "param_f=file"), "a function by parameter");
  refused(read("SELECT * FROM events",
               "additional_table_filters=" + net::percent_encode("{'sluice.events': 'id IN default.secret'}")),
          "filters in the URL");
  refused(read("SELECT * FROM events", "additional_result_filter=1"), "filters in the URL");
  for (const char* setting :
       {"readonly=0", "allow_ddl=1", "allow_introspection_functions=1", "max_temporary_data_on_disk_size_for_query=0",
        "path=/tmp", "config-file=/etc/passwd", "log_queries_probability=1", "SQL_x=1", "max_threads=a",
        "session_timezone=%27;SET+ROLE+writer;--"}) {
    refused(read("SELECT 1", setting), setting);
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    EXPECT_FALSE(entry.path().filename().string().starts_with("stolen")) << entry.path();
  }
}

TEST_F(ChildTest, limits_can_be_lowered_and_never_raised) {
  run_lanes();
  // ReaderLimits of this fixture: 5 s. The engine tells what holds.
  const std::string ask = "SELECT value FROM system.settings WHERE name = ";
  EXPECT_EQ(read(ask + "'max_execution_time'", "max_execution_time=2").body, "2\n");
  EXPECT_EQ(read(ask + "'max_execution_time'", "max_execution_time=3600").body, "5\n");
  EXPECT_EQ(read(ask + "'max_execution_time'", "max_execution_time=0").body, "5\n");
  EXPECT_EQ(read(ask + "'max_threads'", "max_threads=1").body, "1\n");
  EXPECT_EQ(read(ask + "'max_threads'", "max_threads=64").body, "2\n");
  EXPECT_EQ(read(ask + "'max_memory_usage'", "max_memory_usage=99999999999").body, "250000000\n");
  EXPECT_EQ(read(ask + "'readonly'").body, "1\n");
  EXPECT_EQ(read("SELECT id FROM events", "max_result_rows=3").status, 500);  // 396, as a server answers
  EXPECT_EQ(header(read("SELECT id FROM events", "max_result_rows=3"), "X-ClickHouse-Exception-Code"), "396");
}

TEST_F(ChildTest, a_statement_over_its_time_is_ended_by_the_engine) {
  run_lanes();
  const auto begin = std::chrono::steady_clock::now();
  const net::Response response = read(
      "SELECT max(sipHash64(a.id, b.id, c.id, d.id, e.id, f.id, g.id, h.id, i.id)) FROM events AS a, events AS b, events AS c, "
      "events AS d, events AS e, events AS f, events AS g, events AS h, events AS i",
      "max_execution_time=1");
  EXPECT_EQ(header(response, "X-ClickHouse-Exception-Code"), "159") << response.body;
  EXPECT_EQ(response.status, 408);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kPatience);
}

TEST_F(ChildTest, statements_that_swell_end_at_the_limits_and_leave_the_engine_well) {
  run_lanes();
  for (const char* sql : {
           "SELECT length(repeat('x', 1000000000000))",
           "SELECT length(range(100000000000))",
           "SELECT groupArray(range(1000000 + a.id)) FROM events AS a, events AS b",
           "SELECT arrayMap(x -> repeat('y', 1000000), range(10000))",
           "SELECT space(99999999999)",
           "SELECT rightPad('x', 100000000000)",
           "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
           "SELECT arrayWithConstant(1000000000000, 'x')",
           "SELECT replicate('x', range(100000000000))",
           "SELECT groupArrayInsertAt(id, 4000000000) FROM events",
           "SELECT toFixedString('x', 16777216) FROM events AS a, events AS b, events AS c",
       }) {
    const net::Response response = read(std::string(sql) + " FORMAT JSON", "max_execution_time=2");
    EXPECT_GE(response.status, 400) << sql << response.body.substr(0, 100);
  }
  std::string deep = "SELECT ";
  for (int i = 0; i < 20'000; ++i) deep += "(";
  EXPECT_GE(read(deep + "1").status, 400);
  EXPECT_GE(read("SELECT " + std::string(5000, '-') + "1 FROM (" + std::string(3000, '(') + "SELECT 1").status, 400);
  EXPECT_EQ(read("SELECT count() FROM events").body, "10\n");
}

TEST_F(ChildTest, inserts_are_acknowledged_only_with_the_announced_rows) {
  run_lanes();
  ASSERT_EQ(write("CREATE TABLE sluice.inserted (a UInt64, b String) ENGINE = MergeTree ORDER BY a").status, 200);
  const std::string statement =
      "INSERT INTO sluice.inserted (a, b) SETTINGS async_insert=0, log_comment='inserted:1' FORMAT RowBinary";
  std::string rows;
  ByteWriter writer(rows);
  for (uint64_t i = 0; i < 1000; ++i) {
    writer.u64(i);
    writer.text("blank\n\nline; DROP TABLE sluice.events --");
  }
  const net::Response whole = insert(statement, rows, "1000")->response();
  EXPECT_EQ(whole.status, 200) << whole.body;
  EXPECT_NE(header(whole, "X-ClickHouse-Summary").find("\"written_rows\":\"1000\""), std::string::npos);
  EXPECT_EQ(read("SELECT count(), uniqExact(_part) FROM inserted").body, "1000\t1\n");

  EXPECT_EQ(insert(statement, rows, "")->response().status, 400);       // nothing announced
  EXPECT_EQ(insert(statement, rows, "1001")->response().status, 500);  // stored, but not what was announced: the writer must ask
  EXPECT_EQ(read("SELECT count() FROM inserted").body, "2000\n");
  EXPECT_EQ(insert(statement, rows.substr(0, rows.size() - 3), "1000")->response().status,
            500);  // cut inside a row: all or nothing
  EXPECT_EQ(
      insert("INSERT INTO sluice.inserted FORMAT JSONEachRow", "{\"a\":1,\"b\":\"x\"}\n{\"a\":\"no\"}\n", "2")->response().status,
      400);
  EXPECT_EQ(read("SELECT count() FROM inserted").body, "2000\n");
  EXPECT_EQ(write("INSERT INTO sluice.inserted VALUES (1, 'x')").status, 400);  // rows inside the text
  EXPECT_EQ(write("INSERT INTO sluice.inserted SELECT 1, 'x'").status, 200);
  EXPECT_EQ(read("SELECT count() FROM inserted").body, "2001\n");
  EXPECT_EQ(write("DROP TABLE sluice.inserted").status, 200);
}

TEST_F(ChildTest, a_reader_cannot_become_a_writer_by_forgetting_its_role) {
  run_lanes();
  EXPECT_EQ(send("POST", "", "DROP TABLE sluice.events", {{"X-Sluice-Role", "admin"}})->response().status, 403);
  EXPECT_EQ(send("POST", "query=INSERT+INTO+sluice.events+FORMAT+CSV", "1,a,1\n", {{"X-Sluice-Rows", "1"}})->response().status,
            403);
  EXPECT_EQ(read("SELECT count() FROM events").body, "10\n");
}

TEST_F(ChildTest, a_full_lane_answers_503_at_once) {
  std::vector<std::shared_ptr<FakeExchange>> waiting;
  for (size_t i = 0; i < kLaneItemsMax[static_cast<size_t>(Lane::readers)]; ++i) waiting.push_back(send("POST", "", "SELECT 1"));
  const auto refused = send("POST", "", "SELECT 1");
  EXPECT_EQ(refused->response().status, 503);
  EXPECT_EQ(header(refused->response(), "X-ClickHouse-Exception-Code"), "202");
  EXPECT_FALSE(waiting.back()->answered_within(std::chrono::milliseconds(0)));
  EXPECT_EQ(child_->waiting(Lane::readers), waiting.size());
  EXPECT_EQ(child_->waiting(Lane::writers), 0U);  // other lanes have their own room
  run_lanes();
  for (const auto& exchange : waiting) EXPECT_EQ(exchange->response().body, "1\n");
}

TEST_F(ChildTest, a_statement_whose_client_left_is_ended) {
  run_lanes();
  const auto exchange =
      send("POST", "function_sleep_max_microseconds_per_block=0",
           "SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1", {{"X-Sluice-Role", "writer"}});
  ASSERT_FALSE(exchange->answered_within(std::chrono::milliseconds(300)));
  exchange->leave();
  EXPECT_TRUE(exchange->answered_within(std::chrono::seconds(10)));
  EXPECT_EQ(header(exchange->response(), "X-ClickHouse-Exception-Code"), "394") << exchange->response().body;
}

TEST_F(ChildTest, a_statement_is_ended_by_its_id) {
  run_lanes();
  const auto exchange = send("POST", "query_id=slow", "SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1",
                             {{"X-Sluice-Role", "writer"}});
  ASSERT_FALSE(exchange->answered_within(std::chrono::milliseconds(300)));
  EXPECT_EQ(write("SELECT count() FROM system.processes WHERE Settings['log_comment'] = 'slow'").body, "1\n");
  EXPECT_EQ(write("KILL QUERY WHERE query_id = 'slow' ASYNC").status, 200);
  EXPECT_EQ(header(exchange->response(), "X-ClickHouse-Exception-Code"), "394") << exchange->response().body;
  EXPECT_EQ(write("KILL QUERY WHERE 1").status, 400);
}

TEST_F(ChildTest, long_results_stream_whole_in_every_kind_of_format) {
  run_lanes();
  const std::string sql = "SELECT number AS n, toString(number) AS s FROM numbers(1000000)";
  uint64_t lines = 0;
  const auto exchange = send("POST", "", sql + " FORMAT TSV", {{"X-Sluice-Role", "writer"}});
  const net::Response text = exchange->response();
  EXPECT_TRUE(exchange->streamed);
  for (const char c : text.body) lines += c == '\n' ? 1 : 0;
  EXPECT_EQ(lines, 1'000'000U);
  const std::string json = write(sql + " FORMAT JSONCompact").body;
  EXPECT_NE(json.find("\"rows\": 1000000"), std::string::npos);
  EXPECT_EQ(json.find("\"meta\""), json.rfind("\"meta\""));  // one document, not one per chunk
  for (const char* format : {"TSVWithNamesAndTypes", "CSVWithNames", "RowBinaryWithNamesAndTypes", "RowBinaryWithNames",
                             "JSONCompactEachRowWithNamesAndTypes"}) {
    const std::string awkward = "SELECT number AS `a \"quote\", a tab \t, it's \\n`, toString(number) AS s FROM numbers(300000)";
    Connection writer = open_writer();
    const Result<Reply> expected = writer.query(awkward, format);  // whole, by the engine
    ASSERT_TRUE(expected) << expected.error().message;
    EXPECT_TRUE(write(awkward + " FORMAT " + format).body == expected->bytes()) << format;
  }
  const std::string parquet = write(sql + " FORMAT Parquet").body;
  EXPECT_TRUE(parquet.starts_with("PAR1") && parquet.ends_with("PAR1"));
}

TEST_F(ChildTest, an_exception_after_the_first_bytes_is_marked_or_cuts_the_reply) {
  run_lanes();
  const std::string sql =
      "SELECT number, throwIf(number = 900000), repeat('x', 20) FROM numbers(1000000) SETTINGS max_block_size = 10000, "
      "max_threads = 1";
  const auto marked = send("POST", "", sql + " FORMAT JSONEachRow", {{"X-Sluice-Role", "writer"}});
  const net::Response response = marked->response();
  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(marked->aborted);
  const std::string tag = header(response, "X-ClickHouse-Exception-Tag");
  ASSERT_EQ(tag.size(), 16U);
  EXPECT_NE(response.body.find("\r\n__exception__\r\n" + tag + "\r\nCode: 395. DB::Exception: "), std::string::npos)
      << response.body.substr(response.body.size() - 400);
  EXPECT_TRUE(response.body.ends_with(" " + tag + "\r\n__exception__\r\n"));
  const auto cut = send("POST", "", sql + " FORMAT RowBinary", {{"X-Sluice-Role", "writer"}});
  static_cast<void>(cut->response());
  EXPECT_TRUE(cut->aborted);
  EXPECT_EQ(write("SELECT throwIf(number = 3) FROM numbers(10)").status, 500);  // before the first byte: a clean status
}

TEST_F(ChildTest, clients_connect_texts_are_answered_as_they_need_them) {
  run_lanes();
  const std::string hello =
      read("SELECT displayName(), version(), revision(), timezone()", "client_protocol_version=54460&default_format=Native").body;
  EXPECT_EQ(hello.substr(0, 10), std::string("\x01\x00\x02\xFF\xFF\xFF\xFF\x00\x04\x01", 10));
  EXPECT_NE(hello.find(std::string("\x0Arevision()\x06UInt32\x00\x00\x00\x00\x00", 23)), std::string::npos);
  for (int i = 0; i < 2; ++i) {  // from the engine, then from memory
    const std::string settings = read("SELECT name, value, readonly FROM system.settings LIMIT 10000\n FORMAT TSV").body;
    EXPECT_NE(settings.find("max_threads\t2\t0\n"), std::string::npos);
    for (size_t at = settings.find('\n'); at != std::string::npos; at = settings.find('\n', at + 1))
      ASSERT_EQ(settings[at - 1], '0') << settings.substr(at - 40, 40);
  }
  EXPECT_NE(read("SELECT name, value, readonly FROM system.settings WHERE name = 'max_threads' LIMIT 10000").body.find("\t1\n"),
            std::string::npos);
  EXPECT_EQ(read("SELECT version(), timezone()").body, "26.7.2.1\tUTC\n");
}

TEST_F(ChildTest, an_empty_native_result_still_names_its_columns) {
  run_lanes();
  const std::string empty = read("SELECT id, event FROM events WHERE id > {m:UInt64} FORMAT Native", "param_m=1000").body;
  EXPECT_EQ(empty, std::string("\x02\x00\x02id\x06UInt64\x05"
                               "event\x06String",
                               25));
}

TEST_F(ChildTest, an_empty_headed_result_is_its_head) {
  run_lanes();
  EXPECT_EQ(read("SELECT id, event FROM events WHERE id > 1000 FORMAT TSVWithNamesAndTypes").body, "id\tevent\nUInt64\tString\n");
  EXPECT_EQ(read("SELECT id FROM events WHERE id > 1000 FORMAT RowBinaryWithNamesAndTypes").body,
            std::string("\x01\x02id\x06UInt64", 11));
}

TEST_F(ChildTest, head_is_answered_without_running_anything) {
  EXPECT_EQ(send("HEAD", "query=SELECT+1", "")->response().status, 200);
  EXPECT_EQ(child_->waiting(Lane::readers), 0U);
}

}  // namespace
}  // namespace sluice::store
