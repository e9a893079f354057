#include "serve/guard.h"

#include <gtest/gtest.h>

namespace sluice::serve {
namespace {

std::optional<std::string> refused(net::Headers headers, const std::vector<std::string>& allowed = {}) {
  net::Request request;
  request.headers = std::move(headers);
  return refusal(request, allowed);
}

TEST(Guard, loopback_names_pass_with_any_port) {
  for (const char* host : {"localhost", "localhost:18090", "127.0.0.1:18090", "127.1.2.3", "[::1]:18090", "[::1]", "LOCALHOST:1",
                           "demo.localhost:9", "localhost.:80"}) {
    EXPECT_FALSE(refused({{"Host", host}})) << host;
  }
}

TEST(Guard, foreign_and_broken_hosts_are_refused) {
  for (const char* host : {"evil.example", "evil.example:18090", "127.0.0.1.evil.example", "1270.0.0.1", "127.0.0", "10.0.0.1",
                           "localhost.evil.example", "notlocalhost", "", "localhost:99999", "localhost:", "localhost:1:2",
                           "user@localhost", "localhost/x", "[::2]", "[::1", "[::1]x", "0.0.0.0"}) {
    EXPECT_TRUE(refused({{"Host", host}})) << host;
  }
}

TEST(Guard, no_host_or_two_hosts_are_refused) {
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused({{"Host", "localhost"}, {"host", "evil.example"}}));
}

TEST(Guard, a_configured_name_passes) {
  EXPECT_TRUE(refused({{"Host", "metrics.corp:80"}}));
  EXPECT_FALSE(refused({{"Host", "Metrics.Corp:80"}}, {"metrics.corp"}));
}

TEST(Guard, only_the_pages_own_origin_passes) {
  const auto from = [](const char* origin) { return refused({{"Host", "127.0.0.1:18090"}, {"Origin", origin}}); };
  EXPECT_FALSE(from("http://127.0.0.1:18090"));
  for (const char* origin : {"http://evil.example", "null", "http://127.0.0.1:3000", "http://127.0.0.1:18090.evil.example",
                             "http://localhost:18090", "", "file://", "http://127.0.0.1:18090/"}) {
    const auto why = from(origin);
    EXPECT_TRUE(why) << origin;
  }
  EXPECT_NE(from("http://evil.example")->find("http://evil.example"), std::string::npos);
}

}  // namespace
}  // namespace sluice::serve
