// The issue's list of bad input, as far as it is the edge's: each a clear error or a quarantined row with its reason, and nothing
// else is lost.
#include <libdeflate.h>
#include <zstd.h>

#include "collect/edge_test_fixture.h"

namespace sluice::collect {
namespace {

using BadInputTest = EdgeTest;
using namespace std::string_view_literals;

std::string gzip(std::string_view plain) {
  libdeflate_compressor* const compressor = libdeflate_alloc_compressor(9);
  std::string out(libdeflate_gzip_compress_bound(compressor, plain.size()), '\0');
  out.resize(libdeflate_gzip_compress(compressor, plain.data(), plain.size(), out.data(), out.size()));
  libdeflate_free_compressor(compressor);
  return out;
}

std::string zstd(std::string_view plain) {
  std::string out(ZSTD_compressBound(plain.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 3));
  return out;
}

std::string repeat(std::string_view text, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += text;
  return out;
}

TEST_F(BadInputTest, an_empty_body_is_one_reject) {
  for (const char* body : {"", " \n\t ", "[]", "[ ]"}) {
    EXPECT_EQ(post(body).status, 400) << body;
    EXPECT_EQ(only_reject().reason, "body_empty");
    EXPECT_EQ(only_reject().path, "$");
  }
  EXPECT_EQ(post_to("/v1/batch", "").body, R"({"success":true})");
  EXPECT_EQ(only_reject().reason, "body_empty");
  EXPECT_EQ(only_reject().dialect, event::Dialect::segment);
}

TEST_F(BadInputTest, wrong_json_is_one_reject) {
  for (const char* body : {"hello",
                           "{",
                           "[{\"event\":\"a\"}",
                           "{\"event\":\"a\"} x",
                           "{\"event\":\"a\"}}",
                           "[{\"event\":\"a\"}]]",
                           "[1}",
                           "{'event':'a'}",
                           "{\"event\":\"a\",}",
                           "{\"event\" \"a\"}",
                           "{\"event\":\"a\" \"b\":1}",
                           "{\"event\":\"a\",\"b\":tru}",
                           "{\"event\":\"a\",\"b\":01}",
                           "{\"event\":\"a\",\"b\":1.}",
                           "{\"event\":\"a\",\"b\":.5}",
                           "{\"event\":\"a\",\"b\":+1}",
                           "{\"event\":\"a\",\"b\":1e}",
                           "{\"event\":\"a\",\"b\":-}",
                           "{\"event\":\"a\",\"b\":\"\\x\"}",
                           "{\"event\":\"a\",\"b\":\"\\u12\"}",
                           "{\"event\":\"a\",\"b\":\"tab\there\"}",
                           "{\"event\":\"a\",\"b\":\"open}",
                           "nul",
                           "\"open",
                           "{\"event\":\"a\"/**/}"}) {
    EXPECT_EQ(post(body).status, 400) << body;
    EXPECT_EQ(only_reject().reason, "json_invalid") << body;
    EXPECT_EQ(only_reject().raw, body);
  }
}

TEST_F(BadInputTest, the_path_says_where_the_parser_stopped) {
  post(R"({"event":"a","properties":{"cart":{"items":[1,2,{"the price":NaN}]}}})");
  EXPECT_EQ(only_reject().reason, "json_invalid");
  EXPECT_EQ(only_reject().path, R"($.properties.cart.items[2]["the price"])");
}

TEST_F(BadInputTest, no_key_and_a_wrong_key_are_401_and_counted) {
  net::Response reply = post_to("/v1/events", R"({"event":"a"})", {});
  EXPECT_EQ(reply.status, 401);
  EXPECT_NE(reply.body.find("sluice keys create SOURCE"), std::string::npos);
  reply = post_to("/v1/events", R"({"event":"a"})", {{"Authorization", "Bearer slk_0000"}});
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.body.find("slk_0000"), std::string::npos);
  EXPECT_EQ(post_to("/v1/batch", "", {}).status, 401);
  EXPECT_EQ(post_to("/v1/batch", "{\"batch\":[],\"writeKey\":\"nope\"}", {}).status, 401);
  EXPECT_TRUE(log.kept.empty());
  const CollectCounts counts = collector->counts();
  EXPECT_EQ(counts.refused.no_key, 2U);
  EXPECT_EQ(counts.refused.unknown_key, 2U);
  EXPECT_EQ(counts.sources[0].received, 0U);
}

TEST_F(BadInputTest, a_body_over_the_listeners_cap_is_one_reject_with_its_beginning) {
  net::Request request{"POST", "/v1/events", "", {{"Authorization", "Bearer demo"}}, std::string(65'536, '['), true, "127.0.0.1"};
  EXPECT_EQ(send(request).status, 400);
  EXPECT_EQ(only_reject().reason, "body_too_large");
  EXPECT_EQ(only_reject().raw.size(), event::kRejectRawMax);
}

TEST_F(BadInputTest, an_event_over_its_cap_is_a_reject_and_its_neighbours_live) {
  const std::string frame = R"({"event":"a","message_id":"m","properties":{"p":""}})";
  const auto sized = [&](size_t size) {
    return R"({"event":"a","message_id":"m","properties":{"p":")" + std::string(size - frame.size(), 'x') + R"("}})";
  };
  post("[" + sized(1_MiB) + "," + sized(1_MiB + 1) + R"(,{"event":"b"}])");
  EXPECT_EQ(last().event(0).event, "a");
  EXPECT_EQ(last().reject(1).reason, "event_too_large");
  EXPECT_EQ(last().reject(1).raw.size(), event::kRejectRawMax);
  EXPECT_EQ(last().event(2).event, "b");
}

TEST_F(BadInputTest, a_gzip_bomb_stops_at_the_cap) {
  const std::string bomb = gzip(std::string(200_MiB, ' '));
  EXPECT_LT(bomb.size(), 300'000U);
  EXPECT_EQ(post(bomb, {{"Content-Encoding", "gzip"}}).status, 400);
  EXPECT_EQ(only_reject().reason, "body_unpacked_too_large");
  EXPECT_EQ(post(zstd(std::string(200_MiB, ' '))).status, 400);
  EXPECT_EQ(only_reject().reason, "body_unpacked_too_large");
  // A member that claims to be small but is not, in front of another.
  EXPECT_EQ(post(bomb + gzip("x")).status, 400);
  EXPECT_EQ(only_reject().reason, "body_unpacked_too_large");
}

TEST_F(BadInputTest, json_of_10000_levels_is_too_deep) {
  for (const std::string& body :
       {repeat("{\"a\":", 10'000) + "1" + repeat("}", 10'000), repeat("[", 10'000) + repeat("]", 10'000),
        R"({"event":"a","properties":{"x":)" + repeat("[", 10'000) + repeat("]", 10'000) + "}}"}) {
    EXPECT_EQ(post(body).status, 400);
    EXPECT_EQ(only_reject().reason, "json_too_deep");
    EXPECT_LT(only_reject().path.size(), 1100U);
  }
  post(repeat("[", 10'000));
  EXPECT_EQ(only_reject().reason, "json_invalid");
}

TEST_F(BadInputTest, a_depth_of_64_is_read_and_65_is_not) {
  const auto deep = [](size_t brackets) {
    return R"({"event":"a","properties":{"x":)" + repeat("[", brackets - 2) + repeat("]", brackets - 2) + "}}";
  };
  EXPECT_EQ(post(deep(64)).status, 200);
  EXPECT_EQ(post(deep(65)).status, 400);
  EXPECT_EQ(only_reject().reason, "json_too_deep");
}

TEST_F(BadInputTest, text_that_is_not_unicode_is_quarantined) {
  const std::string bad[] = {"\xFF",    "\xC0\x80",       "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82",          "\\ud800",
                             "\\udc00", "\\ud800\\ud800", "\\ud800x",     "\\u0000",          std::string("\0", 1)};
  for (const std::string& text : bad) {
    for (const std::string& body :
         {R"({"event":"a","properties":{"p":"long enough for a block: )" + text + "\"}}", R"({"event":")" + text + "\"}",
          R"({"event":"a","properties":{"p)" + text + "\":1}}", R"({"event":"a","unknown":{"a":[")" + text + "\"]}}"}) {
      EXPECT_EQ(post(body).status, 400) << body;
      EXPECT_EQ(only_reject().reason, "invalid_unicode") << body;
    }
  }
  post(std::string(R"({"event":"a",)") + '\0' + "}");
  EXPECT_EQ(only_reject().reason, "invalid_unicode");
  EXPECT_EQ(post(R"({"event":"\ud83d\ude00 é 😀"})").status, 200);
  EXPECT_EQ(only_event().event, "😀 é 😀");
}

TEST_F(BadInputTest, duplicate_keys_at_any_depth_are_quarantined) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"event":"a","event":"b"})", "$.event"},
      {R"({"event":"a","x":1,"x":1})", "$.x"},
      {R"({"event":"a","properties":{"p":{"q":1,"\u0071":2}}})", "$.properties.p.q"},
      {R"({"event":"a","properties":{"l":[{"q":1},{"q":1,"r":0,"q":2}]}})", "$.properties.l[1].q"},
      {R"({"event":"a","context":{"":1,"":2}})", R"($.context[""])"},
  };
  for (const auto& [body, path] : cases) {
    EXPECT_EQ(post(body).status, 400) << body;
    EXPECT_EQ(only_reject().reason, "duplicate_key") << body;
    EXPECT_EQ(only_reject().path, path);
  }
  std::string many = R"({"event":"a","properties":{)";
  for (int i = 0; i < 5'000; ++i) many += "\"k" + std::to_string(i) + "\":1,";
  EXPECT_EQ(post(many + "\"k77\":2}}").status, 400);
  EXPECT_EQ(only_reject().reason, "duplicate_key");
  EXPECT_EQ(only_reject().path, "$.properties.k77");
  EXPECT_EQ(post(many + "\"other\":2}}").status, 200);
}

