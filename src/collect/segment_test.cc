// The Segment dialect: what analytics-node, analytics-next and direct callers send. Expected values are worked by hand.
#include "collect/edge_test_fixture.h"
#include "collect/routes.h"

namespace sluice::collect {
namespace {

using SegmentTest = EdgeTest;
constexpr const char* kOk = R"({"success":true})";

// The shape that analytics-node 3.1.0 posts to /v1/batch.
constexpr const char* kNodeBatch =
    R"({"batch":[{"messageId":"node-next-1","type":"track","userId":"019mr8mf4r","event":"Order Completed","properties":{"total":19.95,"items":[{"sku":1}]},"context":{"library":{"name":"@segment/analytics-node","version":"3.1.0"}},"timestamp":"2026-03-28T14:22:01.500Z","integrations":{},"_metadata":{"nodeVersion":"20.19.0","jsRuntime":"node"}}],"writeKey":"demo","sentAt":"2026-03-28T14:22:03.000Z"})";

TEST_F(SegmentTest, the_batch_of_analytics_node_becomes_events) {
  const net::Response reply =
      post_to("/v1/batch", kNodeBatch, {{"Content-Type", "application/json"}, {"Authorization", "Basic ZGVtbzo="}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, kOk);
  const event::EventView& e = only_event();
  EXPECT_EQ(e.dialect, event::Dialect::segment);
  EXPECT_EQ(e.message_id, "node-next-1");
  EXPECT_EQ(e.event, "Order Completed");
  EXPECT_EQ(e.user_id, "019mr8mf4r");
  EXPECT_EQ(format_rfc3339(*e.event_time), "2026-03-28T14:22:01.500Z");
  EXPECT_EQ(e.properties, R"({"total":19.95,"items":[{"sku":1}]})");
  EXPECT_EQ(scalars_text(e),
            "properties.total=19.95#19.95;context.library.name=@segment/analytics-node;context.library.version=3.1.0;");
  EXPECT_EQ(e.extra, "");
  EXPECT_EQ(flags_text(e), "");
}

// analytics-next, one event per request: text/plain, key and sentAt within the event, the device's clock an hour behind.
TEST_F(SegmentTest, a_browsers_single_event_is_plain_text_and_its_clock_is_corrected) {
  const net::Response reply = post_to(
      "/v1/p/",
      R"({"timestamp":"2026-03-28T13:22:05.000Z","integrations":{"Segment.io":true},"type":"page","name":"Home","properties":{"path":"/","title":"T","url":"http://shop.example/"},"context":{"page":{"path":"/"},"userAgent":"jsdom"},"messageId":"ajs-next-1","anonymousId":"anon-1","writeKey":"demo","userId":null,"sentAt":"2026-03-28T13:22:09.000Z","_metadata":{"bundled":[]}})",
      {{"Content-Type", "text/plain"}, {"Origin", "http://shop.example"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(net::find_header(reply.headers, "Access-Control-Allow-Origin"), "http://shop.example");
  EXPECT_EQ(net::find_header(reply.headers, "Access-Control-Expose-Headers"), "Retry-After");
  const event::EventView& e = only_event();
  EXPECT_EQ(e.event, "page");
  EXPECT_EQ(e.anonymous_id, "anon-1");
  EXPECT_EQ(format_rfc3339(*e.event_time), "2026-03-28T14:22:06.000Z");
  EXPECT_EQ(flags_text(e), "clock_corrected");
  EXPECT_EQ(e.properties, R"({"name":"Home","path":"/","title":"T","url":"http://shop.example/"})");
  EXPECT_EQ(scalars_text(e),
            "properties.name=Home;properties.path=/;properties.title=T;properties.url=http://shop.example/;context.page.path=/"
            ";context.userAgent=jsdom;");
}

TEST_F(SegmentTest, every_type_finds_its_place) {
  const auto of = [&](std::string members) {
    post_to("/v1/batch", R"({"batch":[{"messageId":"m","userId":"u",)" + members + "}]}");
    if (last().submission.manifest.rejected == 1)
      return std::string(only_reject().reason) + " " + std::string(only_reject().path);
    const event::EventView& e = only_event();
    return std::string(e.event) + "|" + std::string(e.properties) + "|" + std::string(e.previous_id) + "|" +
           std::string(e.extra) + "|" + scalars_text(e);
  };
  EXPECT_EQ(of(R"("type":"track","event":"E","properties":{"a":1})"), R"(E|{"a":1}|||properties.a=1#1;)");
  EXPECT_EQ(of(R"("type":"identify","traits":{"plan":"pro"})"), R"(identify|{"plan":"pro"}|||properties.plan=pro;)");
  EXPECT_EQ(of(R"("traits":{"plan":"pro"},"type":"identify")"), R"(identify|{"plan":"pro"}|||properties.plan=pro;)");
  EXPECT_EQ(
      of(R"("type":"page","name":"Home","category":"Docs","properties":{"path":"/"})"),
      R"(page|{"name":"Home","category":"Docs","path":"/"}|||properties.name=Home;properties.category=Docs;properties.path=/;)");
  EXPECT_EQ(of(R"("type":"page","name":"Home","properties":{"n\u0061me":"Own"})"),
            R"(page|{"n\u0061me":"Own"}|||properties.name=Own;)");
  EXPECT_EQ(of(R"("type":"page","name":null)"), "page||||");
  EXPECT_EQ(of(R"("type":"screen","name":"Main")"), R"(screen|{"name":"Main"}|||properties.name=Main;)");
  EXPECT_EQ(of(R"("type":"group","groupId":"g1","traits":{"size":3})"),
            R"(group|{"groupId":"g1","size":3}|||properties.groupId=g1;properties.size=3#3;)");
  EXPECT_EQ(of(R"("type":"group","groupId":7,"traits":{ })"), R"(group|{"groupId":7}|||properties.groupId=7#7;)");
  EXPECT_EQ(of(R"("type":"alias","previousId":"anon-9")"), "alias||anon-9||");
  EXPECT_EQ(of(R"("type":"alias","previousId":9)"), "alias||9||");
  // Members in a place that has no use for them are kept.
  EXPECT_EQ(of(R"("type":"track","event":"E","previousId":"p","name":"n","groupId":"g","channel":"server")"),
            R"(E|||{"channel":"server","previousId":"p","name":"n","groupId":"g"}|)");
  EXPECT_EQ(of(R"("type":"identify","event":"E","traits":{"a":1},"properties":{"a":2,"b":3})"),
            R"(identify|{"a":1}||{"event":"E","properties":{"a":2,"b":3}}|properties.a=1#1;)");
  EXPECT_EQ(of(R"("type":"identify","properties":{"b":3})"), R"(identify|{"b":3}|||properties.b=3#3;)");
  EXPECT_EQ(of(R"("type":"track")"), "event_missing $.event");
  EXPECT_EQ(of(R"("type":"track","event":7)"), "field_type $.event");
  EXPECT_EQ(of(R"("type":"purchase")"), "type_unknown $.type");
  EXPECT_EQ(of(R"("event":"E")"), "type_unknown $.type");
  EXPECT_EQ(of(R"("type":"track","event":"E","timestamp":5)"), "timestamp_invalid $.timestamp");
  EXPECT_EQ(of(R"("type":"track","event":"E","originalTimestamp":"x")"), "timestamp_invalid $.originalTimestamp");
}

TEST_F(SegmentTest, wide_is_decided_on_what_the_properties_became) {
  std::string traits = R"({"k":0)";
  for (int i = 0; i < 300; ++i) traits += ",\"k" + std::to_string(i) + "\":1";
  // 301 scalars in properties, which identify does not use when there are traits.
  post_to("/v1/identify", R"({"messageId":"m","properties":)" + traits + R"(},"traits":{"a":1}})");
  EXPECT_EQ(scalars_text(only_event()), "properties.a=1#1;");
  EXPECT_EQ(flags_text(only_event()), "extra");
}

TEST_F(SegmentTest, original_timestamp_serves_where_there_is_no_other) {
  post_to("/v1/t", R"({"event":"E","messageId":"m","originalTimestamp":"2026-03-28T14:00:00Z"})");
  EXPECT_EQ(format_rfc3339(*only_event().event_time), "2026-03-28T14:00:00.000Z");
}

TEST_F(SegmentTest, the_batchs_sent_at_corrects_events_and_an_events_own_wins) {
  post_to(
      "/v1/batch",
      R"({"sentAt":"2026-03-28T13:22:10Z","batch":[{"type":"track","event":"a","messageId":"1","timestamp":"2026-03-28T13:00:00Z"},{"type":"track","event":"b","messageId":"2","timestamp":"2026-03-28T13:00:00Z","sentAt":"2026-03-28T14:22:09Z"},{"type":"track","event":"c","messageId":"3","timestamp":"2026-03-28T13:00:00Z","sentAt":12}]})");
  EXPECT_EQ(format_rfc3339(*last().event(0).event_time), "2026-03-28T14:00:00.000Z");
  EXPECT_EQ(flags_text(last().event(0)), "clock_corrected");
  EXPECT_EQ(format_rfc3339(*last().event(1).event_time), "2026-03-28T13:00:00.000Z");
  EXPECT_EQ(format_rfc3339(*last().event(2).event_time), "2026-03-28T14:00:00.000Z");
}

TEST_F(SegmentTest, all_paths_of_its_sdks_are_known) {
  for (const char* path :
       {"/v1/batch", "/v1/b", "/v1/import", "/v1/t", "/v1/i", "/v1/p", "/v1/g", "/v1/a", "/v1/s", "/v1/track", "/v1/identify",
        "/v1/page", "/v1/group", "/v1/alias", "/v1/screen", "/v1/batch/", "/v1/t/", "/v1/m", "/v1/m/"}) {
    EXPECT_EQ(post_to(path, "").body, kOk) << path;
  }
  EXPECT_EQ(post_to("/v1/x", "").status, 404);
  EXPECT_EQ(post_to("/v1", "").status, 404);
  EXPECT_EQ(post_to("/v1/batch/x", "").status, 404);
  EXPECT_EQ(post_to("/v1/projects/demo/settings", "").status, 405);
  EXPECT_EQ(route_of("/v1/projects/a/b/settings").target, Target::none);
  EXPECT_EQ(route_of("/projects//settings").target, Target::none);
}

TEST_F(SegmentTest, metrics_of_an_sdk_are_answered_and_are_no_events) {
  EXPECT_EQ(post_to("/v1/m", R"({"series":[]})", {}).body, kOk);
  EXPECT_TRUE(log.kept.empty());
}

TEST_F(SegmentTest, rejects_are_200_and_in_the_log) {
  EXPECT_EQ(post_to("/v1/batch",
                    R"({"batch":[{"type":"track"},{"type":"track","event":"a","messageId":"1"},{"type":"track","event":"b",}]})")
                .body,
            kOk);
  ASSERT_EQ(last().records.size(), 3U);
  EXPECT_EQ(last().reject(0).reason, "event_missing");
  EXPECT_EQ(last().event(1).event, "a");
  EXPECT_EQ(last().reject(2).reason, "json_invalid");
  const std::pair<const char*, const char*> whole[] = {
      {R"({"batch":[{"type":"track"})", "json_invalid"},
      {R"({"batch":{}})", "field_type"},
      {R"({"batch":[],"batch":[]})", "duplicate_key"},
      {R"({"batch":[]})", "body_empty"},
      {R"({batch:[]})", "json_invalid"},
      {"hello", "json_invalid"},
      {R"({"batch":[{]}})", "json_invalid"},
      {"{}", "type_unknown"},
  };
  for (const auto& [body, reason] : whole) {
    EXPECT_EQ(post_to("/v1/batch", body).body, kOk) << body;
    EXPECT_EQ(only_reject().reason, reason) << body;
  }
}

TEST_F(SegmentTest, a_bare_array_and_a_single_event_are_taken_on_the_batchs_path) {
  post_to("/v1/import", R"([{"type":"track","event":"a"},{"type":"track","event":"b"}])");
  EXPECT_EQ(last().records.size(), 2U);
  post_to("/v1/batch", R"({"type":"track","event":"a"})");
  EXPECT_EQ(only_event().event, "a");
}

TEST_F(SegmentTest, an_events_own_type_wins_over_the_paths) {
  post_to("/v1/track", R"({"type":"identify","event":"x","messageId":"m"})");
  EXPECT_EQ(only_event().event, "identify");
}

TEST_F(SegmentTest, a_key_in_the_header_wins_over_one_in_the_body) {
  const std::string shop = *keys->create("shop", "");
  const std::string batch = R"({"batch":[{"type":"track","event":"a"}],"writeKey":")" + shop + "\"}";
  post_to("/v1/batch", batch);  // Basic demo
  EXPECT_EQ(last().submission.manifest.source, "site");
  post_to("/v1/batch", batch, {});
  EXPECT_EQ(last().submission.manifest.source, "shop");
  post_to("/v1/batch", batch, {{"Authorization", "Bearer some-oauth-token"}});
  EXPECT_EQ(last().submission.manifest.source, "shop");
  post_to("/v1/b", R"({"batch":[{"type":"track","event":"a","writeKey":")" + shop + "\"}]}", {});
  EXPECT_EQ(last().submission.manifest.source, "shop");
}

TEST_F(SegmentTest, the_settings_that_make_an_sdk_send) {
  for (const char* path : {"/v1/projects/demo/settings", "/projects/demo/settings", "/v1/projects/demo/settings/"}) {
    const net::Response reply =
        send(net::Request{"GET", path, "", {{"Host", "127.0.0.1:18080"}, {"Origin", "https://a.example"}}, "", false, ""});
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.body.starts_with(
        R"({"integrations":{"Segment.io":{"apiKey":"demo","apiHost":"127.0.0.1:18080/v1","protocol":"http",)"))
        << reply.body;
    EXPECT_EQ(net::find_header(reply.headers, "Access-Control-Allow-Origin"), "https://a.example");
  }
  EXPECT_EQ(send(net::Request{"GET", "/v1/projects/nope/settings", "", {}, "", false, ""}).status, 404);
}

TEST_F(SegmentTest, a_pixel_is_an_event_in_base64) {
  // {"writeKey":"demo","userId":"u","event":"Email Opened","messageId":"px"}
  const std::string data = "eyJ3cml0ZUtleSI6ImRlbW8iLCJ1c2VySWQiOiJ1IiwiZXZlbnQiOiJFbWFpbCBPcGVuZWQiLCJtZXNzYWdlSWQiOiJweCJ9";
  net::Response reply = send(net::Request{"GET", "/v1/pixel/track", "data=" + data, {}, "", false, ""});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(net::find_header(reply.headers, "Content-Type"), "image/gif");
  EXPECT_EQ(reply.body.substr(0, 6), "GIF89a");
  EXPECT_EQ(reply.body.size(), 43U);
  EXPECT_EQ(only_event().event, "Email Opened");
  EXPECT_EQ(only_event().message_id, "px");
  EXPECT_EQ(send(net::Request{"GET", "/v1/pixel/track", "", {}, "", false, ""}).status, 401);
  reply = send(net::Request{"GET", "/v1/pixel/page", "data=*", {{"Authorization", "Bearer demo"}}, "", false, ""});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(only_reject().reason, "body_encoding");
}

}  // namespace
}  // namespace sluice::collect
