#include "process/accumulator.h"

#include "base/result.h"

namespace sluice::process {

using plan::MeasureKind;
using plan::StoredValue;
using plan::Value;

int compare(const Value& a, const Value& b) {
  if (a.kind == Value::Kind::text) {
    const int order = a.text.compare(b.text);  // char_traits compares as unsigned bytes
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  if (a.kind == Value::Kind::time) return a.time < b.time ? -1 : a.time > b.time ? 1 : 0;
  return a.number < b.number ? -1 : a.number > b.number ? 1 : 0;
}

void Accumulator::add(const plan::Measure& measure, const Value& argument) {
  if (measure.kind == MeasureKind::count) {
    ++count_;
    return;
  }
  if (argument.is_null()) return;
  ++count_;
  switch (measure.kind) {
    case MeasureKind::sum:
    case MeasureKind::avg: sum_.raw += argument.number.raw; return;
    case MeasureKind::min:
    case MeasureKind::max: {
      StoredValue& extreme = values().extreme;
      const bool better =
          extreme.kind == Value::Kind::null ||
          (measure.kind == MeasureKind::min ? compare(argument, extreme.view()) < 0 : compare(argument, extreme.view()) > 0);
      if (better) extreme = StoredValue::of(argument);
      return;
    }
    case MeasureKind::distinct: values().distinct.insert(hash128(argument.text)); return;
    case MeasureKind::percentile: ++values().counted[argument.number.raw]; return;
    case MeasureKind::count:
    case MeasureKind::count_of:
    case MeasureKind::derived: return;
  }
}

namespace {

StoredValue number(Decimal d) { return StoredValue::of(Value::of(d)); }
StoredValue whole(uint64_t n) { return number(Decimal{static_cast<int128>(n) * Decimal::kOne}); }

// The k-th smallest, k = max(1, ceil(p n)), in integer arithmetic.
StoredValue nearest_rank(const plan::Measure& measure, const absl::btree_map<int128, uint64_t>& counted, uint64_t n) {
  const uint128 scaled = static_cast<uint128>(measure.p_numerator) * n;
  const uint128 k = std::max<uint128>(1, (scaled + measure.p_denominator - 1) / measure.p_denominator);
  uint128 seen = 0;
  for (const auto& [raw, times] : counted) {
    seen += times;
    if (seen >= k) return number(Decimal{raw});
  }
  return StoredValue{};
}

}  // namespace

void Accumulator::result(const plan::Measure& measure, std::vector<StoredValue>& into) const {
  switch (measure.kind) {
    case MeasureKind::count:
    case MeasureKind::count_of: into.push_back(whole(count_)); return;
    case MeasureKind::sum: into.push_back(count_ == 0 ? StoredValue{} : number(sum_)); return;
    case MeasureKind::avg:
      into.push_back(count_ == 0 ? StoredValue{} : number(sum_));
      into.push_back(whole(count_));
      return;
    case MeasureKind::min:
    case MeasureKind::max: into.push_back(values_ ? values_->extreme : StoredValue{}); return;
    case MeasureKind::distinct: into.push_back(whole(values_ ? values_->distinct.size() : 0)); return;
    case MeasureKind::percentile:
      into.push_back(values_ ? nearest_rank(measure, values_->counted, count_) : StoredValue{});
      return;
    case MeasureKind::derived: return;
  }
}

void save_value(ByteWriter& to, const StoredValue& value) {
  to.u8(static_cast<uint8_t>(value.kind));
  switch (value.kind) {
    case Value::Kind::text: to.text(value.text); return;
    case Value::Kind::number: to.fixed(value.number.raw); return;
    case Value::Kind::time: to.i64(to_ms(value.time)); return;
    case Value::Kind::null:
    case Value::Kind::boolean: return;
  }
}

StoredValue load_value(ByteReader& from) {
  StoredValue value;
  value.kind = static_cast<Value::Kind>(from.u8());
  if (value.kind == Value::Kind::text) value.text = std::string(from.text());
  if (value.kind == Value::Kind::number) value.number = Decimal{from.fixed<int128>()};
  if (value.kind == Value::Kind::time) value.time = time_ms(from.i64());
  return value;
}

void Accumulator::save(ByteWriter& to) const {
  to.varint(count_);
  to.fixed(sum_.raw);
  to.u8(values_ ? 1 : 0);
  if (!values_) return;
  save_value(to, values_->extreme);
  to.varint(values_->distinct.size());
  for (const Hash128& h : values_->distinct) to.fixed(h);
  to.varint(values_->counted.size());
  for (const auto& [raw, times] : values_->counted) {
    to.fixed(raw);
    to.varint(times);
  }
}

void Accumulator::load(ByteReader& from) {
  count_ = from.varint();
  sum_ = Decimal{from.fixed<int128>()};
  if (from.u8() == 0) return;
  values().extreme = load_value(from);
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) values().distinct.insert(from.fixed<Hash128>());
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const auto raw = from.fixed<int128>();
    values().counted[raw] = from.varint();
  }
}

}  // namespace sluice::process
