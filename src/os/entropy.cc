#include "os/entropy.h"

#include <sys/random.h>

#include <cerrno>

#include "base/hash.h"
#include "base/result.h"

namespace sluice::os {
namespace {

class RealEntropy final : public Entropy {
 public:
  void fill(std::span<std::byte> out) override {
    while (!out.empty()) {
      const ssize_t got = getrandom(out.data(), out.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      SLUICE_ASSERT(got > 0, "without entropy keys would be guessable");
      out = out.subspan(static_cast<size_t>(got));
    }
  }
};

}  // namespace

std::string Entropy::hex(size_t bytes) {
  std::string raw(bytes, '\0');
  fill(std::as_writable_bytes(std::span(raw)));
  return sluice::hex(raw);
}

std::unique_ptr<Entropy> real_entropy() { return std::make_unique<RealEntropy>(); }

}  // namespace sluice::os
