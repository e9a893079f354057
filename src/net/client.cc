#include "net/client.h"

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <mutex>

#include "net/boost_asio.h"
#include "net/response_parser.h"

namespace sluice::net {
namespace {

constexpr DurationMs kReuseWithin{2'000};  // shorter than any server's idle timeout we meet, so that it does not close meanwhile
constexpr size_t kReadBytes = 128_KiB;
constexpr DurationMs kAskEvery{250};  // whether a request is still wanted

std::string request_head(const ClientRequest& request, std::string_view host) {
  std::string out = request.method + " " + request.target + " HTTP/1.1\r\n";
  if (!find_header(request.headers, "host")) out.append("Host: ").append(host).append("\r\n");
  for (const auto& [name, value] : request.headers) out.append(name).append(": ").append(value).append("\r\n");
  if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD")) {
    out.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  }
  return out + "\r\n";
}

bool has_control_character(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return true;
  }
  return false;
}

// What would let a caller's text change the request's meaning is a bug of the caller, found before anything is sent.
Status check(const ClientRequest& request) {
  bool bad = has_control_character(request.method) || has_control_character(request.target) ||
             request.method.find(' ') != std::string::npos || request.target.find(' ') != std::string::npos;
  for (const auto& [name, value] : request.headers) bad = bad || has_control_character(name) || has_control_character(value);
  if (bad)
    return fail(Code::invalid,
                "the request to " + request.target.substr(0, 100) + " holds characters that HTTP forbids; encode them");
  return ok();
}

class BlockingClient final : public Client {
 public:
  BlockingClient(os::Ports ports, Address address)
      : ports_(ports),
        address_(std::move(address)),
        where_(address_.unix_path.empty() ? address_.tcp.text() : address_.unix_path) {}

  ~BlockingClient() override { drop(); }

  Result<Response> send(const ClientRequest& request, size_t body_bytes_max) override {
    Response response;
    bool full = false;
    const Status status = stream(
        request,
        [&](const Response& head) {
          response = head;
          return true;
        },
        [&](std::string_view bytes) {
          full = response.body.size() + bytes.size() > body_bytes_max;
          if (!full) response.body += bytes;
          return !full;
        });
    if (full) {
      return fail(Code::full,
                  "the reply of " + where_ + " is larger than " + std::to_string(body_bytes_max) + " bytes; ask for less");
    }
    if (!status) return status.error();
    return response;
  }

  Status stream(const ClientRequest& request, const std::function<bool(const Response&)>& on_head,
                const std::function<bool(std::string_view)>& on_chunk) override {
    SLUICE_CHECK(check(request));
    begin();
    const os::MonotonicTime deadline = ports_.clock.monotonic() + request.timeout;
    Status status = attempt(request, on_head, on_chunk, deadline);
    // The other side may close a kept connection just as we take it up again: nothing was sent, so a new one is as good.
    if (reused_ && !status && status.error().code == Code::unavailable) status = attempt(request, on_head, on_chunk, deadline);
    last_used_ = ports_.clock.monotonic();
    const std::lock_guard lock(mutex_);
    running_ = false;
    return status;
  }

  void cancel() override {
    const std::lock_guard lock(mutex_);
    if (!running_) return;
    cancelled_ = true;
    // The post wakes the running request; what it does is to look at cancelled_.
    asio::post(io_, [] {});
  }

 private:
  void begin() {
    const std::lock_guard lock(mutex_);
    SLUICE_ASSERT(!running_, "a client runs one request at a time");
    running_ = true;
    cancelled_ = false;
  }

  Status attempt(const ClientRequest& request, const std::function<bool(const Response&)>& on_head,
                 const std::function<bool(std::string_view)>& on_chunk, os::MonotonicTime deadline) {
    SLUICE_CHECK(connect());
    Status status = exchange(request, ResponseParser::Receiver{on_head, on_chunk}, deadline);
    if (status) return status;
    drop();  // and only now sent_ is sure
    if (status.error().code != Code::unknown) return status;
    if (sent_ > 0) return error(Code::unknown, status.error().message, "it was sent, so ask what it did before repeating it");
    return error(Code::unavailable, status.error().message, "nothing was sent, so it can be repeated");
  }

  Error error(Code code, std::string_view what, std::string_view next) const {
    return fail(code, where_ + ": " + std::string(what) + "; " + std::string(next));
  }
  void drop() {
    if (!socket_) return;
    ErrorCode ignored;
    socket_->close(ignored);
    io_.restart();
    io_.poll();  // the handlers of operations that were pending run now, while what they refer to exists
    socket_.reset();
  }

  // A kept connection with bytes or an end to read is no longer ours to use.
  bool reusable() {
    if (!socket_ || ports_.clock.monotonic() - last_used_ > kReuseWithin) return false;
    char byte = 0;
    ErrorCode ec;
    socket_->receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, ec);
    return ec == asio::error::would_block;
  }

