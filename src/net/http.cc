#include "net/http.h"

#include "base/json_text.h"
#include "base/result.h"

namespace sluice::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (lower(c) >= 'a' && lower(c) <= 'f') return lower(c) - 'a' + 10;
  return -1;
}

bool is_unreserved(char c) {  // RFC 3986 2.3
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
}

}  // namespace

std::optional<std::string_view> find_header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return std::string_view(value);
  }
  return std::nullopt;
}

std::string percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += text[i] == '+' && plus_is_space ? ' ' : text[i];
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view part = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    out.emplace_back(percent_decode(part.substr(0, equals), true), percent_decode(value, true));
  }
  return out;
}

Response json_error(int status, std::string_view code, std::string_view message, std::string_view next) {
  Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/json");
  std::string& body = response.body;
  body += R"({"error":{"code":)";
  append_json_string(body, code);
  body += R"(,"message":)";
  append_json_string(body, message);
  body += R"(,"next":)";
  append_json_string(body, next);
  body += "}}\n";
  return response;
}

Responder::Responder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
Responder::Responder(Responder&&) noexcept = default;

Responder& Responder::operator=(Responder&& other) noexcept {
  if (this != &other) {
    const Responder dropped(std::move(exchange_));  // answers 500 for the one that is overwritten
    exchange_ = std::move(other.exchange_);
  }
  return *this;
}

Responder::~Responder() {
  if (!exchange_) return;
  exchange_->send(json_error(500, "internal", "The request was dropped without an answer.",
                             "Send it again; if it happens again, report it with the program's stderr."));
}

void Responder::send(Response response) {
  SLUICE_ASSERT(exchange_, "a Responder answers once");
  std::exchange(exchange_, nullptr)->send(std::move(response));
}

std::shared_ptr<Stream> Responder::start(Response head, size_t buffered_max) {
  SLUICE_ASSERT(exchange_, "a Responder answers once");
  return std::exchange(exchange_, nullptr)->start(std::move(head), buffered_max);
}

bool Responder::alive() const { return exchange_ && exchange_->alive(); }

}  // namespace sluice::net
