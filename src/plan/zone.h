// zone.h - what the offset of a time zone from UTC is, and when it changes: a compiled zone file (TZif, RFC 8536) read whole.
//
// Promise Pure. The zone file is an input like the files of a project: it is read by app/, kept with the plan (pack()) and compiled
//         again by recovery, so that a newer zone database never changes what a journal means.
// Bounds  kZoneBytesMax; changes up to the year given.   Errors  nullopt: no zone file, or one with leap seconds.
// Why     Engines and libraries disagree on skipped and doubled midnights and carry data of different ages (facts on engines): one
//         reader here, and its result printed into SQL, cannot disagree with itself.   Source RFC 8536 3, POSIX.1 8.3 (TZ).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/compile.h"

namespace sluice::plan {

// From `at` on the offset holds, both in seconds. The first one's `at` is kBeginning.
struct OffsetChange {
  static constexpr int64_t kBeginning = std::numeric_limits<int64_t>::min();
  int64_t at = kBeginning;
  int64_t offset = 0;
  bool operator==(const OffsetChange&) const = default;
};
std::optional<std::vector<OffsetChange>> read_zone(std::string_view bytes, int until_year);

inline constexpr size_t kZoneBytesMax = 64 * 1024;
inline constexpr std::string_view kZoneFolder = "/usr/share/zoneinfo";  // where a machine has them: package tzdata
inline constexpr std::string_view kZonePrefix = "zones/";  // where a packed project has them

// Europe/Berlin, UTC; not a path that leaves the folder, nor the machine's own setting.
bool is_zone_name(std::string_view name);
// The zones that definitions name, each once: whose files compile() wants among the project's, as zones/NAME.
std::vector<std::string> zones_of(const std::vector<SourceFile>& files);

}  // namespace sluice::plan
