#include "store/store_main.h"

#include <fmt/format.h>

#include <optional>

#include "base/json_text.h"
#include "net/server.h"
#include "os/landlock.h"
#include "os/self.h"
#include "store/child.h"
#include "store/child_threads.h"

namespace sluice::store {

namespace {

constexpr size_t kInsertBytesMax = 128_MiB;

void say(std::string_view what, std::string_view detail) {
  fmt::print(stderr, "{{\"part\":\"store\",\"what\":{},\"detail\":{}}}\n", json_string(what), json_string(detail));
}

int cannot_start(const Error& error) {
  say("cannot start", error.message);
  return error.code == Code::conflict ? kExitHeldElsewhere : 1;
}

// Data and devices to write; what the engine and the system's libraries read at start; nothing else.
Status confine(const StoreOptions& options, const std::string& library) {
  const Status confined = os::confine_files({
      .read_write = {options.data_directory, "/dev"},
      .read_only = {library, "/proc", "/sys", "/usr/share/zoneinfo", "/etc/localtime", "/etc/timezone", "/etc/ld.so.cache",
                    "/lib", "/lib64", "/usr/lib"},
      .sockets = {os::parent(options.socket_path)},
  });
  if (confined || confined.error().code != Code::not_found) return confined;
  say("not confined", confined.error().message);  // the engine role, the gate and readonly=1 still stand
  return ok();
}

}  // namespace

Result<std::string> find_library(os::Ports ports) {
  if (const std::optional<std::string> named = ports.processes.environment("SLUICE_LIBCHDB"); named && !named->empty()) {
    if (ports.files.exists(*named)) return *named;
    return fail(Code::not_found,
                fmt::format("SLUICE_LIBCHDB names {}, which is not there; unset it or point it at libchdb.so 26.7.3", *named));
  }
  const std::string beside = os::join(os::parent(ports.processes.own_path()), "libchdb.so");
  if (ports.files.exists(beside)) return beside;
  return fail(
      Code::not_found,
      fmt::format("the engine library is not at {}; run ./run build, or set SLUICE_LIBCHDB to libchdb.so 26.7.3", beside));
}

int run_store(const StoreOptions& options) {
  os::catch_stop_signals();
  os::RealPorts real;
  const os::Ports ports = real.ports();
  Result<std::string> library = options.library_path.empty() ? find_library(ports) : Result<std::string>(options.library_path);
  if (!library) return cannot_start(library.error());
  if (const Status made = ports.files.make_directories(options.data_directory); !made) return cannot_start(made.error());
  if (const Status confined = confine(options, *library); !confined) return cannot_start(confined.error());
  Result<std::unique_ptr<os::Lock>> lock = ports.files.lock(os::join(options.data_directory, "lock"));
  if (!lock) return cannot_start(lock.error());

  Result<std::string> config = write_engine_config(ports.files, options.data_directory, options.engine);
  if (!config) return cannot_start(config.error());
  Result<std::unique_ptr<Engine>> engine = Engine::open({*library, os::join(options.data_directory, "engine"), *config});
  if (!engine) return cannot_start(engine.error());
  int code = 0;
  {
    Result<std::unique_ptr<Child>> child = Child::start(**engine, ports, options.readers);
    if (!child) {
      say("cannot start", child.error().message);
      os::exit_now(1);
    }
    net::ServerOptions server_options;
    server_options.body_bytes_max = kInsertBytesMax;
    server_options.connections_max = 256;
    Result<std::unique_ptr<net::Server>> server = net::Server::listen(
        ports, {}, options.socket_path, server_options,
        [&](net::Request request, net::Responder responder) { (*child)->handle(std::move(request), std::move(responder)); });
    if (server) {
      const ChildThreads threads(**server, **child);
      say("ready", options.socket_path);
      os::wait_for_stop();
      (*server)->stop();
      (*child)->stop();
    } else {
      code = cannot_start(server.error());
    }
  }
  say("stopped", "");
  os::exit_now(code);  // the engine's teardown at a plain exit is unsound
}

}  // namespace sluice::store
