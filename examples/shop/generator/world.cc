#include "world.h"

#include <fmt/format.h>

#include "base/rfc3339.h"

namespace sluice::shop {
namespace {

constexpr int64_t kDay = 86'400'000;

// Where the account's rows begin, and how long each but the last holds.
struct Rhythm {
  int64_t first;  // ms UTC
  int64_t length;
};

Rhythm rhythm_of(uint32_t account) {
  const uint64_t drawn = mixed(0xacc0'0000 + account);
  const auto length = static_cast<int64_t>(70 + drawn % 90) * kDay;
  const auto phase = static_cast<int64_t>(drawn / 1000 % 70) * kDay;
  return {to_ms(kAccountsFrom) + phase, length};
}

// Up from free, sometimes down again: the plan of the account's n-th row. Neighbours differ.
uint32_t plan_of_row(uint32_t account, int64_t row) {
  const uint64_t first = mixed(0x91a0'0000 + account) % 3;
  const uint64_t step = 1 + mixed(0x57e9'0000 + account) % 2;
  return static_cast<uint32_t>((first + step * static_cast<uint64_t>(row)) % 3);
}

}  // namespace

std::optional<uint32_t> plan_at(uint32_t account, TimeMs time) {
  if (account >= kAccounts) return std::nullopt;
  const Rhythm rhythm = rhythm_of(account);
  if (to_ms(time) < rhythm.first) return std::nullopt;
  const int64_t last = (to_ms(kAccountsTo) - 1 - rhythm.first) / rhythm.length;
  return plan_of_row(account, std::min(last, (to_ms(time) - rhythm.first) / rhythm.length));
}

std::string account_id(uint32_t account) { return fmt::format("acc_{:03}", account); }

uint32_t price_of(uint32_t product) { return 199 + static_cast<uint32_t>(mixed(0x9c1c'e000 + product) % 24'802); }

std::string accounts_csv() {
  std::string out = "account_id,plan,valid_from,valid_to\n";
  for (uint32_t account = 0; account < kAccounts; ++account) {
    const Rhythm rhythm = rhythm_of(account);
    int64_t row = 0;
    for (int64_t from = rhythm.first; from < to_ms(kAccountsTo); from += rhythm.length, ++row) {
      const int64_t to = from + rhythm.length;
      out += fmt::format("{},{},{},{}\n", account_id(account), kPlans[plan_of_row(account, row)], format_rfc3339(time_ms(from)),
                         to < to_ms(kAccountsTo) ? format_rfc3339(time_ms(to)) : "");
    }
  }
  return out;
}

}  // namespace sluice::shop
