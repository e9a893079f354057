// clickhouse_sessions.h - sessions in ClickHouse SQL (semantics R7): the functions of clickhouse.h for that kind, and what metrics over
// sessions read instead of `events`.
//
// Shape   events of their keys -> per event the start of its run, as a running maximum -> pieces of a run -> a row per piece.
// Ranges  A job computes whole keys: ranges of key_hash, as spans that are no times. One key is [hash, hash + 1).
// Source  facts/engines.md 3 (sessions), where the form was run on four engines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/clickhouse.h"

namespace sluice::plan::clickhouse {

// The SELECT of all sessions: source, key, user_key, session_id String; started_at, ended_at Int64 ms; events UInt64, duration_ms Int64;
// _o the order of their first event, _v and _w the least and the largest stored watermark of their events, _due Int64 ms. `condition`
// of events, may be empty.
std::string sessions_sql(const Plan& plan, const Sessions& sessions, uint64_t up_to_epoch, const std::string& condition);

// Result as windows_query of other kinds, then `due` Int64 ms.
std::string sessions_ranges_query(const Plan& plan, const Metric& metric, const std::vector<Span>& ranges, uint64_t up_to_epoch);
// Ranges that have events; then the span {kEndOfRanges, ground}; then for each run that ends behind the ground {hash, start} and {hash,
// last event}. Ground: the instant up to which no run can change any more but by an event that is late for it.
inline constexpr int64_t kEndOfRanges = INT64_MAX;
std::string sessions_list_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch);
std::string sessions_definition_query(const Plan& plan, const Metric& metric, uint64_t up_to_epoch,
                                      std::optional<TimeMs> watermark);

// The place of a key among the ranges: xxHash64 of source, 0x1F and key, taken for signed, never the largest number.
int64_t key_hash(std::string_view source, std::string_view key);
std::string key_hash_sql(const std::string& source, const std::string& key);
// One of 256 equal ranges.
Span range_of(int64_t key_hash);
std::string ranges_condition(const std::string& hash, const std::vector<Span>& ranges);

// md5 in hex of source, key, the first event's message id and its time, with 0x1F between.
std::string session_id(std::string_view source, std::string_view key, std::string_view message_id, TimeMs first);

// The view's columns but the state.
std::vector<std::string> session_columns(const std::string& table);

}  // namespace sluice::plan::clickhouse
