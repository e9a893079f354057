// The edge behind the real server: what a client on a socket sees.
#include "collect/edge_test_fixture.h"
#include "net/running_server_test.h"

namespace sluice::collect {
namespace {

class WireTest : public EdgeTest {
 protected:
  net::Handler handler() {
    return
        [this](net::Request request, net::Responder responder) { collector->handle(std::move(request), std::move(responder)); };
  }
  static std::string post_bytes(std::string_view body, std::string_view key) {
    return fmt::format(
        "POST /v1/events HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{}",
        key, body.size(), body);
  }
};

TEST_F(WireTest, an_event_is_accepted_and_a_wrong_key_is_not) {
  net::RunningServer server(handler());
  const std::string accepted = server.ask(post_bytes(R"({"event":"a"})", "demo"));
  EXPECT_TRUE(accepted.starts_with("HTTP/1.1 200 ")) << accepted;
  EXPECT_TRUE(accepted.ends_with(R"({"received":1,"accepted":1,"rejected":[],"position":"0:1234"})")) << accepted;
  EXPECT_TRUE(server.ask(post_bytes(R"({"event":"a"})", "nope")).starts_with("HTTP/1.1 401 "));
  EXPECT_EQ(only_event().event, "a");
}

TEST_F(WireTest, a_body_over_the_servers_cap_is_quarantined_and_answered) {
  net::ServerOptions options;
  options.body_bytes_max = 128_KiB;
  net::RunningServer server(handler(), options);
  const std::string reply = server.ask(post_bytes(R"({"event":"a","x":")" + std::string(200'000, 'x') + "\"}", "demo"));
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 400 ")) << reply;
  EXPECT_NE(reply.find("body_too_large"), std::string::npos) << reply;
  EXPECT_EQ(only_reject().raw.size(), event::kRejectRawMax);
}

TEST_F(WireTest, a_full_log_is_429_on_the_wire) {
  log.full = true;
  net::RunningServer server(handler());
  const std::string reply = server.ask(post_bytes(R"({"event":"a"})", "demo"));
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 429 ")) << reply;
  EXPECT_NE(reply.find("Retry-After: 1\r\n"), std::string::npos) << reply;
}

}  // namespace
}  // namespace sluice::collect
