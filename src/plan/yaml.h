// yaml.h - a YAML file as a tree whose every node knows its place; the only user of yaml-cpp.
//
// Promise The subset that reviews well: mappings with text keys, lists, scalars. Anchors, aliases, tags, a second document and
//         duplicate keys are refused, each at its place. Scalars stay text: what a text means is decided by the key it stands under.
// Bounds  kFileBytesMax bytes, kYamlDepthMax levels, kYamlNodesMax nodes.
// Errors  Reported to Diagnostics. nullopt: the file has no tree that could be checked further.
// Why     yaml-cpp's event interface: its Node would lose duplicate keys and the places of keys.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/diagnostics.h"

namespace sluice::plan {

inline constexpr size_t kYamlDepthMax = 32;
inline constexpr size_t kYamlNodesMax = 200'000;

struct Yaml {
  enum class Kind : uint8_t { null, scalar, list, map };
  struct Entry;
  Kind kind = Kind::null;
  size_t at = 0;  // byte offset of its first character
  std::string text;  // scalar
  std::vector<Yaml> items;  // list
  std::vector<Entry> entries;  // map, in order as written; keys are unique

  const Entry* find(std::string_view key) const;
};
struct Yaml::Entry {
  std::string key;
  size_t at = 0;
  Yaml value;
};

std::optional<Yaml> parse_yaml(const Document& document, Diagnostics& diagnostics);

// Where byte `index` of a scalar's text stands in the file: through quotes, escapes, folded and literal blocks. The scalar's own
// place when the two cannot be aligned.
size_t place_in_scalar(const Document& document, const Yaml& scalar, size_t index);

// A mapping as written, without the indentation it has in the file: what "How do you know?" shows.
std::string written_text(const Document& document, const Yaml& map);

}  // namespace sluice::plan
