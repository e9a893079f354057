// The native dialect as the issue writes it, and the rules R2, R3 and R8 at their corners. Expected values are worked by hand.
#include "collect/edge_test_fixture.h"

namespace sluice::collect {
namespace {

using NativeTest = EdgeTest;

constexpr const char* kIssueEvent =
    R"({"event":"page_viewed","timestamp":"2026-03-28T14:22:01Z","user_id":"u_8a3f","anonymous_id":"anon_c91b","properties":{"page":"/pricing","referrer":"https://google.com","experiment_variant":"B"},"context":{"ip":"203.0.113.42","user_agent":"Mozilla/5.0 ..."}})";

TEST_F(NativeTest, the_envelope_of_the_issue_becomes_one_event) {
  const net::Response reply = post(kIssueEvent);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"received":1,"accepted":1,"rejected":[],"position":"0:1234"})");
  const event::EventView& e = only_event();
  EXPECT_EQ(e.event, "page_viewed");
  EXPECT_EQ(format_rfc3339(*e.event_time), "2026-03-28T14:22:01.000Z");
  EXPECT_EQ(e.user_id, "u_8a3f");
  EXPECT_EQ(e.anonymous_id, "anon_c91b");
  EXPECT_EQ(e.properties, R"({"page":"/pricing","referrer":"https://google.com","experiment_variant":"B"})");
  EXPECT_EQ(e.context, R"({"ip":"203.0.113.42","user_agent":"Mozilla/5.0 ..."})");
  EXPECT_EQ(e.extra, "");
  EXPECT_EQ(scalars_text(e),
            "properties.page=/pricing;properties.referrer=https://google.com;properties.experiment_variant=B;"
            "context.ip=203.0.113.42;context.user_agent=Mozilla/5.0 ...;");
  EXPECT_EQ(flags_text(e), "derived_id");
  EXPECT_EQ(e.message_id.size(), 32U);
  EXPECT_EQ(last().submission.manifest.source, "site");
}

TEST_F(NativeTest, a_mixed_batch_says_which_events_were_rejected_and_why) {
  const net::Response reply =
      post(R"([{"event":"a","message_id":"1"},{"event":"b","timestamp":"yesterday","message_id":"2"},{"event":"c"}])");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(
      reply.body,
      R"({"received":3,"accepted":2,"rejected":[{"index":1,"reason":"timestamp_invalid","path":"$.timestamp"}],"position":"0:1234"})");
  EXPECT_EQ(last().event(0).event, "a");
  EXPECT_EQ(last().reject(1).reason, "timestamp_invalid");
  EXPECT_EQ(last().reject(1).path, "$.timestamp");
  EXPECT_EQ(last().reject(1).raw, R"({"event":"b","timestamp":"yesterday","message_id":"2"})");
  EXPECT_EQ(last().reject(1).message_id, "2");
  EXPECT_EQ(last().event(2).event, "c");
}

TEST_F(NativeTest, nothing_accepted_is_400_with_the_same_body_and_rejects_in_the_log) {
  const net::Response reply = post(R"({"event":""})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(
      reply.body,
      R"({"received":1,"accepted":0,"rejected":[{"index":0,"reason":"event_missing","path":"$.event"}],"position":"0:1234"})");
  EXPECT_EQ(only_reject().raw, R"({"event":""})");
}

TEST_F(NativeTest, ndjson_is_cut_by_lines_and_blank_lines_do_not_count) {
  const net::Response reply = post("{\"event\":\"a\"}\r\n\n  {\"event\":\"b\"\n{\"event\":\"c\"}\n");
  EXPECT_EQ(reply.status, 200);
  ASSERT_EQ(last().records.size(), 3U);
  EXPECT_EQ(last().event(0).event, "a");
  EXPECT_EQ(last().reject(1).reason, "json_invalid");
  EXPECT_EQ(last().event(2).event, "c");
}

TEST_F(NativeTest, one_object_over_many_lines_is_one_event) {
  post("{\n  \"event\": \"a\",\n  \"properties\": {\n\"list\": [\n{\"x\": 1}\n]}\n}\n");
  EXPECT_EQ(only_event().event, "a");
}

TEST_F(NativeTest, a_broken_object_over_many_lines_is_one_reject) {
  post("{\n  \"event\": \"a\",\n  \"properties\": {\n");
  EXPECT_EQ(only_reject().reason, "json_invalid");
}

TEST_F(NativeTest, a_numeric_user_id_becomes_its_text) {
  post(
      R"([{"event":"a","user_id":42},{"event":"a","user_id":1.50},{"event":"a","user_id":123456789012345678901234567890},{"event":"a","user_id":null}])");
  EXPECT_EQ(last().event(0).user_id, "42");
  EXPECT_EQ(last().event(1).user_id, "1.5");
  EXPECT_EQ(last().event(2).user_id, "123456789012345678901234567890");
  EXPECT_EQ(last().event(3).user_id, "");
}

TEST_F(NativeTest, either_spelling_of_the_message_id_is_taken_and_ours_wins) {
  post(
      R"([{"event":"a","message_id":"m1"},{"event":"a","messageId":"m2"},{"event":"a","messageId":"m3","message_id":"m4"},{"event":"a","message_id":"","messageId":"m5"}])");
  EXPECT_EQ(last().event(0).message_id, "m1");
  EXPECT_EQ(last().event(1).message_id, "m2");
  EXPECT_EQ(last().event(2).message_id, "m4");
  EXPECT_EQ(last().event(3).message_id, "m5");
  EXPECT_EQ(flags_text(last().event(0)), "");
}

TEST_F(NativeTest, unknown_top_level_keys_are_kept_as_sent_and_flagged) {
  post(R"({"event":"a","message_id":"1", "userId": "u","n\u0061me" : [1, {"a":null}],"x":1e400})");
  const event::EventView& e = only_event();
  EXPECT_EQ(e.extra, R"({"userId":"u","n\u0061me":[1, {"a":null}],"x":1e400})");
  EXPECT_EQ(flags_text(e), "extra");
  EXPECT_EQ(e.user_id, "");
}

TEST_F(NativeTest, a_write_key_in_the_body_is_never_stored) {
  const net::Response reply = post_to("/v1/events", R"({"event":"a","message_id":"1","writeKey":"demo"})", {});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(only_event().extra, "");
  EXPECT_EQ(last().submission.records.find("demo"), std::string::npos);
}

TEST_F(NativeTest, fields_of_a_wrong_type_are_named) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"event":5})", "field_type $.event"},
      {R"({"event":null})", "event_missing $.event"},
      {R"({"user_id":"u"})", "event_missing $.event"},
      {R"({"event":"a","user_id":true})", "field_type $.user_id"},
      {R"({"event":"a","anonymous_id":{}})", "field_type $.anonymous_id"},
      {R"({"event":"a","message_id":[]})", "field_type $.message_id"},
      {R"({"event":"a","properties":[1]})", "field_type $.properties"},
      {R"({"event":"a","context":"x"})", "field_type $.context"},
      {R"({"event":"a","timestamp":1774707721})", "timestamp_invalid $.timestamp"},
      {R"({"event":"a","timestamp":""})", "timestamp_invalid $.timestamp"},
      {R"({"event":"a","timestamp":"2026-02-30T00:00:00Z"})", "timestamp_invalid $.timestamp"},
      {R"({"event":"a","timestamp":"2026-02-28T00:00:00Z","sent_at":"soon"})", "timestamp_invalid $.sent_at"},
      {R"("event")", "not_an_object $"},
      {R"([["event"]])", "not_an_object $"},
      {R"(17)", "not_an_object $"},
  };
  for (const auto& [body, expected] : cases) {
    EXPECT_EQ(post(body).status, 400) << body;
    EXPECT_EQ(std::string(only_reject().reason) + " " + std::string(only_reject().path), expected) << body;
    EXPECT_EQ(only_reject().raw, *body == '[' ? R"(["event"])" : body);
  }
}