TEST_F(BadInputTest, nan_and_infinity_are_not_json) {
  for (const char* word : {"NaN", "Infinity", "-Infinity", "nan", "-NaN"}) {
    EXPECT_EQ(post(std::string(R"({"event":"a","properties":{"x":)") + word + "}}").status, 400);
    EXPECT_EQ(only_reject().reason, "json_invalid");
    EXPECT_EQ(only_reject().path, "$.properties.x");
  }
}

TEST_F(BadInputTest, numbers_of_any_size_are_stored_as_sent_and_are_null_as_numbers) {
  EXPECT_EQ(
      post(R"({"event":"a","message_id":"m","properties":{"a":1e400,"b":123456789012345678901234567890,"c":-1E+400}})").status,
      200);
  EXPECT_EQ(only_event().properties, R"({"a":1e400,"b":123456789012345678901234567890,"c":-1E+400})");
  EXPECT_EQ(scalars_text(only_event()), "properties.a=1e400;properties.b=123456789012345678901234567890;properties.c=-1E+400;");
}

TEST_F(BadInputTest, encodings_are_found_by_their_bytes) {
  const std::string plain = R"([{"event":"a"},{"event":"b"}])";
  const std::string half = R"([{"event":"a"},)";
  const std::string other = R"({"event":"b"}])";
  const net::Headers said_gzip{{"Content-Encoding", "gzip"}}, said_nothing, said_text{{"Content-Type", "text/plain"}};
  for (const auto& [body, headers] :
       std::vector<std::pair<std::string, net::Headers>>{{plain, {}},
                                                         {plain, said_gzip},
                                                         {"\xEF\xBB\xBF" + plain, {}},
                                                         {gzip(plain), said_gzip},
                                                         {gzip(plain), {}},
                                                         {gzip(plain), {{"Content-Encoding", "br"}}},
                                                         {gzip(half) + gzip(other), said_gzip},
                                                         {zstd(plain), {{"Content-Encoding", "zstd"}}},
                                                         {zstd(plain), said_text},
                                                         {zstd(half) + zstd(other), {}},
                                                         {gzip("\xEF\xBB\xBF" + plain), {}}}) {
    EXPECT_EQ(post(body, headers).status, 200);
    ASSERT_EQ(last().records.size(), 2U);
    EXPECT_EQ(last().event(1).event, "b");
  }
}

