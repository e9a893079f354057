// data_id.h - the random name that log, journal, checkpoints and store of one data directory share (design 5).
//
// Made once with the directory. A part with another id belongs to other data: whoever finds one refuses to start.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/hash.h"

namespace sluice::event {

struct DataId {
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const DataId&) const = default;
  std::string text() const {  // 32 hexadecimal digits
    return hex(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
};

}  // namespace sluice::event
