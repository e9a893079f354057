#include "process/session_runs.h"

#include <algorithm>

#include "base/result.h"
#include "plan/clickhouse_sessions.h"

namespace sluice::process {
namespace {

// Listed runs are found by the hash alone: their keys' names are not known. No name of a key has this for its upper half but by chance,
// and then it would only have one more cold run.
Hash128 listed_name(int64_t hash) { return {static_cast<uint64_t>(hash), 0x6C6973746564ULL}; }

}  // namespace

TimeMs SessionRuns::due(const Run& run, const Piece& piece) const {
  return std::min(run.last + gap_ + DurationMs(1), run.start + (piece_of(run.start, piece.first.at) + 1) * max_);
}

Piece SessionRuns::piece_from(const SessionKey& key, const Happened& event) const {
  Piece piece;
  piece.first = event.at;
  piece.message_id = event.message_id;
  piece.last = event.at.at;
  piece.events = 1;
  if (event.user_key != key.key) {
    piece.user_key = event.user_key;
    piece.user_at = event.at;
  }
  piece.least_watermark = piece.largest_watermark = event.watermark;
  piece.touched = true;
  return piece;
}

void SessionRuns::merge(Piece& into, const Piece& later) {
  into.last = std::max(into.last, later.last);
  into.events += later.events;
  if (!later.user_key.empty() && (into.user_key.empty() || into.user_at < later.user_at)) {
    into.user_key = later.user_key;
    into.user_at = later.user_at;
  }
  into.least_watermark = std::min(into.least_watermark, later.least_watermark);
  into.largest_watermark = std::max(into.largest_watermark, later.largest_watermark);
  into.touched = true;
}

// Runs less than a gap away from [start, last], which at most two are when it is one event.
SessionRuns::Touched SessionRuns::touched_by(const SessionKey& key, TimeMs start, TimeMs last) const {
  Touched touched{key.runs.size(), key.runs.size()};
  while (touched.end > 0 && key.runs[touched.end - 1].start > last + gap_) --touched.end;
  touched.begin = touched.end;
  while (touched.begin > 0 && key.runs[touched.begin - 1].last + gap_ >= start) --touched.begin;
  return touched;
}

uint32_t SessionRuns::new_slot(const Hash128& name) {
  uint32_t slot = static_cast<uint32_t>(keys_.size());
  if (free_.empty()) {
    keys_.emplace_back();
    names_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  index_[name] = slot;
  names_[slot] = name;
  keys_[slot].used = true;
  return slot;
}

uint32_t SessionRuns::slot_of(const Happened& event, const Hash128& name) {
  if (const auto known = index_.find(name); known != index_.end()) return known->second;
  const uint32_t slot = new_slot(name);
  SessionKey& key = keys_[slot];
  key.source = event.source;
  key.key = event.key;
  key.hash = plan::clickhouse::key_hash(event.source, event.key);
  take_listed(slot);
  return slot;
}

void SessionRuns::take_listed(uint32_t slot) {
  SessionKey& key = keys_[slot];
  const auto of_hash = index_.find(listed_name(key.hash));
  if (of_hash == index_.end() || of_hash->second == slot) return;
  for (const Run& run : keys_[of_hash->second].runs)
    add_cold(key, touched_by(key, run.start, run.last), run.start, run.last, false);
}

void SessionRuns::await_end(uint32_t slot) {
  SessionKey& key = keys_[slot];
  if (key.ends) return;
  key.ends = true;
  ends_.insert({key.runs.front().last, slot});
}

const SessionRuns::Outcome& SessionRuns::add(const Happened& event) {
  outcome_.cold = false;
  outcome_.gone.clear();
  outcome_.changed.clear();
  name_.clear();
  ByteWriter to(name_);
  to.text(event.source);
  to.text(event.key);
  const Hash128 name = hash128(name_);
  const TimeMs at = event.at.at;
  const bool below = at <= ground_ && !unlisted_;
  if (below && !index_.contains(name)) {  // whatever it belongs to is not held, and stays so
    outcome_.cold = true;
    outcome_.hash = plan::clickhouse::key_hash(event.source, event.key);
    outcome_.from = at - max_ + DurationMs(1);
    outcome_.to = ground_;
    return outcome_;
  }
  const uint32_t slot = slot_of(event, name);
  SessionKey& key = keys_[slot];
  const Touched touched = touched_by(key, at, at);
  TimeMs start = at, last = at;
  bool cold = false, open_left = false;
  for (size_t i = touched.begin; i < touched.end; ++i) {
    const Run& run = key.runs[i];
    start = std::min(start, run.start);
    last = std::max(last, run.last);
    cold = cold || run.cold;
    open_left = open_left || run.open_left;
  }
  const bool none = touched.begin == touched.end;
  const bool grounded = at <= ground_ + gap_ && (none || at < key.runs[touched.begin].start);
  outcome_.key = slot;
  outcome_.hash = key.hash;
  if (!cold && !grounded && !is_late(key, touched, start, event)) {
    if (none) {
      Run run{start, last, false, false, {}};
      run.pieces.push_back(piece_from(key, event));
      key.runs.insert(key.runs.begin() + static_cast<ptrdiff_t>(touched.end), std::move(run));
      ++live_;
      outcome_.changed.push_back(at);
    } else if (touched.end - touched.begin == 1 && at >= key.runs[touched.begin].start) {
      add_inside(key, key.runs[touched.begin], event);
    } else {
      cold = !add_across(key, touched, start, last, event);
    }
  } else {
    cold = true;
  }
  if (cold) {
    outcome_.cold = true;
    outcome_.gone.clear();
    outcome_.changed.clear();
    outcome_.from = at - max_ + DurationMs(1);
    for (size_t i = touched.begin; i < touched.end; ++i) {
      for (const Piece& piece : key.runs[i].pieces) outcome_.from = std::min(outcome_.from, piece.first.at);
    }
    open_left = open_left || (grounded && !unlisted_);
    if (!open_left && !grounded) outcome_.from = std::max(outcome_.from, start);
    outcome_.to = grounded && none ? std::max(last, ground_) : last;
    if (below && none) return outcome_;
    add_cold(key, touched, start, last, open_left);
  }
  await_end(slot);
  const auto run = key.runs.begin() + static_cast<ptrdiff_t>(touched.begin);
  schedule(slot, next_of(*run, swept_));
  return outcome_;
}

// Whether the event changes what is closed already.
bool SessionRuns::is_late(const SessionKey& key, const Touched& touched, TimeMs start, const Happened& event) const {
  if (touched.begin == touched.end || event.watermark == kMinusInfinity) return false;  // it makes a session of its own
  const TimeMs closed = event.watermark - lateness_;
  for (size_t i = touched.begin; i < touched.end; ++i) {
    if (key.runs[i].last + gap_ + DurationMs(1) <= closed) return true;
  }
  return start + (piece_of(start, event.at.at) + 1) * max_ <= closed;
}

void SessionRuns::forget_pieces(Run& run) {
  live_ -= run.pieces.size();
  run.pieces = {};
}

void SessionRuns::add_cold(SessionKey& key, const Touched& touched, TimeMs start, TimeMs last, bool open_left) {
  Run cold{start, last, true, open_left, {}};
  for (size_t i = touched.begin; i < touched.end; ++i) {
    Run& run = key.runs[i];
    cold.start = std::min(cold.start, run.start);
    cold.last = std::max(cold.last, run.last);
    cold.open_left = cold.open_left || run.open_left;
    if (run.cold) {
      --cold_;
    } else {
      forget_pieces(run);
      ++counts_.went_cold;
    }
  }
  ++cold_;
  const auto begin = key.runs.begin() + static_cast<ptrdiff_t>(touched.begin);
  key.runs.erase(begin, key.runs.begin() + static_cast<ptrdiff_t>(touched.end));
  key.runs.insert(key.runs.begin() + static_cast<ptrdiff_t>(touched.begin), std::move(cold));
}

// The run's start stays, so its pieces do.
void SessionRuns::add_inside(SessionKey& key, Run& run, const Happened& event) {
  run.last = std::max(run.last, event.at.at);
  const int64_t index = piece_of(run.start, event.at.at);
  auto at = run.pieces.end();
  while (at != run.pieces.begin() && piece_of(run.start, std::prev(at)->first.at) > index) --at;
  if (at == run.pieces.begin() || piece_of(run.start, std::prev(at)->first.at) < index) {
    run.pieces.insert(at, piece_from(key, event));
    ++live_;
    ++counts_.cut;
    outcome_.changed.push_back(event.at.at);
    return;
  }
  Piece& piece = *std::prev(at);
  if (event.at < piece.first) {
    outcome_.gone.push_back(piece);
    piece.first = event.at;
    piece.message_id = event.message_id;
  }
  ++piece.events;
  piece.last = std::max(piece.last, event.at.at);
  if (event.user_key != key.key && (piece.user_key.empty() || piece.user_at < event.at)) {
    piece.user_key = event.user_key;
    piece.user_at = event.at;
  }
  piece.least_watermark = std::min(piece.least_watermark, event.watermark);
  piece.largest_watermark = std::max(piece.largest_watermark, event.watermark);
  piece.touched = true;
  outcome_.changed.push_back(piece.first.at);
}

// The start moves, or two runs become one: false when a piece would have to be cut in two, or is closed. Nothing has changed then.
bool SessionRuns::add_across(SessionKey& key, const Touched& touched, TimeMs start, TimeMs last, const Happened& event) {
  const auto begin = key.runs.begin() + static_cast<ptrdiff_t>(touched.begin);
  const auto end = key.runs.begin() + static_cast<ptrdiff_t>(touched.end);
  std::vector<Piece> pieces;
  for (auto run = begin; run != end; ++run) {
    for (const Piece& piece : run->pieces) {
      const bool closed = event.watermark != kMinusInfinity && due(*run, piece) + lateness_ <= event.watermark;
      if (closed || piece.closed || piece_of(start, piece.first.at) != piece_of(start, piece.last)) return false;
      pieces.push_back(piece);
    }
  }
  live_ -= pieces.size();
  Piece own = piece_from(key, event);
  const auto by_first = [](const Piece& a, const Piece& b) { return a.first < b.first; };
  pieces.insert(std::upper_bound(pieces.begin(), pieces.end(), own, by_first), own);
  Run run{start, last, false, false, {}};
  for (Piece& piece : pieces) {
    const bool mine = piece.first == event.at;
    if (run.pieces.empty() || piece_of(start, run.pieces.back().first.at) != piece_of(start, piece.first.at)) {
      run.pieces.push_back(std::move(piece));
      if (mine) outcome_.changed.push_back(event.at.at);
      continue;
    }
    Piece& into = run.pieces.back();
    if (!mine) outcome_.gone.push_back(piece);
    merge(into, piece);
    if (outcome_.changed.empty() || outcome_.changed.back() != into.first.at) outcome_.changed.push_back(into.first.at);
  }
  live_ += run.pieces.size();
  if (touched.end - touched.begin > 1) ++counts_.merged;
  *begin = std::move(run);
  key.runs.erase(begin + 1, end);
  return true;
}

// When something of the run may close behind that watermark; never later than it does.
TimeMs SessionRuns::next_of(const Run& run, TimeMs watermark) const {
  const TimeMs end = run.last + gap_ + DurationMs(1) + lateness_;
  if (!run.cold) {
    for (const Piece& piece : run.pieces) {
      if (!piece.closed) return due(run, piece) + lateness_;
    }
    return TimeMs::max();
  }
  if (watermark == kMinusInfinity) return run.open_left ? run.start : std::min(end, run.start + max_ + lateness_);
  if (end <= watermark) return TimeMs::max();
  if (run.open_left) return watermark + DurationMs(1);
  const int64_t passed = floor_div((watermark - lateness_ - run.start).count(), max_.count());
  return std::min(end, run.start + std::max<int64_t>(passed + 1, 1) * max_ + lateness_);
}

void SessionRuns::schedule(uint32_t slot, TimeMs at) {
  SessionKey& key = keys_[slot];
  if (at >= key.scheduled) return;
  if (key.scheduled != TimeMs::max()) schedule_.erase({key.scheduled, slot});
  key.scheduled = at;
  schedule_.insert({at, slot});
}

void SessionRuns::close_runs(uint32_t slot, TimeMs watermark, Visitor& visitor) {
  SessionKey& key = keys_[slot];
  bool dirty = false;
  for (Run& run : key.runs) {
    if (run.cold) {
      dirty = dirty || next_of(run, swept_) <= watermark;
      continue;
    }
    for (Piece& piece : run.pieces) {
      if (piece.closed || due(run, piece) + lateness_ > watermark) continue;
      visitor.closed(slot, piece);
      piece.closed = true;
    }
  }
  if (dirty) visitor.dirty(key.hash);
}

void SessionRuns::sweep(TimeMs watermark, Visitor& visitor) {
  if (watermark == kMinusInfinity) return;
  std::vector<uint32_t> again;
  while (!schedule_.empty() && schedule_.begin()->first <= watermark) {
    const uint32_t slot = schedule_.begin()->second;
    schedule_.erase(schedule_.begin());
    keys_[slot].scheduled = TimeMs::max();
    close_runs(slot, watermark, visitor);
    again.push_back(slot);
  }
  swept_ = std::max(swept_, watermark);
  for (const uint32_t slot : again) {
    for (const Run& run : keys_[slot].runs) schedule(slot, next_of(run, swept_));
  }
  if (!unlisted_) let_go(std::max(ground_, watermark - 2 * gap_ - DurationMs(1) - lateness_));
}

std::optional<TimeMs> SessionRuns::next_close() const {
  if (schedule_.empty()) return std::nullopt;
  return schedule_.begin()->first;
}

// Runs that end at or before the ground go, and keys without any.
void SessionRuns::let_go(TimeMs ground) {
  ground_ = ground;
  std::vector<uint32_t> again;
  while (!ends_.empty() && ends_.begin()->first <= ground) {
    const uint32_t slot = ends_.begin()->second;
    ends_.erase(ends_.begin());
    SessionKey& key = keys_[slot];
    key.ends = false;
    std::erase_if(key.runs, [&](Run& run) {
      if (run.last > ground) return false;
      if (run.cold) --cold_;
      forget_pieces(run);
      return true;
    });
    if (key.runs.empty()) {
      remove(slot);
    } else {
      again.push_back(slot);
    }
  }
  for (const uint32_t slot : again) await_end(slot);
}

void SessionRuns::remove(uint32_t slot) {
  SessionKey& key = keys_[slot];
  if (key.scheduled != TimeMs::max()) schedule_.erase({key.scheduled, slot});
  index_.erase(names_[slot]);
  key = SessionKey{};
  free_.push_back(slot);
}

void SessionRuns::make_cold(size_t most, Visitor& visitor) {
  const size_t wanted = most - most / 8;
  for (auto it = schedule_.begin(); it != schedule_.end() && live_ > wanted; ++it) {
    SessionKey& key = keys_[it->second];
    bool any = false;
    for (Run& run : key.runs) {
      if (run.cold) continue;
      for (const Piece& piece : run.pieces) {
        if (!piece.closed) visitor.let_go(it->second, piece);
      }
      forget_pieces(run);
      run.cold = any = true;
      ++cold_;
      ++counts_.went_cold;
    }
    if (any) visitor.dirty(key.hash);
  }
}

std::optional<SessionRuns::Place> SessionRuns::find(uint32_t slot, TimeMs start) {
  for (Run& run : keys_[slot].runs) {
    for (Piece& piece : run.pieces) {
      if (piece.first.at == start) return Place{&run, &piece};
    }
  }
  return std::nullopt;
}

void SessionRuns::listed(const std::vector<KnownRun>& runs, TimeMs ground) {
  for (const KnownRun& known : runs) {
    const Hash128 name = listed_name(known.hash);
    const auto at = index_.find(name);
    const uint32_t slot = at == index_.end() ? new_slot(name) : at->second;
    SessionKey& key = keys_[slot];
    key.hash = known.hash;
    add_cold(key, touched_by(key, known.start, known.last), known.start, known.last, false);
    await_end(slot);
  }
  for (uint32_t slot = 0; slot < keys_.size(); ++slot) {
    if (!keys_[slot].used) continue;
    take_listed(slot);
    for (const Run& run : keys_[slot].runs) schedule(slot, next_of(run, swept_));
  }
  unlisted_ = false;
  ground_ = ground;
}

}  // namespace sluice::process
