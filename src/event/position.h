// position.h - where a record stands in the log, and which epoch folded it.
//
// Offset    counts records of one partition from 0, no gaps. Position is a map partition -> offset because an external log has
//           many partitions; only log/ may assume that there is one (design 5). Epoch 0 means "none": the first epoch is 1.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/strong_id.h"

namespace sluice::event {

using PartitionId = StrongId<struct PartitionTag, uint16_t>;
using Offset = StrongId<struct OffsetTag, uint64_t>;
using Epoch = StrongId<struct EpochTag, uint64_t>;

// The offset of the next record not yet covered, per partition: [from, to) of an epoch is two of these.
using Position = std::map<PartitionId, Offset>;

// The embedded log's only partition; a position without it stands at the beginning.
inline constexpr PartitionId kEmbeddedPartition{0};
inline Offset embedded_offset(const Position& position) {
  const auto it = position.find(kEmbeddedPartition);
  return it == position.end() ? Offset(0) : it->second;
}

// One record's place, printed "0:1234".
struct Place {
  PartitionId partition;
  Offset offset;
  auto operator<=>(const Place&) const = default;
  std::string text() const { return std::to_string(partition.value) + ":" + std::to_string(offset.value); }
};

}  // namespace sluice::event
