// ports.h - all effects in one hand: what every stage that touches the world is given.
//
// Lives  The ports must outlive whoever holds a Ports.
#pragma once

#include "os/clock.h"
#include "os/entropy.h"
#include "os/files.h"
#include "os/processes.h"
#include "os/sockets.h"

namespace sluice::os {

struct Ports {
  Clock& clock;
  Files& files;
  Entropy& entropy;
  Processes& processes;
  Sockets& sockets;
};

// The real twins, for main().
class RealPorts {
 public:
  RealPorts()
      : clock_(real_clock()),
        files_(real_files()),
        entropy_(real_entropy()),
        processes_(real_processes()),
        sockets_(real_sockets()) {}
  Ports ports() { return Ports{*clock_, *files_, *entropy_, *processes_, *sockets_}; }

 private:
  std::unique_ptr<Clock> clock_;
  std::unique_ptr<Files> files_;
  std::unique_ptr<Entropy> entropy_;
  std::unique_ptr<Processes> processes_;
  std::unique_ptr<Sockets> sockets_;
};

}  // namespace sluice::os
