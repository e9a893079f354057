#include "app/up.h"

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/terminal.h"

namespace sluice::cli {

int up(os::Ports ports, const UpOptions& options) {
  os::catch_stop_signals();
  app::UpSetup setup;
  setup.project = options.directory;
  setup.data = options.data;
  setup.demo = options.demo;
  setup.listen = options.listen;
  setup.watch = options.watch;
  setup.version = kVersion;
  Result<std::unique_ptr<app::Up>> running = app::Up::start(ports, std::move(setup));
  if (!running) return report(running.error());
  const app::Addresses& at = (*running)->addresses();
  print(fmt::format("collect  {}\nweb      {}\nsql      {}\n", at.collect, at.web, at.sql));
  (*running)->run();
  return 0;
}

}  // namespace sluice::cli