TEST_F(NativeTest, a_null_field_is_an_absent_field) {
  post(R"({"event":"a","message_id":"m","timestamp":null,"user_id":null,"properties":null,"context":null,"sent_at":null})");
  const event::EventView& e = only_event();
  EXPECT_FALSE(e.event_time);
  EXPECT_EQ(e.properties, "");
  EXPECT_EQ(flags_text(e), "");
}

TEST_F(NativeTest, the_message_id_of_a_reject_is_known_wherever_it_stands) {
  post(R"({"event":"a","user_id":{},"message_id":"late"})");
  EXPECT_EQ(only_reject().message_id, "late");
}

// R2
TEST_F(NativeTest, timestamps_are_read_and_bounded) {
  const auto time_of = [&](const std::string& timestamp) -> std::string {
    post(R"({"event":"a","message_id":"m","timestamp":")" + timestamp + "\"}");
    if (last().submission.manifest.rejected == 1) return std::string(only_reject().reason);
    return format_rfc3339(*only_event().event_time) + (only_event().flags == 0 ? "" : " " + flags_text(only_event()));
  };
  EXPECT_EQ(time_of("1970-01-01T00:00:00Z"), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(time_of("2099-12-31T23:59:59.9999Z"), "2099-12-31T23:59:59.999Z");
  EXPECT_EQ(time_of("2100-01-01T00:00:00Z"), "timestamp_out_of_range");
  EXPECT_EQ(time_of("1901-01-01T00:00:00Z"), "1901-01-01T00:00:00.000Z");
  EXPECT_EQ(time_of("1900-12-31T23:59:59.999Z"), "timestamp_out_of_range");
  EXPECT_EQ(time_of("9999-01-01T00:00:00Z"), "timestamp_out_of_range");
  EXPECT_EQ(time_of("garbage"), "timestamp_invalid");
  EXPECT_EQ(time_of("2026-03-28 14:22:01"), "2026-03-28T14:22:01.000Z no_zone");
  EXPECT_EQ(time_of("2026-03-28T14:22:01.5+02:00"), "2026-03-28T12:22:01.500Z");
  EXPECT_EQ(time_of("1969-12-31T23:59:59.9991Z"), "1969-12-31T23:59:59.999Z");
}

