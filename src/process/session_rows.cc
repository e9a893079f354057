#include "process/session_rows.h"

#include <algorithm>

#include "plan/clickhouse_sessions.h"

namespace sluice::process {

namespace sql = plan::clickhouse;

// Closes and dirty keys of one sweep, as rows and as cold windows.
struct SessionRows::Sweep final : SessionRuns::Visitor {
  Sweep(SessionRows& rows, TimeMs w, event::Epoch e, std::vector<plan::MetricRow>* out)
      : of(rows), watermark(w), epoch(e), into(out) {}
  void closed(uint32_t slot, Piece& piece) override {
    const std::optional<SessionRuns::Place> place = of.runs_.find(slot, piece.first.at);
    into->push_back(of.row_of(of.runs_.key(slot), *place->run, piece, watermark));
    piece.touched = false;
  }
  void dirty(int64_t hash) override { of.dirty(hash, epoch); }
  void let_go(uint32_t, const Piece&) override {}  // its key is dirty
  SessionRows& of;
  TimeMs watermark;
  event::Epoch epoch;
  std::vector<plan::MetricRow>* into;
};

SessionRows::SessionRows(const plan::Metric& metric, OperatorBounds bounds, TimeMs born_after)
    : MetricOperator(metric, bounds, born_after),
      runs_(metric.sessions->gap, metric.sessions->max, metric.allowed_lateness, born_after) {
  if (born_after != kMinusInfinity) runs_.await_list();
}

void SessionRows::dirty(int64_t hash, event::Epoch epoch) {
  removed_.erase(hash);
  const bool many = cold_.dirty_count() >= kKeysDirty;
  cold_.dirty(many ? sql::range_of(hash) : plan::Span{time_ms(hash), time_ms(hash + 1)}, epoch);
}

void SessionRows::add(const plan::Row& row, bool future, TimeMs watermark, event::Epoch epoch, plan::Evaluator& evaluator) {
  if (!evaluator.passes(metric_->sessions->where, row)) return;
  const plan::Value key = evaluator.evaluate(metric_->sessions->by, row);
  if (key.is_null()) return;
  see(row, future);
  const SessionRuns::Outcome& outcome =
      runs_.add({row.source, key.text, row.message_id, row.user_key, {row.event_time, row.place}, watermark});
  if (outcome.cold) return dirty(outcome.hash, epoch);
  touched_.insert(outcome.key);
  const SessionKey& of = runs_.key(outcome.key);
  for (const Piece& piece : outcome.gone) {
    removed_[of.hash].push_back({piece.first.at, sql::session_id(of.source, of.key, piece.message_id, piece.first.at)});
  }
  bound_memory(epoch);
}

void SessionRows::bound_memory(event::Epoch epoch) {
  const size_t cold = std::min(runs_.bytes() - runs_.live() * SessionRuns::kSessionBytes, bounds_.state_bytes_max / 2);
  if (runs_.live() <= bounds_.groups_max && runs_.live() * SessionRuns::kSessionBytes <= bounds_.state_bytes_max - cold) return;
  Sweep sweep(*this, kMinusInfinity, epoch, nullptr);
  runs_.make_cold(std::min(bounds_.groups_max, runs_.live()), sweep);
  ++evictions_;
}

plan::MetricRow SessionRows::row_of(const SessionKey& key, const Run& run, const Piece& piece, TimeMs watermark) const {
  using plan::StoredValue;
  using plan::Value;
  plan::MetricRow row;
  row.window = {piece.first.at, piece.first.at};
  row.dimensions = {sql::session_id(key.source, key.key, piece.message_id, piece.first.at)};
  row.stored = {StoredValue::of(Value::of(Decimal::whole((piece.last - piece.first.at).count()))),
                StoredValue::of(Value::of(piece.last)),
                StoredValue::of(Value::of(Decimal::whole(static_cast<int64_t>(piece.events)))),
                StoredValue::of(Value::of(std::string_view(key.key))),
                StoredValue::of(Value::of(std::string_view(key.source))),
                StoredValue::of(Value::of(std::string_view(piece.user_key.empty() ? key.key : piece.user_key)))};
  const TimeMs due = runs_.due(run, piece);
  const TimeMs closes = due + metric_->allowed_lateness;
  row.state = plan::state_of(due, metric_->allowed_lateness, watermark, piece.largest_watermark >= closes,
                             piece.least_watermark < closes);
  return row;
}

void SessionRows::emit(TimeMs watermark, event::Epoch epoch, bool touched_too, std::vector<plan::MetricRow>& into) {
  Sweep sweep(*this, watermark, epoch, &into);
  runs_.sweep(watermark, sweep);
  if (!touched_too) return;
  for (const auto& [hash, all] : removed_) {
    for (const Removed& removed : all) {
      plan::MetricRow row;
      row.window = {removed.start, removed.start};
      row.dimensions = {removed.id};
      row.stored.resize(metric_->measures.size());
      row.removed = true;
      into.push_back(std::move(row));
    }
  }
  removed_.clear();
  for (const uint32_t slot : touched_) {  // a slot given to another key since then has only what that one touched
    SessionKey& key = runs_.key(slot);
    for (Run& run : key.runs) {
      for (Piece& piece : run.pieces) {
        if (!std::exchange(piece.touched, false)) continue;
        into.push_back(row_of(key, run, piece, watermark));
      }
    }
  }
  touched_.clear();
}

std::vector<plan::Span> ranges_of(const std::vector<plan::Span>& listed) {
  const auto end =
      std::find_if(listed.begin(), listed.end(), [](const plan::Span& span) { return to_ms(span.start) == sql::kEndOfRanges; });
  return {listed.begin(), end};
}

void SessionRows::listed(const std::vector<plan::Span>& spans) {
  size_t at = ranges_of(spans).size();
  if (at == spans.size()) return;
  const TimeMs ground = spans[at++].end;
  std::vector<SessionRuns::KnownRun> runs;
  for (; at + 1 < spans.size(); at += 2) runs.push_back({to_ms(spans[at].start), spans[at].end, spans[at + 1].end});
  runs_.listed(runs, ground);
  removed_.clear();  // every key is computed after this
}

void SessionRows::save(ByteWriter& to) const {
  cold_.save(to);
  runs_.save(to);
  to.varint(removed_.size());
  for (const auto& [hash, all] : removed_) {
    to.i64(hash);
    to.varint(all.size());
    for (const Removed& removed : all) {
      to.i64(to_ms(removed.start));
      to.text(removed.id);
    }
  }
}

void SessionRows::load(ByteReader& from) {
  cold_.load(from);
  runs_.load(from);
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    std::vector<Removed>& all = removed_[from.i64()];
    for (uint64_t m = from.varint(); m > 0 && !from.failed(); --m) {
      const TimeMs start = time_ms(from.i64());
      all.push_back({start, std::string(from.text())});
    }
  }
  for (uint32_t slot = 0; slot < runs_.slots(); ++slot) {
    for (const Run& run : runs_.key(slot).runs) {
      if (std::any_of(run.pieces.begin(), run.pieces.end(), [](const Piece& piece) { return piece.touched; }))
        touched_.insert(slot);
    }
  }
}

}  // namespace sluice::process
