#include "event/event.h"

#include <array>

namespace sluice::event {

const char* dialect_name(Dialect dialect) {
  switch (dialect) {
    case Dialect::native: return "native";
    case Dialect::segment: return "segment";
  }
  return "native";
}

std::optional<Dialect> dialect_of(uint8_t number) {
  if (number == static_cast<uint8_t>(Dialect::native)) return Dialect::native;
  if (number == static_cast<uint8_t>(Dialect::segment)) return Dialect::segment;
  return std::nullopt;
}

std::vector<std::string_view> flag_names(uint16_t flags) {
  static constexpr std::array<std::string_view, 7> kNames{
      "no_zone", "clock_corrected", "future", "derived_id", "random_id", "wide", "extra"};
  std::vector<std::string_view> names;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if ((flags >> i) & 1) names.push_back(kNames[i]);
  }
  return names;
}

}  // namespace sluice::event
