// event_streams.h - endless events for the processor alone: the git file in many copies at once, or the web shop's generator.
//
// Promise Frames come as the log would give them: typed at the edge by the native dialect, encoded, ascending arrival clocks. Equal
//         arguments give equal frames. Making them is not what is measured.
// Copies  Of the git file `copies` stand side by side, a millisecond apart, each with people and ids of its own, so that so many times
//         the people of a week are active at once; when the part of the file ends it begins again, later and with fresh ids.
// Threads One.
#pragma once

#include <memory>
#include <string>

#include "event/batch.h"
#include "os/entropy.h"

namespace sluice::bench {

class EventStream {
 public:
  virtual ~EventStream() = default;
  // About `records` more; their arrival clock is that of the last one.
  virtual event::Frame next(size_t records) = 0;
};

// `lines`: events as examples/git/data has them. The newest of them are used, as many as `events` needs with as many copies as give
// `keys` different people.
std::unique_ptr<EventStream> git_stream(const std::string& lines, uint64_t events, uint64_t keys, os::Entropy& entropy);
std::unique_ptr<EventStream> shop_stream(uint64_t people, os::Entropy& entropy);

}  // namespace sluice::bench