// The edge's clock stands at 14:22:10.
TEST_F(NativeTest, only_a_skew_of_more_than_a_minute_corrects_the_clock) {
  const auto time_of = [&](const std::string& sent_at) {
    post(R"({"event":"a","message_id":"m","timestamp":"2026-03-28T14:00:00Z","sent_at":")" + sent_at + "\"}");
    return format_rfc3339(*only_event().event_time) + " " + flags_text(only_event());
  };
  EXPECT_EQ(time_of("2026-03-28T14:21:10Z"), "2026-03-28T14:00:00.000Z ");                         // 60 s behind
  EXPECT_EQ(time_of("2026-03-28T14:21:09.999Z"), "2026-03-28T14:01:00.001Z clock_corrected");      // 60.001 s behind
  EXPECT_EQ(time_of("2026-03-28T14:23:10Z"), "2026-03-28T14:00:00.000Z ");                         // 60 s ahead
  EXPECT_EQ(time_of("2026-03-28T15:22:10Z"), "2026-03-28T13:00:00.000Z clock_corrected");          // an hour ahead
}

TEST_F(NativeTest, a_clock_of_1980_is_corrected_into_the_present) {
  post(R"({"event":"a","message_id":"m","timestamp":"1980-01-01T00:00:00Z","sent_at":"1980-01-01T00:00:10Z"})");
  EXPECT_EQ(format_rfc3339(*only_event().event_time), "2026-03-28T14:22:00.000Z");
}

// R3
TEST_F(NativeTest, a_request_sent_again_whole_is_the_same_events) {
  const std::string body =
      R"([{"event":"a","timestamp":"2026-03-28T14:00:00Z"},{"event":"a","timestamp":"2026-03-28T14:00:00Z"},{"event":"b","timestamp":"2026-03-28T14:00:00Z"}])";
  post(body);
  clock.now += DurationMs(5'000);
  post(body);
  const Kept& first = *log.kept[0];
  const Kept& second = *log.kept[1];
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(first.event(i).message_id, second.event(i).message_id);
    EXPECT_EQ(flags_text(first.event(i)), "derived_id");
    EXPECT_EQ(first.event(i).content_hash, second.event(i).content_hash);
  }
  EXPECT_NE(first.event(0).message_id, first.event(1).message_id);  // two equal events in one request are two
  EXPECT_NE(first.event(0).message_id, first.event(2).message_id);
}

