// The edge as a whole: acks, refusals, counters, CORS, hints; and keys.
#include <fstream>
#include <thread>

#include "base/hash.h"
#include "collect/credentials.h"
#include "collect/edge_test_fixture.h"

namespace sluice::collect {
namespace {

using CollectorTest = EdgeTest;

TEST_F(CollectorTest, nothing_is_answered_before_the_log_has_it) {
  log.hold = true;
  std::optional<net::Response> answer;
  const net::Request request{
      "POST", "/v1/events", "", {{"Authorization", "Bearer demo"}}, R"([{"event":"a"},{"event":""}])", false, ""};
  collector->answer(request, [&](net::Response response) { answer = std::move(response); });
  EXPECT_FALSE(answer);
  EXPECT_EQ(collector->counts().sources[0].received, 0U);
  log.answer_all();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  const SourceCounts counts = collector->counts().sources[0];
  EXPECT_EQ(counts.source, "site");
  EXPECT_EQ(counts.received, 2U);
  EXPECT_EQ(counts.accepted, 1U);
  EXPECT_EQ(counts.rejected, 1U);
}

TEST_F(CollectorTest, a_full_queue_is_429_and_is_not_received) {
  log.full = true;
  for (const char* path : {"/v1/events", "/v1/batch"}) {
    const net::Response reply = post_to(path, R"({"event":"a","type":"track"})");
    EXPECT_EQ(reply.status, 429);
    EXPECT_EQ(net::find_header(reply.headers, "Retry-After"), "1");
  }
  EXPECT_EQ(collector->counts().refused.full, 2U);
  EXPECT_EQ(collector->counts().sources[0].received, 0U);
}

TEST_F(CollectorTest, a_full_disk_is_429_and_a_poisoned_log_is_503) {
  log.error = fail(Code::full, "no space left");
  EXPECT_EQ(post(R"({"event":"a"})").status, 429);
  log.error = fail(Code::io, "fdatasync failed");
  const net::Response reply = post(R"({"event":"a"})");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(net::find_header(reply.headers, "Retry-After"), "2");
  EXPECT_EQ(collector->counts().refused.full, 1U);
  EXPECT_EQ(collector->counts().refused.unavailable, 1U);
  EXPECT_EQ(collector->counts().sources[0].received, 0U);
}

TEST_F(CollectorTest, an_unknown_path_names_what_exists) {
  const net::Response reply = send(net::Request{"GET", "/favicon.ico", "", {}, "", false, ""});
  EXPECT_EQ(reply.status, 404);
  EXPECT_NE(reply.body.find("/v1/events"), std::string::npos);
  EXPECT_EQ(collector->counts().refused.not_found, 1U);
}

TEST_F(CollectorTest, a_wrong_method_names_the_right_one) {
  const net::Response reply = send(net::Request{"GET", "/v1/events", "", {}, "", false, ""});
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(net::find_header(reply.headers, "Allow"), "POST, OPTIONS");
}

TEST_F(CollectorTest, the_root_gives_a_hint) {
  const net::Response reply = send(net::Request{"GET", "/", "", {}, "", false, ""});
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(reply.body.find("POST /v1/events"), std::string::npos);
}

TEST_F(CollectorTest, a_preflight_mirrors_origin_and_headers) {
  for (const char* path : {"/v1/events", "/v1/batch", "/v1/t", "/v1/m", "/v1/projects/demo/settings", "/v1/pixel/track"}) {
    const net::Response reply =
        send(net::Request{"OPTIONS",
                          path,
                          "",
                          {{"Origin", "https://app.example"}, {"Access-Control-Request-Headers", "authorization,x-retry-count"}},
                          "",
                          false,
                          ""});
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(net::find_header(reply.headers, "access-control-allow-origin"), "https://app.example");
    EXPECT_EQ(net::find_header(reply.headers, "access-control-allow-headers"), "authorization,x-retry-count");
    EXPECT_EQ(net::find_header(reply.headers, "access-control-allow-credentials"), "true");
    EXPECT_GE(std::stoi(std::string(net::find_header(reply.headers, "access-control-max-age").value_or("0"))), 600);
    EXPECT_TRUE(net::find_header(reply.headers, "access-control-allow-methods"));
  }
}

TEST_F(CollectorTest, refusals_can_be_read_by_pages_of_other_origins_too) {
  const net::Response reply = post_to("/v1/events", "{}", {{"Origin", "https://app.example"}});
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(net::find_header(reply.headers, "Access-Control-Allow-Origin"), "https://app.example");
}

TEST_F(CollectorTest, many_threads_count_every_event_once) {
  class Counting : public Submitter {
   public:
    bool submit(event::Submission, std::function<void(Result<event::Receipt>)> done) override {
      done(event::Receipt{});
      return true;
    }
  } counting;
  const os::Ports real_ports = real.ports();
  Collector many({real_ports, *keys, counting}, {"site"}, {});
  constexpr int kThreads = 4, kRequests = 500;
  std::vector<std::jthread> threads;
  std::atomic<int> answers = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      const net::Request request{
          "POST", "/v1/events", "", {{"Authorization", "Bearer demo"}}, R"([{"event":"a"},{"event":"b"},{}])", false, ""};
      for (int i = 0; i < kRequests; ++i) many.answer(request, [&](net::Response) { ++answers; });
    });
  }
  threads.clear();
  EXPECT_EQ(answers, kThreads * kRequests);
  EXPECT_EQ(many.counts().sources[0].received, 3U * kThreads * kRequests);
  EXPECT_EQ(many.counts().sources[0].accepted, 2U * kThreads * kRequests);
}

