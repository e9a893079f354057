#include "net/request_parser.h"

#include <algorithm>
#include <cstring>

#include "base/result.h"
#include "net/boost_http.h"

namespace sluice::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;
using ParseError = boost::system::error_code;
using ParseText = boost::beast::string_view;

std::string_view view(ParseText text) { return {text.data(), text.size()}; }

constexpr std::string_view kReadRfc = "Send the request as RFC 9112 describes it.";

// "http://host/path" is legal from a client that believes us to be a proxy.
std::string_view origin_form(std::string_view target) {
  const size_t scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) return target;
  const size_t path = target.find('/', scheme + 3);
  return path == std::string_view::npos ? std::string_view("/") : target.substr(path);
}

}  // namespace

// Collects what Beast finds. It refuses through `problem`, which the owner turns into a Refusal: Beast's own codes cannot say it.
class RequestParser::Sink final : public http::basic_parser<true> {
 public:
  enum class Problem { none, fields, encoding, encoding_version, lengths, host, expectation, connect };

  explicit Sink(Limits limits) : limits_(limits) {
    header_limit(static_cast<std::uint32_t>(limits.head_bytes_max + 4));
    body_limit(boost::none);
    eager(true);
  }

  Request request;
  Problem problem = Problem::none;
  bool http_1_1 = false;
  bool expects_continue = false;
  uint64_t body_seen = 0;

  bool drained_enough() const { return body_seen > kOverLimitDrained * static_cast<uint64_t>(limits_.body_bytes_max); }

 private:
  void on_request_impl(http::verb verb, ParseText method, ParseText target, int version, ParseError& error) override {
    http_1_1 = version == 11;
    request.method.assign(method.data(), method.size());
    if (verb == http::verb::connect) return stop(Problem::connect, error);
    const std::string_view origin = origin_form(view(target));
    const size_t mark = origin.find('?');
    request.path = percent_decode(origin.substr(0, mark), false);
    if (mark != std::string_view::npos) request.query = origin.substr(mark + 1);
    request.headers.reserve(12);
  }

  void on_field_impl(http::field field, ParseText name, ParseText value, ParseError& error) override {
    if (is_header_done()) return;  // trailers say nothing that we use
    if (request.headers.size() == kFieldsMax) return stop(Problem::fields, error);
    if (field == http::field::transfer_encoding) {
      if (!http_1_1) return stop(Problem::encoding_version, error);
      if (encodings_++ > 0 || !iequals(value, "chunked")) return stop(Problem::encoding, error);
    }
    if (field == http::field::content_length) ++lengths_;
    if (field == http::field::host) ++hosts_;
    if (field == http::field::expect && http_1_1) {
      if (!iequals(value, "100-continue")) return stop(Problem::expectation, error);
      expects_continue = true;
    }
    request.headers.emplace_back(view(name), view(value));
  }

  void on_header_impl(ParseError& error) override {
    if (encodings_ > 0 && lengths_ > 0) return stop(Problem::lengths, error);
    if (hosts_ > 1 || (hosts_ == 0 && http_1_1)) return stop(Problem::host, error);
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, ParseError&) override {
    length_ = length.value_or(0);
    if (length_ > limits_.body_bytes_max) length_ = 0;  // only its first bytes are kept
  }

  std::size_t on_body_impl(ParseText bytes, ParseError&) override {
    keep(view(bytes));
    return bytes.size();
  }

  void on_chunk_header_impl(std::uint64_t, ParseText, ParseError&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, ParseText bytes, ParseError&) override {
    keep(view(bytes));
    return bytes.size();
  }

  void on_finish_impl(ParseError&) override {
    std::string& body = request.body;
    if (!body.empty() && body.capacity() - body.size() < kBodyPadding) body.reserve(body.size() + kBodyPadding);
  }

  void on_response_impl(int, ParseText, int, ParseError&) override {}

