#include "harness/panel_question.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "base/rfc3339.h"
#include "plan/clickhouse.h"
#include "plan/clickhouse_funnel.h"

namespace sluice::harness {
namespace {

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find(at), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return out;
}

struct Question {
  const plan::Metric* metric = nullptr;
  plan::Span window{};
  size_t step = 0;
  std::vector<uint32_t> kept;
  plan::Group key;
  plan::clickhouse::DimensionFilters filters;
};

Result<plan::clickhouse::DimensionFilter> read_filter(const plan::Metric& metric, std::string_view text) {
  const size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  for (uint32_t i = 0; i < metric.dimensions.size(); ++i) {
    if (metric.dimensions[i].name != name) continue;
    if (equals == std::string_view::npos || text.substr(equals + 1) == "\\N") return plan::clickhouse::DimensionFilter{i, {}};
    return plan::clickhouse::DimensionFilter{i, std::string(text.substr(equals + 1))};
  }
  return fail(Code::invalid, "no such dimension");
}

Result<Question> read(const plan::Plan& plan, std::string_view word, std::string_view rest) {
  const Error wrong = fail(Code::invalid, "over|series METRIC FROM TO [by A,B] [where A=V] or dropped FUNNEL FROM TO STEP ...");
  const std::vector<std::string> words = split(rest, ' ');
  size_t at = word == "dropped" ? 4 : 3;
  if (words.size() < at) return wrong;
  Question question;
  for (const plan::Metric& metric : plan.metrics) {
    if (metric.name == words[0]) question.metric = &metric;
  }
  const auto from = parse_rfc3339(words[1]), to = parse_rfc3339(words[2]);
  if (question.metric == nullptr || !from || !to) return wrong;
  question.window = {from->time, to->time};
  if (word == "dropped") {
    const auto [end, error] = std::from_chars(words[3].data(), words[3].data() + words[3].size(), question.step);
    if (error != std::errc() || !question.metric->funnel) return wrong;
  }
  for (; at + 1 < words.size(); at += 2) {
    if (words[at] != "by" && words[at] != "where") return wrong;
    for (const std::string& one : split(words[at + 1], ',')) {
      const plan::clickhouse::DimensionFilter filter = SLUICE_TRY(read_filter(*question.metric, one));
      if (words[at] == "where") {
        question.filters.push_back(filter);
      } else {
        question.kept.push_back(filter.dimension);
        if (word == "dropped") question.key.push_back(filter.value);
      }
    }
  }
  return question;
}

}  // namespace

Result<std::string> panel_sql(const plan::Plan& plan, std::string_view word, std::string_view rest) {
  namespace sql = plan::clickhouse;
  const Question q = SLUICE_TRY(read(plan, word, rest));
  if (word == "over") {
    const std::string over = sql::over_query(plan, *q.metric, q.window, q.kept, UINT64_MAX, q.filters);
    return q.metric->funnel ? over : "SELECT * FROM (\n" + over + ") ORDER BY ALL";
  }
  if (word == "series") return sql::series_query(plan, *q.metric, q.window, q.kept, UINT64_MAX, q.filters);
  return "SELECT key, fromUnixTimestamp64Milli(at, 'UTC') AS at FROM (\n" +
         sql::funnel_dropped_query(plan, *q.metric, {q.window, q.kept, q.key, q.step, q.filters}, UINT64_MAX) +
         ") ORDER BY at DESC, key";
}

}  // namespace sluice::harness
