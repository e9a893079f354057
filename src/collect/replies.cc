#include "collect/replies.h"

#include "base/json_text.h"

namespace sluice::collect {
namespace {

net::Response json(int status, std::string body) {
  return net::Response{status, {{"Content-Type", "application/json"}}, std::move(body)};
}

}  // namespace

net::Response native_reply(const event::Manifest& manifest, std::span<const Verdict> verdicts, const event::Place& first) {
  std::string body = "{\"received\":" + std::to_string(manifest.received) + ",\"accepted\":" + std::to_string(manifest.accepted) +
                     ",\"rejected\":[";
  for (const Verdict& verdict : verdicts) {
    if (&verdict != &verdicts.front()) body += ',';
    body += "{\"index\":" + std::to_string(verdict.index) + ",\"reason\":";
    append_json_string(body, verdict.reason);
    body += ",\"path\":";
    append_json_string(body, verdict.path);
    body += '}';
  }
  body += "],\"position\":\"" + first.text() + "\"}";
  return json(manifest.accepted > 0 ? 200 : 400, std::move(body));
}

net::Response segment_reply() { return json(200, "{\"success\":true}"); }

net::Response pixel_reply() {
  using namespace std::string_view_literals;
  // GIF89a 1x1, one transparent colour.
  static constexpr std::string_view kPixel =
      "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00"
      "\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b"sv;
  return net::Response{200, {{"Content-Type", "image/gif"}, {"Cache-Control", "no-store"}}, std::string(kPixel)};
}

net::Response settings_reply(std::string_view write_key, std::string_view host, bool https) {
  std::string body = "{\"integrations\":{\"Segment.io\":{\"apiKey\":";
  append_json_string(body, write_key);
  if (!host.empty()) {
    body += ",\"apiHost\":";
    append_json_string(body, std::string(host) + "/v1");
    body += ",\"protocol\":";
    append_json_string(body, https ? "https" : "http");
  }
  body +=
      ",\"versionSettings\":{\"version\":\"4.4.7\",\"componentTypes\":[\"browser\"]}}},"
      "\"plan\":{\"track\":{\"__default\":{\"enabled\":true,\"integrations\":{}}},\"identify\":{\"__default\":{\"enabled\":true}}"
      ","
      "\"group\":{\"__default\":{\"enabled\":true}}},\"edgeFunction\":{},\"analyticsNextEnabled\":true,\"middlewareSettings\":{},"
      "\"enabledMiddleware\":{},\"metrics\":{\"sampleRate\":0},\"legacyVideoPluginsEnabled\":false,\"remotePlugins\":[]}";
  net::Response reply = json(200, std::move(body));
  reply.headers.emplace_back("Cache-Control", "no-store");
  return reply;
}

net::Response hint_reply() {
  return json(
      200,
      "{\"service\":\"sluice collect\",\"send\":\"POST /v1/events with Authorization: Bearer WRITE_KEY and one event, an array "
      "or "
      "NDJSON: {\\\"event\\\":\\\"page_viewed\\\",\\\"user_id\\\":\\\"u_1\\\",\\\"properties\\\":{}}\",\"segment\":\"point a "
      "Segment SDK "
      "at this address\",\"key\":\"sluice keys create SOURCE prints a write key\"}\n");
}

void allow_origin(const net::Request& request, net::Response& response) {
  const auto origin = request.header("Origin");
  if (!origin) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", *origin);
  response.headers.emplace_back("Access-Control-Allow-Credentials", "true");
  response.headers.emplace_back("Access-Control-Expose-Headers", "Retry-After");
  response.headers.emplace_back("Vary", "Origin");
}

// allow_origin() does the rest. Not 204: some SDKs take any status but 200 for a failure.
net::Response preflight_reply(const net::Request& request) {
  net::Response reply{200, {{"Access-Control-Allow-Methods", "GET, POST, OPTIONS"}, {"Access-Control-Max-Age", "86400"}}, ""};
  if (const auto headers = request.header("Access-Control-Request-Headers")) {
    reply.headers.emplace_back("Access-Control-Allow-Headers", *headers);
  }
  return reply;
}

}  // namespace sluice::collect
