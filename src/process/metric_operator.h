// metric_operator.h - what the fold asks of the operator of a metric, a funnel or a retention (semantics R1, design 6).
//
// Promise Live rows are those of which every stored event was folded here; they are exact at every epoch, and final in the epoch in
//         which the watermark closes them. All others are handed to ColdWindows, which jobs recompute. What is emitted does not
//         depend on how records were cut into epochs, once all windows are closed and all jobs done.
// Bounds  OperatorBounds: groups_max open groups and state_bytes_max, counted as items x fixed sizes; beyond them the largest window
//         becomes cold.
// Threads One.   Lives  The Plan must outlive the operator.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "plan/evaluate.h"
#include "plan/metric_row.h"
#include "process/cold_windows.h"

namespace sluice::process {

struct OperatorBounds {
  size_t groups_max = 100'000;
  size_t state_bytes_max = 128 * 1024 * 1024;
};

class MetricOperator {
 public:
  MetricOperator(const plan::Metric& metric, OperatorBounds bounds, TimeMs born_after)
      : metric_(&metric), bounds_(bounds), cold_(born_after) {}
  virtual ~MetricOperator() = default;

  // The same definition in a newer plan (the version is equal; labels and addresses may differ).
  void rebind(const plan::Metric& metric) { metric_ = &metric; }

  // A stored event; `watermark` is the one stored with it, `future` its flag.
  virtual void add(const plan::Row& row, bool future, TimeMs watermark, event::Epoch epoch, plan::Evaluator& evaluator) = 0;
  // End of an epoch with that watermark: rows of windows that it closes, and, when `touched_too`, of every group touched since.
  virtual void emit(TimeMs watermark, event::Epoch epoch, bool touched_too, std::vector<plan::MetricRow>& into) = 0;
  // Events that mattered since the last call: whether any, and the largest event_time among those that are not `future`.
  struct Seen {
    bool any = false;
    TimeMs newest = kMinusInfinity;
  };
  Seen take_seen() { return std::exchange(seen_, Seen{}); }
  virtual bool has_touched() const = 0;
  // Born over stored events: these rows existed then.
  virtual void listed(const std::vector<plan::Span>&) {}
  // The watermark at which the next row closes; nullopt when none is open.
  virtual std::optional<TimeMs> next_close() const = 0;

  ColdWindows& cold() { return cold_; }
  const ColdWindows& cold() const { return cold_; }
  const plan::Metric& metric() const { return *metric_; }
  virtual size_t groups() const = 0;  // open ones
  virtual size_t keys() const { return groups(); }  // what its bytes are shared by: groups, people, sessions
  virtual size_t items() const = 0;  // kept values, as the budget counts them
  virtual size_t state_bytes() const = 0;
  uint64_t evictions() const { return evictions_; }
  // What it folded became whole: it goes on where `before`, born later than stored events, leaves off.
  void take_over_from(const MetricOperator& before) {
    cold_.add_dirty(before.cold_);
    evictions_ += before.evictions_;
  }

  virtual void save(ByteWriter& to) const = 0;
  virtual void load(ByteReader& from) = 0;

 protected:
  void see(const plan::Row& row, bool future) {
    seen_.any = true;
    if (!future) seen_.newest = std::max(seen_.newest, row.event_time);
  }

  // Over budget: jobs compute that window from here on.
  void evict(const plan::Span& window, event::Epoch epoch) {
    cold_.evict(window);
    cold_.dirty(window, epoch);
    cold_.await_close(window);
    ++evictions_;
  }
  // next_close(), given where the first live window ends.
  std::optional<TimeMs> closes_next(std::optional<TimeMs> live_end) const {
    const std::optional<TimeMs> cold_end = cold_.first_awaited_end();
    const std::optional<TimeMs> end = live_end && cold_end ? std::min(live_end, cold_end) : live_end ? live_end : cold_end;
    if (!end) return std::nullopt;
    return *end + metric_->due_after + metric_->allowed_lateness;
  }

  const plan::Metric* metric_;
  OperatorBounds bounds_;
  ColdWindows cold_;
  Seen seen_;
  uint64_t evictions_ = 0;
};

// The operator of the metric's kind.
std::unique_ptr<MetricOperator> make_operator(const plan::Metric& metric, OperatorBounds bounds, TimeMs born_after);

}  // namespace sluice::process
