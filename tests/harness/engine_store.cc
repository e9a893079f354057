#include "harness/engine_store.h"

#include "store/engine_config.h"
#include "store/errors.h"
#include "store/store_main.h"

namespace sluice::harness {
namespace {

constexpr std::string_view kFormat = " FORMAT ";

// Errors with the codes that the store's client gives them.
Result<std::string> query_as_client(EngineStore& store, const std::string& sql, std::string_view format) {
  Result<std::string> reply = store.query(sql, format);
  if (reply) return reply;
  const int number = store::exception_code(reply.error().message);
  return fail(number == 0 ? Code::unavailable : store::code_of(number), reply.error().message);
}

}  // namespace

Result<std::unique_ptr<EngineStore>> EngineStore::open() {
  os::RealPorts real;
  const std::string library = SLUICE_TRY(store::find_library(real.ports()));
  std::unique_ptr<EngineStore> store(new EngineStore());
  const std::string config = SLUICE_TRY(store::write_engine_config(real.ports().files, store->folder_.path(), {}));
  store->engine_ = SLUICE_TRY(store::Engine::open({library, store->folder_.file("engine"), config}));
  // As the jobs' connection of the program: long lists of windows, one thread.
  store->connection_.emplace(SLUICE_TRY(store->engine_->connect({{"max_threads", "1"},
                                                                 {"max_query_size", "1000000"},
                                                                 {"max_ast_elements", "1000000"},
                                                                 {"max_expanded_ast_elements", "2000000"}})));
  return store;
}

Status EngineStore::reset() {
  SLUICE_CHECK(connection_->query("DROP DATABASE IF EXISTS sluice SYNC", "Null"));
  // Tables' definitions in memory: a case makes a dozen of them, and none outlives it.
  SLUICE_CHECK(connection_->query("CREATE DATABASE sluice ENGINE = Memory", "Null"));
  return ok();
}

Result<std::string> EngineStore::query(const std::string& sql, std::string_view format) {
  const store::Reply reply = SLUICE_TRY(connection_->query(sql, format));
  return std::string(reply.bytes());
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

Status EngineWarehouse::store_rows(const process::Insert& insert) {
  const size_t at = insert.statement.rfind(kFormat);
  SLUICE_ASSERT(at != std::string::npos, "an INSERT ends with the format of its rows");
  const std::string_view sql = std::string_view(insert.statement).substr(0, at);
  store::InsertStream stream = SLUICE_TRY(store_.connection().insert(sql, insert.statement.substr(at + kFormat.size())));
  SLUICE_CHECK(stream.append(insert.rows));
  const store::Reply reply = SLUICE_TRY(stream.finish());
  if (reply.rows_written() == insert.row_count) return ok();
  return fail(Code::unknown,
              "the engine stored " + std::to_string(reply.rows_written()) + " rows of " + std::to_string(insert.row_count));
}

Status EngineWarehouse::insert(const process::Insert& insert) {
  SLUICE_CHECK(alive());
  if (faults_.refuse > 0 && --faults_.refuse == 0) {
    faults_.fired = true;
    return fail(Code::unavailable, "refused for the test: no room");
  }
  if (faults_.lose_reply > 0 && --faults_.lose_reply == 0) {
    faults_.fired = true;
    if (faults_.lost_but_stored) SLUICE_CHECK(store_rows(insert));
    return fail(Code::unknown, "the reply was lost");
  }
  return store_rows(insert);
}

Status EngineWarehouse::execute(const std::string& statement) {
  SLUICE_CHECK(alive());
  SLUICE_CHECK(query_as_client(store_, statement, "Null"));
  return ok();
}

Result<std::string> EngineWarehouse::query(const std::string& statement, std::string_view format) {
  SLUICE_CHECK(alive());
  return query_as_client(store_, statement, format);
}

Status EngineWarehouse::fence() {
  SLUICE_CHECK(alive());
  ++faults_.fences;
  return ok();
}

}  // namespace sluice::harness
