#include "store/engine_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/errors.h"
#include "store/sql_text.h"

namespace sluice::store {

namespace {

constexpr const char* kConfig = R"(<clickhouse>
  <logger><level>none</level><console>false</console></logger>
  <users_config>{users}</users_config>
  <mark_cache_size>33554432</mark_cache_size>
  <index_mark_cache_size>8388608</index_mark_cache_size>
  <primary_index_cache_size>33554432</primary_index_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <index_uncompressed_cache_size>0</index_uncompressed_cache_size>
  <query_condition_cache_size>4194304</query_condition_cache_size>
  <compiled_expression_cache_size>8388608</compiled_expression_cache_size>
  <mmap_cache_size>0</mmap_cache_size>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <merges_mutations_memory_usage_soft_limit>{merges}</merges_mutations_memory_usage_soft_limit>
  <background_pool_size>2</background_pool_size>
  <background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <background_common_pool_size>2</background_common_pool_size>
  <background_move_pool_size>1</background_move_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
  <background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
  <memory_worker_period_ms>250</memory_worker_period_ms>
  <max_thread_pool_size>200</max_thread_pool_size>
  <max_thread_pool_free_size>4</max_thread_pool_free_size>
  <merge_tree>
    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
    <min_rows_to_fsync_after_merge>1</min_rows_to_fsync_after_merge>
    <min_compressed_bytes_to_fsync_after_merge>1</min_compressed_bytes_to_fsync_after_merge>
    <old_parts_lifetime>60</old_parts_lifetime>
  </merge_tree>
</clickhouse>
)";

// Compiled min and max take DateTime64 for unsigned and give the wrong end before 1970 (measured with 26.7): never compile them.
constexpr const char* kUsers = R"(<clickhouse>
  <profiles><default><compile_aggregate_expressions>0</compile_aggregate_expressions></default></profiles>
  <quotas><default></default></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants><query>GRANT writer</query><query>GRANT reader</query></grants>
    </default>
  </users>
  <roles>
    <writer><grants><query>GRANT ALL ON *.*</query></grants></writer>
    <reader><grants>
      <query>GRANT SELECT, SHOW ON sluice.*</query>
      <query>GRANT SELECT ON system.one</query>
      <query>GRANT SELECT ON system.settings</query>
      <query>GRANT SELECT ON system.tables</query>
      <query>GRANT SELECT ON system.columns</query>
      <query>GRANT SELECT ON system.databases</query>
      <query>GRANT SELECT ON system.functions</query>
      <query>GRANT SELECT ON system.formats</query>
    </grants></reader>
  </roles>
</clickhouse>
)";

std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace

Result<std::string> write_engine_config(os::Files& files, const std::string& directory, const EngineLimits& limits) {
  const std::string users = os::join(directory, "users.xml");
  const std::string config = os::join(directory, "config.xml");
  SLUICE_CHECK(files.replace(users, kUsers));
  SLUICE_CHECK(files.replace(
      config, fmt::format(fmt::runtime(kConfig), fmt::arg("users", xml_text(users)), fmt::arg("memory", limits.memory_bytes_max),
                          fmt::arg("merges", limits.merges_memory_bytes_max))));
  return config;
}

Settings reader_settings(const ReaderLimits& limits) {
  const std::string spill = std::to_string(limits.memory_bytes_max / 2);
  return {{"max_execution_time", std::to_string(limits.execution_seconds_max)},
          {"timeout_overflow_mode", "throw"},
          {"max_memory_usage", std::to_string(limits.memory_bytes_max)},
          {"max_threads", std::to_string(limits.threads_max)},
          {"max_bytes_before_external_group_by", spill},
          {"max_bytes_before_external_sort", spill},
          {"max_temporary_data_on_disk_size_for_query", std::to_string(limits.temporary_bytes_max)},
          {"allow_introspection_functions", "0"},  // the embedded engine turns them on
          {"implicit_select", "0"}};               // the embedded engine reads `1 + 1` as a statement
}

Result<std::string> set_statement(const Settings& settings) {
  std::string out;
  for (const auto& [name, value] : settings) {
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    });
    if (!plain) return exception(kUnknownSetting, fmt::format("Unknown setting {}", quote_string(name)));
    out += fmt::format("{}{} = {}", out.empty() ? "SET " : ", ", name, quote_string(value));
  }
  return out;
}

Status become_reader(Connection& connection, const Settings& settings, std::string_view database, bool read_only) {
  std::string text = SLUICE_TRY(set_statement(settings));
  if (!text.empty()) text += "; ";
  text += fmt::format("USE {}; SET ROLE reader{}", quote_name(database), read_only ? "; SET readonly = 1" : "");
  SLUICE_CHECK(connection.query(text, "Null"));
  return ok();
}

}  // namespace sluice::store
