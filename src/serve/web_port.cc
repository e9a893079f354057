#include "serve/web_port.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/tab_separated.h"
#include "plan/schema.h"
#include "serve/dropped.h"
#include "serve/example_event.h"
#include "serve/guard.h"
#include "serve/inspect.h"
#include "serve/person.h"
#include "serve/session_board.h"
#include "serve/tables_json.h"

namespace sluice::serve {
namespace {

constexpr DurationMs kSqlTimeout{60'000};
constexpr size_t kSqlReplyMax = 8_MiB;
constexpr const char* kCsv = "text/csv; charset=utf-8";
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri "
    "'none'; "
    "form-action 'none'; frame-ancestors 'none'";

void harden(net::Response& response) {
  response.headers.emplace_back("Content-Security-Policy", kPolicy);
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
}

void send(net::Responder& responder, net::Response response) {
  harden(response);
  responder.send(std::move(response));
}

net::Response plain(int status, std::string_view type, std::string body) {
  net::Response response;
  response.status = status;
  response.headers = {{"Content-Type", std::string(type)}, {"Cache-Control", "no-store"}};
  response.body = std::move(body);
  return response;
}

struct Shown {
  int status;
  std::string_view next;
};
Shown shown_error(Code code) {
  switch (code) {
    case Code::invalid: return {400, "correct the request; docs/formats/live-api.md describes it"};
    case Code::not_found: return {404, "GET /api/project lists what there is"};
    case Code::full: return {503, "try again in a few seconds, or ask for less"};
    case Code::unavailable: return {503, "the store is starting or away; GET /health says why; try again in a few seconds"};
    case Code::unknown: return {504, "the query took too long or its reply was lost; ask for less, then try again"};
    case Code::closed: return {503, "the program is stopping; try again when it is back"};
    case Code::conflict: return {409, "GET /health says more"};
    case Code::io:
    case Code::corrupt: break;
  }
  return {500, "GET /health says more; the message names what failed"};
}

net::Response error_response(const Error& error) {
  const Shown shown = shown_error(error.code);
  net::Response response = net::json_error(shown.status, code_name(error.code), error.message, shown.next);
  response.headers.emplace_back("Cache-Control", "no-store");
  if (shown.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

net::Response not_allowed(std::string_view allowed) {
  net::Response response =
      net::json_error(405, "method", "this address does not take that method", "use " + std::string(allowed));
  response.headers.emplace_back("Allow", allowed);
  return response;
}

std::string parameter(const net::Request& request, std::string_view name) {
  for (auto& [key, value] : net::parse_query(request.query)) {
    if (key == name) return std::move(value);
  }
  return {};
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    const size_t comma = list.find(',');
    if (comma != 0) parts.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return parts;
}

// /schema/metrics.json and its like, for editors.
std::optional<std::string> schema_at(std::string_view path) {
  constexpr std::string_view kFolder = "/schema/", kEnd = ".json";
  if (!path.starts_with(kFolder) || !path.ends_with(kEnd) || path.size() < kFolder.size() + kEnd.size()) return std::nullopt;
  return plan::json_schema(path.substr(kFolder.size(), path.size() - kFolder.size() - kEnd.size()));
}

// NAME of /api/sessions/NAME/events.
std::optional<std::string_view> sessions_at(std::string_view path) {
  constexpr std::string_view kFolder = "/api/sessions/", kEnd = "/events";
  if (!path.starts_with(kFolder) || !path.ends_with(kEnd) || path.size() < kFolder.size() + kEnd.size()) return std::nullopt;
  return path.substr(kFolder.size(), path.size() - kFolder.size() - kEnd.size());
}

bool is_page(std::string_view path) {
  return path == "/" || path == "/live" || path == "/quarantine" || path == "/sql" || path == "/person" ||
         path.starts_with("/d/");
}

}  // namespace

WebPort::WebPort(Hub& hub, Queries& queries, Actions& actions, os::Clock& clock, WebOptions options,
                 std::span<const EmbeddedFile> files)
    : hub_(hub), queries_(queries), actions_(actions), clock_(clock), options_(std::move(options)), assets_(files) {}

void WebPort::handle(net::Request request, net::Responder responder, Trust trust) {
  if (trust == Trust::network) {
    if (const auto why = refusal(request, options_.host_names)) {
      return send(responder, net::json_error(403, "refused", *why,
                                             "open the page by a loopback address, or start `sluice up` with the name you use"));
    }
  }
  route(request, std::move(responder), trust);
}

void WebPort::route(const net::Request& request, net::Responder responder, Trust trust) {
  const std::string& path = request.path;
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (trust == Trust::control && route_control(request, responder)) return;
  if (path == "/api/sql") {
    if (request.method != "POST") return send(responder, not_allowed("POST"));
    if (request.body_over_limit || request.body.size() > kSqlBodyMax) {
      return send(responder, net::json_error(413, "invalid", "the statement is longer than 1 MiB", "send a shorter one"));
    }
    return later(std::move(responder), [this, sql = request.body] { return run_sql(sql); });
  }
  if (path.starts_with("/api/panels/")) {
    if (route_panel(request, responder)) return;
  } else if (!reads) {
    return send(responder, not_allowed("GET"));
  } else if (path == "/api/project") {
    const std::shared_ptr<const Project> project = hub_.project();
    return send(responder, plain(200, "application/json", project_json(*project, hub_.now(), example_event(*project->plan))));
  } else if (path == "/api/live") {
    return live(request, std::move(responder));
  } else if (path == "/api/quarantine") {
    const size_t limit = parse_unsigned(parameter(request, "limit")).value_or(50);
    return later(std::move(responder),
                 [this, limit, reason = parameter(request, "reason")] { return quarantine_json(queries_, limit, reason); });
  } else if (path == "/api/trace") {
    const std::string id = parameter(request, "id");
    if (id.empty()) return send(responder, error_response(fail(Code::invalid, "trace needs ?id=MESSAGE_ID")));
    return later(std::move(responder), [this, id] { return actions_.trace_json(id); });
  } else if (path == "/api/person") {
    Result<PersonWanted> wanted = read_person(parameter(request, "key"), parameter(request, "before"),
                                              parameter(request, "place"), parameter(request, "limit"));
    if (!wanted) return send(responder, error_response(wanted.error()));
    return later(std::move(responder), [this, wanted = *std::move(wanted)] { return person_json(queries_, wanted); });
  } else if (const std::optional<std::string_view> sessions = sessions_at(path)) {
    return later(std::move(responder), [this, name = std::string(*sessions), id = parameter(request, "id")] {
      return session_events_json(*hub_.project(), queries_, name, id);
    });
  } else if (const std::optional<std::string> schema = schema_at(path)) {
    return send(responder, plain(200, "application/schema+json", *schema));
  } else if (path == "/health") {
    const Health health = hub_.health();
    return send(responder, plain(http_status(health), "application/json", health_json(health)));
  } else if (path == "/metrics") {
    MetricsText metrics;
    actions_.collect_metrics(metrics);
    return send(responder, plain(200, "text/plain; version=0.0.4; charset=utf-8", metrics.text()));
  }
  if (!path.starts_with("/api/") && reads) return answer_page(request, std::move(responder));
  send(responder, net::json_error(404, "not_found", "there is nothing at " + path, "GET /api/project lists what there is"));
}

bool WebPort::route_control(const net::Request& request, net::Responder& responder) {
  if (request.path == "/api/ledger" && request.method == "GET") {
    later(std::move(responder), [this] { return actions_.ledger_json(); });
    return true;
  }
  if (request.path == "/api/keys" && request.method == "POST") {
    const nlohmann::json body = nlohmann::json::parse(request.body, nullptr, false);
    if (!body.is_object() || !body.contains("source") || !body["source"].is_string()) {
      send(responder, error_response(fail(Code::invalid, "the body must be {\"source\": NAME, \"label\": TEXT}")));
      return true;
    }
    const std::string label = body.contains("label") && body["label"].is_string() ? body["label"].get<std::string>() : "";
    later(std::move(responder), [this, label, source = body["source"].get<std::string>()]() -> Result<std::string> {
      const std::string key = SLUICE_TRY(actions_.create_key(source, label));
      return "{\"key\":" + json_string(key) + "}";
    });
    return true;
  }
  return false;
}

// /api/panels/<ID>/explain | verify | csv | data | dropped | dropped.csv
bool WebPort::route_panel(const net::Request& request, net::Responder& responder) {
  const std::string_view rest = std::string_view(request.path).substr(std::string_view("/api/panels/").size());
  const size_t slash = rest.rfind('/');
  if (slash == std::string_view::npos) return false;
  const std::string id(rest.substr(0, slash));
  const std::string_view what = rest.substr(slash + 1);
  constexpr std::array<std::string_view, 6> kWhats{"explain", "verify", "csv", "data", "dropped", "dropped.csv"};
  if (std::find(kWhats.begin(), kWhats.end(), what) == kWhats.end()) return false;
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (what == "verify" ? request.method != "POST" : !reads) {
    send(responder, not_allowed(what == "verify" ? "POST" : "GET"));
    return true;
  }
  const Result<PanelRange> read =
      read_range(parameter(request, "over"), parameter(request, "until"), parameter(request, "where"));
  if (!read) {
    send(responder, error_response(read.error()));
    return true;
  }
  const PanelRange range = *read;
  if (what == "explain") {
    later(std::move(responder), [this, id, range] { return explain_json(hub_, id, range); });
  } else if (what == "csv") {
    later(std::move(responder), [this, id, range] { return csv_text(hub_, id, range); }, kCsv, id + ".csv");
  } else if (what == "verify") {
    later(std::move(responder),
          [this, id, range, body = request.body] { return verify_json(hub_, queries_, clock_, id, body, range); });
  } else if (what == "data") {
    later_once(range_key(id, range), std::move(responder), [this, id, range] { return panel_data_json(hub_, id, range); });
  } else {
    const Result<DroppedWanted> wanted =
        read_dropped(parameter(request, "step"), parameter(request, "key"), parameter(request, "limit"));
    if (!wanted) {
      send(responder, error_response(wanted.error()));
    } else if (what == "dropped") {
      later(std::move(responder),
            [this, id, range, wanted = *wanted] { return dropped_json(hub_, queries_, id, wanted, range); });
    } else {
      later(
          std::move(responder), [this, id, range, wanted = *wanted] { return dropped_csv(hub_, queries_, id, wanted, range); },
          kCsv, id + ".dropped" + std::to_string(wanted->step) + ".csv");
    }
  }
  return true;
}

void WebPort::live(const net::Request& request, net::Responder responder) {
  Subscription subscription;
  subscription.panels = split(parameter(request, "panels"));
  for (const std::string& feed : split(parameter(request, "feeds"))) {
    if (feed == "events") subscription.events = true;
    if (feed == "quarantine") subscription.quarantine = true;
  }
  std::string since = parameter(request, "epoch");
  if (since.empty()) since = request.header("Last-Event-ID").value_or("");
  if (const auto epoch = parse_unsigned(since)) subscription.since = event::Epoch(*epoch);
  if (const Status admitted = hub_.admit(subscription); !admitted) return send(responder, error_response(admitted.error()));
  net::Response head = plain(200, "text/event-stream", "");
  head.headers.emplace_back("X-Accel-Buffering", "no");
  harden(head);
  const std::shared_ptr<net::Stream> stream = responder.start(std::move(head), hub_.stream_bytes_max());
  // Taken by someone else in between: the client sees an ended stream and connects again.
  if (!hub_.subscribe(subscription, stream)) stream->close();
}

void WebPort::later(net::Responder responder, Answer answer, std::string content_type, std::string attachment) {
  push({std::move(responder), std::move(answer), std::move(content_type), std::move(attachment), {}});
}

// Who asks for what another waits for waits with it.
void WebPort::later_once(const std::string& key, net::Responder responder, Answer answer) {
  if (flights_.join(key, responder)) return;
  push({std::move(responder), std::move(answer), "application/json", {}, key});
}

void WebPort::push(Job job) {
  auto back = jobs_.try_push(std::move(job), 1);
  if (!back) return;
  const Error error =
      jobs_.closed() ? fail(Code::closed, "the program is stopping") : fail(Code::full, "too many requests wait for an answer");
  answer_all(*back, error);
}

void WebPort::answer_all(Job& job, const Result<std::string>& answer) {
  std::vector<net::Responder> others;
  if (!job.flight.empty()) others = flights_.land(job.flight);
  const auto response = [&] {
    if (!answer) return error_response(answer.error());
    net::Response full = plain(200, job.content_type, *answer);
    if (!job.attachment.empty())
      full.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + job.attachment + "\"");
    return full;
  };
  for (net::Responder& other : others) send(other, response());
  send(job.responder, response());
}

bool WebPort::step(DurationMs wait) {
  auto job = jobs_.pop_for(wait);
  if (!job) return false;
  // The client left while its request waited; of a shared one another may still be there.
  if (!job->responder.alive() && job->flight.empty()) return true;
  answer_all(*job, job->answer());
  return true;
}

void WebPort::stop() {
  jobs_.close();
  while (auto job = jobs_.try_pop()) answer_all(*job, fail(Code::closed, "the program is stopping"));
}

void WebPort::answer_page(const net::Request& request, net::Responder responder) {
  if (is_page(request.path)) return send(responder, assets_.page(request));
  if (auto file = assets_.find(request.path, request)) return send(responder, *std::move(file));
  // A wrong address typed into a browser gets the page, which says what there is instead.
  const auto accept = request.header("Accept");
  if (accept && accept->find("text/html") != std::string_view::npos) {
    net::Response page = assets_.page(request);
    if (page.status == 200) page.status = 404;
    return send(responder, std::move(page));
  }
  send(responder,
       net::json_error(404, "not_found", "there is nothing at " + request.path, "GET /api/project lists what there is"));
}

Result<std::string> WebPort::run_sql(const std::string& text) {
  Query query;
  query.role = Role::reader;
  query.sql = text;
  query.format = "TabSeparatedWithNamesAndTypes";
  query.timeout = kSqlTimeout;
  query.bytes_max = kSqlReplyMax;
  query.rows_max = kSqlRowsMax + 1;
  const os::MonotonicTime began = clock_.monotonic();
  const Reply reply = SLUICE_TRY(queries_.query(query));
  if (!reply.format.empty() && reply.format != query.format) {
    return fail(Code::invalid, "leave FORMAT out here: the page draws the rows itself; other formats are for the SQL port");
  }
  return sql_json(reply, std::chrono::duration_cast<DurationMs>(clock_.monotonic() - began));
}

}  // namespace sluice::serve
