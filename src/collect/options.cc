#include "collect/options.h"

#include <string>

namespace sluice::collect {
namespace {

Status within(const char* name, size_t value, size_t low, size_t high) {
  if (value >= low && value <= high) return ok();
  return fail(Code::invalid, "collect option " + std::string(name) + " is " + std::to_string(value) + "; set it between " +
                                 std::to_string(low) + " and " + std::to_string(high));
}

}  // namespace

Status check(const CollectOptions& options) {
  SLUICE_CHECK(within("unpacked_bytes_max", options.unpacked_bytes_max, 64_KiB, 1_GiB));
  SLUICE_CHECK(within("unkeyed_bytes_max", options.unkeyed_bytes_max, 64_KiB, options.unpacked_bytes_max));
  SLUICE_CHECK(within("batch_events_max", options.batch_events_max, 1, 1'000'000));
  SLUICE_CHECK(within("event_bytes_max", options.event_bytes_max, 1_KiB, 4_MiB));
  SLUICE_CHECK(within("depth_max", options.depth_max, kTypedDepthMax + 1, 512));
  return ok();
}

}  // namespace sluice::collect
