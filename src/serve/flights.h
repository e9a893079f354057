// flights.h - requests for the same answer, of which one is at work: the others wait for it instead of asking again.
//
// Bounds  As many flights as jobs may wait and run; kJoinedMax requests in all wait for one: beyond that they are jobs of their own.
// Threads Any. A mutex of its own, held for a look-up only: net threads join, workers land, and a request must either be among those
//         that landed or begin the next flight.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "net/http.h"

namespace sluice::serve {

class Flights {
 public:
  static constexpr size_t kJoinedMax = 256;

  // true: `responder` was taken and waits. false: it is untouched; who asked flies, and land() ends it.
  bool join(const std::string& key, net::Responder& responder) {
    const std::lock_guard lock(mutex_);
    const auto [flight, is_new] = flights_.try_emplace(key);
    if (is_new || joined_ == kJoinedMax) return false;
    flight->second.push_back(std::move(responder));
    ++joined_;
    return true;
  }
  std::vector<net::Responder> land(const std::string& key) {
    const std::lock_guard lock(mutex_);
    auto flight = flights_.extract(key);
    if (flight.empty()) return {};
    joined_ -= flight.mapped().size();
    return std::move(flight.mapped());
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<net::Responder>> flights_;
  size_t joined_ = 0;
};

}  // namespace sluice::serve
