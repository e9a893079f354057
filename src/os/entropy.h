// entropy.h - the port through which chance enters: ids and secrets.
//
// Threads Any. fill() never fails: without entropy the process aborts, since a guessable key is worse than none.
#pragma once

#include <memory>
#include <span>
#include <string>

namespace sluice::os {

class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual void fill(std::span<std::byte> out) = 0;
  std::string hex(size_t bytes);  // 2 * bytes hexadecimal digits
};

std::unique_ptr<Entropy> real_entropy();

}  // namespace sluice::os
