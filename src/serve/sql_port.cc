#include "serve/sql_port.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "base/hash.h"
#include "serve/guard.h"

namespace sluice::serve {
namespace {

constexpr std::chrono::hours kIdlePause{1};  // the queue wakes its workers by itself; this only bounds one wait

// Headers of a request that mean something to the store; all others end here, above all its own X-Sluice ones.
constexpr std::array<std::string_view, 4> kPassedOn = {"X-ClickHouse-Database", "X-ClickHouse-Format", "X-ClickHouse-Query-Id",
                                                       "Content-Encoding"};
// Headers of a reply that are this server's own to write.
constexpr std::array<std::string_view, 4> kOurs = {"content-length", "connection", "date", "transfer-encoding"};

struct Refusal {
  int status;
  int code;
  const char* name;
};
constexpr std::string_view kStopping = "The program is stopping; ask again when it is back";
constexpr Refusal kForbidden{403, 497, "ACCESS_DENIED"};
constexpr Refusal kNotAuthenticated{401, 516, "AUTHENTICATION_FAILED"};
constexpr Refusal kAway{503, 210, "NETWORK_ERROR"};
constexpr Refusal kBusy{503, 202, "TOO_MANY_SIMULTANEOUS_QUERIES"};

net::Response refuse(const Refusal& refusal, std::string_view why) {
  net::Response response;
  response.status = refusal.status;
  response.headers = {{"Content-Type", "text/plain; charset=UTF-8"},
                      {"X-ClickHouse-Exception-Code", std::to_string(refusal.code)}};
  if (refusal.status == 401) response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"Sluice SQL\"");
  if (refusal.status == 503) response.headers.emplace_back("Retry-After", "1");
  response.body = fmt::format("Code: {}. DB::Exception: {}. ({})\n", refusal.code, why, refusal.name);
  return response;
}

std::string decode_base64(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') value = static_cast<uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z') value = static_cast<uint32_t>(c - 'a' + 26);
    else if (c >= '0' && c <= '9') value = static_cast<uint32_t>(c - '0' + 52);
    else if (c == '+') value = 62;
    else if (c == '/') value = 63;
    else break;
    bits = (bits << 6) | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>((bits >> count) & 0xFF);
    }
  }
  return out;
}

struct Credentials {
  std::string user;
  std::string password;
};

Credentials credentials_of(const net::Request& request) {
  constexpr std::string_view kBasic = "Basic ";
  if (const auto header = request.header("Authorization"); header && header->starts_with(kBasic)) {
    const std::string both = decode_base64(header->substr(kBasic.size()));
    const size_t colon = both.find(':');
    if (colon != std::string::npos) return {both.substr(0, colon), both.substr(colon + 1)};
  }
  if (const auto user = request.header("X-ClickHouse-User")) {
    return {std::string(*user), std::string(request.header("X-ClickHouse-Key").value_or(""))};
  }
  Credentials credentials;
  for (auto& [key, value] : net::parse_query(request.query)) {
    if (key == "user") credentials.user = std::move(value);
    if (key == "password") credentials.password = std::move(value);
  }
  return credentials;
}

bool is_one_of(const auto& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(), [&](std::string_view each) {
    return std::equal(each.begin(), each.end(), name.begin(), name.end(),
                      [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b); });
  });
}

// nullopt: the length is not known beforehand.
std::optional<size_t> length_of(const net::Response& head) {
  const auto text = net::find_header(head.headers, "Content-Length");
  if (!text) return std::nullopt;
  size_t length = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), length);
  return error == std::errc{} && end == text->data() + text->size() ? std::optional(length) : std::nullopt;
}

// A reply on its way from the child to the client.
class Passage {
 public:
  explicit Passage(net::Responder& responder) : responder_(responder) {}

  bool wanted() const { return stream_ ? stream_->open() : responder_.alive(); }
  bool begin(const net::Response& head) {
    response_.status = head.status;
    const std::optional<size_t> length = length_of(head);
    for (const auto& header : head.headers) {
      if (!is_one_of(kOurs, header.first)) response_.headers.push_back(header);
    }
    if (!length || *length > SqlPort::kHeldBytes) stream_ = responder_.start(std::move(response_), SqlPort::kSlowClientBytes);
    return true;
  }
  bool write(std::string_view bytes) {
    if (stream_) return stream_->write_within(std::string(bytes), SqlPort::kSlowClientTimeout);
    response_.body += bytes;
    return true;
  }
  void finish() {
    if (stream_) return stream_->close();
    responder_.send(std::move(response_));
  }
  void fail(std::string_view why) {
    if (stream_) return stream_->abort();
    responder_.send(refuse(kAway, why));
  }

