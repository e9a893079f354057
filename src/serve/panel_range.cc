#include "serve/panel_range.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/tab_separated.h"
#include "serve/json_out.h"

namespace sluice::serve {
namespace {

constexpr DurationMs kOverLeast{1000}, kOverMost{36'600LL * 86'400'000};
constexpr TimeMs kUntilLeast = time_ms(-2'177'452'800'000),
                 kUntilMost = time_ms(4'102'444'800'000 + 366LL * 86'400'000);  // 1901, 2101
constexpr size_t kPointBytes = 160;  // of one ShownPoint with its texts, about

Result<std::vector<NamedFilter>> read_where(std::string_view where) {
  const Error wrong =
      fail(Code::invalid, "`where` must be a JSON list of [dimension, value] with values that are texts or null: " +
                              std::string(R"([["repo","fmt"]])"));
  if (where.size() > kWhereBytesMax) return fail(Code::invalid, "`where` is longer than 16 KiB; filter by fewer values");
  const nlohmann::json list = nlohmann::json::parse(where, nullptr, false);
  if (!list.is_array()) return wrong;
  if (list.size() > kFiltersMax) return fail(Code::invalid, "`where` has more than 32 filters; filter by fewer values");
  std::vector<NamedFilter> filters;
  for (const nlohmann::json& one : list) {
    if (!one.is_array() || one.size() != 2 || !one[0].is_string() || !(one[1].is_string() || one[1].is_null())) return wrong;
    if (one[1].is_string() && one[1].get_ref<const std::string&>().find('\0') != std::string::npos)
      return wrong;  // none is stored
    filters.push_back(
        {one[0].get<std::string>(), one[1].is_null() ? std::nullopt : std::optional<std::string>(one[1].get<std::string>())});
  }
  return filters;
}

}  // namespace

Result<PanelRange> read_range(std::string_view over, std::string_view until, std::string_view where) {
  PanelRange range;
  if (!over.empty()) {
    const auto ms = parse_signed(over);
    if (!ms || *ms < kOverLeast.count() || *ms > kOverMost.count())
      return fail(Code::invalid, "`over` must be milliseconds, from a second to a hundred years");
    range.over = DurationMs(*ms);
  }
  if (!until.empty()) {
    const auto ms = parse_signed(until);
    if (!ms || time_ms(*ms) < kUntilLeast || time_ms(*ms) > kUntilMost)
      return fail(Code::invalid, "`until` must be an instant in milliseconds since 1970, from 1901 to 2100");
    range.until = time_ms(*ms);
  }
  if (!where.empty()) range.where = SLUICE_TRY(read_where(where));
  return range;
}

std::string range_key(std::string_view panel_id, const PanelRange& range) {
  JsonOut out;
  out.array([&] {
    out.text(panel_id);
    range.over ? out.number(range.over->count()) : out.raw("null");
    range.until ? out.time(*range.until) : out.raw("null");
    for (const NamedFilter& filter : range.where) {
      out.text(filter.dimension);
      out.text_or_null(filter.value);
    }
  });
  return out.take();
}

plan::clickhouse::DimensionFilters filters_of(const plan::Metric& metric, const PanelRange& range,
                                              std::vector<std::string>& unknown) {
  // The last dimension of a funnel is its step, that of a retention its period, of sessions their id: no values of events.
  const size_t own = metric.kind == plan::Metric::Kind::windows ? 0 : 1;
  const auto end = metric.dimensions.end() - static_cast<std::ptrdiff_t>(own);
  plan::clickhouse::DimensionFilters filters;
  for (const NamedFilter& filter : range.where) {
    const auto at =
        std::find_if(metric.dimensions.begin(), end, [&](const plan::Dimension& d) { return d.name == filter.dimension; });
    if (at != end) {
      filters.push_back({static_cast<uint32_t>(at - metric.dimensions.begin()), filter.value});
    } else if (std::find(unknown.begin(), unknown.end(), filter.dimension) == unknown.end()) {
      unknown.push_back(filter.dimension);
    }
  }
  std::sort(filters.begin(), filters.end());
  filters.erase(std::unique(filters.begin(), filters.end()), filters.end());
  return filters;
}

std::shared_ptr<const RangedPanel> RangeAnswers::find(const std::string& key) {
  const auto at = std::find_if(answers_.begin(), answers_.end(), [&](const Kept& kept) { return kept.key == key; });
  if (at == answers_.end()) return nullptr;
  answers_.splice(answers_.begin(), answers_, at);
  return answers_.front().answer;
}

void RangeAnswers::put(const std::string& key, std::shared_ptr<const RangedPanel> answer) {
  const auto old = std::find_if(answers_.begin(), answers_.end(), [&](const Kept& kept) { return kept.key == key; });
  if (old != answers_.end()) drop(old);
  const size_t bytes = key.size() + answer->data.size() + answer->shown.points.size() * kPointBytes;
  answers_.push_front({key, std::move(answer), bytes});
  bytes_ += bytes;
  while (answers_.size() > answers_max_ || (bytes_ > bytes_max_ && !answers_.empty())) drop(std::prev(answers_.end()));
}

void RangeAnswers::drop(std::list<Kept>::iterator at) {
  bytes_ -= at->bytes;
  answers_.erase(at);
}

void RangeAnswers::clear() {
  answers_.clear();
  bytes_ = 0;
}

}  // namespace sluice::serve
