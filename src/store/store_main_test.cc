// The test program is also the program under test: `store_test store DATA SOCKET` is what the supervisor's tests start.
#include "store/store_main.h"

#include <gtest/gtest.h>

#include "store/engine_fixture.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  if (arguments.size() == 6 && arguments[1] == "store") {  // store --data DATA --socket SOCKET
    sluice::store::StoreOptions options;
    options.data_directory = arguments[3];
    options.socket_path = arguments[5];
    return sluice::store::run_store(options);
  }
  ::testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  sluice::store::close_shared_engine();
  return result;
}
