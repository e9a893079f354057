#include "collect/keys.h"

#include "base/hash.h"
#include "base/json_text.h"
#include "base/rfc3339.h"
#include "collect/json_reader.h"

namespace sluice::collect {
namespace {

constexpr size_t kKeyBytes = 16;

// Nothing when the line is not one of ours.
std::optional<KeyInfo> parse_line(std::string_view line) {
  Arena arena;
  std::vector<std::string_view> keys;
  JsonReader in(line, arena, keys, 2);
  KeyInfo info;
  if (in.kind() != JsonReader::Kind::object) return std::nullopt;
  const bool fine = in.members([&](std::string_view key) {
    std::string* const field = key == "hash"         ? &info.hash
                               : key == "source"     ? &info.source
                               : key == "created_at" ? &info.created_at
                               : key == "label"      ? &info.label
                                                     : nullptr;
    std::string_view text;
    if (field == nullptr) return in.value();
    if (!in.text(text)) return false;
    *field = text;
    return true;
  });
  if (!fine || !in.finish() || info.hash.size() != 64 || info.source.empty()) return std::nullopt;
  return info;
}

void append_line(std::string& out, const KeyInfo& info) {
  out += "{\"hash\":";
  append_json_string(out, info.hash);
  out += ",\"source\":";
  append_json_string(out, info.source);
  out += ",\"created_at\":";
  append_json_string(out, info.created_at);
  out += ",\"label\":";
  append_json_string(out, info.label);
  out += "}\n";
}

}  // namespace

Keys::Keys(os::Ports ports, std::string path, std::string demo_source)
    : ports_(ports), path_(std::move(path)), demo_source_(std::move(demo_source)), table_(std::make_shared<Table>()) {}

Result<std::unique_ptr<Keys>> Keys::open(os::Ports ports, std::string path, std::string demo_source) {
  std::unique_ptr<Keys> keys(new Keys(ports, std::move(path), std::move(demo_source)));
  SLUICE_CHECK(keys->reload());
  return keys;
}

std::shared_ptr<const Keys::Table> Keys::table() const {
  const std::lock_guard lock(table_mutex_);
  return table_;
}

void Keys::publish(std::shared_ptr<const Table> table) {
  const std::lock_guard lock(table_mutex_);
  table_.swap(table);
}

Result<std::shared_ptr<const Keys::Table>> Keys::load() const {
  auto table = std::make_shared<Table>();
  if (!ports_.files.exists(path_)) return std::shared_ptr<const Table>(table);
  const std::string bytes = SLUICE_TRY(ports_.files.read_all(path_, kKeysFileMax));
  size_t number = 0;
  for (std::string_view rest = bytes; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (line.empty()) continue;
    auto info = parse_line(line);
    if (!info) {
      return fail(Code::corrupt,
                  path_ + ":" + std::to_string(number) +
                      ": this line is not a write key; remove it, and create that key again with `sluice keys create`");
    }
    table->by_hash.insert_or_assign(info->hash, table->keys.size());
    table->keys.push_back(std::move(*info));
  }
  return std::shared_ptr<const Table>(table);
}

Status Keys::reload() {
  const std::lock_guard lock(write_mutex_);
  publish(SLUICE_TRY(load()));
  return ok();
}

Result<std::string> Keys::create(std::string_view source, std::string_view label) {
  SLUICE_ASSERT(!source.empty(), "the caller checks that the source exists");
  const std::lock_guard lock(write_mutex_);
  // From the file, not from memory: another process may have added keys since.
  const std::shared_ptr<const Table> now = SLUICE_TRY(load());
  if (now->keys.size() >= kKeysMax) {
    return fail(Code::full,
                path_ + " holds " + std::to_string(kKeysMax) + " keys, its most; delete the lines of keys no longer used");
  }
  const std::string key = "slk_" + ports_.entropy.hex(kKeyBytes);
  auto next = std::make_shared<Table>(*now);
  next->by_hash.insert_or_assign(sha256_hex(key), next->keys.size());
  next->keys.push_back({sha256_hex(key), std::string(source), format_rfc3339(ports_.clock.wall()), std::string(label)});
  std::string bytes;
  for (const KeyInfo& info : next->keys) append_line(bytes, info);
  if (bytes.size() > kKeysFileMax) return fail(Code::full, path_ + " would grow over 64 MiB; use shorter labels");
  SLUICE_CHECK(ports_.files.replace(path_, bytes));
  publish(std::move(next));
  return key;
}

std::optional<std::string> Keys::source_of(std::string_view key) const {
  if (key.empty()) return std::nullopt;
  if (!demo_source_.empty() && key == kDemoKey) return demo_source_;
  const std::shared_ptr<const Table> now = table();
  const auto found = now->by_hash.find(sha256_hex(key));
  if (found == now->by_hash.end()) return std::nullopt;
  return now->keys[found->second].source;
}

std::vector<KeyInfo> Keys::list() const { return table()->keys; }

}  // namespace sluice::collect
