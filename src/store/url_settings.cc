#include "store/url_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "store/errors.h"

namespace sluice::store {

namespace {

constexpr std::array<std::string_view, 20> kIgnored = {"date_time_input_format",
                                                       "cast_string_to_dynamic_use_inference",
                                                       "cancel_http_readonly_queries_on_client_close",
                                                       "send_progress_in_http_headers",
                                                       "http_headers_progress_interval_ms",
                                                       "async_insert",
                                                       "wait_for_async_insert",
                                                       "select_sequential_consistency",
                                                       "mutations_sync",
                                                       "lightweight_deletes_sync",
                                                       "alter_sync",
                                                       "insert_distributed_sync",
                                                       "http_write_exception_in_output_format",
                                                       "log_comment",
                                                       "log_queries",
                                                       "input_format_native_allow_types_conversion",
                                                       "insert_quorum",
                                                       "http_receive_timeout",
                                                       "http_send_timeout",
                                                       "use_skip_indexes"};

// Taken as they are: they change how a result looks, not what it costs.
constexpr std::array<std::string_view, 9> kPlain = {"session_timezone",
                                                    "join_use_nulls",
                                                    "date_time_output_format",
                                                    "result_overflow_mode",
                                                    "output_format_decimal_trailing_zeros",
                                                    "bool_true_representation",
                                                    "bool_false_representation",
                                                    "format_csv_null_representation",
                                                    "format_tsv_null_representation"};
constexpr std::array<std::string_view, 7> kPlainPrefixes = {
    "output_format_json_", "output_format_arrow_", "output_format_parquet_", "output_format_native_",
    "output_format_csv_",  "output_format_tsv_",   "output_format_pretty_"};

constexpr size_t kValueBytesMax = 128;

bool is_in(const auto& list, std::string_view name) { return std::find(list.begin(), list.end(), name) != list.end(); }

// Whole numbers, also as clients write them for seconds: 34 or 34.5.
std::optional<uint64_t> whole(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  const std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  const bool fraction =
      rest.empty() || (rest.front() == '.' && rest.find_first_not_of("0123456789", 1) == std::string_view::npos);
  return fraction ? std::optional(value) : std::nullopt;
}

std::optional<uint64_t> ceiling(std::string_view name, const ReaderLimits& limits) {
  constexpr uint64_t kNoCeiling = UINT64_MAX;
  if (name == "max_execution_time") return limits.execution_seconds_max;
  if (name == "max_threads") return limits.threads_max;
  if (name == "max_memory_usage") return limits.memory_bytes_max;
  if (name == "max_result_rows" || name == "max_result_bytes" || name == "max_rows_to_read" || name == "max_bytes_to_read")
    return kNoCeiling;
  return std::nullopt;
}

}  // namespace

Result<Settings> admit_url_settings(const Settings& asked, const ReaderLimits& limits) {
  Settings out;
  for (const auto& [name, value] : asked) {
    if (value.size() > kValueBytesMax) return exception(kBadArguments, fmt::format("The value of setting {} is too long", name));
    if (const std::optional<uint64_t> most = ceiling(name, limits)) {
      const std::optional<uint64_t> wanted = whole(value);
      if (!wanted) return exception(kBadArguments, fmt::format("Setting {} takes a number, not '{}'", name, value));
      const bool without_limit = *wanted == 0;
      if (without_limit && *most == UINT64_MAX) continue;
      out.emplace_back(name, std::to_string(without_limit ? *most : std::min(*wanted, *most)));
      continue;
    }
    const bool plain = is_in(kPlain, name) ||
                       std::any_of(kPlainPrefixes.begin(), kPlainPrefixes.end(), [&](auto p) { return name.starts_with(p); });
    if (plain) {
      out.emplace_back(name, value);
    } else if (!is_in(kIgnored, name)) {
      return exception(kUnknownSetting, fmt::format("Setting {} is not open to readers of this interface", name));
    }
  }
  return out;
}

}  // namespace sluice::store
