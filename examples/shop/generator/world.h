// world.h - what the shop is: countries, pages, products, accounts and their plans. Fixed: not drawn, the same for every seed.
//
// Accounts  kAccounts of them are in examples/shop/accounts.csv, kStrangers more order goods and are in no file. An account's plan
//           changes at midnights of its own between kAccountsFrom and kAccountsTo; rows touch, the last one is open.
// Promise   plan_at() and accounts_csv() read one table, made by a rule from the account's number: the file in the tree never ages.
// Threads   Any; nothing changes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"

namespace sluice::shop {

struct Country {
  std::string_view code;
  int32_t minutes_ahead;  // of UTC: when its people are awake
  uint32_t share;  // of 100 people
  uint32_t checkout_ms;  // how long an order takes there, about
  uint32_t orders_per_100;  // of 100 checkouts on a phone; computers do better
};

inline constexpr std::array<Country, 8> kCountries{{{"de", 60, 24, 240, 74},
                                                    {"fr", 60, 16, 260, 70},
                                                    {"gb", 0, 14, 210, 76},
                                                    {"us", -300, 20, 180, 80},
                                                    {"br", -180, 8, 620, 38},
                                                    {"in", 330, 9, 540, 52},
                                                    {"jp", 540, 6, 310, 82},
                                                    {"au", 600, 3, 480, 68}}};
inline constexpr std::array<std::string_view, 12> kPages{"/",       "/sale",     "/search",  "/kitchen", "/garden", "/lights",
                                                         "/chairs", "/delivery", "/returns", "/about",   "/jobs",   "/imprint"};
inline constexpr uint32_t kProducts = 200;
inline constexpr std::array<std::string_view, 3> kPlans{"free", "plus", "pro"};

inline constexpr uint32_t kAccounts = 120;
inline constexpr uint32_t kStrangers = 8;
inline constexpr TimeMs kAccountsFrom = time_ms(1'735'689'600'000);  // 2025-01-01T00:00Z
inline constexpr TimeMs kAccountsTo = time_ms(1'861'920'000'000);  // 2029-01-01T00:00Z; the last plan holds for ever

// Index into kPlans; nullopt: no row of the file is about this account at that time.
std::optional<uint32_t> plan_at(uint32_t account, TimeMs time);
std::string account_id(uint32_t account);  // acc_001
// Cents, 1.99 to 250.00.
uint32_t price_of(uint32_t product);
// The file: account_id,plan,valid_from,valid_to.
std::string accounts_csv();

// The last step of a counter-based random generator: a bijection of 64 bits, so that different numbers stay different.
constexpr uint64_t mixed(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// Random numbers from a seed, the same on every machine. Source: Steele, Lea, Flood, OOPSLA 2014 (SplitMix).
class Dice {
 public:
  explicit Dice(uint64_t state) : state_(state) {}
  uint64_t next() { return mixed(state_ += 0x9e3779b97f4a7c15ULL); }
  uint32_t below(uint32_t n) { return static_cast<uint32_t>((next() >> 32) * n >> 32); }
  uint32_t between(uint32_t low, uint32_t high) { return low + below(high - low + 1); }
  bool percent(uint32_t p) { return below(100) < p; }
  double fraction() { return static_cast<double>((next() >> 11) + 1) * 0x1p-53; }  // (0, 1]
  uint64_t state() const { return state_; }

 private:
  uint64_t state_;
};

}  // namespace sluice::shop
