#include "collect/collector.h"

#include <algorithm>

#include "collect/body.h"
#include "collect/credentials.h"
#include "collect/cut.h"
#include "collect/native.h"
#include "collect/read_events.h"
#include "collect/replies.h"
#include "collect/routes.h"
#include "collect/segment.h"
#include "collect/stamp.h"

namespace sluice::collect {

using Counter = std::atomic<uint64_t>;

// On a cache line of its own: net threads and the committer count at the same time.
struct alignas(64) Collector::Source {
  std::string name;
  mutable Counter received = 0;
  mutable Counter accepted = 0;
  mutable Counter rejected = 0;
};

struct alignas(64) Collector::Refused {
  Counter no_key = 0, unknown_key = 0, full = 0, unavailable = 0, not_found = 0, method = 0;
};

// A request's body on its way through a dialect. Views point into the request and into `plain`.
struct Collector::Body {
  event::Dialect dialect = event::Dialect::native;
  std::string_view type;     // segment: from the path
  bool pixel = false;
  PlainBody plain;
  std::string_view raw;      // what goes to quarantine when it is refused whole
  std::string_view reason;   // not empty: refused whole
  std::vector<std::string_view> pieces;
  std::string write_key;
  std::string sent_at;
};

namespace {

void count(Counter& counter, uint64_t n = 1) { counter.fetch_add(n, std::memory_order_relaxed); }

bool says_ndjson(const net::Request& request) {
  const std::string_view type = request.header("Content-Type").value_or("");
  return type.find("ndjson") != std::string_view::npos || type.find("jsonl") != std::string_view::npos;
}

net::Response not_found(std::string_view path) {
  return net::json_error(404, "not_found", "there is nothing at " + std::string(path.substr(0, 200)),
                         "POST events to /v1/events (native: one object, an array or NDJSON), or point a Segment SDK here: POST "
                         "/v1/batch, /v1/track, /v1/identify, /v1/page, /v1/screen, /v1/group, /v1/alias, GET "
                         "/v1/projects/WRITE_KEY/settings");
}

net::Response wrong_method(const net::Request& request, const Route& route) {
  const std::string_view allowed = route.post ? "POST" : "GET";
  net::Response reply = net::json_error(405, "method_not_allowed", request.path + " does not take " + request.method,
                                        "send it with " + std::string(allowed));
  reply.headers.emplace_back("Allow", std::string(allowed) + ", OPTIONS");
  return reply;
}

}  // namespace

Collector::Collector(Parts parts, const std::vector<std::string>& sources, CollectOptions options)
    : parts_(parts), options_(options), refused_(std::make_unique<Refused>()) {
  SLUICE_ASSERT(!sources.empty(), "a project has at least one source");
  SLUICE_ASSERT(check(options).has_value(), "options are checked where they are read");
  for (const std::string& name : sources) {
    sources_.push_back(std::make_unique<Source>());
    sources_.back()->name = name;
  }
}
Collector::~Collector() = default;

CollectCounts Collector::counts() const {
  CollectCounts counts;
  for (const auto& source : sources_) {
    counts.sources.push_back({source->name, source->received.load(std::memory_order_relaxed),
                              source->accepted.load(std::memory_order_relaxed),
                              source->rejected.load(std::memory_order_relaxed)});
  }
  counts.refused = {refused_->no_key,      refused_->unknown_key, refused_->full,
                    refused_->unavailable, refused_->not_found,   refused_->method};
  return counts;
}

void Collector::handle(net::Request request, net::Responder responder) {
  // Shared, because a std::function is copied: the log keeps one copy while the refusal may need the other.
  auto shared = std::make_shared<net::Responder>(std::move(responder));
  answer(request, [shared](net::Response response) { shared->send(std::move(response)); });
}

Collector::Reply Collector::with_origin(const net::Request& request, Reply reply) const {
  net::Response cors;
  allow_origin(request, cors);
  if (cors.headers.empty()) return reply;
  return [headers = std::move(cors.headers), reply = std::move(reply)](net::Response response) {
    response.headers.insert(response.headers.end(), headers.begin(), headers.end());
    reply(std::move(response));
  };
}

void Collector::answer(const net::Request& request, Reply plain_reply) {
  const Reply reply = with_origin(request, std::move(plain_reply));
  const Route route = route_of(request.path);
  if (route.target == Target::none) {
    count(refused_->not_found);
    return reply(not_found(request.path));
  }
  if (request.method == "OPTIONS") return reply(preflight_reply(request));
  if (request.method != (route.post ? "POST" : "GET")) {
    count(refused_->method);
    return reply(wrong_method(request, route));
  }
  switch (route.target) {
    case Target::hint: return reply(hint_reply());
    case Target::metrics: return reply(segment_reply());  // an SDK's own health figures: no events
    case Target::settings: return send_settings(request, route.key, reply);
    case Target::pixel: return take_pixel(request, route, reply);
    case Target::events: return take_body(request, route, reply);
    case Target::none: return;
  }
}

const Collector::Source* Collector::source_of(std::string_view key) const {
  const auto name = parts_.keys.source_of(key);
  if (!name) return nullptr;
  for (const auto& source : sources_) {
    if (source->name == *name) return source.get();
  }
  return nullptr;  // a key of a source that the project no longer has
}

const Collector::Source* Collector::admit(std::string_view in_header, const Source* of_header, std::string_view in_body,
                                          const Reply& reply) const {
  const Source* source = of_header != nullptr ? of_header : source_of(in_body);
  if (source != nullptr) return source;
  const bool none = in_header.empty() && in_body.empty();
  count(none ? refused_->no_key : refused_->unknown_key);
  net::Response refusal =
      none ? net::json_error(
                 401, "no_key", "the request carries no write key",
                 "send Authorization: Bearer WRITE_KEY, or Basic with the key as user name, or writeKey in the body (of at "
                 "most 4 MiB); `sluice keys create SOURCE` prints a new one")
           : net::json_error(401, "unknown_key", "the write key of the request belongs to no source of this project",
                             "`sluice keys create SOURCE` prints a new key");
  refusal.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"sluice\"");
  reply(std::move(refusal));
  return nullptr;
}

