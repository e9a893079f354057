// keys.h - every key of every file, in one table: what the reader accepts and what a JSON Schema for editors will be made from.
//
// Promise check_shape() reports unknown keys (with the nearest known one), missing keys, wrong shapes and what is reserved ("not
//         in this release"). What passed has the shapes that the table promises, so readers need no second look.
// Why     Within `version: 1` keys are only added: add a row here, then read it.
#pragma once

#include <span>
#include <string_view>

#include "plan/yaml.h"

namespace sluice::plan {

enum class Shape : uint8_t {
  text,            // any scalar
  expression,      // a scalar that expressions are read from
  name,            // [a-z][a-z0-9_]{0,62}
  duration,        // 10m
  size,            // 20GiB
  number,          // whole
  address,         // HOST:PORT
  map,             // of the keys in `inner`
  list,            // of maps of the keys in `inner`
  named,           // map from a name that the author chooses to a map of the keys in `inner`
  name_or_names,   // a name or a list of names
  rows,            // list of lists of maps of the keys in `inner`
};

struct KeySet;
struct Key {
  std::string_view name;
  Shape shape = Shape::text;
  const KeySet* inner = nullptr;
  bool required = false;
  bool reserved = false;          // its meaning is fixed, this release does not build it
  std::string_view about;         // one line for people
};
struct KeySet {
  std::string_view what;          // "a metric"
  std::span<const Key> keys;
  bool scalar_is_value = false;   // a scalar stands for {value: it}
  const Key* find(std::string_view name) const;
};

const KeySet& project_keys();     // sluice.yaml
const KeySet& metrics_keys();     // metrics/*.yaml
const KeySet& dashboards_keys();  // dashboards/*.yaml

// false: this node must not be read further. Its children may still be wrong one by one: readers call usable() on what they take.
bool check_shape(const Document& document, const Yaml& node, const KeySet& keys, Diagnostics& diagnostics);

// The value under a key when it is there and has the shape that the table promises, else nullptr (then it was reported).
const Yaml* value_of(const Yaml& map, const KeySet& keys, std::string_view name);
bool has_shape(const Yaml& node, Shape shape, const KeySet* inner);

}  // namespace sluice::plan
