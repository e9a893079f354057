#include "process/cohort_returns.h"

#include <algorithm>
#include <limits>

#include "base/result.h"

namespace sluice::process {
namespace {

constexpr int64_t kEverything = std::numeric_limits<int64_t>::min();

int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

CohortReturns::Period CohortReturns::period_of(TimeMs at) const {
  return floor_divide(to_ms(at) - metric_->window.offset.count(), metric_->window.size.count());
}

TimeMs CohortReturns::start_of(Period period) const {
  return time_ms(period * metric_->window.size.count() + metric_->window.offset.count());
}

// A row closes when the watermark reaches its end and the lateness: rows that end in the period of that instant are open.
CohortReturns::Period CohortReturns::open_from(TimeMs watermark) const {
  return watermark == kMinusInfinity ? kEverything : period_of(watermark - metric_->allowed_lateness);
}

void CohortReturns::add(const plan::Row& row, bool future, TimeMs watermark, event::Epoch epoch, plan::Evaluator& evaluator) {
  const bool start = evaluator.passes(metric_->cohorts->start, row);
  const bool back = evaluator.passes(metric_->cohorts->back, row);
  if (!start && !back) return;
  const plan::Value key = evaluator.evaluate(metric_->cohorts->by, row);
  if (key.is_null()) return;
  const Happened event{hash128(key.text), period_of(row.event_time), open_from(watermark), epoch};
  see(row, future);
  if (blind_) return add_blind(event, start, back);
  close_rows(watermark);
  if (start) add_start(event);
  if (back) add_return(event);
  bound_memory(epoch);
}

void CohortReturns::add_start(const Happened& event) {
  const auto [it, fresh] = cohort_of_.try_emplace(event.key, event.period);
  if (!fresh && event.period > it->second) return;  // not its first, and of no row of its cohort
  if (!fresh && event.period < it->second) change_cohort(it->second, event, false);
  const bool joins = fresh || event.period < it->second;
  it->second = event.period;
  if (joins) {
    change_cohort(event.period, event, true);
  } else {
    dirty_closed_rows(event.period, event);  // its lateness is part of their state
  }
}

// The key of the event joins the cohort or leaves it, with what it did in the periods that are open.
void CohortReturns::change_cohort(Period cohort, const Happened& event, bool joins) {
  known_.insert(cohort);
  dirty_closed_rows(cohort, event);
  if (cohort + periods() <= event.open_from) return;  // all rows are closed
  const auto [it, fresh] = cohorts_.try_emplace(cohort);
  const uint64_t one = joins ? 1 : UINT64_MAX;
  if (fresh)
    it->second.next = static_cast<uint32_t>(std::max<Period>(0, event.open_from == kEverything ? 0 : event.open_from - cohort));
  it->second.people += one;
  for (auto& [period, open] : open_) {
    if (period <= cohort || period - cohort >= periods() || !open.returned.contains(event.key)) continue;
    open.counts[cohort] += one;
  }
  // The rows of a cohort come and go together, zeros included; later ones change only if someone returned.
  const bool all = it->second.people == 0 || (joins && it->second.people == 1);
  for (uint32_t k = it->second.next; k < periods(); ++k) {
    const auto open = open_.find(cohort + k);
    if (all || k == 0 || (open != open_.end() && open->second.returned.contains(event.key))) touched_.insert({cohort, k});
  }
}

void CohortReturns::dirty_closed_rows(Period cohort, const Happened& event) {
  for (uint32_t k = 0; k < periods() && cohort + k < event.open_from; ++k) cold_.dirty(row_span(cohort, k), event.epoch);
}

void CohortReturns::add_return(const Happened& event) {
  const auto known = cohort_of_.find(event.key);
  const bool counts = known != cohort_of_.end() && event.period >= known->second && event.period - known->second < periods();
  if (event.period < event.open_from) {
    if (counts) cold_.dirty(row_span(known->second, static_cast<uint32_t>(event.period - known->second)), event.epoch);
    return;
  }
  OpenPeriod& open = open_[event.period];
  if (!open.returned.insert(event.key).second) return;
  ++returns_;
  if (!counts || event.period == known->second) return;  // k = 0 is the size of the cohort
  ++open.counts[known->second];
  touched_.insert({known->second, static_cast<uint32_t>(event.period - known->second)});
}

// Its key is not known: it may join the cohort of its period, leave a later one, or return in any that this period belongs to.
void CohortReturns::add_blind(const Happened& event, bool start, bool back) {
  if (start && known_.insert(event.period).second) dirtied_.clear();
  if (dirtied_at_ != std::pair(event.epoch, event.open_from)) {
    dirtied_at_ = {event.epoch, event.open_from};
    dirtied_.clear();
  }
  if (start && dirtied_.insert({event.period, 0}).second) {
    for (auto it = known_.lower_bound(event.period); it != known_.end(); ++it) {
      for (uint32_t k = 0; k < periods(); ++k) dirty_blind(*it, k, event);
    }
  }
  if (back && dirtied_.insert({event.period, 1}).second) {
    for (auto it = known_.lower_bound(event.period - periods() + 1); it != known_.end() && *it <= event.period; ++it)
      dirty_blind(*it, static_cast<uint32_t>(event.period - *it), event);
  }
}

void CohortReturns::dirty_blind(Period cohort, uint32_t k, const Happened& event) {
  const plan::Span row = row_span(cohort, k);
  cold_.dirty(row, event.epoch);
  if (cohort + k >= event.open_from) cold_.await_close(row);
}

void CohortReturns::listed(const std::vector<plan::Span>& rows) {
  for (const plan::Span& row : rows) known_.insert(period_of(row.start));
  dirtied_.clear();
}

uint64_t CohortReturns::people_of(Period cohort, uint32_t k) const {
  if (k == 0) return cohorts_.at(cohort).people;
  const auto open = open_.find(cohort + k);
  if (open == open_.end()) return 0;
  const auto count = open->second.counts.find(cohort);
  return count == open->second.counts.end() ? 0 : count->second;
}

plan::MetricRow CohortReturns::row_of(Period cohort, uint32_t k, uint64_t people, TimeMs watermark) const {
  plan::MetricRow row;
  row.window = row_span(cohort, k);
  row.dimensions = {std::to_string(k)};
  row.stored = {plan::StoredValue::of(plan::Value::of(Decimal::whole(static_cast<int64_t>(people))))};
  row.state = plan::state_of(metric_->due(row.window), metric_->allowed_lateness, watermark, false, true);
  row.removed = cohorts_.at(cohort).people == 0;
  return row;
}

// Before anything that is late for them is counted.
void CohortReturns::close_rows(TimeMs watermark) {
  const Period from = open_from(watermark);
  if (from == kEverything) return;
  for (auto it = cohorts_.begin(); it != cohorts_.end() && it->first < from;) {
    Cohort& cohort = it->second;
    for (; cohort.next < periods() && it->first + cohort.next < from; ++cohort.next) {
      const bool touched = touched_.erase({it->first, cohort.next}) > 0;
      if (cohort.people == 0 && !touched) continue;
      closing_.push_back(row_of(it->first, cohort.next, people_of(it->first, cohort.next), watermark));
    }
    it = cohort.next == periods() ? cohorts_.erase(it) : std::next(it);
  }
  while (!open_.empty() && open_.begin()->first < from) {
    returns_ -= open_.begin()->second.returned.size();
    open_.erase(open_.begin());
  }
}

void CohortReturns::emit(TimeMs watermark, event::Epoch epoch, bool touched_too, std::vector<plan::MetricRow>& into) {
  close_rows(watermark);
  for (plan::MetricRow& row : closing_) into.push_back(std::move(row));
  closing_.clear();
  cold_.close(watermark, metric_->allowed_lateness, epoch);
  if (!touched_too) return;
  for (const auto& [cohort, k] : touched_) into.push_back(row_of(cohort, k, people_of(cohort, k), watermark));
  touched_.clear();
}

std::optional<TimeMs> CohortReturns::next_close() const {
  std::optional<TimeMs> end;
  for (const auto& [period, cohort] : cohorts_) {
    const TimeMs closes = row_span(period, cohort.next).end;
    if (!end || closes < *end) end = closes;
  }
  return closes_next(end);
}

size_t CohortReturns::state_bytes() const {
  return cohort_of_.size() * kKeyBytes + returns_ * kReturnBytes + groups() * kRowBytes;
}

void CohortReturns::bound_memory(event::Epoch epoch) {
  if (groups() <= bounds_.groups_max && state_bytes() <= bounds_.state_bytes_max) return;
  for (const auto& [period, cohort] : cohorts_) {
    for (uint32_t k = cohort.next; k < periods(); ++k) {
      cold_.dirty(row_span(period, k), epoch);
      cold_.await_close(row_span(period, k));
    }
  }
  blind_ = true;
  ++evictions_;
  cohort_of_ = {};
  open_ = {};
  cohorts_ = {};
  touched_ = {};
  returns_ = 0;
}

void CohortReturns::save(ByteWriter& to) const {
  SLUICE_ASSERT(closing_.empty(), "a checkpoint stands between two epochs");
  cold_.save(to);
  to.u8(blind_ ? 1 : 0);
  to.varint(known_.size());
  for (const Period period : known_) to.i64(period);
  to.varint(cohort_of_.size());
  for (const auto& [key, cohort] : cohort_of_) {
    to.fixed(key);
    to.i64(cohort);
  }
  to.varint(open_.size());
  for (const auto& [period, open] : open_) {
    to.i64(period);
    to.varint(open.returned.size());
    for (const Hash128& key : open.returned) to.fixed(key);
  }
  to.varint(cohorts_.size());
  for (const auto& [period, cohort] : cohorts_) {
    to.i64(period);
    to.varint(cohort.next);
    to.varint(cohort.people);
  }
  to.varint(touched_.size());
  for (const auto& [cohort, k] : touched_) {
    to.i64(cohort);
    to.varint(k);
  }
}

void CohortReturns::load(ByteReader& from) {
  cold_.load(from);
  blind_ = from.u8() != 0;
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) known_.insert(from.i64());
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const auto key = from.fixed<Hash128>();
    cohort_of_[key] = from.i64();
  }
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const Period period = from.i64();
    OpenPeriod& open = open_[period];
    for (uint64_t m = from.varint(); m > 0 && !from.failed(); --m) {
      const auto key = from.fixed<Hash128>();
      open.returned.insert(key);
      const auto known = cohort_of_.find(key);
      if (known != cohort_of_.end() && period > known->second && period - known->second < periods()) ++open.counts[known->second];
    }
    returns_ += open.returned.size();
  }
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    Cohort& cohort = cohorts_[from.i64()];
    cohort.next = static_cast<uint32_t>(from.varint());
    cohort.people = from.varint();
  }
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const Period cohort = from.i64();
    const auto k = static_cast<uint32_t>(from.varint());
    if (cohorts_.contains(cohort) && k < periods()) touched_.insert({cohort, k});
  }
}

}  // namespace sluice::process
