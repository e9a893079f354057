#include "net/request_parser.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace sluice::net {
namespace {

constexpr RequestParser::Limits kLimits{1'000, 100'000};

// Feeds in pieces of `piece` bytes; the bytes behind the request's end are counted in `rest`.
struct Fed {
  explicit Fed(std::string_view bytes, size_t piece = SIZE_MAX, RequestParser::Limits limits = kLimits) : parser(limits) {
    rest = bytes.size();
    while (rest > 0 && !parser.complete() && parser.refusal() == nullptr) {
      const std::string_view next = bytes.substr(bytes.size() - rest, piece);
      const size_t used = parser.feed(next);
      rest -= used;
      if (used < next.size()) break;
    }
  }
  int status() const { return parser.refusal() == nullptr ? 0 : parser.refusal()->status; }
  RequestParser parser;
  size_t rest = 0;
};

std::string head(std::string_view extra, std::string_view line = "POST /v1/events HTTP/1.1") {
  return std::string(line) + "\r\nHost: x\r\n" + std::string(extra) + "\r\n";
}

TEST(RequestParser, a_request_is_the_same_however_it_is_cut) {
  const std::string plain =
      "POST /a%20b?x=1%2F HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX-Y:  z \r\n\r\nhello"
      "GET";
  const std::string chunked =
      "POST /a%20b?x=1%2F HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\nX-Y:  z \r\n\r\n"
      "3;ext=\"q\"\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: t\r\n\r\nGET";
  const std::string without_trailers =
      "POST /a%20b?x=1%2F HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nX-Y:  z \r\n\r\n5\r\nhello\r\n0\r\n\r\nGET";
  for (const std::string& text : {plain, chunked, without_trailers}) {
    for (size_t piece = 1; piece <= text.size(); ++piece) {
      Fed fed(text, piece);
      ASSERT_TRUE(fed.parser.complete()) << piece << " " << fed.status();
      EXPECT_LE(fed.rest, 3u);
      EXPECT_TRUE(piece < text.size() || fed.rest == 3);
      EXPECT_TRUE(fed.parser.keep_alive());
      const Request r = fed.parser.take();
      EXPECT_EQ(r.method, "POST");
      EXPECT_EQ(r.path, "/a b");
      EXPECT_EQ(r.query, "x=1%2F");
      EXPECT_EQ(r.header("x-y"), "z");
      EXPECT_EQ(r.header("trailer"), std::nullopt);
      EXPECT_EQ(r.body, "hello");
      EXPECT_GE(r.body.capacity() - r.body.size(), RequestParser::kBodyPadding);
    }
  }
}

TEST(RequestParser, every_ambiguous_or_broken_form_is_refused) {
  const std::vector<std::pair<std::string, int>> cases = {
      {head("Transfer-Encoding: xchunked\r\n"), 501},
      {head("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {head("Transfer-Encoding: chunked, chunked\r\n"), 501},
      {head("Transfer-Encoding: identity\r\n"), 501},
      {head("Transfer-Encoding:\r\n"), 501},
      {head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {head("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400},
      {head("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
      {head("Content-Length: 3\r\nTransfer-Encoding: identity\r\n"), 400},
      {head("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.0"), 400},
      {head("Content-Length: 3\r\nContent-Length: 4\r\n"), 400},
      {head("Content-Length: 3, 4\r\n"), 400},
      {head("Content-Length: +2\r\n"), 400},
      {head("Content-Length: -2\r\n"), 400},
      {head("Content-Length: 0x2\r\n"), 400},
      {head("Content-Length: 18446744073709551616\r\n"), 400},
      {head("Content-Length:\r\n"), 400},
      {head("Content-Length : 2\r\n"), 400},
      {head(" Content-Length: 2\r\n"), 400},
      {"POST / HTTP/1.1\nHost: x\n\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: x\r\n\n", 400},
      {head("X: a\r\n b\r\n"), 400},
      {head("X: a\r\n\tb\r\n"), 400},
      {head("X: a\rb\r\n"), 400},
      {head(std::string("X: a\0b\r\n", 8)), 400},
      {"POST / HTTP/1.1\r\n\r\n", 400},
      {head("Host: y\r\n"), 400},
      {head("Expect: 200-ok\r\n"), 417},
      {head("", "POST / HTTP/2.0"), 505},
      {head("", "POST / HTTP/0.9"), 505},
      {head("", "POST / http/1.1"), 505},
      {head("", "POST /"), 400},
      {head("", "POST  / HTTP/1.1"), 400},
      {head("", "PO ST / HTTP/1.1"), 505},
      {head("", "CONNECT x:1 HTTP/1.1"), 501},
      {"\x16\x03\x01\x02\r\n\r\n", 400},
      {head("Transfer-Encoding: chunked\r\n") + "x\r\n\r\n", 400},
      {head("Transfer-Encoding: chunked\r\n") + "-1\r\n\r\n", 400},
      {head("Transfer-Encoding: chunked\r\n") + "10000000000000000\r\n", 400},
      {head("Transfer-Encoding: chunked\r\n") + "1\nx\r\n0\r\n\r\n", 400},
      {head("Transfer-Encoding: chunked\r\n") + "1\r\nxy\r\n0\r\n\r\n", 400},
  };
  for (const auto& [text, status] : cases) {
    for (const size_t piece : {text.size(), size_t{1}}) {
      const Fed fed(text, piece);
      EXPECT_EQ(fed.status(), status) << text << (fed.parser.refusal() ? fed.parser.refusal()->message : "");
      EXPECT_FALSE(fed.parser.complete());
    }
  }
}

TEST(RequestParser, equal_content_lengths_are_one_length) {
  Fed fed(head("Content-Length: 2\r\nContent-Length: 2\r\n") + "ab");
  ASSERT_TRUE(fed.parser.complete());
  EXPECT_EQ(fed.parser.take().body, "ab");
}

TEST(RequestParser, head_bound_is_exact) {
  const std::string shortest = head("X: \r\n");
  const std::string fits = head("X: " + std::string(kLimits.head_bytes_max - shortest.size(), 'a') + "\r\n");
  ASSERT_EQ(fits.size(), kLimits.head_bytes_max);
  const std::string too_long = head("X: " + std::string(kLimits.head_bytes_max - shortest.size() + 1, 'a') + "\r\n");
  for (const size_t piece : {SIZE_MAX, size_t{1}, size_t{7}}) {
    EXPECT_TRUE(Fed(fits, piece).parser.complete());
    EXPECT_EQ(Fed(too_long, piece).status(), 431);
    EXPECT_EQ(Fed(std::string(2'000, 'a'), piece).status(), 431);
  }
}

TEST(RequestParser, more_than_256_fields_are_refused) {
  const RequestParser::Limits wide{100'000, 1};
  std::string fields;
  for (size_t i = 1; i < RequestParser::kFieldsMax; ++i) fields += "a:\r\n";  // Host is one too
  EXPECT_TRUE(Fed(head(fields), SIZE_MAX, wide).parser.complete());
  EXPECT_EQ(Fed(head(fields + "a:\r\n"), SIZE_MAX, wide).status(), 431);
}

TEST(RequestParser, endless_chunk_lines_and_trailers_are_refused) {
  const std::string start = head("Transfer-Encoding: chunked\r\n");
  for (const size_t piece : {SIZE_MAX, size_t{100}}) {
    EXPECT_EQ(Fed(start + "1;" + std::string(9'000, 'x'), piece).status(), 400);
    EXPECT_EQ(Fed(start + "0\r\nA: " + std::string(9'000, 'x'), piece).status(), 400);
  }
}

TEST(RequestParser, a_body_of_exactly_the_limit_is_whole) {
  Fed fed(head("Content-Length: 100000\r\n") + std::string(100'000, 'b'), 1'000);
  ASSERT_TRUE(fed.parser.complete());
  EXPECT_TRUE(fed.parser.keep_alive());
  const Request r = fed.parser.take();
  EXPECT_FALSE(r.body_over_limit);
  EXPECT_EQ(r.body, std::string(100'000, 'b'));
}

TEST(RequestParser, a_larger_body_keeps_its_first_64_kib_and_is_drained) {
  std::string body;
  for (int i = 0; body.size() < 100'001; ++i) body += std::to_string(i) + ",";
  const std::string sized = head("Content-Length: " + std::to_string(body.size()) + "\r\n") + body;
  const std::string chunked =
      head("Transfer-Encoding: chunked\r\n") + fmt::format("{:x}", body.size()) + "\r\n" + body + "\r\n0\r\n\r\n";
  for (const std::string& text : {sized, chunked}) {
    for (const size_t piece : {size_t{777}, SIZE_MAX}) {
      Fed fed(text, piece);
      ASSERT_TRUE(fed.parser.complete());
      EXPECT_EQ(fed.rest, 0u);
      EXPECT_FALSE(fed.parser.keep_alive());
      EXPECT_EQ(fed.parser.held_bytes(), 64_KiB);
      const Request r = fed.parser.take();
      EXPECT_TRUE(r.body_over_limit);
      EXPECT_EQ(r.body, body.substr(0, 64_KiB));
    }
  }
}

TEST(RequestParser, draining_ends_at_four_times_the_limit) {
  RequestParser parser(kLimits);
  parser.feed(head("Content-Length: 1000000000000\r\n"));
  const std::string piece(10'000, 'x');
  size_t fed = 0;
  while (!parser.complete() && fed < 1'000'000) fed += parser.feed(piece);
  EXPECT_EQ(fed, 410'000u);
  EXPECT_FALSE(parser.keep_alive());
}

TEST(RequestParser, expectation_is_told_once_and_only_while_the_body_is_awaited) {
  const std::string text = head("Expect: 100-continue\r\nContent-Length: 2\r\n");
  RequestParser parser(kLimits);
  parser.feed(text);
  EXPECT_TRUE(parser.take_expectation());
  EXPECT_FALSE(parser.take_expectation());
  parser.feed("ab");
  EXPECT_TRUE(parser.complete());
  Fed with_body(text + "a");
  EXPECT_FALSE(with_body.parser.take_expectation());
  Fed without_body(head("Expect: 100-continue\r\n"));
  EXPECT_FALSE(without_body.parser.take_expectation());
  Fed old(head("Expect: 100-continue\r\nContent-Length: 2\r\n", "POST / HTTP/1.0"));
  EXPECT_FALSE(old.parser.take_expectation());
}

TEST(RequestParser, connections_are_kept_as_version_and_header_say) {
  EXPECT_TRUE(Fed(head("")).parser.keep_alive());
  EXPECT_FALSE(Fed(head("Connection: close\r\n")).parser.keep_alive());
  EXPECT_FALSE(Fed(head("", "GET / HTTP/1.0")).parser.keep_alive());
  EXPECT_TRUE(Fed(head("Connection: Keep-Alive\r\n", "GET / HTTP/1.0")).parser.keep_alive());
}

TEST(RequestParser, absolute_targets_lose_their_host_and_empty_lines_in_front_are_skipped) {
  Fed absolute(head("", "GET http://host:1/p?q HTTP/1.1"));
  EXPECT_EQ(absolute.parser.take().path, "/p");
  Fed bare(head("", "GET http://host HTTP/1.1"));
  EXPECT_EQ(bare.parser.take().path, "/");
  Fed star(head("", "OPTIONS * HTTP/1.1"));
  EXPECT_EQ(star.parser.take().path, "*");
  for (const size_t piece : {SIZE_MAX, size_t{1}}) EXPECT_TRUE(Fed("\r\n" + head(""), piece).parser.complete());
}

TEST(RequestParser, a_head_alone_cannot_claim_memory) {
  RequestParser parser({1'000, 1'000'000'000});
  parser.feed(head("Content-Length: 900000000\r\n") + "x");
  EXPECT_LT(parser.held_bytes(), 100u);
}

}  // namespace
}  // namespace sluice::net
