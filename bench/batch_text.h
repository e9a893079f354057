// batch_text.h - HTTP requests of the native dialect, rendered once; only what must differ is written anew for each.
//
// Event   About 420 bytes: one of 10,000 users with both ids, two kinds of event in turn, four texts and three numbers as
//         properties, two texts as context. Unique by message id. Its time is the request's, less up to 222 ms.
// Promise All requests of one batch size have the same length; begin(n) costs some 60 bytes of writing per event.
// Threads One.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::bench {

class BatchText {
 public:
  // `name`: eight characters that no other run with this store uses. `variant` makes batches differ in what is fixed.
  BatchText(std::string_view host, std::string_view key, std::string_view name, size_t events, size_t variant);
  // Writes ids first .. first + events - 1, users, numbers and times.
  void begin(uint64_t first, int64_t unix_ms);
  std::string_view bytes() const { return request_; }
  size_t event_bytes() const { return event_bytes_; }

 private:
  struct Slots {
    size_t id, time, user, anonymous, insertions, deletions, amount;
  };
  std::string request_;
  std::vector<Slots> slots_;
  size_t event_bytes_ = 0;
};

}  // namespace sluice::bench
