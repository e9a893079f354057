#include <algorithm>

#include <fmt/format.h>

#include "plan/reader.h"
#include "plan/scalars.h"

namespace sluice::plan {
namespace {

constexpr size_t kSourcesMax = 1000;

void read_listeners(Reader& reader, const Yaml& map, const KeySet& keys, Plan& plan) {
  struct Listener {
    std::string_view key;
    std::string& address;
  };
  const Listener listeners[]{{"collect", plan.collect_address}, {"web", plan.web_address}, {"sql", plan.sql_address}};
  std::vector<std::pair<std::string, std::string_view>> taken;
  for (const Listener& listener : listeners) {
    if (const Yaml* value = value_of(map, keys, listener.key)) {
      if (!is_address(value->text)) {
        reader.report(value->at,
                      fmt::format("`{}` is HOST:PORT, like 127.0.0.1:8080; not {}", listener.key, quoted(value->text)));
        continue;
      }
      listener.address = value->text;
      for (const auto& [address, key] : taken) {
        if (address == value->text && !address.ends_with(":0"))
          reader.report(value->at, fmt::format("`{}` has this address already", key));
      }
    }
    taken.emplace_back(listener.address, listener.key);
  }
}

void read_source(Reader& reader, const Yaml& map, const KeySet& keys, Plan& plan) {
  constexpr DurationMs kSecond{1000};
  Source source;
  source.disorder = reader.duration(map, keys, "disorder", {}).value_or(source.disorder);
  source.idle = reader.duration(map, keys, "idle", {.least = kSecond}).value_or(source.idle);
  source.dedup = reader.duration(map, keys, "dedup", {.least = kSecond}).value_or(source.dedup);
  const std::optional<std::string> name = reader.name(map, keys, "name");
  if (!name) return;
  source.name = *name;
  const auto same = [&](const Source& other) { return other.name == source.name; };
  if (std::any_of(plan.sources.begin(), plan.sources.end(), same)) {
    return reader.report(value_of(map, keys, "name")->at, fmt::format("source `{}` is defined twice", source.name));
  }
  plan.sources.push_back(std::move(source));
}

}  // namespace

void read_project(Reader& reader, const Yaml& root, Definitions& into) {
  const KeySet& keys = project_keys();
  Plan& plan = into.plan;
  reader.check_version(root, keys);
  plan.project = reader.name(root, keys, "name").value_or("");
  if (const Yaml* listeners = value_of(root, keys, "listeners"))
    read_listeners(reader, *listeners, *keys.find("listeners")->inner, plan);
  if (const Yaml* sources = value_of(root, keys, "sources")) {
    if (sources->items.empty()) reader.report(sources->at, "a project has at least one source: - {name: site}");
    if (sources->items.size() > kSourcesMax) return reader.report(sources->at, fmt::format("more than {} sources", kSourcesMax));
    for (const Yaml& source : sources->items) {
      if (source.kind == Yaml::Kind::map) read_source(reader, source, *keys.find("sources")->inner, plan);
    }
  }
  if (const Yaml* retention = value_of(root, keys, "retention")) {
    const KeySet& inner = *keys.find("retention")->inner;
    const Bounds bounds{.least = DurationMs{3'600'000}, .most = DurationMs{36'600LL * 86'400'000}};
    plan.log_retention.log_time = reader.duration(*retention, inner, "log_time", bounds).value_or(plan.log_retention.log_time);
    if (const Yaml* size = value_of(*retention, inner, "log_bytes")) {
      const std::optional<uint64_t> bytes = parse_size(size->text);
      if (!bytes || *bytes < 64_MiB) {
        reader.report(size->at, fmt::format("`log_bytes` is a whole number and one of MiB, GiB, TiB, at least 64MiB; not {}",
                                            quoted(size->text)));
      } else {
        plan.log_retention.log_bytes = *bytes;
      }
    }
  }
}

}  // namespace sluice::plan
