// session_piece.h - sessions while they can still change: pieces of the runs of a key (session_runs.h).
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "process/accumulator.h"

namespace sluice::process {

struct Piece {  // a session
  Moment first;  // its first event
  std::string message_id;  // of the first event
  TimeMs last{};
  uint64_t events = 0;
  Moment user_at;
  std::string user_key;  // the last one that is not the key; '' when there is none
  TimeMs least_watermark{}, largest_watermark{};  // stored with its events
  bool touched = false;  // since the operator emitted it
  bool closed = false;  // sweep() told so
};

struct Run {
  TimeMs start{}, last{};
  bool cold = false;
  bool open_left = false;  // it may have begun before `start`
  std::vector<Piece> pieces;  // of a live one, in order
};

struct SessionKey {
  std::string source, key;
  int64_t hash = 0;  // plan::clickhouse::key_hash
  std::vector<Run> runs;  // in order, more than a gap apart
  TimeMs scheduled = TimeMs::max();
  bool used = false;
  bool ends = false;  // it stands in the order of ends
};

}  // namespace sluice::process
