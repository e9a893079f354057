// descriptor.h - a file descriptor with one owner.
//
// Promise Closed exactly once. release() hands it to someone else. An error of close() is not reported: nothing that we promise
//         depends on it, durability comes from data_sync() alone.
// Threads One at a time.
#pragma once

#include <unistd.h>

#include <utility>

namespace sluice::os {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

}  // namespace sluice::os
