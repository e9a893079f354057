#include "store/request.h"

#include <gtest/gtest.h>

#include "store/errors.h"
#include "store/url_settings.h"

namespace sluice::store {
namespace {

Result<StoreRequest> read(std::string method, std::string path, std::string query, std::string body, net::Headers headers = {}) {
  net::Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.query = std::move(query);
  request.body = std::move(body);
  request.headers = std::move(headers);
  return read_request(std::move(request), "fresh");
}

TEST(Request, keys_of_the_protocol_are_told_from_parameters_and_settings) {
  const Result<StoreRequest> request =
      read("POST", "/",
           "query=SELECT+%7Bx%3AUInt8%7D&param_x=5&database=d&default_format=CSV&query_id=q&session_id=s&user=u&password=p&"
           "client_protocol_version=54460&max_threads=1&wait_end_of_query=1&role=&compress=0",
           "");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->sql, "SELECT {x:UInt8}");
  EXPECT_EQ(request->parameters, (Parameters{{"x", "5"}}));
  EXPECT_EQ(request->settings, (Settings{{"max_threads", "1"}}));
  EXPECT_EQ(request->database, "d");
  EXPECT_EQ(request->default_format, "CSV");
  EXPECT_EQ(request->query_id, "q");
  EXPECT_EQ(request->protocol_version, 54460U);
  EXPECT_EQ(request->role, Role::reader);
  EXPECT_FALSE(request->is_insert);
}

TEST(Request, sql_is_the_url_then_the_body_but_rows_are_never_sql) {
  EXPECT_EQ(read("POST", "/", "", "SELECT 1")->sql, "SELECT 1");
  EXPECT_EQ(read("POST", "/", "query=SELECT", "1")->sql, "SELECT\n1");
  const Result<StoreRequest> rows = read("POST", "/", "query=insert+into+t+format+TSV", "1\n; DROP TABLE t");
  EXPECT_TRUE(rows->is_insert);
  EXPECT_EQ(rows->rows, "1\n; DROP TABLE t");
  EXPECT_EQ(rows->sql, "insert into t format TSV");
  EXPECT_FALSE(read("POST", "/", "query=INSERT+INTO+t+SELECT+1", "")->is_insert);
}

TEST(Request, only_the_header_makes_a_writer) {
  EXPECT_EQ(read("POST", "/", "", "x", {{"X-Sluice-Role", "writer"}, {"X-Sluice-Rows", "12"}})->role, Role::writer);
  EXPECT_EQ(read("POST", "/", "", "x", {{"X-Sluice-Rows", "12"}})->rows_announced, 12U);
  EXPECT_EQ(read("POST", "/", "", "x", {{"X-Sluice-Rows", "-1"}})->rows_announced, std::nullopt);
  for (const char* role : {"", "Writer", "writer ", "reader", "admin"})
    EXPECT_EQ(read("POST", "/", "", "x", {{"X-Sluice-Role", role}})->role, Role::reader) << role;
}

TEST(Request, what_is_not_taken_says_so) {
  EXPECT_EQ(exception_code(read("PUT", "/", "", "x").error().message), 48);
  EXPECT_EQ(exception_code(read("POST", "/other", "", "x").error().message), 36);
  EXPECT_EQ(exception_code(read("POST", "/", "compress=1", "x").error().message), 48);
  EXPECT_EQ(exception_code(read("POST", "/", "decompress=1", "x").error().message), 48);
  EXPECT_EQ(exception_code(read("POST", "/", "role=a", "x").error().message), 497);
  EXPECT_EQ(exception_code(read("POST", "/", "query_id=%0a", "x").error().message), 36);
  EXPECT_EQ(exception_code(read("POST", "/", "", "x", {{"Content-Encoding", "gzip"}}).error().message), 48);
  EXPECT_TRUE(read("GET", "/ping", "", "")->is_ping);
  EXPECT_TRUE(read("GET", "/", "", "")->is_ping);
  EXPECT_FALSE(read("POST", "/", "", "")->is_ping);
}

TEST(UrlSettings, limits_are_lowered_never_raised_and_zero_is_no_way_round) {
  const ReaderLimits limits{.execution_seconds_max = 30, .memory_bytes_max = 1000, .threads_max = 2};
  const auto admit = [&](const char* name, const char* value) { return *admit_url_settings({{name, value}}, limits); };
  EXPECT_EQ(admit("max_execution_time", "5"), (Settings{{"max_execution_time", "5"}}));
  EXPECT_EQ(admit("max_execution_time", "34.5"), (Settings{{"max_execution_time", "30"}}));
  EXPECT_EQ(admit("max_execution_time", "0"), (Settings{{"max_execution_time", "30"}}));
  EXPECT_EQ(admit("max_threads", "18446744073709551615"), (Settings{{"max_threads", "2"}}));
  EXPECT_EQ(admit("max_memory_usage", "999"), (Settings{{"max_memory_usage", "999"}}));
  EXPECT_EQ(admit("max_result_rows", "7"), (Settings{{"max_result_rows", "7"}}));
  EXPECT_EQ(admit("max_result_rows", "0"), Settings{});
  EXPECT_EQ(admit("mutations_sync", "3"), Settings{});
  EXPECT_EQ(admit("session_timezone", "Europe/Berlin"), (Settings{{"session_timezone", "Europe/Berlin"}}));
  for (const auto& [name, value] : Settings{{"readonly", "0"},
                                            {"additional_table_filters", "{}"},
                                            {"allow_ddl", "1"},
                                            {"path", "/"},
                                            {"max_threads", "x"},
                                            {"max_threads", "-1"},
                                            {"max_threads", "1e9"},
                                            {"max_execution_time", ""},
                                            {"max_execution_time", "1;"},
                                            {"output_format_json_quote_64bit_integers", std::string(200, '1')}}) {
    EXPECT_FALSE(admit_url_settings({{name, value}}, limits)) << name << "=" << value;
  }
}

TEST(UrlSettings, set_statements_quote_values_and_refuse_odd_names) {
  EXPECT_EQ(*set_statement({{"a_1", "x"}, {"b", "it's \\"}}), "SET a_1 = 'x', b = 'it\\'s \\\\'");
  EXPECT_EQ(*set_statement({}), "");
  for (const char* name : {"", "a b", "a;", "a'", "a=1, b", "ä"}) EXPECT_FALSE(set_statement({{name, "1"}})) << name;
}

TEST(Errors, codes_are_read_and_mapped) {
  EXPECT_EQ(exception_code("Code: 241. DB::Exception: x"), 241);
  EXPECT_EQ(exception_code("code: 241. x"), 0);
  EXPECT_EQ(exception_code("Code: . x"), 0);
  EXPECT_EQ(exception_code("Code: 99999999999999. x"), 0);
  EXPECT_EQ(exception_text(kSyntaxError, "here"), "Code: 62. DB::Exception: here. (SYNTAX_ERROR)");
  EXPECT_EQ(http_status(497), 403);
  EXPECT_EQ(http_status(60), 404);
  EXPECT_EQ(http_status(159), 408);
  EXPECT_EQ(http_status(202), 503);
  EXPECT_EQ(http_status(0), 500);
}

}  // namespace
}  // namespace sluice::store
