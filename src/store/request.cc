#include "store/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "store/errors.h"
#include "store/sql_text.h"

namespace sluice::store {

namespace {

constexpr size_t kQueryIdBytesMax = 256;

// Keys that belong to the protocol and change nothing here: sessions do not exist, replies are complete or visibly broken by themselves.
constexpr std::array<std::string_view, 10> kIgnoredKeys = {"user",
                                                           "password",
                                                           "session_id",
                                                           "session_timeout",
                                                           "session_check",
                                                           "wait_end_of_query",
                                                           "buffer_size",
                                                           "quota_key",
                                                           "enable_http_compression",
                                                           "add_http_cors_header"};

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Status read_key(StoreRequest& out, const std::string& key, std::string& value) {
  if (key == "query") {
    out.sql = std::move(value);
  } else if (key == "database") {
    out.database = std::move(value);
  } else if (key == "default_format") {
    out.default_format = std::move(value);
  } else if (key == "query_id") {
    out.query_id = std::move(value);
  } else if (key == "compress") {
    if (value == "1" || value == "true")
      return exception(kNotImplemented, "Replies are not compressed; set compress=0 (JDBC: compress=0 or compress=false)");
  } else if (key == "decompress") {
    if (value != "0" && value != "false" && !value.empty())
      return exception(kNotImplemented, "Compressed request bodies are not taken; send decompress=0");
  } else if (key == "role") {
    if (!value.empty()) return exception(kAccessDenied, "Roles cannot be chosen over this interface; leave out role");
  } else if (key == "client_protocol_version") {
    out.protocol_version = number(value).value_or(0);
  } else if (key.starts_with("param_")) {
    out.parameters.emplace_back(key.substr(6), std::move(value));
  } else if (std::find(kIgnoredKeys.begin(), kIgnoredKeys.end(), key) == kIgnoredKeys.end()) {
    out.settings.emplace_back(key, std::move(value));
  }
  return ok();
}

// True for INSERT INTO t (...) [SETTINGS ...] [FORMAT f]: rows come apart from the statement. False for INSERT ... SELECT.
bool is_insert_of_rows(const std::vector<Token>& tokens) {
  if (tokens.empty() || !is_word(tokens.front(), "INSERT")) return false;
  return std::none_of(tokens.begin(), tokens.end(), [](const Token& t) { return is_word(t, "SELECT") || is_word(t, "WITH"); });
}

}  // namespace

Result<StoreRequest> read_request(net::Request request, const std::string& fresh_query_id) {
  StoreRequest out;
  out.is_head = request.method == "HEAD";
  if (!out.is_head && request.method != "GET" && request.method != "POST") {
    return exception(kNotImplemented, fmt::format("Method {} is not taken; use GET or POST", request.method));
  }
  if (request.body_over_limit)
    return exception(kQueryTooLarge, "The request body is larger than this interface takes; send it in smaller pieces");
  if (const auto encoding = request.header("Content-Encoding"); encoding && *encoding != "identity" && !encoding->empty()) {
    return exception(kNotImplemented, fmt::format("Content-Encoding {} is not taken; send the body as it is", *encoding));
  }
  if (request.header("X-Sluice-Role") == "writer") out.role = Role::writer;
  if (const auto database = request.header("X-ClickHouse-Database")) out.database = *database;
  if (const auto format = request.header("X-ClickHouse-Format")) out.default_format = *format;
  if (const auto id = request.header("X-ClickHouse-Query-Id")) out.query_id = *id;
  if (const auto rows = request.header("X-Sluice-Rows")) out.rows_announced = number(*rows);
  for (auto& [key, value] : net::parse_query(request.query)) SLUICE_CHECK(read_key(out, key, value));

  if (out.query_id.empty()) out.query_id = fresh_query_id;
  // It is said again in a header of the reply.
  const bool printable = std::all_of(out.query_id.begin(), out.query_id.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  if (out.query_id.size() > kQueryIdBytesMax || !printable)
    return exception(kBadArguments, "query_id must be at most 256 printable ASCII characters");
  const bool is_bare = request.path == "/ping" || request.path == "/replicas_status";
  out.is_ping = is_bare || (request.path == "/" && out.sql.empty() && request.method != "POST");
  if (out.is_ping) return out;
  if (request.path != "/" && request.path != "/query")
    return exception(kBadArguments, fmt::format("There is nothing at {}; queries go to /", request.path));

  if (!out.sql.empty()) out.is_insert = is_insert_of_rows(SLUICE_TRY(tokenize(out.sql)));
  if (out.is_insert) {
    out.rows = std::move(request.body);
  } else if (out.sql.empty()) {
    out.sql = std::move(request.body);
  } else if (!request.body.empty()) {
    out.sql += '\n' + request.body;
  }
  return out;
}

}  // namespace sluice::store
