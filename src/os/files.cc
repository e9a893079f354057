#include "os/files.h"

namespace sluice::os {

Result<std::string> Files::read_all(const std::string& path, uint64_t size_max) {
  const auto file = SLUICE_TRY(open(path, OpenMode::read));
  const uint64_t size = SLUICE_TRY(file->size());
  if (size > size_max) {
    return fail(Code::invalid, "reading " + path + ": it has " + std::to_string(size) + " bytes, more than the " +
                                   std::to_string(size_max) + " that such a file may have; is it the right file?");
  }
  return file->read_at(0, static_cast<size_t>(size));
}

Status Files::replace(const std::string& path, std::string_view bytes) {
  const std::string aside = path + ".new";
  SLUICE_CHECK(remove(aside));
  {
    const auto file = SLUICE_TRY(open(aside, OpenMode::create_new));
    SLUICE_CHECK(file->write_at(0, bytes));
    SLUICE_CHECK(file->data_sync());
  }
  SLUICE_CHECK(rename(aside, path));
  return sync_directory(parent(path));
}

std::string join(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && path.back() != '/') path += '/';
  return path.append(name);
}

std::string parent(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

}  // namespace sluice::os
