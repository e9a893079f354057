// units.h - sizes in bytes and instants in milliseconds UTC.
//
// TimeMs is an instant on the UTC time line, milliseconds since 1970-01-01T00:00Z, negative before. DurationMs is a length.
// kMinusInfinity stands for "no watermark yet"; stored as 1900-01-01 (semantics R4).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice {

using DurationMs = std::chrono::milliseconds;
using TimeMs = std::chrono::sys_time<DurationMs>;

constexpr TimeMs time_ms(int64_t ms) { return TimeMs(DurationMs(ms)); }
constexpr int64_t to_ms(TimeMs t) { return t.time_since_epoch().count(); }
constexpr TimeMs kMinusInfinity = TimeMs::min();

constexpr std::size_t operator""_KiB(unsigned long long n) { return static_cast<std::size_t>(n) << 10; }
constexpr std::size_t operator""_MiB(unsigned long long n) { return static_cast<std::size_t>(n) << 20; }
constexpr std::size_t operator""_GiB(unsigned long long n) { return static_cast<std::size_t>(n) << 30; }

// Rounds toward minus infinity, so that windows before 1970 are whole too (R8).
constexpr int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0) ? 1 : 0); }
constexpr int64_t floor_mod(int64_t a, int64_t b) { return a - floor_div(a, b) * b; }

}  // namespace sluice