  void keep(std::string_view bytes) {
    body_seen += bytes.size();
    std::string& body = request.body;
    if (!request.body_over_limit && body_seen > limits_.body_bytes_max) {
      request.body_over_limit = true;
      std::string first;
      first.reserve(kOverLimitKept + kBodyPadding);
      first.append(std::string_view(body).substr(0, kOverLimitKept));
      first.append(bytes.substr(0, kOverLimitKept - first.size()));
      body.swap(first);
      return;
    }
    if (request.body_over_limit) return;
    const size_t needed = body.size() + bytes.size() + kBodyPadding;
    if (needed > body.capacity()) {
      // A declared length is only believed as far as bytes have come, so that a head alone cannot claim megabytes.
      size_t room = std::max({needed, 4 * body.capacity(), 4_KiB});
      if (length_ > 0) room = std::max(needed, std::min(room, static_cast<size_t>(length_) + kBodyPadding));
      body.reserve(room);
    }
    body.append(bytes);
  }

  void stop(Problem found, ParseError& error) {
    problem = found;
    error = http::error::bad_value;
  }

  const Limits limits_;
  uint64_t length_ = 0;
  size_t encodings_ = 0;
  size_t lengths_ = 0;
  size_t hosts_ = 0;
};

RequestParser::RequestParser(Limits limits) : limits_(limits), sink_(std::make_unique<Sink>(limits)) {}
RequestParser::~RequestParser() = default;

bool RequestParser::started() const { return head_done_ || !held_.empty() || refused_; }
bool RequestParser::complete() const { return head_done_ && !refused_ && (sink_->is_done() || sink_->drained_enough()); }
const Refusal* RequestParser::refusal() const { return refused_ ? &refusal_ : nullptr; }
bool RequestParser::take_expectation() { return std::exchange(expectation_, false); }
bool RequestParser::is_head() const { return sink_->request.method == "HEAD"; }
bool RequestParser::is_http_1_1() const { return sink_->http_1_1; }
size_t RequestParser::held_bytes() const { return held_.size() + sink_->request.body.size(); }

bool RequestParser::keep_alive() const { return sink_->is_done() && !sink_->request.body_over_limit && sink_->keep_alive(); }

Request RequestParser::take() {
  SLUICE_ASSERT(complete(), "only a complete request can be taken");
  return std::move(sink_->request);
}

void RequestParser::reset() {
  sink_ = std::make_unique<Sink>(limits_);
  held_ = {};
  scanned_ = 0;
  line_start_ = 0;
  head_done_ = false;
  expectation_ = false;
  refused_ = false;
}

void RequestParser::refuse(int status, std::string_view code, std::string message, std::string_view next) {
  if (refused_) return;
  refused_ = true;
  refusal_ = Refusal{status, code, std::move(message), next};
  held_ = {};
  sink_->request.body = {};
}

size_t RequestParser::feed(std::string_view bytes) {
  SLUICE_ASSERT(!refused_ && !complete(), "a request that ended takes no more bytes");
  const size_t size = bytes.size();
  while (!bytes.empty() && !refused_ && !complete()) {
    bytes.remove_prefix(head_done_ ? feed_body(bytes) : feed_head(bytes));
  }
  return size - bytes.size();
}

size_t RequestParser::feed_head(std::string_view bytes) {
  if (held_.empty()) {
    const size_t end = scan_head(bytes);
    if (refused_) return bytes.size();
    if (end > 0) finish_head(bytes.substr(0, end));
    if (end == 0) held_ = bytes;
    return end > 0 ? end : bytes.size();
  }
  const size_t before = held_.size();
  held_.append(bytes.substr(0, limits_.head_bytes_max + 1 - before));
  const size_t taken = held_.size() - before;
  const size_t end = scan_head(held_);
  if (refused_ || end == 0) return taken;
  const std::string head = std::exchange(held_, {});
  finish_head(std::string_view(head).substr(0, end));
  return end - before;
}

// Returns where the head ends, 0 while it does not. Lines are checked here because Beast unfolds obs-fold silently.
size_t RequestParser::scan_head(std::string_view head) {
  size_t end = 0;
  while (end == 0 && scanned_ < head.size()) {
    const void* found = std::memchr(head.data() + scanned_, '\n', head.size() - scanned_);
    if (found == nullptr) {
      scanned_ = head.size();
      break;
    }
    const auto at = static_cast<size_t>(static_cast<const char*>(found) - head.data());
    if (at == line_start_ || head[at - 1] != '\r') {
      refuse(400, "bad_line_ending", "A line of the request's head ends with LF alone.", "End every line with CR LF.");
      return 0;
    }
    if (line_start_ > 0 && (head[line_start_] == ' ' || head[line_start_] == '\t')) {
      refuse(400, "folded_header", "A header is folded over several lines.", "Send every header on one line.");
      return 0;
    }
    if (at == line_start_ + 1) end = at + 1;
    scanned_ = at + 1;
    line_start_ = at + 1;
  }
  if ((end == 0 ? head.size() : end) > limits_.head_bytes_max) {
    refuse(431, "head_too_large", "The request's head is larger than " + std::to_string(limits_.head_bytes_max) + " bytes.",
           "Move long parameters from the URL or the headers into the body.");
    return 0;
  }
  return end;
}