TEST_F(NativeTest, equal_events_split_over_requests_count_once) {
  const std::string event = R"({"event":"a","timestamp":"2026-03-28T14:00:00Z"})";
  post(event);
  post("[" + event + "]");
  EXPECT_EQ(log.kept[0]->event(0).message_id, log.kept[1]->event(0).message_id);
}

TEST_F(NativeTest, a_derived_id_depends_on_every_part_that_R3_names) {
  const char* variants[] = {
      R"({"event":"a","timestamp":"2026-03-28T14:00:00Z","user_id":"u","anonymous_id":"x","properties":{"a":1},"context":{"a":1}})",
      R"({"event":"b","timestamp":"2026-03-28T14:00:00Z","user_id":"u","anonymous_id":"x","properties":{"a":1},"context":{"a":1}})",
      R"({"event":"a","timestamp":"2026-03-28T14:00:00.0Z","user_id":"u","anonymous_id":"x","properties":{"a":1},"context":{"a":1}})",
      R"({"event":"a","timestamp":"2026-03-28T14:00:00Z","user_id":"v","anonymous_id":"x","properties":{"a":1},"context":{"a":1}})",
      R"({"event":"a","timestamp":"2026-03-28T14:00:00Z","user_id":"u","anonymous_id":"y","properties":{"a":1},"context":{"a":1}})",
      R"({"event":"a","timestamp":"2026-03-28T14:00:00Z","user_id":"ux","anonymous_id":"","properties":{"a":1},"context":{"a":1}})",
      R"({"event":"a","timestamp":"2026-03-28T14:00:00Z","user_id":"u","anonymous_id":"x","properties":{"a": 1},"context":{"a":1}})",
      R"({"event":"a","timestamp":"2026-03-28T14:00:00Z","user_id":"u","anonymous_id":"x","properties":{"a":1},"context":{"a":2}})",
  };
  std::set<std::string> ids;
  std::set<uint64_t> hashes;
  for (const char* body : variants) {
    post(body);
    ids.insert(std::string(only_event().message_id));
    hashes.insert(only_event().content_hash);
  }
  EXPECT_EQ(ids.size(), std::size(variants));
  EXPECT_EQ(hashes.size(), std::size(variants));
  const std::string key = *keys->create("shop", "");
  post_to("/v1/events", variants[0], {{"Authorization", "Bearer " + key}});
  EXPECT_FALSE(ids.contains(std::string(only_event().message_id)));  // the same event of another source
  EXPECT_EQ(last().submission.manifest.source, "shop");
}

TEST_F(NativeTest, an_idempotency_key_names_events_by_their_index) {
  post(R"([{"event":"a"},{"event":"b","message_id":"own"},{"event":""},{"event":"c"}])", {{"Idempotency-Key", "k-7"}});
  EXPECT_EQ(last().event(0).message_id, "k-7:0");
  EXPECT_EQ(last().event(1).message_id, "own");
  EXPECT_EQ(last().event(3).message_id, "k-7:3");
  EXPECT_EQ(flags_text(last().event(0)), "");
}

TEST_F(NativeTest, without_timestamp_and_id_the_id_is_random) {
  post(R"([{"event":"a"},{"event":"a"}])");
  EXPECT_EQ(last().event(0).message_id, "01010101010101010101010101010101");
  EXPECT_EQ(last().event(1).message_id, "02020202020202020202020202020202");
  EXPECT_EQ(flags_text(last().event(0)), "random_id");
}

TEST_F(NativeTest, ids_have_at_most_512_bytes) {
  post(R"({"event":"a","message_id":")" + std::string(512, 'x') + "\"}");
  EXPECT_EQ(only_event().message_id.size(), 512U);
  post(R"({"event":"a","messageId":")" + std::string(513, 'x') + "\"}");
  EXPECT_EQ(only_reject().reason, "id_too_long");
  EXPECT_EQ(only_reject().path, "$.messageId");
  EXPECT_EQ(only_reject().message_id, "");
  post(R"({"event":"a"})", {{"Idempotency-Key", std::string(512, 'k')}});
  EXPECT_EQ(only_reject().reason, "id_too_long");
}

