// verify.h - a panel's numbers computed again from raw events, by the SQL that its definition prints.
//
// Cells   stat: its number; table row: its measures; series: its buckets, newest first; top: its values; funnel: per step people and
//         median_ms of a group; retention: people of every cell; sessions: every row, with a key the columns of one.
// Errors  not_found: no such row or point is shown; invalid: a key of another shape; else those of the queries.
// Use     On a worker: runs queries.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "os/clock.h"
#include "serve/loading.h"

namespace sluice::serve {

struct VerifyWanted {
  std::optional<plan::Group> key;  // of a row, group, series or value; of a retention [period], of sessions [session_id]
  std::optional<TimeMs> window_start;  // of a bucket or a cohort
};

struct VerifiedCell {
  std::string name;
  std::optional<std::string> shown;
  std::optional<std::string> computed;
  bool equal() const { return shown == computed; }
};

struct Verified {
  std::vector<VerifiedCell> cells;  // one or more
  event::Epoch epoch;
  std::string sql;
};

Result<Verified> verify(Queries& queries, os::Clock& clock, const ShownPanel& shown, const VerifyWanted& wanted);

}  // namespace sluice::serve
