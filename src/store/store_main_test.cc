// The test program is also the program under test: `store_test store DATA SOCKET` is what the supervisor's tests start.
#include "store/store_main.h"

#include <gtest/gtest.h>

#include <thread>

#include "store/engine_test_fixture.h"
#include "store/supervisor.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  if (arguments.size() == 6 && arguments[1] == "store") {  // store --data DATA --socket SOCKET
    sluice::store::StoreOptions options;
    options.data_directory = arguments[3];
    options.socket_path = arguments[5];
    return sluice::store::run_store(options);
  }
  if (arguments.size() == 6 && arguments[1] == "parent") {  // supervises such a child until it is killed
    sluice::os::RealPorts real;
    sluice::store::SupervisorOptions options;
    options.data_directory = arguments[3];
    options.socket_path = arguments[5];
    sluice::store::Supervisor supervisor(real.ports(), options);
    while (true) std::this_thread::sleep_for(supervisor.step(std::chrono::steady_clock::now()));
  }
  ::testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  sluice::store::close_shared_engine();
  return result;
}
