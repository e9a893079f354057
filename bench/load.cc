// load.cc - sends unique events as fast as they are acknowledged, or at a given rate, and says how long each answer took.
//
// Closed  Each connection sends its next batch when the last one is answered.
// Open    --rate: batch k is due at start + k * batch / rate, whatever the answers do. An answer's latency counts from that moment,
//         so a stall is felt by every batch that was due in it (no coordinated omission).
// Answers 200 acknowledges. 429 and 503 send the same batch again after Retry-After, its latency goes on. Anything else ends the run.
// Output  One JSON object on standard output. Exit 1 if a batch was not acknowledged.
// Cost    One thread, one copy of a request per connection; its own CPU is in the output.
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

#include "batch_text.h"
#include "os/clock.h"
#include "os/sockets.h"

namespace sluice::bench {
namespace {

using os::MonotonicTime;
using std::chrono::microseconds;

constexpr std::chrono::seconds kAnswersWithin{60};
constexpr size_t kHeadBytesMax = 64 * 1024;
constexpr uint64_t kEventsMax = 100'000'000;

struct Options {
  std::string to = "127.0.0.1:18080";
  std::string key = "demo";
  std::string name;  // of the run, in the ids; empty: random
  uint64_t events = 0;  // 0: until `seconds`
  double seconds = 0;  // 0: until `events`
  double rate = 0;  // events a second; 0: closed loop
  size_t connections = 16;
  size_t batch = 100;
};

struct Connection {
  Connection(const Options& options, size_t variant) : text(options.to, options.key, options.name, options.batch, variant) {}
  BatchText text;
  int descriptor = -1;
  bool busy = false;
  size_t sent = 0;  // of text.bytes()
  std::string answer;
  MonotonicTime due, asked;
  std::optional<MonotonicTime> again_at;  // after 429 or 503
};

struct Answer {
  int status = 0;
  size_t bytes = 0;  // head and body
  std::chrono::milliseconds retry_after{1000};
  bool closes = false;
};

std::optional<std::string_view> field(std::string_view head, std::string_view name) {
  for (size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2);
    if (line.size() > name.size() && line[name.size()] == ':' && strncasecmp(line.data(), name.data(), name.size()) == 0) {
      std::string_view value = line.substr(name.size() + 1, line.find("\r\n") - name.size() - 1);
      while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
      return value;
    }
  }
  return std::nullopt;
}

// nullopt: not whole yet.
std::optional<Answer> parse(std::string_view text) {
  const size_t head_end = text.find("\r\n\r\n");
  if (head_end == std::string_view::npos || head_end < 12) return std::nullopt;
  const std::string_view head = text.substr(0, head_end + 2);
  Answer answer;
  std::from_chars(head.data() + 9, head.data() + 12, answer.status);
  size_t length = 0;
  if (const auto value = field(head, "content-length")) std::from_chars(value->data(), value->data() + value->size(), length);
  int seconds = 1;
  if (const auto value = field(head, "retry-after")) std::from_chars(value->data(), value->data() + value->size(), seconds);
  answer.retry_after = std::chrono::seconds(seconds);
  answer.closes = field(head, "connection").value_or("") == "close";
  answer.bytes = head_end + 4 + length;
  if (text.size() < answer.bytes) return std::nullopt;
  return answer;
}

class Load {
 public:
  Load(Options options, os::Sockets& sockets, os::Clock& clock)
      : options_(std::move(options)), sockets_(sockets), clock_(clock) {}
  Status run();
  std::string report() const;
  bool complete() const { return acked_ == offered_; }

 private:
  Status connect(Connection& connection);
  Status begin(Connection& connection, MonotonicTime due);
  Status write(Connection& connection);
  Status read(Connection& connection);
  Status answered(Connection& connection, const Answer& answer);
  Status offer(MonotonicTime now);
  Status wait(MonotonicTime now);
  bool may_offer(MonotonicTime now) const;
  MonotonicTime due(uint64_t batch) const;

