#include "store/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "store/errors.h"
#include "store/sql_text.h"

namespace sluice::store {

namespace {

constexpr size_t kErrorBytesMax = 64_KiB;
constexpr size_t kReceiptBytesMax = 64_KiB;

// The exception of a reply that is not 200. A reply without one comes from something else at that address.
Error error_of(const net::Response& response) {
  std::string text = response.body.substr(0, kErrorBytesMax);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  int code = exception_code(text);
  if (const auto header = net::find_header(response.headers, "X-ClickHouse-Exception-Code"); header && code == 0) {
    std::from_chars(header->data(), header->data() + header->size(), code);
  }
  if (code == 0)
    return fail(Code::unavailable,
                fmt::format("the store answered HTTP {}: {}", response.status, text.empty() ? "(no text)" : text));
  return fail(code_of(code), std::move(text));
}

// What an exception says of an INSERT's rows. One block, one part: an exception stored nothing (facts/exactly-once.md 3, 23), but where
// the disk failed only the store itself can tell.
Code insert_code(int code) {
  switch (code) {
    case 159:
    case 202:
    case 203:
    case 210:
    case 241:
    case 243:
    case 252:
    case 394: return Code::unavailable;
    case 74:
    case 75:
    case 76:
    case 204:
    case 425:
    case 632:
    case 1001: return Code::unknown;
    default: return Code::invalid;
  }
}

std::optional<uint64_t> written_rows(const net::Response& response) {
  constexpr std::string_view kKey = "\"written_rows\":\"";
  const auto summary = net::find_header(response.headers, "X-ClickHouse-Summary");
  if (!summary) return std::nullopt;
  const size_t at = summary->find(kKey);
  if (at == std::string_view::npos) return std::nullopt;
  uint64_t rows = 0;
  const char* begin = summary->data() + at + kKey.size();
  const auto [end, error] = std::from_chars(begin, summary->data() + summary->size(), rows);
  return error == std::errc() && end != begin ? std::optional(rows) : std::nullopt;
}

void keep_tail(std::string& tail, std::string_view bytes) {
  tail += bytes.substr(bytes.size() - std::min(bytes.size(), kErrorBytesMax));
  if (tail.size() > 2 * kErrorBytesMax) tail.erase(0, tail.size() - kErrorBytesMax);
}

// ClickHouse's framing at the end of a reply that failed half-way: a line with the tag, the text, its size and the tag again.
Status late_exception(const net::Response& head, std::string_view tail) {
  const auto tag = net::find_header(head.headers, "X-ClickHouse-Exception-Tag");
  if (!tag) return ok();
  const std::string begin = fmt::format("\r\n__exception__\r\n{}\r\n", *tag);
  const std::string end = fmt::format(" {}\r\n__exception__\r\n", *tag);
  const size_t at = tail.rfind(begin);
  if (at == std::string_view::npos || !tail.ends_with(end)) return ok();
  std::string_view text = tail.substr(at + begin.size());
  text.remove_suffix(end.size());
  text = text.substr(0, text.rfind('\n'));  // before the size
  return fail(code_of(exception_code(text)), std::string(text));
}

}  // namespace

Client::Client(os::Ports ports, ClientOptions options)
    : options_(std::move(options)), http_(net::Client::to(ports, options_.address)) {}

net::ClientRequest Client::request(const Settings& settings, std::string_view query_id, std::string_view format,
                                   std::string_view sql_in_url) const {
  net::ClientRequest request;
  std::string target = "/?database=" + net::percent_encode(options_.database);
  if (!sql_in_url.empty()) target += "&query=" + net::percent_encode(sql_in_url);
  if (!query_id.empty()) {
    const std::string id = net::percent_encode(query_id);
    target += "&query_id=" + id;
    if (sql_in_url.empty()) target += "&log_comment=" + id;  // an INSERT has its own in its text
  }
  for (const auto& [name, value] : settings) target += '&' + net::percent_encode(name) + '=' + net::percent_encode(value);
  request.target = std::move(target);
  request.headers.emplace_back("X-Sluice-Role", "writer");
  if (!format.empty()) request.headers.emplace_back("X-ClickHouse-Format", format);
  if (!options_.user.empty()) {
    request.headers.emplace_back("X-ClickHouse-User", options_.user);
    request.headers.emplace_back("X-ClickHouse-Key", options_.password);
  }
  return request;
}

Status Client::insert(std::string_view statement, std::string_view rows_bytes, uint64_t rows, std::string_view query_id,
                      DurationMs timeout) {
  net::ClientRequest http = request({}, query_id, {}, statement);
  http.headers.emplace_back("X-Sluice-Rows", std::to_string(rows));
  http.headers.emplace_back("Content-Type", "application/octet-stream");
  http.body = rows_bytes;
  http.timeout = timeout;
  const Result<net::Response> response = http_->send(http, kReceiptBytesMax);
  if (!response) {
    Error error = response.error();
    if (error.code != Code::unavailable && error.code != Code::invalid)
      error.code = Code::unknown;  // also cancelled by us: it was sent
    return error;
  }
  if (response->status != 200) {
    Error error = error_of(*response);
    const int code = exception_code(error.message);
    if (code != 0) error.code = insert_code(code);
    return error;
  }
  const std::optional<uint64_t> written = written_rows(*response);
  if (written == rows) return ok();
  return fail(Code::unknown, fmt::format("the store acknowledged {} rows of {}; ask what is stored before anything is sent again",
                                         written ? std::to_string(*written) : "an untold number of", rows));
}

Result<std::string> Client::query(std::string_view sql, std::string_view format, const Settings& settings, DurationMs timeout,
                                  size_t reply_bytes_max) {
  std::string out;
  bool full = false;
  const Status status = stream(sql, format, settings, timeout, [&](std::string_view bytes) {
    full = out.size() + bytes.size() > reply_bytes_max;
    if (!full) out += bytes;
    return !full;
  });
  if (full) return fail(Code::full, fmt::format("the store's reply is larger than {} bytes; ask for less", reply_bytes_max));
  if (!status) return status.error();
  return out;
}

Status Client::stream(std::string_view sql, std::string_view format, const Settings& settings, DurationMs timeout,
                      const std::function<bool(std::string_view)>& on_chunk) {
  net::ClientRequest http = request(settings, {}, format, {});
  http.body = sql;
  http.timeout = timeout;
  net::Response response;
  std::string tail;  // of a good reply: where an exception after the first piece stands
  const Status status = http_->stream(
      http,
      [&](const net::Response& head) {
        response = head;
        return true;
      },
      [&](std::string_view bytes) {
        if (response.status != 200) {
          response.body += bytes.substr(0, kErrorBytesMax - std::min(kErrorBytesMax, response.body.size()));
          return true;
        }
        keep_tail(tail, bytes);
        return on_chunk(bytes);
      });
  if (!status) return status.error();
  if (response.status != 200) return error_of(response);
  return late_exception(response, tail);
}

Status Client::execute(std::string_view sql, DurationMs timeout) {
  SLUICE_CHECK(query(sql, "Null", {}, timeout));
  return ok();
}

Status Client::ping(DurationMs timeout) {
  net::ClientRequest http;
  http.method = "GET";
  http.target = "/ping";
  http.timeout = timeout;
  const net::Response response = SLUICE_TRY(http_->send(http, kReceiptBytesMax));
  return response.status == 200 ? ok() : Status(error_of(response));
}

Status Client::kill(std::string_view query_id, DurationMs timeout) {
  return execute(fmt::format("KILL QUERY WHERE query_id = {} ASYNC", quote_string(query_id)), timeout);
}

Result<bool> Client::is_running(std::string_view query_id, DurationMs timeout) {
  const std::string id = quote_string(query_id);
  const std::string sql =
      fmt::format("SELECT count() FROM system.processes WHERE query_id = {0} OR Settings['log_comment'] = {0}", id);
  const Result<std::string> count = query(sql, "TSVRaw", {}, timeout);
  if (!count) return count.error();
  return *count != "0\n";
}

}  // namespace sluice::store