  Status connect() {
    reused_ = reusable();
    if (reused_) return ok();
    drop();
    const bool is_unix = !address_.unix_path.empty();
    Result<int> connected = is_unix ? ports_.sockets.connect_unix(address_.unix_path) : ports_.sockets.connect_tcp(address_.tcp);
    if (!connected) {
      Error why = std::move(connected).error();
      if (why.code != Code::invalid) why.code = Code::unavailable;
      return why;
    }
    const int family = is_unix ? AF_UNIX : address_.tcp.host.find(':') != std::string::npos ? AF_INET6 : AF_INET;
    socket_.emplace(io_);
    ErrorCode ec;
    socket_->assign(asio::generic::stream_protocol(family, 0), *connected, ec);
    if (!ec) socket_->non_blocking(true, ec);
    if (ec) return error(Code::unavailable, "using the connection: " + ec.message(), "nothing was sent");
    if (!is_unix) socket_->set_option(asio::ip::tcp::no_delay(true), ec);
    return ok();
  }

  // Writes and reads at once: a server that refuses a large body answers before it has read it.
  // Code::unknown here means that the transport failed; attempt() decides what that says about the effect.
  Status exchange(const ClientRequest& request, ResponseParser::Receiver receiver, os::MonotonicTime deadline) {
    const std::string head = request_head(request, address_.unix_path.empty() ? address_.tcp.text() : "localhost");
    const size_t size = head.size() + request.body.size();
    ResponseParser parser(std::move(receiver), request.method == "HEAD");
    sent_ = 0;
    writing_ = reading_ = false;
    write_error_ = read_error_ = {};
    for (;;) {
      if (!writing_ && !write_error_ && sent_ < size) start_write(head, request.body);
      if (!reading_) start_read();
      SLUICE_CHECK(wait_for_news(deadline, request.wanted));
      if (reading_) continue;
      bool rest = false;
      if (!read_error_) {
        rest = parser.feed(std::string_view(inbox_).substr(0, received_)) < received_;
      } else if (read_error_ == asio::error::eof) {
        parser.end();
      }
      if (parser.stopped()) return error(Code::closed, "the reply was not wanted any more", "what the request did is open");
      if (!parser.failure().empty()) return fail(Code::unknown, "the reply is not whole: " + parser.failure());
      if (parser.complete()) {
        if (rest || read_error_ || sent_ < size || !parser.keep_alive()) drop();
        return ok();
      }
      if (read_error_) return fail(Code::unknown, "the connection broke before the reply was whole: " + read_error_.message());
    }
  }

  void start_write(std::string_view head, std::string_view body) {
    writing_ = true;
    const size_t of_head = std::min(sent_, head.size());
    const std::array<asio::const_buffer, 2> rest = {asio::buffer(head.substr(of_head)),
                                                    asio::buffer(body.substr(sent_ - of_head))};
    socket_->async_write_some(rest, [this](ErrorCode ec, size_t n) {
      writing_ = false;
      write_error_ = ec;  // not the end yet: the reply that explains it may be on its way
      sent_ += n;
      news_ = true;
    });
  }

  void start_read() {
    reading_ = true;
    socket_->async_read_some(asio::buffer(inbox_), [this](ErrorCode ec, size_t n) {
      reading_ = false;
      read_error_ = ec;
      received_ = n;
      news_ = true;
    });
  }

  Status wait_for_news(os::MonotonicTime deadline, const std::function<bool()>& wanted) {
    news_ = false;
    while (!news_) {
      {
        const std::lock_guard lock(mutex_);
        if (cancelled_) return error(Code::closed, "the request was cancelled", "what it may have done is open");
      }
      if (wanted && !wanted()) return error(Code::closed, "nobody waits for the reply any more", "what the request did is open");
      const auto left = deadline - ports_.clock.monotonic();
      if (left <= left.zero()) return fail(Code::unknown, "no complete reply within the time allowed");
      io_.restart();
      io_.run_one_for(wanted ? std::min<os::MonotonicTime::duration>(left, kAskEvery) : left);
    }
    return ok();
  }

  os::Ports ports_;
  const Address address_;
  const std::string where_;
  asio::io_context io_{1};
  std::optional<StreamSocket> socket_;
  os::MonotonicTime last_used_{};
  bool reused_ = false;
  std::string inbox_ = std::string(kReadBytes, '\0');
  size_t sent_ = 0;
  size_t received_ = 0;
  bool writing_ = false;
  bool reading_ = false;
  bool news_ = false;
  ErrorCode write_error_;
  ErrorCode read_error_;
  std::mutex mutex_;  // cancel() comes from other threads
  bool running_ = false;
  bool cancelled_ = false;
};

}  // namespace

std::unique_ptr<Client> Client::to(os::Ports ports, Address address) {
  return std::make_unique<BlockingClient>(ports, std::move(address));
}

}  // namespace sluice::net
