// typing.h - types the scalars of `properties` and `context` while they are read (semantics R8): done once, at the edge.
//
// Promise Every text, number and boolean under an object gets its path (names joined by dots; a dot or backslash inside a name
//         is written \. or \\) and its text; numbers that fit also their decimal. null is absent; arrays stay raw.
//         Order of appearance; paths are unique because keys are.
// Bounds  kTypedScalarsMax scalars, kTypedDepthMax names deep, kTypedPathBytesMax bytes of paths per event: what is beyond is
//         checked but not typed, and wide() says so.
// Lives   Scalars point into the text read and the arena.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collect/arena.h"
#include "collect/json_reader.h"
#include "event/event.h"

namespace sluice::collect {

struct NumberText {
  std::string_view text;  // the rounded decimal, plain, when it fits, else as sent
  std::optional<Decimal> number;
};
// A JSON number as R8 keeps it.
NumberText number_text(std::string_view as_sent, Arena& arena);

class Typing {
 public:
  Typing(std::vector<event::ScalarView>& scalars, Arena& arena) : scalars_(scalars), arena_(arena) {}
  void clear() {
    scalars_.clear();
    path_bytes_ = 0;
    wide_ = false;
  }
  // Reads the object that comes next; `prefix` is properties or context. False: in.fault().
  bool object(JsonReader& in, std::string_view prefix);
  bool wide() const { return wide_; }

 private:
  bool members(JsonReader& in, size_t depth);
  bool member(JsonReader& in, size_t depth);
  void emit(size_t depth, std::string_view text, std::optional<Decimal> number);

  std::vector<event::ScalarView>& scalars_;
  Arena& arena_;
  std::string path_;
  size_t path_bytes_ = 0;
  bool wide_ = false;
};

}  // namespace sluice::collect
