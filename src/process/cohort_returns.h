// cohort_returns.h - the operator of a retention: to which cohort each key belongs, and who came back in the periods still open
// (semantics R10).
//
// State   Per key the period of its first start event, for ever: a later one must be known for what it is. Per open period who
//         returned in it, whatever the cohort, since an earlier start event that comes late moves a key with its returns. Per cohort
//         with an open row its size, and per open period how many of it returned.
// Promise metric_operator.h; the unit is the cohort's row. A start event that moves a key dirties the closed rows of both cohorts.
// Bounds  Over its budget, and when it is born over stored events, it knows no keys: all its rows are cold from then on, and every event
//         dirties the rows that it could change (of cohorts that exist).
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <utility>
#include <vector>

#include "base/hash.h"
#include "process/metric_operator.h"

namespace sluice::process {

class CohortReturns final : public MetricOperator {
 public:
  static constexpr size_t kKeyBytes = 48;  // a key with its cohort
  static constexpr size_t kReturnBytes = 32;  // a key that returned in an open period
  static constexpr size_t kRowBytes = 128;  // an open row

  CohortReturns(const plan::Metric& metric, OperatorBounds bounds, TimeMs born_after)
      : MetricOperator(metric, bounds, born_after), blind_(born_after != kMinusInfinity) {}

  void add(const plan::Row& row, bool future, TimeMs watermark, event::Epoch epoch, plan::Evaluator& evaluator) override;
  void emit(TimeMs watermark, event::Epoch epoch, bool touched_too, std::vector<plan::MetricRow>& into) override;
  bool has_touched() const override { return !touched_.empty(); }
  std::optional<TimeMs> next_close() const override;
  void listed(const std::vector<plan::Span>& rows) override;
  size_t groups() const override { return cohorts_.size() * periods(); }
  size_t keys() const override { return cohort_of_.size(); }
  size_t items() const override { return cohort_of_.size() + returns_; }
  size_t state_bytes() const override;
  bool blind() const { return blind_; }
  void save(ByteWriter& to) const override;
  void load(ByteReader& from) override;

 private:
  using Period = int64_t;  // counted from 1970 and the window's offset
  struct OpenPeriod {
    absl::flat_hash_set<Hash128> returned;
    absl::flat_hash_map<Period, uint64_t> counts;  // by cohort, from the period behind its own on
  };
  struct Cohort {
    uint64_t people = 0;
    uint32_t next = 0;  // first row that is still open
  };
  struct Happened {
    Hash128 key;
    Period period = 0;
    Period open_from = 0;  // rows of earlier periods are closed for this event
    event::Epoch epoch;
  };

  uint32_t periods() const { return metric_->cohorts->periods; }
  Period period_of(TimeMs at) const;
  TimeMs start_of(Period period) const;
  Period open_from(TimeMs watermark) const;
  plan::Span row_span(Period cohort, uint32_t k) const { return {start_of(cohort), start_of(cohort + k + 1)}; }

  void add_start(const Happened& event);
  void add_return(const Happened& event);
  void add_blind(const Happened& event, bool start, bool back);
  void dirty_closed_rows(Period cohort, const Happened& event);
  void dirty_blind(Period cohort, uint32_t k, const Happened& event);
  void change_cohort(Period cohort, const Happened& event, bool joins);
  void close_rows(TimeMs watermark);
  plan::MetricRow row_of(Period cohort, uint32_t k, uint64_t people, TimeMs watermark) const;
  uint64_t people_of(Period cohort, uint32_t k) const;
  void bound_memory(event::Epoch epoch);

  bool blind_;
  absl::flat_hash_map<Hash128, Period> cohort_of_;
  absl::btree_map<Period, OpenPeriod> open_;
  absl::btree_map<Period, Cohort> cohorts_;  // that have an open row
  absl::btree_set<Period> known_;  // cohorts that ever had a key
  absl::btree_set<std::pair<Period, uint32_t>> touched_;
  std::vector<plan::MetricRow> closing_;  // rows that closed in the middle of an epoch
  size_t returns_ = 0;
  // While blind: what this epoch's events dirtied already, so that each costs its rows once.
  absl::flat_hash_set<std::pair<Period, int>> dirtied_;
  std::pair<event::Epoch, Period> dirtied_at_;
};

}  // namespace sluice::process
