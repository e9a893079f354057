// panel_range.h - a panel asked for with another range or with filters: what the address says, and the answers kept for the next who
// asks the same.
//
// where   JSON: [["repo","fmt"],["repo",null]]: dimension and value, null is a missing one; all of them hold.
// Kept    An answer is given again while nothing of its metric changed and none of its numbers was filling, else for as long as the
//         pacing of live panels asks (boards.h query_interval): many viewers and impatient ones cost one query.
// Bounds  kWhereBytesMax, kFiltersMax; RangeAnswers: answers_max and bytes_max, the longest unused goes first.
// Threads One at a time (the hub's mutex).
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/loading.h"

namespace sluice::serve {

inline constexpr size_t kWhereBytesMax = 16_KiB;
inline constexpr size_t kFiltersMax = 32;

struct NamedFilter {
  std::string dimension;
  std::optional<std::string> value;
  bool operator==(const NamedFilter&) const = default;
};

struct PanelRange {
  std::optional<DurationMs> over;  // else the panel's
  std::optional<TimeMs> until;  // else the end of what there is
  std::vector<NamedFilter> where;
  bool as_shown() const { return !over && !until && where.empty(); }
};

// Of the texts of an address, '' is absent. invalid: what is wrong with them.
Result<PanelRange> read_range(std::string_view over, std::string_view until, std::string_view where);
// What tells two ranges of one panel apart.
std::string range_key(std::string_view panel_id, const PanelRange& range);
// The filters on dimensions that groups of the metric have; the names of the others go to `unknown`, each once.
plan::clickhouse::DimensionFilters filters_of(const plan::Metric& metric, const PanelRange& range,
                                              std::vector<std::string>& unknown);

struct RangedPanel {
  ShownPanel shown;
  std::string data;  // as live-api.md has it for the panel's kind
  std::vector<std::string> unfiltered;  // names in `where` that the metric does not have
  bool filling = false;  // a state of it may move by the watermark
  uint64_t changes = 0;  // of its metric when it was asked for
  DurationMs took{};
  os::MonotonicTime ended{};
};

class RangeAnswers {
 public:
  RangeAnswers(size_t answers_max, size_t bytes_max) : answers_max_(answers_max), bytes_max_(bytes_max) {}
  std::shared_ptr<const RangedPanel> find(const std::string& key);
  void put(const std::string& key, std::shared_ptr<const RangedPanel> answer);
  void clear();
  size_t size() const { return answers_.size(); }
  size_t bytes() const { return bytes_; }

 private:
  struct Kept {
    std::string key;
    std::shared_ptr<const RangedPanel> answer;
    size_t bytes = 0;
  };
  void drop(std::list<Kept>::iterator at);

  const size_t answers_max_;
  const size_t bytes_max_;
  std::list<Kept> answers_;  // last used first
  size_t bytes_ = 0;
};

}  // namespace sluice::serve
