// temp_folder.h - a folder for one test, gone with the object.
//
// Threads One. Lives: destroy it after everything that uses its files.
#pragma once

#include <string>

#include "os/entropy.h"
#include "os/files.h"

namespace sluice::os {

class TempFolder {
 public:
  // Below `base` when given, else below TMPDIR or /tmp.
  explicit TempFolder(const std::string& base = "");
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return join(path_, name); }

 private:
  std::unique_ptr<Files> files_ = real_files();
  std::string path_;
};

}  // namespace sluice::os
