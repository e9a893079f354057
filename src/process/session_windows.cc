#include "process/session_windows.h"

#include <algorithm>
#include <limits>

#include "base/result.h"
#include "plan/clickhouse_sessions.h"
#include "process/window_aggregate.h"

namespace sluice::process {
namespace {

bool reads(const plan::Expression& expression, plan::Name name) {
  return std::any_of(expression.nodes.begin(), expression.nodes.end(), [&](const plan::Node& node) {
    return node.op == plan::Op::name && static_cast<plan::Name>(node.index) == name;
  });
}

bool reads_id(const plan::Metric& metric) {
  if (reads(metric.where, plan::Name::session_id)) return true;
  for (const plan::Dimension& dimension : metric.dimensions) {
    if (reads(dimension.value, plan::Name::session_id)) return true;
  }
  return std::any_of(metric.measures.begin(), metric.measures.end(), [](const plan::Measure& measure) {
    return measure.kind != plan::MeasureKind::derived &&
           (reads(measure.argument, plan::Name::session_id) || reads(measure.where, plan::Name::session_id));
  });
}

}  // namespace

struct SessionWindows::Closing final : SessionRuns::Visitor {
  explicit Closing(SessionWindows& windows) : of(windows) {}
  void closed(uint32_t slot, Piece& piece) override { of.close(slot, piece); }
  void dirty(int64_t) override {}  // the windows of cold runs wait for their own end
  void let_go(uint32_t slot, const Piece& piece) override { of.close(slot, piece); }
  SessionWindows& of;
};

SessionWindows::SessionWindows(const plan::Metric& metric, OperatorBounds bounds, TimeMs born_after)
    : MetricOperator(metric, bounds, born_after),
      runs_(metric.sessions->gap, metric.sessions->max, metric.allowed_lateness, born_after),
      longest_(metric.window.size),
      dimensions_(metric.dimensions.size()),
      reads_id_(reads_id(metric)) {}

size_t SessionWindows::state_bytes() const {
  return runs_.bytes() + groups_ * kGroupBytes + items_ * kItemBytes + open_ * kOpenBytes + known_.size() * sizeof(plan::Span);
}

// Of the session as it is now; views point into the key, its piece and scratch.
plan::Row SessionWindows::session_row(uint32_t slot, const Piece& piece) {
  const SessionKey& key = runs_.key(slot);
  plan::Row row;
  row.source = key.source;
  row.user_key = piece.user_key.empty() ? key.key : piece.user_key;
  row.event_time = piece.first.at;
  row.place = piece.first.place;
  if (reads_id_) id_ = plan::clickhouse::session_id(key.source, key.key, piece.message_id, piece.first.at);
  columns_ = {id_, key.key, piece.first.at, piece.last, piece.events};
  row.session = &columns_;
  return row;
}

// Every session starts at an event: windows that no event lies in have none.
void SessionWindows::know(TimeMs at) {
  if (cell_.start <= at && at < cell_.end) return;
  plan::windows_of(metric_->window, at, spans_);
  known_.insert(spans_.begin(), spans_.end());
  if (spans_.empty()) return;
  const plan::Window& window = metric_->window;
  if (window.kind == plan::Window::Kind::calendar) {
    cell_ = spans_.front();
  } else {
    const TimeMs start = at - DurationMs(floor_mod((at - time_ms(window.offset.count())).count(), window.step.count()));
    cell_ = {start, start + window.step};
  }
}

void SessionWindows::add(const plan::Row& row, bool future, TimeMs watermark, event::Epoch epoch, plan::Evaluator& evaluator) {
  if (!evaluator.passes(metric_->sessions->where, row)) return;
  const plan::Value key = evaluator.evaluate(metric_->sessions->by, row);
  if (key.is_null()) return;
  see(row, future);
  know(row.event_time);
  if (batch()) return chill(row.event_time - metric_->sessions->max + DurationMs(1), TimeMs::max(), watermark, epoch);
  const SessionRuns::Outcome& outcome =
      runs_.add({row.source, key.text, row.message_id, row.user_key, {row.event_time, row.place}, watermark});
  if (outcome.cold) return chill(outcome.from, outcome.to, watermark, epoch);
  for (const Piece& piece : outcome.gone) take_out({outcome.key, to_ms(piece.first.at)}, watermark, epoch);
  for (const TimeMs start : outcome.changed) place({outcome.key, to_ms(start)}, watermark, epoch);
  bound_memory(epoch);
}

template <class Each>
void SessionWindows::each_live(TimeMs start, TimeMs watermark, event::Epoch epoch, Each each) {
  plan::windows_of(metric_->window, start, spans_);
  for (const plan::Span& span : spans_) {
    if (watermark >= metric_->closes(span)) {  // late: the window is closed, or closes with this epoch
      forget(span);
      cold_.dirty(span, epoch);
    } else if (cold_.open_cold(span)) {
      cold_.dirty(span, epoch);
      cold_.await_close(span);
    } else {
      each(WindowKey{span.end, span.start});
    }
  }
}

void SessionWindows::place(const Open& open, TimeMs watermark, event::Epoch epoch) {
  const auto place = runs_.find(open.first, time_ms(open.second));
  SLUICE_ASSERT(place, "a session that changed is live");
  const plan::Row row = session_row(open.first, *place->piece);
  if (!evaluator_.passes(metric_->where, row)) return take_out(open, watermark, epoch);
  const Hash128 name = name_group(row);
  each_live(time_ms(open.second), watermark, epoch, [&](const WindowKey& at) { put(at, open, name); });
}

void SessionWindows::put(const WindowKey& at, const Open& open, const Hash128& name) {
  LiveWindow& window = windows_[at];
  const auto [in, fresh] = window.open.try_emplace(open, name);
  if (!fresh && in->second != name) {
    take(at, window, open);
    window.open.emplace(open, name);
    ++open_;
  }
  if (fresh) ++open_;
  group_of(window, name).open.insert(open);
  touched_.insert({at, name});
}

void SessionWindows::take_out(const Open& open, TimeMs watermark, event::Epoch epoch) {
  each_live(time_ms(open.second), watermark, epoch, [&](const WindowKey& at) {
    if (const auto window = windows_.find(at); window != windows_.end()) take(at, window->second, open);
  });
}

void SessionWindows::take(const WindowKey& at, LiveWindow& window, const Open& open) {
  const auto in = window.open.find(open);
  if (in == window.open.end()) return;
  window.groups.at(in->second)->open.erase(open);
  touched_.insert({at, in->second});
  window.open.erase(in);
  --open_;
}

// Leaves the values in dimensions_.
Hash128 SessionWindows::name_group(const plan::Row& session) {
  name_.clear();
  ByteWriter to(name_);
  for (size_t i = 0; i < metric_->dimensions.size(); ++i) {
    const plan::Value value = evaluator_.evaluate(metric_->dimensions[i].value, session);
    to.u8(value.is_null() ? 0 : 1);
    dimensions_[i].reset();
    if (value.is_null()) continue;
    to.text(value.text);
    dimensions_[i] = std::string(value.text);
  }
  return hash128(name_);
}

SessionWindows::Group& SessionWindows::group_of(LiveWindow& window, const Hash128& name) {
  std::unique_ptr<Group>& group = window.groups[name];
  if (!group) {
    group = std::make_unique<Group>();
    group->dimensions = dimensions_;
    group->measures = std::vector<Accumulator>(metric_->measures.size());
    ++groups_;
  }
  return *group;
}

// The session cannot change any more: what it adds stays.
void SessionWindows::close(uint32_t slot, const Piece& piece) {
  const Open open{slot, to_ms(piece.first.at)};
  plan::windows_of(metric_->window, piece.first.at, spans_);
  const plan::Row row = session_row(slot, piece);
  for (const plan::Span& span : spans_) {
    const auto window = windows_.find({span.end, span.start});
    if (window == windows_.end()) continue;
    const auto in = window->second.open.find(open);
    if (in == window->second.open.end()) continue;
    Group& group = *window->second.groups.at(in->second);
    for (size_t i = 0; i < metric_->measures.size(); ++i) {
      const plan::Measure& measure = metric_->measures[i];
      if (measure.kind == plan::MeasureKind::derived || !evaluator_.passes(measure.where, row)) continue;
      const size_t before = group.measures[i].items();
      group.measures[i].add(measure, measure.argument.empty() ? plan::Value::null() : evaluator_.evaluate(measure.argument, row),
                            piece.first);
      window->second.items += group.measures[i].items() - before;
      items_ += group.measures[i].items() - before;
    }
    ++group.closed;
    group.open.erase(open);
    window->second.open.erase(in);
    --open_;
  }
}

// Sessions that start in [from, to] may be others now, in ways that only the stored events tell.
void SessionWindows::chill(TimeMs from, TimeMs to, TimeMs watermark, event::Epoch epoch) {
  for (auto it = known_.upper_bound({from - longest_, TimeMs::max()}); it != known_.end() && it->start <= to; ++it) {
    if (it->end <= from) continue;
    const plan::Span span = *it;
    forget(span);
    cold_.dirty(span, epoch);
    if (watermark >= metric_->closes(span)) continue;
    cold_.evict(span);
    cold_.await_close(span);
  }
}

void SessionWindows::forget(const plan::Span& span) {
  const WindowKey at{span.end, span.start};
  const auto window = windows_.find(at);
  if (window == windows_.end()) return;
  touched_.erase(touched_.lower_bound({at, Hash128{}}), touched_.upper_bound({at, Hash128{UINT64_MAX, UINT64_MAX}}));
  groups_ -= window->second.groups.size();
  items_ -= window->second.items;
  open_ -= window->second.open.size();
  windows_.erase(window);
}

void SessionWindows::emit_group(const WindowKey& at, LiveWindow& window, const Hash128& name, TimeMs watermark,
                                std::vector<plan::MetricRow>& into) {
  const auto found = window.groups.find(name);
  if (found == window.groups.end()) return;
  Group& group = *found->second;
  plan::MetricRow row;
  row.window = {at.second, at.first};
  row.dimensions = group.dimensions;
  row.removed = group.closed == 0 && group.open.empty();
  row.state = plan::state_of(metric_->due(row.window), metric_->allowed_lateness, watermark, false, true);
  std::vector<std::pair<size_t, Accumulator::Undo>> undo;
  for (const Open& open : group.open) {
    const Piece& piece = *runs_.find(open.first, time_ms(open.second))->piece;
    const plan::Row session = session_row(open.first, piece);
    for (size_t i = 0; i < metric_->measures.size(); ++i) {
      const plan::Measure& measure = metric_->measures[i];
      if (measure.kind == plan::MeasureKind::derived || !evaluator_.passes(measure.where, session)) continue;
      undo.emplace_back(
          i, group.measures[i].add_for_now(
                 measure, measure.argument.empty() ? plan::Value::null() : evaluator_.evaluate(measure.argument, session),
                 piece.first));
    }
  }
  for (size_t i = 0; i < metric_->measures.size(); ++i) group.measures[i].result(metric_->measures[i], row.stored);
  for (auto it = undo.rbegin(); it != undo.rend(); ++it)
    group.measures[it->first].take_back(metric_->measures[it->first], it->second);
  if (!row.removed) {
    group.shown = true;
    into.push_back(std::move(row));
    return;
  }
  if (group.shown) into.push_back(std::move(row));
  window.groups.erase(found);
  --groups_;
}

void SessionWindows::close_windows(TimeMs watermark, event::Epoch epoch, std::vector<plan::MetricRow>& into) {
  const DurationMs closes_after = metric_->due_after + metric_->allowed_lateness;
  while (!windows_.empty() && windows_.begin()->first.first + closes_after <= watermark) {
    const WindowKey at = windows_.begin()->first;
    LiveWindow& window = windows_.begin()->second;
    std::vector<Hash128> names;
    for (const auto& [name, group] : window.groups) names.push_back(name);
    for (const Hash128& name : names) emit_group(at, window, name, watermark, into);
    forget({at.second, at.first});
  }
  cold_.close(watermark, closes_after, epoch);
}

void SessionWindows::emit(TimeMs watermark, event::Epoch epoch, bool touched_too, std::vector<plan::MetricRow>& into) {
  Closing closing(*this);
  runs_.sweep(watermark, closing);
  close_windows(watermark, epoch, into);
  if (!touched_too) return;
  for (const auto& [at, name] : touched_) emit_group(at, windows_.at(at), name, watermark, into);
  touched_.clear();
}

std::optional<TimeMs> SessionWindows::next_close() const {
  return closes_next(windows_.empty() ? std::nullopt : std::optional(windows_.begin()->first.first));
}

void SessionWindows::bound_memory(event::Epoch epoch) {
  const size_t half = bounds_.state_bytes_max / 2;  // for sessions, and for windows
  if (runs_.live() > bounds_.groups_max || runs_.live() * SessionRuns::kSessionBytes > half) {
    Closing closing(*this);
    runs_.make_cold(std::min(bounds_.groups_max, runs_.live()), closing);
  }
  while (!windows_.empty() &&
         (groups_ > bounds_.groups_max || groups_ * kGroupBytes + items_ * kItemBytes + open_ * kOpenBytes > half)) {
    const auto weight = [](const LiveWindow& w) {
      return w.groups.size() * kGroupBytes + w.items * kItemBytes + w.open.size() * kOpenBytes;
    };
    auto largest = windows_.begin();
    for (auto it = windows_.begin(); it != windows_.end(); ++it) {
      if (weight(it->second) > weight(largest->second)) largest = it;
    }
    const plan::Span span{largest->first.second, largest->first.first};
    forget(span);
    evict(span, epoch);
  }
}

void SessionWindows::save(ByteWriter& to) const {
  cold_.save(to);
  runs_.save(to);
  save_spans(to, known_);
  to.varint(windows_.size());
  for (const auto& [at, window] : windows_) {
    to.i64(to_ms(at.second));
    to.i64(to_ms(at.first));
    to.varint(window.groups.size());
    for (const auto& [name, group] : window.groups) {
      to.fixed(name);
      to.u8(static_cast<uint8_t>((group->shown ? 1 : 0) | (touched_.contains({at, name}) ? 2 : 0)));
      to.varint(group->closed);
      save_group(to, group->dimensions);
      for (const Accumulator& accumulator : group->measures) accumulator.save(to);
    }
  }
}

void SessionWindows::load(ByteReader& from) {
  cold_.load(from);
  runs_.load(from);
  const auto span = [&] {
    const TimeMs start = time_ms(from.i64());
    return plan::Span{start, time_ms(from.i64())};
  };
  load_spans(from, known_);
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const plan::Span one = span();
    const WindowKey at{one.end, one.start};
    LiveWindow& window = windows_[at];
    for (uint64_t m = from.varint(); m > 0 && !from.failed(); --m) {
      const auto name = from.fixed<Hash128>();
      const uint8_t flags = from.u8();
      const uint64_t closed = from.varint();
      dimensions_ = load_group(from);
      Group& group = group_of(window, name);
      group.closed = closed;
      group.shown = (flags & 1) != 0;
      if ((flags & 2) != 0) touched_.insert({at, name});
      for (Accumulator& accumulator : group.measures) {
        accumulator.load(from);
        window.items += accumulator.items();
        items_ += accumulator.items();
      }
    }
  }
  dimensions_.resize(metric_->dimensions.size());
  // Which sessions are open in which group follows from the sessions.
  for (uint32_t slot = 0; slot < runs_.slots() && !from.failed(); ++slot) {
    for (const Run& run : runs_.key(slot).runs) {
      for (const Piece& piece : run.pieces) {
        const plan::Row row = session_row(slot, piece);
        if (piece.closed || !evaluator_.passes(metric_->where, row)) continue;
        const Hash128 name = name_group(row);
        plan::windows_of(metric_->window, piece.first.at, spans_);
        for (const plan::Span& of : spans_) {
          const auto window = windows_.find({of.end, of.start});
          if (window == windows_.end()) continue;
          window->second.open.emplace(Open{slot, to_ms(piece.first.at)}, name);
          group_of(window->second, name).open.insert({slot, to_ms(piece.first.at)});
          ++open_;
        }
      }
    }
  }
}

}  // namespace sluice::process
