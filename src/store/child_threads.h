// child_threads.h - the threads of the store child: the one place outside app/ that starts any.
//
// net (1): sockets, pings. inserts (1), writers (2), readers (3): statements of a lane. watch (1): ends statements nobody waits for.
// The engine has its own besides.
// Why     The child is a program of its own, without app/; it must answer pings and end statements while others block in the engine.
#pragma once

#include <thread>
#include <vector>

#include "net/server.h"
#include "store/child.h"

namespace sluice::store {

class ChildThreads {
 public:
  ChildThreads(net::Server& server, Child& child);
  ~ChildThreads();  // server and child must be stopped: joins
  ChildThreads(const ChildThreads&) = delete;
  ChildThreads& operator=(const ChildThreads&) = delete;

 private:
  std::vector<std::thread> threads_;
};

}  // namespace sluice::store
