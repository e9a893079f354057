#include "batch_text.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

namespace sluice::bench {
namespace {

constexpr size_t kIdDigits = 12;
constexpr size_t kUserDigits = 5;
constexpr uint64_t kUsers = 10'000;
constexpr size_t kTimes = 7;           // different times in one request
constexpr int64_t kTimeStepMs = 37;

// A different well-mixed number for each event. Source: the finaliser of SplitMix64 (Steele, Lea, Flood, 2014).
uint64_t mixed(uint64_t n) {
  n += 0x9E3779B97F4A7C15;
  n = (n ^ (n >> 30)) * 0xBF58476D1CE4E5B9;
  n = (n ^ (n >> 27)) * 0x94D049BB133111EB;
  return n ^ (n >> 31);
}

void put_digits(char* at, uint64_t value, size_t digits) {
  for (size_t i = digits; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

std::string time_text(int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                     utc.tm_min, utc.tm_sec, unix_ms % 1000);
}

}  // namespace

BatchText::BatchText(std::string_view host, std::string_view key, std::string_view name, size_t events, size_t variant) {
  std::string body = "[";
  for (size_t i = 0; i < events; ++i) {
    Slots slots{};
    const size_t begin = body.size();
    const auto slot = [&](size_t& into, std::string_view text) {
      into = body.size();
      body += text;
    };
    const uint64_t dice = mixed(variant * 1'000'003 + i);
    body += fmt::format("{{\"event\":\"{}\",\"message_id\":\"b-{}-", i % 2 == 0 ? "commit_authored" : "page_viewed", name);
    slot(slots.id, std::string(kIdDigits, '0'));
    body += "\",\"timestamp\":\"";
    slot(slots.time, time_text(0));
    body += "\",\"user_id\":\"u_";
    slot(slots.user, "00000");
    body += "\",\"anonymous_id\":\"anon_";
    slot(slots.anonymous, "00000");
    body += fmt::format("\",\"properties\":{{\"repo\":\"project-{:02}\",\"page\":\"/pricing/plan-{:02}\",", dice % 12,
                        dice / 12 % 40);
    body += fmt::format("\"referrer\":\"https://search.example/?q=term-{:03}\",\"experiment_variant\":\"{}\",\"insertions\":",
                        dice / 480 % 200, dice / 96'000 % 2 == 0 ? "A" : "B");
    slot(slots.insertions, "1000");
    body += ",\"deletions\":";
    slot(slots.deletions, "1000");
    body += ",\"amount\":";
    slot(slots.amount, "10.25");
    body += fmt::format(
        "}},\"context\":{{\"ip\":\"203.0.113.{:03}\",\"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\"}}}}",
        100 + dice / 192'000 % 100);
    event_bytes_ = body.size() - begin;  // the shorter kind: the last of a pair
    body += i + 1 < events ? "," : "]";
    slots_.push_back(slots);
  }
  const std::string head = fmt::format(
      "POST /v1/events HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\n\r\n",
      host, key, body.size());
  for (Slots& slots : slots_) {
    for (size_t* at :
         {&slots.id, &slots.time, &slots.user, &slots.anonymous, &slots.insertions, &slots.deletions, &slots.amount}) {
      *at += head.size();
    }
  }
  request_ = head + body;
}

void BatchText::begin(uint64_t first, int64_t unix_ms) {
  std::array<std::string, kTimes> times;
  for (size_t i = 0; i < kTimes; ++i) times[i] = time_text(unix_ms - static_cast<int64_t>(i) * kTimeStepMs);
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Slots& slots = slots_[i];
    const uint64_t dice = mixed(first + i);
    char* text = request_.data();
    put_digits(text + slots.id, first + i, kIdDigits);
    const std::string& time = times[dice % kTimes];
    time.copy(text + slots.time, time.size());
    const uint64_t user = dice / kTimes % kUsers;
    put_digits(text + slots.user, user, kUserDigits);
    put_digits(text + slots.anonymous, user, kUserDigits);
    put_digits(text + slots.insertions, 1'000 + (dice >> 32) % 9'000, 4);
    put_digits(text + slots.deletions, 1'000 + (dice >> 40) % 9'000, 4);
    put_digits(text + slots.amount, 10 + (dice >> 48) % 90, 2);
  }
}

}  // namespace sluice::bench
