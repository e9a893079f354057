#include "net/http.h"

#include <gtest/gtest.h>

#include "net/reply_head.h"

namespace sluice::net {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Recorded final : Exchange {
  void send(Response response) override { sent.push_back(std::move(response)); }
  std::shared_ptr<Stream> start(Response, size_t) override { return nullptr; }
  bool alive() const override { return true; }
  std::vector<Response> sent;
};

TEST(Http, header_names_are_compared_without_case_and_the_first_wins) {
  const Headers headers = {{"Content-Type", "a"}, {"content-type", "b"}, {"X", "c"}};
  EXPECT_EQ(find_header(headers, "CONTENT-TYPE"), "a");
  EXPECT_EQ(find_header(headers, "x"), "c");
  EXPECT_EQ(find_header(headers, "content-typ"), std::nullopt);
}

TEST(Http, query_is_split_before_it_is_decoded) {
  EXPECT_EQ(parse_query("a=1%262&b=x+y&&c&d=%"), (Pairs{{"a", "1&2"}, {"b", "x y"}, {"c", ""}, {"d", "%"}}));
  EXPECT_EQ(parse_query(""), Pairs{});
  EXPECT_EQ(parse_query("k=v=w"), (Pairs{{"k", "v=w"}}));
}

TEST(Http, broken_escapes_stay_as_they_are) {
  EXPECT_EQ(percent_decode("%4", false), "%4");
  EXPECT_EQ(percent_decode("%zz%41%", false), "%zzA%");
  EXPECT_EQ(percent_decode("a+b", false), "a+b");
  EXPECT_EQ(percent_decode("%e2%82%AC", false), "\xE2\x82\xAC");
}

TEST(Http, encoding_is_undone_by_decoding_for_every_byte) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(percent_decode(percent_encode(all), true), all);
  EXPECT_EQ(percent_encode("a b/~"), "a%20b%2F~");
}

TEST(Http, an_error_is_one_json_object_with_quoted_text) {
  const Response r = json_error(404, "not_found", "no \"x\"", "ask");
  EXPECT_EQ(r.status, 404);
  EXPECT_EQ(r.body, "{\"error\":{\"code\":\"not_found\",\"message\":\"no \\\"x\\\"\",\"next\":\"ask\"}}\n");
  EXPECT_EQ(find_header(r.headers, "content-type"), "application/json");
}

TEST(Http, a_dropped_responder_answers_500_once) {
  const auto recorded = std::make_shared<Recorded>();
  {
    const Responder dropped(recorded);
  }
  ASSERT_EQ(recorded->sent.size(), 1u);
  EXPECT_EQ(recorded->sent[0].status, 500);
}

TEST(Http, a_moved_or_used_responder_answers_nothing_more) {
  const auto recorded = std::make_shared<Recorded>();
  {
    Responder first(recorded);
    Responder second(std::move(first));
    second.send(Response{201, {}, ""});
  }
  ASSERT_EQ(recorded->sent.size(), 1u);
  EXPECT_EQ(recorded->sent[0].status, 201);
}

TEST(Http, an_overwritten_responder_answers_500) {
  const auto old = std::make_shared<Recorded>();
  const auto fresh = std::make_shared<Recorded>();
  Responder responder(old);
  responder = Responder(fresh);
  ASSERT_EQ(old->sent.size(), 1u);
  EXPECT_EQ(old->sent[0].status, 500);
  responder.send(Response{});
  EXPECT_EQ(fresh->sent.size(), 1u);
}

TEST(ReplyHead, dates_are_in_the_form_of_the_rfc) {
  EXPECT_EQ(http_date(time_ms(784'111'777'000)), "Sun, 06 Nov 1994 08:49:37 GMT");  // the example of RFC 9110 5.6.7
  EXPECT_EQ(http_date(time_ms(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(ReplyHead, a_header_value_cannot_begin_another_header) {
  std::string out;
  append_reply_head(out, Response{200, {{"X-Echo", "a\r\nSet-Cookie: b"}, {"Content-Length", "99"}}, "xy"}, BodyEnd::length,
                    "close", "D");
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nDate: D\r\nX-Echo: a  Set-Cookie: b\r\nContent-Length: 2\r\nConnection: close\r\n\r\n");
}

}  // namespace
}  // namespace sluice::net
