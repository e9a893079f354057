// event.h - one event of the shop, as the generator means it.
//
// Times    `time` is when it happened, by the rules of docs/semantics.md: what Sluice should store as event_time. `timestamp` is what the
//          device's clock said. `delivered` is when it reaches the shop's door, on the generator's own time line.
// Clocks   `sends_clock`: the event carries sent_at, which is the moment it is sent plus `clock_off`. Off by more than a minute it is
//          corrected, and time = timestamp - clock_off; off by less it is not, and time = timestamp.
// Copies   `retry`: the same event once more, under the same id. Whatever is about numbers skips those.
#pragma once

#include <cstdint>

#include "base/units.h"

namespace sluice::shop {

enum class Kind : uint8_t {
  page_viewed,
  product_viewed,
  cart_filled,
  checkout_started,
  order_completed,
  order_refunded,
  identify
};
enum class Device : uint8_t { desktop, phone, server, bot };

struct Event {
  TimeMs time;
  TimeMs timestamp;
  TimeMs delivered;
  DurationMs clock_off{0};
  uint64_t id = 0;  // of the message, unique in a run
  uint64_t order = 0;  // of order_completed: its own id; of order_refunded: that of the order
  uint64_t visit = 0;  // from 1; 0: of no visit (a bot's, the server's)
  uint32_t person = 0;  // or the bot's number
  uint32_t cents = 0;  // price, cart, order or refund
  uint32_t checkout_ms = 0;
  uint32_t account = 0;  // kNoAccount: none is given
  uint16_t page = 0;  // or product, by kind
  uint8_t country = 0;
  uint8_t items = 0;
  Kind kind = Kind::page_viewed;
  Device device = Device::desktop;
  bool has_anonymous_id = false;
  bool has_user_id = false;
  bool sends_clock = false;
  bool retry = false;
  bool offline = false;  // delivered an hour or more after it happened
};

inline constexpr uint32_t kNoAccount = UINT32_MAX;

}  // namespace sluice::shop