  const Options options_;
  os::Sockets& sockets_;
  os::Clock& clock_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<pollfd> polled_;
  std::vector<uint32_t> latencies_us_;
  uint64_t batches_ = 0;
  uint64_t offered_ = 0;
  uint64_t acked_ = 0;
  std::map<int, uint64_t> refused_;
  MonotonicTime start_, end_;
  int64_t first_byte_ms_ = 0;
  microseconds late_max_{0};  // an open loop's batch that no connection was free for, or that we were too slow for
};

MonotonicTime Load::due(uint64_t batch) const {
  const double seconds = static_cast<double>(batch) * static_cast<double>(options_.batch) / options_.rate;
  return start_ + std::chrono::duration_cast<MonotonicTime::duration>(std::chrono::duration<double>(seconds));
}

bool Load::may_offer(MonotonicTime now) const {
  if (options_.events > 0 && offered_ >= options_.events) return false;
  if (options_.seconds > 0 && now - start_ >= std::chrono::duration<double>(options_.seconds)) return false;
  return offered_ + options_.batch <= kEventsMax;
}

Status Load::connect(Connection& connection) {
  const os::Endpoint endpoint = SLUICE_TRY(os::parse_endpoint(options_.to));
  connection.descriptor = SLUICE_TRY(sockets_.connect_tcp(endpoint));
  connection.answer.clear();
  return ok();
}

Status Load::begin(Connection& connection, MonotonicTime due) {
  connection.text.begin(offered_, to_ms(clock_.wall()));
  connection.busy = true;
  connection.sent = 0;
  connection.due = due;
  connection.asked = clock_.monotonic();
  ++batches_;
  offered_ += options_.batch;
  return write(connection);
}

Status Load::write(Connection& connection) {
  const std::string_view bytes = connection.text.bytes();
  while (connection.sent < bytes.size()) {
    const ssize_t n = ::send(connection.descriptor, bytes.data() + connection.sent, bytes.size() - connection.sent, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return ok();
    if (n < 0) return fail(Code::unavailable, fmt::format("{} does not take the request: {}", options_.to, std::strerror(errno)));
    connection.sent += static_cast<size_t>(n);
  }
  return ok();
}

Status Load::read(Connection& connection) {
  char buffer[16 * 1024];
  const ssize_t n = ::recv(connection.descriptor, buffer, sizeof buffer, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return ok();
  if (n <= 0) return fail(Code::unavailable, fmt::format("{} ended the connection before it answered", options_.to));
  connection.answer.append(buffer, static_cast<size_t>(n));
  if (connection.answer.size() > kHeadBytesMax) return fail(Code::invalid, "an answer of more than 64 KiB");
  const std::optional<Answer> answer = parse(connection.answer);
  return answer ? answered(connection, *answer) : ok();
}

Status Load::answered(Connection& connection, const Answer& answer) {
  const MonotonicTime now = clock_.monotonic();
  if (answer.status == 429 || answer.status == 503) {
    ++refused_[answer.status];
    connection.again_at = now + answer.retry_after;
  } else if (answer.status != 200) {
    return fail(Code::invalid, fmt::format("{} answered: {}", options_.to, connection.answer));
  } else {
    connection.busy = false;
    acked_ += options_.batch;
    end_ = now;
    const auto took =
        std::chrono::duration_cast<microseconds>(now - (options_.rate > 0 ? connection.due : connection.asked)).count();
    latencies_us_.push_back(static_cast<uint32_t>(std::min<int64_t>(took, UINT32_MAX)));
  }
  connection.answer.erase(0, answer.bytes);
  if (!answer.closes) return ok();
  ::close(connection.descriptor);
  return connect(connection);
}

// Gives work to connections that have none.
Status Load::offer(MonotonicTime now) {
  for (const std::unique_ptr<Connection>& connection : connections_) {
    if (connection->again_at && now >= *connection->again_at) {
      connection->again_at.reset();
      connection->sent = 0;
      SLUICE_CHECK(write(*connection));
    }
    if (connection->busy) continue;
    if (!may_offer(now)) return ok();
    MonotonicTime at = now;
    if (options_.rate > 0) {
      at = due(batches_);
      if (now < at) continue;
      late_max_ = std::max(late_max_, std::chrono::duration_cast<microseconds>(now - at));
    }
    SLUICE_CHECK(begin(*connection, at));
  }
  return ok();
}

Status Load::wait(MonotonicTime now) {
  polled_.clear();
  MonotonicTime until = now + std::chrono::milliseconds(100);
  bool idle = false;
  for (const std::unique_ptr<Connection>& connection : connections_) {
    const bool sending = connection->busy && !connection->again_at && connection->sent < connection->text.bytes().size();
    polled_.push_back({connection->descriptor, static_cast<short>(POLLIN | (sending ? POLLOUT : 0)), 0});
    if (connection->again_at) until = std::min(until, *connection->again_at);
    idle = idle || !connection->busy;
    if (connection->busy && now - connection->asked > kAnswersWithin) return fail(Code::unavailable, "no answer within 60 s");
  }
  if (idle && options_.rate > 0 && may_offer(now)) until = std::min(until, due(batches_));
  const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(std::max(until - now, MonotonicTime::duration(0)));
  const timespec timeout{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
  if (::ppoll(polled_.data(), polled_.size(), &timeout, nullptr) < 0 && errno != EINTR)
    return fail(Code::io, std::strerror(errno));
  for (size_t i = 0; i < polled_.size(); ++i) {
    if ((polled_[i].revents & POLLOUT) != 0) SLUICE_CHECK(write(*connections_[i]));
    if ((polled_[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) SLUICE_CHECK(read(*connections_[i]));
  }
  return ok();
}

Status Load::run() {
  for (size_t i = 0; i < options_.connections; ++i) {
    connections_.push_back(std::make_unique<Connection>(options_, i));
    SLUICE_CHECK(connect(*connections_.back()));
  }
  start_ = end_ = clock_.monotonic();
  first_byte_ms_ = to_ms(clock_.wall());
  for (;;) {
    SLUICE_CHECK(offer(clock_.monotonic()));
    const MonotonicTime now = clock_.monotonic();
    const bool busy = std::ranges::any_of(connections_, [](const auto& connection) { return connection->busy; });
    if (!busy && !may_offer(now)) return ok();
    SLUICE_CHECK(wait(now));
  }
}

std::string Load::report() const {
  std::vector<uint32_t> sorted = latencies_us_;
  std::ranges::sort(sorted);
  const auto at = [&](double p) {
    return sorted.empty() ? 0.0 : sorted[static_cast<size_t>(p * static_cast<double>(sorted.size() - 1))] / 1000.0;
  };
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const double cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  const double seconds = std::chrono::duration<double>(end_ - start_).count();
  std::string refused;
  for (const auto& [status, n] : refused_) refused += fmt::format("{}\"{}\":{}", refused.empty() ? "" : ",", status, n);
  return fmt::format(
      "{{\"events\":{},\"acked\":{},\"event_bytes\":{},\"seconds\":{:.3f},\"events_per_s\":{:.0f},\"first_byte_ms\":{},\"cpu_"
      "seconds\":{:.3f},"
      "\"cpu_us_per_event\":{:.3f},\"ack_ms\":{{\"p50\":{:.3f},\"p90\":{:.3f},\"p99\":{:.3f},\"p999\":{:.3f},\"max\":{:.3f}}},"
      "\"late_ms_max\":{:.3f},\"refused\":{{{}}},\"name\":\"{}\"}}",
      offered_, acked_, connections_.empty() ? 0 : connections_.front()->text.event_bytes(), seconds,
      seconds > 0 ? static_cast<double>(acked_) / seconds : 0, first_byte_ms_, cpu,
      acked_ > 0 ? cpu * 1e6 / static_cast<double>(acked_) : 0, at(0.5), at(0.9), at(0.99), at(0.999), at(1),
      static_cast<double>(late_max_.count()) / 1000, refused, options_.name);
}

const char* kUsage =
    "sluice_load [--to HOST:PORT] [--key KEY] [--name EIGHT] [--events N] [--seconds S] [--rate EVENTS_PER_S] [--connections N] "
    "[--batch N]\n"
    "  --events or --seconds must be given; the first that is reached ends the run.\n";

std::optional<Options> read_options(int count, char** texts) {
  Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string name = texts[i];
    const char* value = texts[i + 1];
    if (name == "--to") options.to = value;
    else if (name == "--key") options.key = value;
    else if (name == "--name") options.name = value;
    else if (name == "--events") options.events = std::strtoull(value, nullptr, 10);
    else if (name == "--seconds") options.seconds = std::strtod(value, nullptr);
    else if (name == "--rate") options.rate = std::strtod(value, nullptr);
    else if (name == "--connections") options.connections = std::strtoull(value, nullptr, 10);
    else if (name == "--batch") options.batch = std::strtoull(value, nullptr, 10);
    else return std::nullopt;
  }
  const bool odd = count % 2 == 0;
  const bool endless = options.events == 0 && options.seconds <= 0;
  if (odd || endless || options.batch == 0 || options.batch > 10'000 || options.connections == 0 || options.connections > 1'000)
    return std::nullopt;
  return options;
}

}  // namespace
}  // namespace sluice::bench

int main(int count, char** texts) {
  using namespace sluice;  // NOLINT: this file only joins names
  std::optional<bench::Options> options = bench::read_options(count, texts);
  if (!options) {
    fmt::print(stderr, "{}", bench::kUsage);
    return 2;
  }
  const std::unique_ptr<os::Sockets> sockets = os::real_sockets();
  const std::unique_ptr<os::Clock> clock = os::real_clock();
  if (options->name.empty())
    options->name = fmt::format("{:08x}", static_cast<uint32_t>(to_ms(clock->wall()) ^ (int64_t{::getpid()} << 20)));
  bench::Load load(*options, *sockets, *clock);
  const Status run = load.run();
  fmt::print("{}\n", load.report());
  if (!run) fmt::print(stderr, "sluice_load: {}\n", run.error().message);
  return run && load.complete() ? 0 : 1;
}
