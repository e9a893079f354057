#include "os/temp_folder.h"

#include "os/processes.h"

namespace sluice::os {

TempFolder::TempFolder(const std::string& base) {
  const std::string below = base.empty() ? real_processes()->environment("TMPDIR").value_or("/tmp") : base;
  path_ = join(below, "sluice-" + real_entropy()->hex(8));
  SLUICE_ASSERT(files_->make_directories(path_).has_value(), "a test can make its folder");
}

// What is left behind by a failed removal is only litter.
TempFolder::~TempFolder() { (void)files_->remove_tree(path_).has_value(); }

}  // namespace sluice::os