TEST_F(BadInputTest, a_body_that_is_not_what_its_encoding_says_is_one_reject) {
  const std::string plain = R"({"event":"a"})" + std::string(500, ' ');
  std::string flipped = gzip(plain);
  flipped[flipped.size() - 6] = static_cast<char>(flipped[flipped.size() - 6] ^ 1);  // the checksum
  std::string frame = zstd(plain);
  for (const auto& [body, encoding] :
       std::vector<std::pair<std::string, std::string>>{{gzip(plain).substr(0, 30), "gzip"},
                                                        {flipped, "gzip"},
                                                        {gzip(plain) + "trailing", "gzip"},
                                                        {"\x1f\x8b", "gzip"},
                                                        {frame.substr(0, frame.size() - 1), "zstd"},
                                                        {frame.substr(0, 5), ""},
                                                        {frame + "x", ""},
                                                        {"\x8b\x03\x80", "br"},
                                                        {"\x78\x9c\x00", "deflate"},
                                                        {"not gzip", "gzip"}}) {
    EXPECT_EQ(post(body, {{"Content-Encoding", encoding}}).status, 400);
    EXPECT_EQ(only_reject().reason, "body_encoding") << encoding;
    EXPECT_EQ(only_reject().raw, body);
  }
}

TEST_F(BadInputTest, the_cap_of_unpacked_bytes_is_exact) {
  CollectOptions options;
  options.unpacked_bytes_max = options.unkeyed_bytes_max = 64_KiB;
  build(options);
  const std::string event = R"({"event":"a"})";
  const std::string fits = event + std::string(64_KiB - event.size(), ' ');
  for (const std::string& body : {fits, gzip(fits), zstd(fits)}) EXPECT_EQ(post(body).status, 200);
  for (const std::string& body : {fits + " ", gzip(fits + " "), zstd(fits + " ")}) {
    EXPECT_EQ(post(body).status, 400);
    EXPECT_EQ(only_reject().reason, "body_unpacked_too_large");
  }
}

