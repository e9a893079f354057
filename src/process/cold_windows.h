// cold_windows.h - the windows of one metric that the operator does not hold, and which of them must be computed again (design 6).
//
// A window is cold when it is closed, was evicted over budget, or was open when the operator was born (until it is adopted: adoption.h).
// An event in a cold window makes it dirty, and so does the closing of an open cold one. A job takes dirty windows and recomputes them
// from `events`.
// Promise  A window dirtied after the epoch that a job covers stays dirty; one that is dirtied in every epoch is computed all the same.
//          Dirty windows are handed out newest first, so that what people look at fills first.
// Bounds   One entry of 32 bytes per dirty or open cold window; a window exists only where events are.
// Threads  One.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "event/position.h"
#include "plan/plan.h"

namespace sluice::process {

class ColdWindows {
 public:
  // Windows that start at or before this instant were not folded from their beginning: they are cold while open.
  explicit ColdWindows(TimeMs born_after = kMinusInfinity) : born_after_(born_after) {}

  bool open_cold(const plan::Span& window) const { return window.start <= born_after_ || evicted_.contains(window); }
  void evict(const plan::Span& window) { evicted_.insert(window); }

  void dirty(const plan::Span& window, event::Epoch epoch) {
    Dirtied& when = dirty_.try_emplace(window, Dirtied{epoch, epoch}).first->second;
    when.oldest = std::min(when.oldest, epoch);
    when.newest = std::max(when.newest, epoch);  // a list that comes late must not hide an event that came before it
  }
  // An open cold window that has events: it will be dirty again when it closes.
  void await_close(const plan::Span& window) { awaited_.insert({window.end, window.start}); }
  void close(TimeMs watermark, DurationMs lateness, event::Epoch epoch);
  std::optional<TimeMs> first_awaited_end() const;

  // Up to `most` windows dirtied at or before `up_to`, newest first; they stay dirty until started().
  std::vector<plan::Span> due(event::Epoch up_to, size_t most) const;
  // A job over these windows with E = up_to was journaled: those not dirtied since are clean.
  void started(const std::vector<plan::Span>& windows, event::Epoch up_to);
  // A job over them gave up.
  void not_done(const std::vector<plan::Span>& windows, event::Epoch up_to);
  size_t dirty_count() const { return dirty_.size(); }
  // Makes dirty what those windows have dirty, too.
  void add_dirty(const ColdWindows& others);
  // Forgets what was made dirty since `before`, but for windows that went cold since: of those it was the reason.
  void keep_dirty_of(const ColdWindows& before);

  void save(ByteWriter& to) const;
  void load(ByteReader& from);

 private:
  TimeMs born_after_;
  struct Dirtied {
    event::Epoch oldest;  // since the last job over the window: from here on there is something to compute
    event::Epoch newest;  // a job over less leaves it dirty
  };
  absl::btree_map<plan::Span, Dirtied> dirty_;
  absl::btree_set<plan::Span> evicted_;
  absl::btree_set<std::pair<TimeMs, TimeMs>> awaited_;  // (end, start)
};

void save_spans(ByteWriter& to, const absl::btree_set<plan::Span>& spans);
void load_spans(ByteReader& from, absl::btree_set<plan::Span>& spans);

}  // namespace sluice::process
