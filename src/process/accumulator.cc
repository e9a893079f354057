#include "process/accumulator.h"

#include <algorithm>

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

void Accumulator::count_text(std::string_view text, uint64_t times) {
  Values& kept = values();
  const auto [at, fresh] = kept.texts.try_emplace(std::string(text), 0);
  at->second += times;
  if (fresh) kept.text_items += 1 + text.size() / kTextBytes;
}

void Accumulator::add(const plan::Measure& measure, const Value& argument, const Moment& moment) {
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
      StoredValue& kept = values().kept;
      const bool better =
          kept.kind == Value::Kind::null ||
          (measure.kind == MeasureKind::min ? compare(argument, kept.view()) < 0 : compare(argument, kept.view()) > 0);
      if (better) kept = StoredValue::of(argument);
      return;
    }
    case MeasureKind::first:
    case MeasureKind::last: {
      Values& kept = values();
      const bool better = kept.kept.kind == Value::Kind::null ||
                          (measure.kind == MeasureKind::first ? moment < kept.moment : moment > kept.moment);
      if (!better) return;
      kept.kept = StoredValue::of(argument);
      kept.moment = moment;
      return;
    }
    case MeasureKind::topk: count_text(argument.text, 1); return;
    case MeasureKind::distinct: values().distinct.insert(hash128(argument.text)); return;
    case MeasureKind::percentile: ++values().counted[argument.number.raw]; return;
    case MeasureKind::count:
    case MeasureKind::count_of:
    case MeasureKind::derived: return;
  }
}

Accumulator::Undo Accumulator::add_for_now(const plan::Measure& measure, const Value& argument, const Moment& moment) {
  Undo undo;
  undo.counted = measure.kind == MeasureKind::count || (measure.kind != MeasureKind::derived && !argument.is_null());
  if (!undo.counted) return undo;
  switch (measure.kind) {
    case MeasureKind::min:
    case MeasureKind::max:
    case MeasureKind::first:
    case MeasureKind::last:
      undo.kept = values().kept;
      undo.moment = values().moment;
      break;
    case MeasureKind::distinct:
      undo.hash = hash128(argument.text);
      undo.fresh = !values().distinct.contains(undo.hash);
      break;
    case MeasureKind::topk: undo.text = std::string(argument.text); break;
    case MeasureKind::sum:
    case MeasureKind::avg:
    case MeasureKind::percentile: undo.number = argument.number; break;
    default: break;
  }
  add(measure, argument, moment);
  return undo;
}

void Accumulator::take_back(const plan::Measure& measure, const Undo& undo) {
  if (!undo.counted) return;
  --count_;
  switch (measure.kind) {
    case MeasureKind::sum:
    case MeasureKind::avg: sum_.raw -= undo.number.raw; return;
    case MeasureKind::min:
    case MeasureKind::max:
    case MeasureKind::first:
    case MeasureKind::last:
      values_->kept = undo.kept;
      values_->moment = undo.moment;
      return;
    case MeasureKind::distinct:
      if (undo.fresh) values_->distinct.erase(undo.hash);
      return;
    case MeasureKind::percentile: {
      const auto at = values_->counted.find(undo.number.raw);
      if (--at->second == 0) values_->counted.erase(at);
      return;
    }
    case MeasureKind::topk: {
      const auto at = values_->texts.find(undo.text);
      if (--at->second > 0) return;
      values_->texts.erase(at);
      values_->text_items -= 1 + undo.text.size() / kTextBytes;
      return;
    }
    default: return;
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

// Most frequent first, equal ones bytewise: the map is in that order already.
StoredValue most_frequent(const plan::Measure& measure, const absl::btree_map<std::string, uint64_t>& texts) {
  std::vector<const std::pair<const std::string, uint64_t>*> order;
  order.reserve(texts.size());
  for (const auto& item : texts) order.push_back(&item);
  const auto before = [](const auto* a, const auto* b) {
    return a->second != b->second ? a->second > b->second : a->first < b->first;
  };
  const size_t n = std::min<size_t>(measure.top, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(n), order.end(), before);
  std::vector<plan::TopValue> top;
  for (size_t i = 0; i < n; ++i) top.push_back({order[i]->first, order[i]->second});
  return StoredValue::of(std::move(top));
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
    case MeasureKind::max:
    case MeasureKind::first:
    case MeasureKind::last: into.push_back(values_ ? values_->kept : StoredValue{}); return;
    case MeasureKind::topk:
      into.push_back(values_ ? most_frequent(measure, values_->texts) : StoredValue::of(std::vector<plan::TopValue>{}));
      return;
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
    case Value::Kind::boolean:
    case Value::Kind::top: return;  // never kept: a topk keeps its counted texts
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

// What follows of an accumulator in a checkpoint: parts that came later are written only where they are used.
constexpr uint8_t kHasValues = 1, kHasMoment = 2, kHasTexts = 4;

void Accumulator::save(ByteWriter& to) const {
  to.varint(count_);
  to.fixed(sum_.raw);
  if (!values_) return to.u8(0);
  const bool moment = values_->moment != Moment{}, texts = !values_->texts.empty();
  to.u8(static_cast<uint8_t>(kHasValues | (moment ? kHasMoment : 0) | (texts ? kHasTexts : 0)));
  save_value(to, values_->kept);
  to.varint(values_->distinct.size());
  for (const Hash128& h : values_->distinct) to.fixed(h);
  to.varint(values_->counted.size());
  for (const auto& [raw, times] : values_->counted) {
    to.fixed(raw);
    to.varint(times);
  }
  if (moment) {
    to.i64(to_ms(values_->moment.at));
    to.varint(values_->moment.place.partition.value);
    to.varint(values_->moment.place.offset.value);
  }
  if (!texts) return;
  to.varint(values_->texts.size());
  for (const auto& [text, times] : values_->texts) {
    to.text(text);
    to.varint(times);
  }
}

void Accumulator::load(ByteReader& from) {
  count_ = from.varint();
  sum_ = Decimal{from.fixed<int128>()};
  const uint8_t parts = from.u8();
  if (parts == 0) return;
  values().kept = load_value(from);
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) values().distinct.insert(from.fixed<Hash128>());
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const auto raw = from.fixed<int128>();
    values().counted[raw] = from.varint();
  }
  if ((parts & kHasMoment) != 0) {
    values().moment.at = time_ms(from.i64());
    values().moment.place.partition = event::PartitionId(static_cast<uint16_t>(from.varint()));
    values().moment.place.offset = event::Offset(from.varint());
  }
  for (uint64_t n = (parts & kHasTexts) != 0 ? from.varint() : 0; n > 0 && !from.failed(); --n) {
    const std::string text(from.text());
    count_text(text, from.varint());
  }
}

}  // namespace sluice::process