TEST_F(BadInputTest, a_bomb_without_a_known_key_is_stopped_much_earlier) {
  const std::string event = R"({"event":"a","writeKey":"demo"})";
  EXPECT_EQ(post_to("/v1/events", gzip(event + std::string(4_MiB - event.size(), ' ')), {}).status, 200);
  EXPECT_EQ(post_to("/v1/events", gzip(event + std::string(4_MiB - event.size() + 1, ' ')), {}).status, 401);
  EXPECT_EQ(post(gzip(event + std::string(5_MiB, ' '))).status, 200);
}

TEST_F(BadInputTest, more_events_than_the_cap_are_one_reject) {
  CollectOptions options;
  options.batch_events_max = 3;
  build(options);
  const std::string event = R"({"event":"a"})";
  EXPECT_EQ(post("[" + event + "," + event + "," + event + "]").status, 200);
  EXPECT_EQ(post("[" + event + "," + event + "," + event + "," + event + "]").status, 400);
  EXPECT_EQ(only_reject().reason, "batch_too_large");
  EXPECT_EQ(post(repeat(event + "\n", 3)).status, 200);
  EXPECT_EQ(post(repeat(event + "\n", 4)).status, 400);
  EXPECT_EQ(only_reject().reason, "batch_too_large");
}

TEST_F(BadInputTest, a_request_whose_records_outgrow_a_frame_is_one_reject) {
  // 1 MB of text is in the record twice, raw and typed: 8 such events pass 16 MiB, 7 do not.
  const std::string event = R"({"event":"a","properties":{"p":")" + std::string(1'020'000, 'x') + R"("}})";
  EXPECT_EQ(post(repeat(event + "\n", 7)).status, 200);
  EXPECT_LE(last().submission.records.size(), kSubmissionBytesMax);
  EXPECT_EQ(post(repeat(event + "\n", 9)).status, 400);
  EXPECT_EQ(only_reject().reason, "batch_too_large");
  EXPECT_EQ(last().submission.manifest.received, 1U);
}

TEST_F(BadInputTest, one_bad_element_never_hurts_its_neighbours) {
  const net::Response reply =
      post(R"([{"event":"a"},{"event":"b",},nope,,{"event":"c\ud800"},[1],{"event":"d","x":{"a":1]},{"event":"e"}])");
  EXPECT_EQ(reply.status, 200);
  ASSERT_EQ(last().records.size(), 8U);
  EXPECT_EQ(last().event(0).event, "a");
  EXPECT_EQ(last().reject(1).reason, "json_invalid");
  EXPECT_EQ(last().reject(2).reason, "json_invalid");
  EXPECT_EQ(last().reject(3).reason, "json_invalid");
  EXPECT_EQ(last().reject(4).reason, "invalid_unicode");
  EXPECT_EQ(last().reject(5).reason, "not_an_object");
  EXPECT_EQ(last().reject(6).reason, "json_invalid");
  EXPECT_EQ(last().event(7).event, "e");
}

}  // namespace
}  // namespace sluice::collect