void RequestParser::finish_head(std::string_view head) {
  if (head.size() == 2) {  // an empty line in front of a request line: old clients end a body so (RFC 9112 2.2)
    scanned_ = 0;
    line_start_ = 0;
    return;
  }
  ParseError error;
  const size_t used = sink_->put(boost::asio::const_buffer(head.data(), head.size()), error);
  using Problem = Sink::Problem;
  switch (sink_->problem) {
    case Problem::none: break;
    case Problem::fields:
      return refuse(431, "too_many_headers", "The request has more than " + std::to_string(kFieldsMax) + " headers.",
                    "Send fewer headers.");
    case Problem::encoding:
      return refuse(501, "transfer_encoding", "Transfer-Encoding is something else than exactly `chunked`.",
                    "Send Content-Length, or `Transfer-Encoding: chunked` once; say gzip or zstd in Content-Encoding.");
    case Problem::encoding_version:
      return refuse(400, "transfer_encoding", "Transfer-Encoding does not exist in HTTP/1.0.", "Send Content-Length.");
    case Problem::lengths:
      return refuse(400, "ambiguous_length", "Transfer-Encoding and Content-Length were both sent.", "Send one of them.");
    case Problem::host:
      return refuse(400, "host", "An HTTP/1.1 request has exactly one Host header; this one has none or several.",
                    "Send one Host header.");
    case Problem::expectation:
      return refuse(417, "expectation", "Expect is something else than `100-continue`.", "Leave the Expect header out.");
    case Problem::connect: return refuse(501, "method", "CONNECT is for proxies; this is none.", "Use GET, POST or OPTIONS.");
  }
  if (error == http::error::bad_version) {
    return refuse(505, "version", "The request is neither HTTP/1.1 nor HTTP/1.0.", "Use HTTP/1.1.");
  }
  if (error == http::error::bad_content_length || error == http::error::multiple_content_length ||
      error == http::error::bad_transfer_encoding) {
    return refuse(400, "ambiguous_length", "The headers do not say clearly how long the body is.",
                  "Send one Content-Length in decimal digits, or `Transfer-Encoding: chunked`.");
  }
  if (error || !sink_->is_header_done() || used != head.size()) {
    return refuse(400, "bad_request", "The request's head is not HTTP: " + (error ? error.message() : "it ends early") + ".",
                  kReadRfc);
  }
  head_done_ = true;
  expectation_ = sink_->expects_continue && !sink_->is_done();
}

// Beast takes a chunk line only whole, so an unfinished one waits in held_: every byte given is taken, and Beast sees it again.
size_t RequestParser::feed_body(std::string_view bytes) {
  expectation_ = false;
  const size_t before = held_.size();
  std::string_view input = bytes;
  if (before > 0) {
    held_.append(bytes.substr(0, kChunkLineBytesMax));
    // What ends a chunked body has five bytes; Beast asserts that it is not asked again about fewer.
    if (held_.size() < 5) return bytes.size();
    input = held_;
  }
  ParseError error;
  const size_t used = sink_->put(boost::asio::const_buffer(input.data(), input.size()), error);
  if (error && error != http::error::need_more) {
    refuse(400, "bad_chunk", "The chunked body is malformed: " + error.message() + ".", kReadRfc);
    return bytes.size();
  }
  SLUICE_ASSERT(used == 0 || used >= before, "a chunk line is taken whole");
  const size_t given = input.size() - before;
  const size_t left = used == 0 ? input.size() : input.size() - used;
  if (complete()) {
    held_.clear();
    return given - left;
  }
  if (left > kChunkLineBytesMax) {
    refuse(400, "bad_chunk", "A chunk's size line or the trailers are longer than 8 KiB.", "Send no chunk extensions.");
    return bytes.size();
  }
  if (before == 0 || used > 0) held_ = std::string(input.substr(used));
  return given;
}

}  // namespace sluice::net
