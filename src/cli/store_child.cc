#include "cli/commands.h"
#include "store/store_main.h"

namespace sluice::cli {

int store_child(const StoreChildOptions& options) {
  store::StoreOptions store;
  store.data_directory = options.data;
  store.socket_path = options.socket;
  return store::run_store(store);
}

}  // namespace sluice::cli