 private:
  net::Responder& responder_;
  net::Response response_;
  std::shared_ptr<net::Stream> stream_;
};

}  // namespace

SqlPort::SqlPort(os::Ports ports, SqlOptions options, std::function<std::string()> away)
    : ports_(ports), options_(std::move(options)), away_(std::move(away)) {}

bool SqlPort::admits(const net::Request& request) const {
  if (options_.password.empty()) return true;
  const Credentials given = credentials_of(request);
  // Hashes of equal length are compared, so the time taken tells nothing of the password.
  const bool password_fits = sha256_hex(given.password) == sha256_hex(options_.password);
  return password_fits && (options_.user.empty() || given.user == options_.user);
}

void SqlPort::handle(net::Request request, net::Responder responder) {
  if (const std::optional<std::string> why = refusal(request, options_.host_names))
    return responder.send(refuse(kForbidden, *why));
  if (!admits(request))
    return responder.send(
        refuse(kNotAuthenticated, "The user or password is wrong; give the ones that this port was configured with"));
  if (const std::string why = away_(); !why.empty()) {
    return responder.send(refuse(kAway, "The store does not answer now: " + why + "; nothing is lost, ask again in a moment"));
  }
  if (request.method == "GET" && request.path == "/ping") {
    net::Response pong;
    pong.headers.emplace_back("Content-Type", "text/html; charset=UTF-8");
    pong.body = "Ok.\n";
    return responder.send(std::move(pong));
  }
  const size_t bytes = request.body.size() + request.query.size();
  auto job = std::make_unique<Job>(Job{std::move(request), std::move(responder)});
  if (std::optional<std::unique_ptr<Job>> back = jobs_.try_push(std::move(job), bytes)) {
    const bool stopping = jobs_.closed();
    (*back)->responder.send(stopping ? refuse(kAway, kStopping)
                                     : refuse(kBusy, "Too many statements wait already; ask again in a second"));
  }
}

void SqlPort::run_worker() {
  const std::unique_ptr<net::Client> client = net::Client::to(ports_, net::Address{{}, options_.socket_path});
  while (true) {
    const std::optional<std::unique_ptr<Job>> job = jobs_.pop_for(kIdlePause);
    if (job) {
      if ((*job)->responder.alive()) forward(*client, **job);
    } else if (jobs_.closed()) {
      return;
    }
  }
}

void SqlPort::stop() {
  jobs_.close();
  while (std::optional<std::unique_ptr<Job>> job = jobs_.try_pop()) (*job)->responder.send(refuse(kAway, kStopping));
}

void SqlPort::forward(net::Client& client, Job& job) const {
  net::ClientRequest request;
  request.method = job.request.method;
  request.target = net::percent_encode(job.request.path);
  for (size_t at = request.target.find("%2F"); at != std::string::npos; at = request.target.find("%2F"))
    request.target.replace(at, 3, "/");
  if (!job.request.query.empty()) request.target += '?' + job.request.query;
  for (const std::string_view name : kPassedOn) {
    if (const auto value = job.request.header(name)) request.headers.emplace_back(name, *value);
  }
  request.headers.emplace_back("X-Sluice-Role", "reader");
  request.body = job.request.body;
  request.timeout = kStatementTimeout;

  Passage passage(job.responder);
  request.wanted = [&] { return !jobs_.closed() && passage.wanted(); };
  if (job.request.method == "HEAD") {
    // No length is told: a client that asks for it (DuckDB) then reads once, not in ranges of results that differ from run to run.
    job.responder.start({200, {{"Content-Type", "application/octet-stream"}}, {}}, kSlowClientBytes)->close();
    return;
  }
  const Status passed = client.stream(
      request, [&](const net::Response& head) { return passage.begin(head); },
      [&](std::string_view bytes) { return passage.write(bytes); });
  if (passed) return passage.finish();
  if (jobs_.closed()) return passage.fail(kStopping);
  passage.fail(passed.error().code == Code::closed ? "the client left"
                                                   : "The store was lost before it had answered: " + passed.error().message);
}

}  // namespace sluice::serve