// R8
TEST_F(NativeTest, scalars_become_texts_and_numbers_also_decimals) {
  post(
      R"({"event":"a","message_id":"m","properties":{"i":42,"neg":-7,"zero":-0,"f":12.50,"e":1.5e3,"tiny":1e-10,"half":0.0000000005,"nhalf":-0.0000000005,
    "max":999999999999999999,"over":1000000000000000000,"round":999999999999999999.9999999999,"digits":123456789012345678901234567890,"huge":1e400,"small":1e-400,
    "t":true,"f2":false,"n":null,"s":"12","esc":"a\"\\\/\b\f\n\r\té😀","o":{"x":{"y":1}},"list":[1,{"z":2}]},"context":{"b":false}})");
  EXPECT_EQ(
      scalars_text(only_event()),
      "properties.i=42#42;properties.neg=-7#-7;properties.zero=0#0;properties.f=12.5#12.5;properties.e=1500#1500;"
      "properties.tiny=0#0;properties.half=0.000000001#0.000000001;properties.nhalf=-0.000000001#-0.000000001;"
      "properties.max=999999999999999999#999999999999999999;properties.over=1000000000000000000;"
      "properties.round=999999999999999999.9999999999;properties.digits=123456789012345678901234567890;properties.huge=1e400;"
      "properties.small=0#0;properties.t=true;properties.f2=false;properties.s=12;"
      "properties.esc=a\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80;properties.o.x.y=1#1;context.b=false;");
  EXPECT_EQ(flags_text(only_event()), "");
}

TEST_F(NativeTest, dots_and_backslashes_in_names_are_escaped_so_that_paths_stay_unique) {
  post(R"({"event":"a","message_id":"m","properties":{"a.b":1,"a":{"b":2},"c\\d":3,"":4,"é":5}})");
  EXPECT_EQ(scalars_text(only_event()),
            "properties.a\\.b=1#1;properties.a.b=2#2;properties.c\\\\d=3#3;properties.=4#4;properties.\xC3\xA9=5#5;");
}

std::string many_scalars(int n) {
  std::string body = R"({"event":"a","message_id":"m","context":{},"properties":{)";
  for (int i = 0; i < n; ++i) body += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":" + std::to_string(i);
  return body + "}}";
}

TEST_F(NativeTest, more_than_256_scalars_stay_in_the_raw_json_and_are_flagged) {
  post(many_scalars(256));
  EXPECT_EQ(only_event().scalars.size(), 256U);
  EXPECT_EQ(flags_text(only_event()), "");
  post(many_scalars(257));
  EXPECT_EQ(only_event().scalars.size(), 256U);
  EXPECT_EQ(only_event().scalars.back().path, "properties.k255");
  EXPECT_EQ(flags_text(only_event()), "wide");
  EXPECT_NE(only_event().properties.find("\"k256\":256"), std::string_view::npos);
}

std::string nested_properties(int names) {
  std::string open, close;
  for (int i = 1; i < names; ++i) {
    open += "{\"a\":";
    close += "}";
  }
  return R"({"event":"a","message_id":"m","properties":)" + open + R"({"a":1})" + close + "}";
}

TEST_F(NativeTest, paths_of_more_than_32_names_are_not_typed_but_kept) {
  post(nested_properties(32));
  EXPECT_EQ(only_event().scalars.size(), 1U);
  EXPECT_EQ(flags_text(only_event()), "");
  post(nested_properties(33));
  EXPECT_EQ(only_event().scalars.size(), 0U);
  EXPECT_EQ(flags_text(only_event()), "wide");
}

TEST_F(NativeTest, long_names_times_many_scalars_cannot_multiply) {
  std::string body =
      R"({"event":"a","message_id":"m","properties":{")" + std::string(100'000, 'n') + R"(":{"a":1,"b":2,"c":3,"d":4}}})";
  post(body);
  EXPECT_EQ(only_event().scalars.size(), 2U);  // 2 x 100,013 bytes of path fit 256 KiB, a third does not
  EXPECT_EQ(flags_text(only_event()), "wide");
}

}  // namespace
}  // namespace sluice::collect
