// schema.h - JSON Schemas (draft 2020-12) of a project's files, made from the table that the reader goes by (keys.h).
//
// Promise What the table accepts, the schema accepts; unknown, missing and reserved keys, wrong shapes and durations, sizes, names
//         and addresses that are written wrong it refuses. `about` of a key is its description. What no table says (types in
//         expressions, names of metrics in panels) stays with `sluice check`.
// Why     An editor completes and checks while one types, also offline: `sluice init` writes them into the project.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "plan/keys.h"

namespace sluice::plan {

inline constexpr std::array<std::string_view, 3> kSchemaNames{"sluice", "metrics", "dashboards"};
// The schema's text, or nullopt for another name.
std::optional<std::string> json_schema(std::string_view name);
std::string json_schema(std::string_view name, const KeySet& keys);

}  // namespace sluice::plan
