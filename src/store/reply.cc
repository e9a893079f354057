#include "store/reply.h"

#include <fmt/format.h>

#include "store/errors.h"
#include "store/formats.h"

namespace sluice::store {

namespace {

constexpr size_t kPieceBytes = 1_MiB;

bool carries_exceptions(std::string_view format) { return format == "Native" || format == "JSONEachRow"; }

std::string with_version(const Identity& identity, std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return fmt::format("{} (version {})", text, identity.version);
}

void add_identity(net::Response& response, const Identity& identity, std::string_view query_id) {
  response.headers.emplace_back("X-ClickHouse-Query-Id", query_id);
  response.headers.emplace_back("X-ClickHouse-Server-Display-Name", identity.display_name);
  response.headers.emplace_back("X-ClickHouse-Timezone", identity.timezone);
}

}  // namespace

void Summary::add(const Reply& reply) {
  rows_read += reply.rows_read();
  bytes_read += reply.bytes_read();
  rows_written += reply.rows_written();
  bytes_written += reply.bytes_written();
  result_rows += reply.rows();
  result_bytes += reply.bytes().size();
  elapsed_seconds += reply.elapsed_seconds();
}

net::Response success_head(const Identity& identity, std::string_view query_id, std::string_view format) {
  net::Response response;
  response.headers.emplace_back("Content-Type", content_type(format));
  response.headers.emplace_back("X-ClickHouse-Format", format);
  add_identity(response, identity, query_id);
  return response;
}

void add_summary(net::Response& response, const Summary& s) {
  response.headers.emplace_back(
      "X-ClickHouse-Summary",
      fmt::format(R"({{"read_rows":"{}","read_bytes":"{}","written_rows":"{}","written_bytes":"{}","total_rows_to_read":"0",)"
                  R"("result_rows":"{}","result_bytes":"{}","elapsed_ns":"{}"}})",
                  s.rows_read, s.bytes_read, s.rows_written, s.bytes_written, s.result_rows, s.result_bytes,
                  static_cast<uint64_t>(s.elapsed_seconds * 1e9)));
}

net::Response exception_response(const Identity& identity, std::string_view query_id, const Error& error) {
  const int code = exception_code(error.message);
  net::Response response;
  response.status = http_status(code);
  response.headers.emplace_back("Content-Type", "text/plain; charset=UTF-8");
  add_identity(response, identity, query_id);
  response.headers.emplace_back("X-ClickHouse-Exception-Code", std::to_string(code));
  if (response.status == 503) response.headers.emplace_back("Retry-After", "1");
  response.body = with_version(identity, error.message) + '\n';
  return response;
}

ResultWriter::ResultWriter(const Identity& identity, net::Responder& responder, std::string query_id, std::string format,
                           std::string tag)
    : identity_(identity),
      responder_(responder),
      query_id_(std::move(query_id)),
      format_(std::move(format)),
      tag_(std::move(tag)) {}

void ResultWriter::start() {
  if (on_start_) on_start_();
  net::Response head = success_head(identity_, query_id_, format_);
  head.headers.emplace_back("X-ClickHouse-Exception-Tag", tag_);
  stream_ = responder_.start(std::move(head), kSlowClientBytes);
}

bool ResultWriter::write(std::string_view bytes) {
  bytes_ += bytes.size();
  if (!stream_ && held_.size() + bytes.size() <= kHeldBytes) {
    held_ += bytes;
    return true;
  }
  if (!stream_) {
    start();
    held_ += bytes;
    bytes = held_;
  }
  bool taken = true;
  while (taken && !bytes.empty()) {
    taken = stream_->write_within(std::string(bytes.substr(0, kPieceBytes)), kSlowClientTimeout);
    bytes.remove_prefix(std::min(kPieceBytes, bytes.size()));
  }
  std::string().swap(held_);
  if (!taken) stream_->abort();
  return taken;
}

void ResultWriter::finish(const Summary& summary) {
  if (stream_) return stream_->close();
  if (on_start_) on_start_();
  net::Response response = success_head(identity_, query_id_, format_);
  add_summary(response, summary);
  response.body = std::move(held_);
  responder_.send(std::move(response));
}

void ResultWriter::fail(const Error& error) {
  if (!stream_) {
    if (on_start_) on_start_();
    return responder_.send(exception_response(identity_, query_id_, error));
  }
  if (!carries_exceptions(format_)) return stream_->abort();
  const std::string text = with_version(identity_, error.message);
  const std::string end =
      fmt::format("\r\n__exception__\r\n{0}\r\n{1}\n{2} {0}\r\n__exception__\r\n", tag_, text, text.size() + 1);
  if (stream_->write_within(end, kSlowClientTimeout)) {
    stream_->close();
  } else {
    stream_->abort();
  }
}

}  // namespace sluice::store
