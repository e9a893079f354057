// evaluate.h - expressions over one stored event, or over the measures of one group, in C++.
//
// Promise Same value as every printed SQL, to the last digit: three-valued logic, decimals of base/decimal.h, texts bytewise.
// Cost    One pass over the nodes, no allocation once warm (lower/upper write into scratch that lives until the next call).
// Threads An Evaluator belongs to one thread.
// Lives   Text values point into the row, the expression or the evaluator's scratch: valid until the next call.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "event/event.h"
#include "event/position.h"
#include "plan/expression.h"

namespace sluice::plan {

struct Value {
  enum class Kind : uint8_t { null, text, number, time, boolean, top };  // top: of a StoredValue only
  Kind kind = Kind::null;
  bool boolean = false;
  Decimal number;
  TimeMs time{};
  std::string_view text;

  bool is_null() const { return kind == Kind::null; }
  static Value null() { return Value{}; }
  static Value of(std::string_view t) {
    Value v;
    v.kind = Kind::text;
    v.text = t;
    return v;
  }
  static Value of(Decimal n) {
    Value v;
    v.kind = Kind::number;
    v.number = n;
    return v;
  }
  static Value of(TimeMs t) {
    Value v;
    v.kind = Kind::time;
    v.time = t;
    return v;
  }
  static Value of(bool b) {
    Value v;
    v.kind = Kind::boolean;
    v.boolean = b;
    return v;
  }
};

class JoinedRows;  // joined_rows.h

// What an expression of a metric over sessions reads beside source and user_key.
struct SessionColumns {
  std::string_view session_id, key;
  TimeMs started_at{}, ended_at{};
  uint64_t events = 0;
};

// What an expression may read of one stored event, or of one session. paths[i] is the scalar of Plan::paths[i], null when absent.
struct Row {
  std::string_view source, event, message_id, user_id, anonymous_id, stitching_key, user_key, dialect;
  TimeMs event_time{}, received_at{};
  event::Place place;  // breaks ties of event_time (R8 first, last)
  std::span<const event::ScalarView* const> paths;
  JoinedRows* joined = nullptr;  // of the plan's joins; none where it has none
  const SessionColumns* session = nullptr;  // of a session; its source and user_key stand above
};

class Evaluator {
 public:
  Value evaluate(const Expression& expression, const Row& row);
  // Only true passes; an empty expression passes.
  bool passes(const Expression& expression, const Row& row);
  // A derived measure over the visible values of its group's measures (kind number or null), by R8's 256-bit rules.
  Value derive(const Expression& expression, std::span<const Value> measures);

 private:
  std::vector<Value> values_;
  std::vector<std::string> scratch_;
};

}  // namespace sluice::plan
