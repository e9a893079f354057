#include "ndjson.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "base/rfc3339.h"
#include "world.h"

namespace sluice::shop {
namespace {

constexpr std::array<std::string_view, 7> kNames{"page_viewed",     "product_viewed", "cart_filled", "checkout_started",
                                                 "order_completed", "order_refunded", "identify"};
constexpr std::array<std::string_view, 4> kDevices{"desktop", "phone", "server", "bot"};

using Out = std::back_insert_iterator<std::string>;

void money(Out out, uint32_t cents) { fmt::format_to(out, ",\"amount\":{}.{:02}", cents / 100, cents % 100); }

void properties(Out out, const Event& event) {
  switch (event.kind) {
    case Kind::page_viewed: fmt::format_to(out, "\"page\":\"{}\"", kPages[event.page]); return;
    case Kind::product_viewed:
      fmt::format_to(out, "\"product\":\"p_{:03}\",\"price\":{}.{:02}", event.page, event.cents / 100, event.cents % 100);
      return;
    case Kind::cart_filled:
      fmt::format_to(out, "\"product\":\"p_{:03}\",\"items\":{}", event.page, event.items);
      money(out, event.cents);
      return;
    case Kind::identify: fmt::format_to(out, "\"newsletter\":{}", event.person % 3 == 0); return;
    case Kind::checkout_started: fmt::format_to(out, "\"items\":{}", event.items); break;
    case Kind::order_completed:
      fmt::format_to(out, "\"order_id\":\"o_{:016x}\",\"items\":{},\"checkout_ms\":{}", event.order, event.items,
                     event.checkout_ms);
      break;
    case Kind::order_refunded: fmt::format_to(out, "\"order_id\":\"o_{:016x}\"", event.order); break;
  }
  money(out, event.cents);
  if (event.account != kNoAccount) fmt::format_to(out, ",\"account_id\":\"{}\"", account_id(event.account));
}

}  // namespace

std::string message_id(const Event& event) { return fmt::format("m_{:016x}", event.id); }

std::string anonymous_id(const Event& event) {
  if (!event.has_anonymous_id) return "";
  if (event.device == Device::bot) return fmt::format("bot_{}", event.person);
  return fmt::format("{}_{}", event.device == Device::phone ? "phone" : "web", event.person);
}

std::string user_id(const Event& event) { return event.has_user_id ? fmt::format("u_{}", event.person) : ""; }

void append_ndjson(std::string& text, const Event& event, TimeMs sent) {
  const Out out(text);
  fmt::format_to(out, "{{\"event\":\"{}\",\"message_id\":\"{}\",\"timestamp\":\"{}\"", kNames[static_cast<size_t>(event.kind)],
                 message_id(event), format_rfc3339(event.timestamp));
  if (event.sends_clock) fmt::format_to(out, ",\"sent_at\":\"{}\"", format_rfc3339(sent + event.clock_off));
  if (event.has_user_id) fmt::format_to(out, ",\"user_id\":\"{}\"", user_id(event));
  if (event.has_anonymous_id) fmt::format_to(out, ",\"anonymous_id\":\"{}\"", anonymous_id(event));
  fmt::format_to(out, ",\"properties\":{{");
  properties(out, event);
  fmt::format_to(out, "}},\"context\":{{\"country\":\"{}\"", kCountries[event.country].code);
  // The server's own events come from no device.
  if (event.device != Device::server)
    fmt::format_to(out, ",\"device\":\"{}\",\"bot\":{}", kDevices[static_cast<size_t>(event.device)],
                   event.device == Device::bot);
  text += "}}\n";
}

}  // namespace sluice::shop