void Collector::send_settings(const net::Request& request, std::string_view key, const Reply& reply) const {
  if (source_of(key) == nullptr) {
    count(refused_->unknown_key);
    return reply(net::json_error(404, "unknown_key", "no source of this project has this write key",
                                 "`sluice keys create SOURCE` prints a new key"));
  }
  reply(settings_reply(key, request.header("Host").value_or(""), request.header("X-Forwarded-Proto").value_or("") == "https"));
}

void Collector::take_pixel(const net::Request& request, const Route& route, Reply reply) const {
  Body body;
  body.dialect = route.dialect;
  body.type = route.type;
  body.pixel = true;
  std::string data;
  for (auto& [name, value] : net::parse_query(request.query)) {
    if (name == "data") data = std::move(value);
  }
  std::replace(data.begin(), data.end(), ' ', '+');  // a '+' that nobody escaped
  body.raw = data;
  const auto decoded = decode_base64(data);
  if (decoded) {
    SegmentBody cut = cut_segment(*decoded, false, options_.batch_events_max);
    body.raw = *decoded;
    body.pieces = std::move(cut.pieces);
    body.write_key = std::move(cut.write_key);
  } else {
    body.reason = event::reason::kBodyEncoding;
  }
  const std::string key = header_key(request);
  if (const Source* source = admit(key, source_of(key), body.write_key, reply)) read(request, body, *source, std::move(reply));
}

void Collector::answer_for(std::string_view source, const net::Request& request, const Reply& reply) const {
  for (const auto& known : sources_) {
    if (known->name != source) continue;
    Route route;
    route.dialect = event::Dialect::native;
    Body body;
    body_of(request, route, true, body);
    return read(request, body, *known, reply);
  }
  reply(net::json_error(404, "unknown_source", "this project has no source named " + std::string(source),
                        "name one of sluice.yaml"));
}

