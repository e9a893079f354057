// strong_id.h - integers that cannot be mixed up: an Offset is not an Epoch.
//
// Promise Same size and cost as Rep. No implicit conversion in or out, no arithmetic but next() and plain difference via value().
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace sluice {

template <class Tag, class Rep>
struct StrongId {
  Rep value{};
  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep v) : value(v) {}
  constexpr auto operator<=>(const StrongId&) const = default;
  constexpr StrongId next() const { return StrongId(static_cast<Rep>(value + 1)); }
};

}  // namespace sluice

template <class Tag, class Rep>
struct std::hash<sluice::StrongId<Tag, Rep>> {
  std::size_t operator()(const sluice::StrongId<Tag, Rep>& id) const { return std::hash<Rep>{}(id.value); }
};
