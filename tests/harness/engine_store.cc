#include "harness/engine_store.h"

#include "store/engine_config.h"
#include "store/errors.h"
#include "store/store_main.h"

namespace sluice::harness {
namespace {

constexpr std::string_view kFormat = " FORMAT ";

constexpr DurationMs kTimeout{60'000};

// As the jobs' connection of the program: long lists of windows, one thread.
const store::Settings& settings() {
  static const store::Settings kSettings{{"max_threads", "1"},
                                         {"max_query_size", "1000000"},
                                         {"max_ast_elements", "1000000"},
                                         {"max_expanded_ast_elements", "2000000"}};
  return kSettings;
}

}  // namespace

Result<std::unique_ptr<EngineStore>> EngineStore::open() {
  std::unique_ptr<EngineStore> store(new EngineStore());
  const std::optional<std::string> program = store->real_.ports().processes.environment("SLUICE_STORE_PROGRAM");
  SLUICE_CHECK(program ? store->open_child(*program) : store->open_inside());
  return store;
}

Status EngineStore::open_inside() {
  const std::string library = SLUICE_TRY(store::find_library(real_.ports()));
  const std::string config = SLUICE_TRY(store::write_engine_config(real_.ports().files, folder_.path(), {}));
  engine_ = SLUICE_TRY(store::Engine::open({library, folder_.file("engine"), config}));
  connection_.emplace(SLUICE_TRY(engine_->connect(settings())));
  return ok();
}

Status EngineStore::open_child(const std::string& program) {
  store::SupervisorOptions options;
  options.program = program;
  options.data_directory = folder_.file("store");
  options.socket_path = folder_.file("store.sock");
  SLUICE_CHECK(real_.ports().files.make_directories(options.data_directory));
  child_ = std::make_unique<store::Supervisor>(real_.ports(), options);
  store::ClientOptions address;
  address.address.unix_path = options.socket_path;
  address.database = "default";
  client_ = std::make_unique<store::Client>(real_.ports(), address);
  os::Clock& clock = real_.ports().clock;
  const os::MonotonicTime until = clock.monotonic() + options.start_within;
  while (!child_->ready()) {
    if (clock.monotonic() > until)
      return fail(Code::unavailable, program + " store does not start: " + child_->state().last_error);
    clock.sleep_for(std::min(DurationMs(20), child_->step(clock.monotonic())));
  }
  return ok();
}

Status EngineStore::reset() {
  SLUICE_CHECK(query("DROP DATABASE IF EXISTS sluice SYNC", "Null"));
  // Tables' definitions in memory: a case makes a dozen of them, and none outlives it.
  SLUICE_CHECK(query("CREATE DATABASE sluice ENGINE = Memory", "Null"));
  return ok();
}

Result<std::string> EngineStore::query(const std::string& sql, std::string_view format) {
  if (client_) {
    if (format != "Null") return client_->query(sql, format, settings(), kTimeout);
    SLUICE_CHECK(client_->execute(sql, kTimeout));
    return std::string();
  }
  Result<store::Reply> reply = connection_->query(sql, format);
  if (reply) return std::string(reply->bytes());
  const int number = store::exception_code(reply.error().message);   // as the client gives them
  return fail(number == 0 ? Code::unavailable : store::code_of(number), reply.error().message);
}

Status EngineStore::insert(const process::Insert& insert) {
  if (client_) return client_->insert(insert.statement, insert.rows, insert.row_count, insert.query_id, kTimeout);
  const size_t at = insert.statement.rfind(kFormat);
  SLUICE_ASSERT(at != std::string::npos, "an INSERT ends with the format of its rows");
  const std::string sql = insert.statement.substr(0, at), format = insert.statement.substr(at + kFormat.size());
  store::InsertStream stream = SLUICE_TRY(connection_->insert(sql, format));
  SLUICE_CHECK(stream.append(insert.rows));
  const store::Reply reply = SLUICE_TRY(stream.finish());
  if (reply.rows_written() == insert.row_count) return ok();
  return fail(Code::unknown,
              "the engine stored " + std::to_string(reply.rows_written()) + " rows of " + std::to_string(insert.row_count));
}

Status EngineWarehouse::alive() {
  if (!faults_.die_after) return ok();
  if (*faults_.die_after > 0) {
    --*faults_.die_after;
    return ok();
  }
  faults_.fired = true;
  return fail(Code::unavailable, "the store is away");
}

Status EngineWarehouse::insert(const process::Insert& insert) {
  SLUICE_CHECK(alive());
  if (faults_.refuse > 0 && --faults_.refuse == 0) {
    faults_.fired = true;
    return fail(Code::unavailable, "refused for the test: no room");
  }
  if (faults_.lose_reply > 0 && --faults_.lose_reply == 0) {
    faults_.fired = true;
    if (faults_.lost_but_stored) SLUICE_CHECK(store_.insert(insert));
    return fail(Code::unknown, "the reply was lost");
  }
  return store_.insert(insert);
}

Status EngineWarehouse::execute(const std::string& statement) {
  SLUICE_CHECK(alive());
  SLUICE_CHECK(store_.query(statement, "Null"));
  return ok();
}

Result<std::string> EngineWarehouse::query(const std::string& statement, std::string_view format) {
  SLUICE_CHECK(alive());
  return store_.query(statement, format);
}

Status EngineWarehouse::fence() {
  SLUICE_CHECK(alive());
  ++faults_.fences;
  return ok();
}

}  // namespace sluice::harness
