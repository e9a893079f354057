#include "plan/schema.h"

#include <fmt/format.h>

#include "base/json_text.h"

namespace sluice::plan {
namespace {

// The same rules as plan/scalars.cc, as patterns that ECMAScript and Python read alike.
constexpr std::string_view kName = "^[a-z][a-z0-9_]{0,62}$";
constexpr std::string_view kDuration = "^[0-9]+(ms|s|m|h|d)$";
constexpr std::string_view kSize = "^[0-9]+(B|KiB|MiB|GiB|TiB)$";
constexpr std::string_view kAddress = R"(^(\[[^\s/@]+\]|[^\s/@:]+):[0-9]{1,5}$)";

// An indented JSON object being written; nested ones are closed in the order in which they were opened.
class Writer {
 public:
  void open(std::string_view name = {}) { start(name, '{'); }
  void close() { end('}'); }
  void open_list(std::string_view name) { start(name, '['); }
  void close_list() { end(']'); }
  void text(std::string_view name, std::string_view value) { raw(name, json_string(value)); }
  void raw(std::string_view name, std::string_view json) {
    next(name);
    out_ += json;
  }
  std::string take() { return std::move(out_) + "\n"; }

 private:
  void next(std::string_view name) {
    if (depth_ > 0) out_ += fresh_ ? "\n" : ",\n";
    out_.append(2 * depth_, ' ');
    if (!name.empty()) out_ += json_string(name) + ": ";
    fresh_ = false;
  }
  void start(std::string_view name, char bracket) {
    next(name);
    out_ += bracket;
    ++depth_;
    fresh_ = true;
  }
  void end(char bracket) {
    --depth_;
    if (!fresh_) {
      out_ += '\n';
      out_.append(2 * depth_, ' ');
    }
    out_ += bracket;
    fresh_ = false;
  }

  std::string out_;
  size_t depth_ = 0;
  bool fresh_ = true;
};

// A scalar of any kind is a text to the reader; to JSON `5` and `true` are something else.
constexpr std::string_view kAnyScalar = R"(["string", "number", "boolean"])";

void write_pattern(Writer& to, std::string_view pattern) {
  to.text("type", "string");
  to.text("pattern", pattern);
}
void write_name(Writer& to) {
  to.raw("type", R"(["string", "boolean"])");  // `true` and `false` are names
  to.text("pattern", kName);
}

void write_map(Writer& to, const KeySet& keys);

// An object of the set's keys, or, where a scalar stands for its `value`, that scalar.
void write_set(Writer& to, const KeySet& keys) {
  if (!keys.scalar_is_value) return write_map(to, keys);
  to.open_list("oneOf");
  to.open();
  to.raw("type", kAnyScalar);
  to.close();
  to.open();
  write_map(to, keys);
  to.close();
  to.close_list();
}

void write_list_of(Writer& to, void (*item)(Writer&, const KeySet*), const KeySet* keys) {
  to.text("type", "array");
  to.open("items");
  item(to, keys);
  to.close();
}

void write_shape(Writer& to, const Key& key) {
  const auto set = [](Writer& writer, const KeySet* keys) { write_set(writer, *keys); };
  switch (key.shape) {
    case Shape::text:
    case Shape::expression: to.raw("type", kAnyScalar); break;
    case Shape::name: write_name(to); break;
    case Shape::duration: write_pattern(to, kDuration); break;
    case Shape::size: write_pattern(to, kSize); break;
    case Shape::address: write_pattern(to, kAddress); break;
    case Shape::number:
      if (key.name == "version") to.raw("const", "1");
      to.text("type", "integer");
      break;
    case Shape::map: write_set(to, *key.inner); break;
    case Shape::list: write_list_of(to, set, key.inner); break;
    case Shape::rows:
      write_list_of(
          to,
          [](Writer& writer, const KeySet* keys) {
            write_list_of(writer, [](Writer& inner, const KeySet* panel) { write_set(inner, *panel); }, keys);
          },
          key.inner);
      break;
    case Shape::named:
      to.text("type", "object");
      to.open("propertyNames");
      to.text("pattern", kName);
      to.close();
      to.open("additionalProperties");
      write_set(to, *key.inner);
      to.close();
      break;
    case Shape::name_or_names:
      to.open_list("oneOf");
      to.open();
      write_name(to);
      to.close();
      to.open();
      write_list_of(to, [](Writer& writer, const KeySet*) { write_name(writer); }, nullptr);
      to.close();
      to.close_list();
      break;
  }
}

void write_map(Writer& to, const KeySet& keys) {
  to.text("type", "object");
  to.open("properties");
  for (const Key& key : keys.keys) {
    if (key.reserved) continue;
    to.open(key.name);
    to.text("description", key.about);
    write_shape(to, key);
    to.close();
  }
  to.close();
  std::string required;
  for (const Key& key : keys.keys) {
    if (key.required) required += (required.empty() ? "" : ", ") + json_string(key.name);
  }
  to.raw("required", "[" + required + "]");
  to.raw("additionalProperties", "false");
}

}  // namespace

std::string json_schema(std::string_view name, const KeySet& keys) {
  Writer to;
  to.open();
  to.text("$schema", "https://json-schema.org/draft/2020-12/schema");
  to.text("$id", fmt::format("/schema/{}.json", name));
  to.text("title", fmt::format("Sluice: {}", keys.what));
  write_set(to, keys);
  to.close();
  return to.take();
}

std::optional<std::string> json_schema(std::string_view name) {
  if (name == "sluice") return json_schema(name, project_keys());
  if (name == "metrics") return json_schema(name, metrics_keys());
  if (name == "dashboards") return json_schema(name, dashboards_keys());
  return std::nullopt;
}

}  // namespace sluice::plan
