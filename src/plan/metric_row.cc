#include "plan/metric_row.h"

#include "base/json_text.h"

namespace sluice::plan {

const char* state_name(State state) {
  switch (state) {
    case State::filling: return "filling";
    case State::final: return "final";
    case State::revised: return "revised";
  }
  return "filling";
}

const char* cause_name(Cause cause) {
  switch (cause) {
    case Cause::late: return "late";
    case Cause::identity: return "identity";
    case Cause::definition: return "definition";
    case Cause::dimension: return "dimension";
  }
  return "late";
}

State state_of(TimeMs due, DurationMs allowed_lateness, TimeMs watermark, bool any_late, bool any_on_time) {
  if (watermark < due + allowed_lateness) return State::filling;
  return any_late && any_on_time ? State::revised : State::final;
}

std::string top_text(const std::vector<TopValue>& top) {
  std::string out = "[";
  for (const TopValue& item : top) {
    if (out.size() > 1) out += ',';
    out += '[';
    append_json_string(out, item.value);
    out += ',' + std::to_string(item.count) + ']';
  }
  return out + "]";
}

Value StoredValue::view() const {
  if (kind == Value::Kind::top) return Value::null();
  Value v;
  v.kind = kind;
  v.number = number;
  v.time = time;
  v.text = text;
  return v;
}

StoredValue StoredValue::of(const Value& value) {
  StoredValue s;
  s.kind = value.kind;
  s.number = value.number;
  s.time = value.time;
  s.text = std::string(value.text);
  return s;
}

StoredValue StoredValue::of(std::vector<TopValue> top) {
  StoredValue s;
  s.kind = Value::Kind::top;
  s.top = std::move(top);
  return s;
}

size_t stored_width(const Measure& measure) {
  switch (measure.kind) {
    case MeasureKind::avg: return 2;
    case MeasureKind::derived: return 0;
    default: return 1;
  }
}

std::vector<StoredValue> visible_values(const Metric& metric, const std::vector<StoredValue>& stored, Evaluator& evaluator) {
  std::vector<StoredValue> visible(metric.measures.size());
  size_t at = 0;
  for (size_t i = 0; i < metric.measures.size(); ++i) {
    const Measure& measure = metric.measures[i];
    if (measure.kind == MeasureKind::avg) {
      const StoredValue& sum = stored[at];
      const int128 count = stored[at + 1].number.raw / Decimal::kOne;
      if (sum.kind == Value::Kind::number && count > 0) {
        visible[i] = StoredValue::of(Value::of(average(sum.number, static_cast<uint64_t>(count))));
      }
    } else if (measure.kind != MeasureKind::derived) {
      visible[i] = stored[at];
    }
    at += stored_width(measure);
  }
  // Derived measures may use one another; the compiler orders them so that inputs come first.
  std::vector<Value> values;
  for (const StoredValue& v : visible) values.push_back(v.view());
  for (size_t i = 0; i < metric.measures.size(); ++i) {
    if (metric.measures[i].kind != MeasureKind::derived) continue;
    values[i] = evaluator.derive(metric.measures[i].argument, values);
    visible[i] = StoredValue::of(values[i]);
  }
  return visible;
}

}  // namespace sluice::plan
