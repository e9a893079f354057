#include "plan/schema.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <string>

namespace sluice::plan {
namespace {

// Counts how often a text stands in another.
size_t count_of(std::string_view text, std::string_view what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

// Every key that is not reserved, once for each place where it may stand.
void for_each_key(const KeySet& keys, const std::function<void(const Key&)>& visit) {
  for (const Key& key : keys.keys) {
    visit(key);
    if (key.inner != nullptr && !key.reserved) for_each_key(*key.inner, visit);
  }
}

// What the schemas accept and refuse is tested by an independent validator: tests/property/schemas.py.
TEST(Schema, every_key_that_is_built_is_there_with_its_description_and_no_reserved_one) {
  for (const std::string_view name : kSchemaNames) {
    const KeySet& keys = name == "sluice" ? project_keys() : name == "metrics" ? metrics_keys() : dashboards_keys();
    const std::string schema = json_schema(name).value_or("");
    std::map<std::string, size_t> described;
    size_t built = 0;
    for_each_key(keys, [&](const Key& key) {
      if (key.reserved) {
        EXPECT_EQ(count_of(schema, key.about), 0U) << key.name;
        return;
      }
      ++built;
      std::string about;
      for (const char c : key.about) about += c == '"' ? "\\\"" : std::string(1, c);
      EXPECT_GE(count_of(schema, "\"" + std::string(key.name) + "\": {\n"), 1U) << key.name;
      EXPECT_GE(count_of(schema, "\"description\": \"" + about + "\""), 1U) << key.name;
    });
    EXPECT_EQ(count_of(schema, "\"description\": "), built) << name;
    EXPECT_GT(built, 3U);
  }
  EXPECT_EQ(json_schema("events"), std::nullopt);
}

TEST(Schema, a_small_table_comes_out_as_written_by_hand) {
  static constexpr std::array kInner{Key{"value", Shape::expression, nullptr, true, false, "an \"x\""}};
  static constexpr KeySet kScalar{"a dimension", kInner, true};
  static constexpr std::array kOuter{Key{"version", Shape::number, nullptr, true, false, "1"},
                                     Key{"dimensions", Shape::named, &kScalar, false, false, "groups"},
                                     Key{"later", Shape::text, nullptr, false, true, "not yet"}};
  static constexpr KeySet kFile{"a file", kOuter};
  EXPECT_EQ(json_schema("file", kFile), R"({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "/schema/file.json",
  "title": "Sluice: a file",
  "type": "object",
  "properties": {
    "version": {
      "description": "1",
      "const": 1,
      "type": "integer"
    },
    "dimensions": {
      "description": "groups",
      "type": "object",
      "propertyNames": {
        "pattern": "^[a-z][a-z0-9_]{0,62}$"
      },
      "additionalProperties": {
        "oneOf": [
          {
            "type": ["string", "number", "boolean"]
          },
          {
            "type": "object",
            "properties": {
              "value": {
                "description": "an \"x\"",
                "type": ["string", "number", "boolean"]
              }
            },
            "required": ["value"],
            "additionalProperties": false
          }
        ]
      }
    }
  },
  "required": ["version"],
  "additionalProperties": false
}
)");
}

}  // namespace
}  // namespace sluice::plan
