#include "net/response_parser.h"

#include "base/result.h"
#include "net/boost_http.h"

namespace sluice::net {
namespace {

namespace http = boost::beast::http;
using ParseError = boost::system::error_code;
using ParseText = boost::beast::string_view;

std::string_view view(ParseText text) { return {text.data(), text.size()}; }

}  // namespace

class ResponseParser::Sink final : public http::basic_parser<false> {
 public:
  Sink(const Receiver& receiver, bool answers_head) : receiver_(receiver) {
    header_limit(static_cast<std::uint32_t>(kHeadBytesMax));
    body_limit(boost::none);
    eager(true);
    skip(answers_head);
  }
  bool interim() const { return head_.status / 100 == 1; }
  bool stopped() const { return stopped_; }

 private:
  void on_response_impl(int status, ParseText, int, ParseError&) override { head_.status = status; }
  void on_field_impl(http::field, ParseText name, ParseText value, ParseError& error) override {
    if (is_header_done()) return;  // a trailer
    if (head_.headers.size() == kFieldsMax) {
      error = http::error::header_limit;
      return;
    }
    head_.headers.emplace_back(view(name), view(value));
  }
  void on_header_impl(ParseError& error) override {
    if (!interim()) go_on(receiver_.on_head(head_), error);
  }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ParseError&) override {}
  std::size_t on_body_impl(ParseText bytes, ParseError& error) override {
    go_on(receiver_.on_body(view(bytes)), error);
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, ParseText, ParseError&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, ParseText bytes, ParseError& error) override {
    go_on(receiver_.on_body(view(bytes)), error);
    return bytes.size();
  }
  void on_finish_impl(ParseError&) override {}
  void on_request_impl(http::verb, ParseText, ParseText, int, ParseError&) override {}

  void go_on(bool wanted, ParseError& error) {
    if (wanted) return;
    stopped_ = true;
    error = http::error::end_of_chunk;  // any error: stopped_ says what it means
  }

  const Receiver& receiver_;
  Response head_;
  bool stopped_ = false;
};

ResponseParser::ResponseParser(Receiver receiver, bool answers_head)
    : receiver_(std::move(receiver)), answers_head_(answers_head), sink_(std::make_unique<Sink>(receiver_, answers_head)) {}
ResponseParser::~ResponseParser() = default;

bool ResponseParser::head_done() const { return sink_->is_header_done() && !sink_->interim(); }
bool ResponseParser::complete() const { return sink_->is_done() && !sink_->interim() && failure_.empty() && !stopped(); }
bool ResponseParser::stopped() const { return sink_->stopped(); }
bool ResponseParser::keep_alive() const { return complete() && sink_->keep_alive(); }

size_t ResponseParser::feed(std::string_view bytes) {
  const size_t size = bytes.size();
  while (!bytes.empty() && failure_.empty() && !stopped() && !complete()) bytes.remove_prefix(feed_some(bytes));
  return size - bytes.size();
}

// Beast takes a line only whole, so an unfinished one waits in held_ and is shown again with what follows.
size_t ResponseParser::feed_some(std::string_view bytes) {
  const size_t before = held_.size();
  std::string_view input = bytes;
  if (before > 0) {
    held_.append(bytes.substr(0, 4_KiB));
    // What ends a chunked body has five bytes; Beast asserts that it is not asked again about fewer.
    if (sink_->is_header_done() && held_.size() < 5) return bytes.size();
    input = held_;
  }
  const size_t given = input.size() - before;
  ParseError error;
  const size_t used = sink_->put(boost::asio::const_buffer(input.data(), input.size()), error);
  if (stopped()) return bytes.size();
  if (error && error != http::error::need_more) {
    failure_ = error.message();
    return bytes.size();
  }
  if (sink_->is_done()) {
    held_.clear();
    if (sink_->interim()) sink_ = std::make_unique<Sink>(receiver_, answers_head_);
    return used - before;
  }
  if (before == 0 || used > 0) held_ = std::string(input.substr(used));
  if (held_.size() > (sink_->is_header_done() ? kChunkLineBytesMax : kHeadBytesMax)) {
    failure_ = "its head or one of its chunk lines is too long";
  }
  return given;
}

void ResponseParser::end() {
  if (complete() || stopped() || !failure_.empty()) return;
  if (!head_done()) {
    failure_ = "closed before its head was whole";
    return;
  }
  ParseError error;
  sink_->put_eof(error);
  if (error) failure_ = "closed in the middle of its body";
}

}  // namespace sluice::net
