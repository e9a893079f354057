#include "store/child_threads.h"

namespace sluice::store {

ChildThreads::ChildThreads(net::Server& server, Child& child) {
  threads_.emplace_back([&server] { server.run(0); });
  threads_.emplace_back([&child] { child.watch(); });
  for (size_t lane = 0; lane < kLanes; ++lane) {
    for (size_t i = 0; i < kLaneThreads[lane]; ++i) threads_.emplace_back([&child, lane] { child.run(static_cast<Lane>(lane)); });
  }
}

ChildThreads::~ChildThreads() {
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace sluice::store
