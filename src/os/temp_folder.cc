#include "os/temp_folder.h"

#include "os/processes.h"

namespace sluice::os {

TempFolder::TempFolder(Place place) {
  const bool memory = place == Place::memory && files_->exists("/dev/shm");
  const std::string below = memory ? "/dev/shm" : real_processes()->environment("TMPDIR").value_or("/tmp");
  path_ = join(below, "sluice-" + real_entropy()->hex(8));
  SLUICE_ASSERT(files_->make_directories(path_).has_value(), "a test can make its folder");
}

// What is left behind by a failed removal is only litter.
TempFolder::~TempFolder() { (void)files_->remove_tree(path_).has_value(); }

}  // namespace sluice::os