TEST_F(CollectorTest, the_control_socket_names_a_source_instead_of_a_key) {
  std::optional<net::Response> answer;
  const net::Request request{"POST", "/send", "", {}, R"({"event":"a","writeKey":"demo"})", false, "unix"};
  collector->answer_for("shop", request, [&](net::Response response) { answer = std::move(response); });
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(last().submission.manifest.source, "shop");
  collector->answer_for("nowhere", request, [&](net::Response response) { answer = std::move(response); });
  EXPECT_EQ(answer->status, 404);
}

TEST_F(CollectorTest, options_out_of_range_are_named) {
  CollectOptions options;
  options.depth_max = 5;
  const Status status = check(options);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "collect option depth_max is 5; set it between 33 and 512");
}

TEST(CredentialsTest, base64_of_either_alphabet_is_read) {
  EXPECT_EQ(decode_base64("ZGVtbzo="), "demo:");
  EXPECT_EQ(decode_base64("ZGVtbzo"), "demo:");
  EXPECT_EQ(decode_base64("-_-_"), "\xFB\xFF\xBF");
  EXPECT_EQ(decode_base64("+/+/"), "\xFB\xFF\xBF");
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_FALSE(decode_base64("ZGVt!"));
  EXPECT_FALSE(decode_base64("A"));
}

TEST(CredentialsTest, keys_are_found_in_headers) {
  const auto key = [](std::string value) {
    return header_key(net::Request{"POST", "/", "", {{"authorization", std::move(value)}}, "", false, ""});
  };
  EXPECT_EQ(key("Bearer slk_1"), "slk_1");
  EXPECT_EQ(key("bearer  slk_1 "), "slk_1");
  EXPECT_EQ(key("Basic ZGVtbzo="), "demo");
  EXPECT_EQ(key("BASIC ZGVtbzpwYXNz"), "demo");
  EXPECT_EQ(key("Digest x"), "");
  EXPECT_EQ(key("Bearer"), "");
  EXPECT_EQ(key("Basic !!"), "");
}

class KeysTest : public EdgeTest {};

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(KeysTest, a_new_key_is_told_once_and_only_its_hash_is_kept) {
  const Result<std::string> key = keys->create("shop", "the \"web\" shop");
  ASSERT_TRUE(key);
  EXPECT_EQ(*key, "slk_01010101010101010101010101010101");
  EXPECT_EQ(keys->source_of(*key), "shop");
  const std::string file = read_file(folder.file("keys"));
  EXPECT_EQ(file.find("slk_"), std::string::npos);
  // printf %s slk_01010101010101010101010101010101 | sha256sum
  EXPECT_EQ(file,
            "{\"hash\":\"b91de7d372eb1661158a51f91166e4cd65df659767869bf09dc0a719bc9ae113\",\"source\":\"shop\",\"created_at\":"
            "\"2026-03-28T14:22:10.000Z\",\"label\":\"the \\\"web\\\" shop\"}\n");
}

TEST_F(KeysTest, keys_survive_and_other_processes_keys_are_seen_after_reload) {
  const std::string first = *keys->create("site", "");
  auto other = Keys::open(ports, folder.file("keys"), "");
  ASSERT_TRUE(other);
  EXPECT_EQ((*other)->source_of(first), "site");
  EXPECT_FALSE((*other)->source_of("demo"));
  const std::string second = *(*other)->create("shop", "");
  EXPECT_FALSE(keys->source_of(second));
  ASSERT_TRUE(keys->reload());
  EXPECT_EQ(keys->source_of(second), "shop");
  EXPECT_EQ(keys->source_of(first), "site");
  const std::string third = *keys->create("shop", "");
  EXPECT_NE(second, third);
  EXPECT_EQ(keys->list().size(), 3U);
}

TEST_F(KeysTest, demo_works_only_where_it_is_asked_for) {
  EXPECT_EQ(keys->source_of("demo"), "site");
  auto closed = Keys::open(ports, folder.file("keys"), "");
  ASSERT_TRUE(closed);
  EXPECT_FALSE((*closed)->source_of("demo"));
  EXPECT_FALSE((*closed)->source_of(""));
}

TEST_F(KeysTest, a_damaged_file_is_named_by_its_line) {
  ASSERT_TRUE(keys->create("site", ""));
  std::ofstream(folder.file("keys"), std::ios::app) << "{\"hash\":\"short\"}\n";
  const auto opened = Keys::open(ports, folder.file("keys"), "");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::corrupt);
  EXPECT_TRUE(opened.error().message.starts_with(folder.file("keys") + ":2: ")) << opened.error().message;
}

TEST_F(KeysTest, a_key_of_a_source_that_is_gone_is_refused) {
  const std::string key = *keys->create("gone", "");
  EXPECT_EQ(post_to("/v1/events", R"({"event":"a"})", {{"Authorization", "Bearer " + key}}).status, 401);
}

}  // namespace
}  // namespace sluice::collect
