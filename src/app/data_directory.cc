#include "app/data_directory.h"

#include <fmt/format.h>

#include <span>

#include "os/self.h"

namespace sluice::app {
namespace {

Result<event::DataId> parse_id(const std::string& text, const std::string& path) {
  event::DataId id;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  bool good = text.size() >= 32;
  for (size_t i = 0; good && i < 16; ++i) {
    const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    good = high >= 0 && low >= 0;
    id.bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  if (!good) return fail(Code::corrupt, path + " is not a data id; restore it from a copy of this data directory");
  return id;
}

}  // namespace

Result<DataPaths> data_paths(os::Ports ports, const std::string& path) {
  SLUICE_CHECK(ports.files.make_directories(path));
  return DataPaths{os::absolute_path(path)};
}

Result<std::unique_ptr<DataDirectory>> DataDirectory::open(os::Ports ports, const std::string& path, DurationMs wait) {
  auto directory = std::make_unique<DataDirectory>();
  directory->paths_ = SLUICE_TRY(data_paths(ports, path));
  const std::string& root = directory->paths_.root;
  const os::MonotonicTime deadline = ports.clock.monotonic() + wait;
  for (;;) {
    Result<std::unique_ptr<os::Lock>> lock = ports.files.lock(root + "/lock");
    if (lock) {
      directory->lock_ = std::move(lock).value();
      break;
    }
    if (lock.error().code != Code::conflict || ports.clock.monotonic() >= deadline) {
      if (lock.error().code != Code::conflict) return std::move(lock).error();
      return fail(Code::conflict, root + " is in use by another sluice; stop that one, or give another --data");
    }
    ports.clock.sleep_for(DurationMs(50));
  }
  const std::string id_path = root + "/data-id";
  if (ports.files.exists(id_path)) {
    const std::string text = SLUICE_TRY(ports.files.read_all(id_path, 4096));
    directory->data_id_ = SLUICE_TRY(parse_id(text, id_path));
    return directory;
  }
  if (ports.files.exists(directory->paths_.log())) {
    return fail(Code::corrupt, root + " has a log but no data-id; restore it from a copy of this data directory");
  }
  ports.entropy.fill(std::as_writable_bytes(std::span(directory->data_id_.bytes)));
  SLUICE_CHECK(ports.files.replace(id_path, directory->data_id_.text() + "\n"));
  return directory;
}

}  // namespace sluice::app
