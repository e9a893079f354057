#include "app/control_port.h"

#include <charconv>

namespace sluice::app {
namespace {

constexpr uint64_t kRecordsMax = 10'000;

std::string parameter(const net::Request& request, std::string_view name) {
  for (const auto& [key, value] : net::parse_query(request.query)) {
    if (key == name) return value;
  }
  return "";
}

uint64_t number(const std::string& text, uint64_t otherwise) {
  uint64_t value = otherwise;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
  return bad == std::errc() && end == text.data() + text.size() ? value : otherwise;
}

net::Response answer_of(const Result<std::string>& result, std::string_view type) {
  if (result) return {200, {{"Content-Type", std::string(type)}}, *result};
  const Code code = result.error().code;
  const int status = code == Code::invalid ? 400 : code == Code::not_found ? 404 : code == Code::full ? 429 : 503;
  return net::json_error(status, code_name(code), result.error().message, "");
}

}  // namespace

void ControlPort::handle(net::Request request, net::Responder responder) {
  const bool text = parameter(request, "format") == "text";
  if (request.path == "/api/send") {
    auto shared = std::make_shared<net::Responder>(std::move(responder));
    parts_.collector.answer_for(parameter(request, "source"), request, [shared](net::Response response) {
      // A batch of which nothing was accepted is no failure of the sender: its verdicts are the answer.
      if (response.status == 400) response.status = 200;
      shared->send(std::move(response));
    });
  } else if (request.path == "/api/query") {
    later(std::move(responder), [this, sql = request.body, format = parameter(request, "format")] {
      const Result<serve::Reply> reply = parts_.queries.query({.role = serve::Role::reader, .sql = sql, .format = format});
      return answer_of(reply ? Result<std::string>(reply->body) : Result<std::string>(reply.error()),
                       "text/plain; charset=utf-8");
    });
  } else if (request.path == "/api/log") {
    const event::Offset from(number(parameter(request, "from"), 0));
    const uint64_t limit = std::min(kRecordsMax, number(parameter(request, "limit"), 20));
    later(std::move(responder),
          [this, from, limit] { return answer_of(log_records(parts_.log, from, limit), "application/x-ndjson"); });
  } else if (request.path == "/api/plan") {
    responder.send({200, {{"Content-Type", "text/plain; charset=utf-8"}}, parts_.plan()});
  } else if (request.path == "/api/apply" && request.method == "POST") {
    later(std::move(responder), [this] { return answer_of(parts_.apply(), "text/plain; charset=utf-8"); });
  } else if (request.path == "/api/ledger" && text) {
    later(std::move(responder), [this] {
      const Result<quality::LedgerReport> report = parts_.proof().ledger();
      return answer_of(report ? Result<std::string>(quality::table_text(*report)) : Result<std::string>(report.error()),
                       "text/plain; charset=utf-8");
    });
  } else if (request.path == "/api/trace" && text) {
    later(std::move(responder), [this, id = parameter(request, "id")] {
      const Result<quality::Trace> trace = parts_.proof().trace(id);
      return answer_of(trace ? Result<std::string>(quality::trace_text(*trace)) : Result<std::string>(trace.error()),
                       "text/plain; charset=utf-8");
    });
  } else {
    parts_.web.handle(std::move(request), std::move(responder), serve::Trust::control);
  }
}

void ControlPort::later(net::Responder responder, std::function<net::Response()> answer) {
  std::optional<Job> back = jobs_.try_push(Job{std::move(responder), std::move(answer)}, 1);
  if (back) back->responder.send(refusal());
}

net::Response ControlPort::refusal() const {
  net::Response response = jobs_.closed() ? net::json_error(503, "closed", "the program is stopping", "try again when it is back")
                                          : net::json_error(503, "busy", "too many commands at once", "try again in a second");
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

void ControlPort::step(DurationMs wait) {
  std::optional<Job> job = jobs_.pop_for(wait);
  if (job) job->responder.send(job->answer());
}

void ControlPort::stop() {
  jobs_.close();
  while (std::optional<Job> job = jobs_.try_pop()) job->responder.send(refusal());
}

}  // namespace sluice::app