void Collector::take_body(const net::Request& request, const Route& route, Reply reply) const {
  const std::string key = header_key(request);
  const Source* const of_header = source_of(key);
  Body body;
  body_of(request, route, of_header != nullptr, body);
  if (const Source* source = admit(key, of_header, body.write_key, reply)) read(request, body, *source, std::move(reply));
}

// `body` keeps views into its own text and into the request.
void Collector::body_of(const net::Request& request, const Route& route, bool is_known, Body& body) const {
  body.dialect = route.dialect;
  body.type = route.type;
  body.raw = request.body;
  if (request.body_over_limit) {
    body.reason = event::reason::kBodyTooLarge;
  } else {
    const size_t unpacked_max = is_known ? options_.unpacked_bytes_max : options_.unkeyed_bytes_max;
    body.plain = unpack(request.body, request.header("Content-Encoding").value_or(""), unpacked_max);
    body.reason = body.plain.reason;
  }
  if (body.reason.empty()) {
    body.raw = body.plain.text;
    if (route.dialect == event::Dialect::segment) {
      SegmentBody cut = cut_segment(body.plain.text, route.type.empty(), options_.batch_events_max);
      body.pieces = std::move(cut.pieces);
      body.write_key = std::move(cut.write_key);
      body.sent_at = std::move(cut.sent_at);
      body.reason = cut.reason;
    } else {
      Cut cut = cut_events(body.plain.text, says_ndjson(request), options_.batch_events_max);
      body.pieces = std::move(cut.pieces);
      body.reason = cut.reason;
      if (!body.pieces.empty() && !is_known) body.write_key = body_key(body.pieces.front());
    }
  }
}

void Collector::read(const net::Request& request, const Body& body, const Source& source, Reply reply) const {
  Intake intake(source.name, body.dialect);
  if (!body.reason.empty()) {
    intake.refuse_body(body.reason, body.raw);
  } else {
    Stamp stamp(source.name, parts_.ports.clock.wall(), request.header("Idempotency-Key").value_or(""), parts_.ports.entropy);
    const DecodeEvent decode = [&](Decoder& decoder, std::string_view text) {
      return body.dialect == event::Dialect::segment ? decode_segment(decoder, text, body.type, body.sent_at)
                                                     : decode_native(decoder, text);
    };
    read_events(body.pieces, body.raw, decode, options_, stamp, intake);
  }
  submit(std::move(intake), source, body.dialect, body.pixel, std::move(reply));
}

void Collector::submit(Intake intake, const Source& source, event::Dialect dialect, bool pixel, Reply reply) const {
  Intake::Taken taken = std::move(intake).take();
  auto done = [this, &source, dialect, pixel, reply, manifest = taken.submission.manifest,
               verdicts = std::move(taken.verdicts)](const Result<event::Receipt>& result) {
    if (!result) return refuse(result.error(), reply);
    count(source.received, manifest.received);
    count(source.accepted, manifest.accepted);
    count(source.rejected, manifest.rejected);
    if (pixel) return reply(pixel_reply());
    reply(dialect == event::Dialect::segment ? segment_reply() : native_reply(manifest, verdicts, result->first));
  };
  if (!parts_.submitter.submit(std::move(taken.submission), std::move(done)))
    refuse(fail(Code::full, "the queue is full"), reply);
}

void Collector::refuse(const Error& error, const Reply& reply) const {
  const bool full = error.code == Code::full;
  count(full ? refused_->full : refused_->unavailable);
  net::Response refusal =
      full ? net::json_error(429, "full", "no room for these events now; nothing of the request was kept",
                             "send it again after the seconds in Retry-After; if it stays, look at /health and free disk space")
           : net::json_error(503, "unavailable", "events cannot be stored now; nothing of the request was kept",
                             "send it again after the seconds in Retry-After; the operator finds the cause at /health");
  refusal.headers.emplace_back("Retry-After", full ? "1" : "2");
  reply(std::move(refusal));
}

}  // namespace sluice::collect
