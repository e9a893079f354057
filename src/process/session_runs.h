// session_runs.h - the runs of each key that can still change, cut into pieces: what both operators of sessions hold (semantics R7).
//
// Live    A run of which every event was folded here is live: per piece only a summary, so a session costs the same however many events
//         it has. It is exact, whatever the order of events, as long as each old piece lies whole in one new piece when a late event
//         moves the start of its run.
// Cold    Any other run is only a span; jobs compute its sessions. A run goes cold when its pieces would have to be cut across what
//         their summaries know, when an event comes for a session that is closed, or when it may reach below the ground.
// Ground  Every run that is not held here ended at or before the ground. An event up to one gap behind it may belong to such a run.
//         The ground follows the watermark at a distance at which only events that are late by themselves can touch it.
// Next    A key becomes live again with its first run that begins apart from its cold ones.
// Cost    One look-up per event and, in order, one summary changed.  Threads One.
#pragma once

#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "plan/plan.h"
#include "process/session_piece.h"

namespace sluice::process {

class SessionRuns {
 public:
  static constexpr size_t kSessionBytes = 224;  // a session with its run, of texts of usual length
  static constexpr size_t kColdBytes = 64;  // a cold run
  static constexpr size_t kKeyBytes = 144;

  // `lateness`: a session closes so long after its due time. Nothing was held before `ground`.
  SessionRuns(DurationMs gap, DurationMs max, DurationMs lateness, TimeMs ground)
      : gap_(gap), max_(max), lateness_(lateness), ground_(ground) {}

  struct Happened {
    std::string_view source, key, message_id, user_key;
    Moment at;
    TimeMs watermark;  // stored with it
  };
  struct Outcome {
    uint32_t key = 0;  // live: a slot
    bool cold = false;  // jobs compute what it changes
    int64_t hash = 0;  // cold: of the key
    TimeMs from{}, to{};  // cold: sessions that it may change start in here, both included
    std::vector<Piece> gone;  // live: sessions that are another one now, or part of one
    std::vector<TimeMs> changed;  // live: starts of the sessions that changed
  };
  // Valid until the next call.
  const Outcome& add(const Happened& event);

  // Spans of a key known from elsewhere, cold. With `unlisted` no run is let go until they came: they reach below the ground.
  struct KnownRun {
    int64_t hash = 0;
    TimeMs start{}, last{};
  };
  void await_list() { unlisted_ = true; }
  void listed(const std::vector<KnownRun>& runs, TimeMs ground);

  struct Visitor {
    virtual ~Visitor() = default;
    virtual void closed(uint32_t slot, Piece& piece) = 0;
    virtual void dirty(int64_t hash) = 0;  // jobs compute that key
    virtual void let_go(uint32_t slot, const Piece& piece) = 0;  // over budget: its run is going cold
  };
  // At a watermark: `closed` for each session that it closes, `dirty` for each key of which it may close a cold one; then runs below the
  // ground go.
  void sweep(TimeMs watermark, Visitor& visitor);
  std::optional<TimeMs> next_close() const;

  // Over budget: keys that close first go cold, `let_go` and `dirty` for each, until one eighth less than `most` sessions are live.
  void make_cold(size_t most, Visitor& visitor);

  // Slots are numbers below slots(); not all are used.
  size_t slots() const { return keys_.size(); }
  SessionKey& key(uint32_t slot) { return keys_[slot]; }
  const SessionKey& key(uint32_t slot) const { return keys_[slot]; }
  struct Place {
    const Run* run = nullptr;
    Piece* piece = nullptr;
  };
  std::optional<Place> find(uint32_t slot, TimeMs start);  // of a live session
  TimeMs due(const Run& run, const Piece& piece) const;

  size_t live() const { return live_; }
  size_t cold_runs() const { return cold_; }
  size_t keys() const { return index_.size(); }
  size_t bytes() const { return index_.size() * kKeyBytes + live_ * kSessionBytes + cold_ * kColdBytes; }
  // What it went through, for who asks how it is used.
  struct Counts {
    uint64_t merged = 0, cut = 0, went_cold = 0;
  };
  const Counts& counts() const { return counts_; }

  void save(ByteWriter& to) const;
  void load(ByteReader& from);

 private:
  struct Touched {
    size_t begin = 0, end = 0;  // runs
  };
  Touched touched_by(const SessionKey& key, TimeMs start, TimeMs last) const;
  uint32_t new_slot(const Hash128& name);
  uint32_t slot_of(const Happened& event, const Hash128& name);
  void take_listed(uint32_t slot);
  void await_end(uint32_t slot);
  int64_t piece_of(TimeMs start, TimeMs at) const { return (at - start) / max_; }
  bool is_late(const SessionKey& key, const Touched& touched, TimeMs start, const Happened& event) const;
  void add_cold(SessionKey& key, const Touched& touched, TimeMs start, TimeMs last, bool open_left);
  void add_inside(SessionKey& key, Run& run, const Happened& event);
  bool add_across(SessionKey& key, const Touched& touched, TimeMs start, TimeMs last, const Happened& event);
  Piece piece_from(const SessionKey& key, const Happened& event) const;
  static void merge(Piece& into, const Piece& later);
  TimeMs next_of(const Run& run, TimeMs watermark) const;
  void schedule(uint32_t slot, TimeMs at);
  void forget_pieces(Run& run);
  void close_runs(uint32_t slot, TimeMs watermark, Visitor& visitor);
  void let_go(TimeMs ground);
  void remove(uint32_t slot);

  DurationMs gap_, max_, lateness_;
  TimeMs ground_;
  bool unlisted_ = false;
  TimeMs swept_ = kMinusInfinity;  // the last sweep's watermark
  absl::flat_hash_map<Hash128, uint32_t> index_;
  std::vector<SessionKey> keys_;
  std::vector<Hash128> names_;  // of keys_
  std::vector<uint32_t> free_;
  absl::btree_set<std::pair<TimeMs, uint32_t>> schedule_;  // when something of a key may close, never later than it does
  absl::btree_set<std::pair<TimeMs, uint32_t>> ends_;  // per key when one of its runs ended, or earlier
  size_t live_ = 0, cold_ = 0;
  Counts counts_;
  Outcome outcome_;
  std::string name_;
};

}  // namespace sluice::process
