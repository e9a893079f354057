// hostile.h - random stored events and random expressions, from one seed: values that engines are known to differ on, often.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "event/event.h"
#include "plan/evaluate.h"

namespace sluice::agreement {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t below(uint64_t n) { return engine_() % n; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  template <class T>
  const T& of(const std::vector<T>& list) {
    return list[below(list.size())];
  }
  uint64_t bits() { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

// A row of `events`, owning its bytes.
struct StoredEvent {
  std::string source, event, message_id, user_id, anonymous_id, stitching_key, user_key, dialect;
  int64_t event_time = 0, received_at = 0, watermark = 0;
  bool future = false;
  uint64_t epoch = 1;
  uint16_t partition = 0;
  uint64_t offset = 0;
  std::map<std::string, event::Scalar> scalars;
};

// Keys of properties and context that events carry and expressions read: as expressions write them, and as the map's key.
struct Path {
  std::string written, key;
};
const std::vector<Path>& paths();
std::string random_text(Random& random);
Decimal random_number(Random& random);
std::vector<StoredEvent> random_events(Random& random, size_t count);

// Insert of all events, as SQL text, and the table it goes into (the columns that expressions read; design 7).
std::string events_table();
std::string insert_events(const std::vector<StoredEvent>& events);

// Expressions as text, of a wanted type.
std::string text_expression(Random& random, int depth);
std::string number_expression(Random& random, int depth);
std::string time_expression(Random& random);
std::string condition(Random& random, int depth);
std::string literal_text(Random& random);

// The event as the evaluator reads it, for a plan's paths. Points into `event` and `slots`.
plan::Row row_of(const StoredEvent& event, const std::vector<std::string>& plan_paths, std::vector<event::ScalarView>& views,
                 std::vector<const event::ScalarView*>& slots);

}  // namespace sluice::agreement
