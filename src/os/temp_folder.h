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
  enum class Place {
    disk,    // below TMPDIR or /tmp
    memory,  // below /dev/shm where there is one: for tests of many syncs that only count them
  };
  explicit TempFolder(Place place = Place::disk);
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
