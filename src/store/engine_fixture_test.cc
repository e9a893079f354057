#include "store/engine_test_fixture.h"

#include <fmt/format.h>

#include "os/ports.h"
#include "os/temp_folder.h"
#include "store/engine_config.h"
#include "store/store_main.h"

namespace sluice::store {

namespace {

struct SharedEngine {
  os::TempFolder folder;
  std::unique_ptr<Engine> engine;
  std::optional<Connection> keep;  // the last connection's end would end the engine
  std::optional<FunctionNames> names;
};
std::unique_ptr<SharedEngine> shared;

void open_shared(const std::string& library) {
  shared = std::make_unique<SharedEngine>();
  os::RealPorts real;
  const Result<std::string> config = write_engine_config(real.ports().files, shared->folder.path(), {});
  ASSERT_TRUE(config) << config.error().message;
  Result<std::unique_ptr<Engine>> engine = Engine::open({library, shared->folder.file("engine"), *config});
  ASSERT_TRUE(engine) << engine.error().message;
  shared->engine = std::move(*engine);
  Result<Connection> keep = shared->engine->connect({});
  ASSERT_TRUE(keep) << keep.error().message;
  shared->keep.emplace(std::move(*keep));
  for (const char* sql :
       {"CREATE DATABASE sluice",
        "CREATE TABLE sluice.events (id UInt64, event String, epoch UInt64) ENGINE = MergeTree ORDER BY id",
        "INSERT INTO sluice.events SELECT number, toString(number % 3), 1 FROM numbers(10)",
        "CREATE VIEW sluice.view AS SELECT event, count() AS n FROM sluice.events GROUP BY event SETTINGS max_threads = 1",
        "CREATE TABLE default.secret (x UInt64) ENGINE = MergeTree ORDER BY x", "INSERT INTO default.secret SELECT 42"}) {
    const Result<Reply> reply = shared->keep->query(sql, "Null");
    ASSERT_TRUE(reply) << sql << reply.error().message;
  }
  Result<FunctionNames> names = FunctionNames::load(*shared->keep);
  ASSERT_TRUE(names) << names.error().message;
  shared->names.emplace(std::move(*names));
}

}  // namespace

void close_shared_engine() { shared.reset(); }

void EngineTest::SetUp() {
  os::RealPorts real;
  const Result<std::string> library = find_library(real.ports());
  if (!library) GTEST_SKIP() << "THE ENGINE IS NOT TESTED: " << library.error().message;
  if (!shared) open_shared(*library);
}

const Engine& EngineTest::engine() const { return *shared->engine; }
const FunctionNames& EngineTest::names() const { return *shared->names; }
const std::string& EngineTest::folder() const { return shared->folder.path(); }

Connection EngineTest::open_writer() const {
  Result<Connection> connection = shared->engine->connect({});
  EXPECT_TRUE(connection) << connection.error().message;
  return std::move(*connection);
}

Connection EngineTest::open_reader(std::string_view database) const {
  Result<Connection> connection = shared->engine->connect(reader_settings({}));
  EXPECT_TRUE(connection);
  const Status ready = become_reader(*connection, {}, database, true);
  EXPECT_TRUE(ready) << ready.error().message;
  return std::move(*connection);
}

std::vector<std::string> EngineTest::attempts() const {
  const std::string out = shared->folder.file("stolen");
  return {
      // other databases, by every way that names a table
      "SELECT * FROM default.secret",
      "SELECT * FROM `default`.`secret`",
      "SELECT * FROM `default.secret`",
      "SHOW TABLES FROM default",
      "SHOW CREATE TABLE default.secret",
      "DESCRIBE TABLE default.secret",
      "DESCRIBE default.secret",
      "EXPLAIN SELECT * FROM default.secret",
      "EXISTS TABLE default.secret",
      "SHOW COLUMNS FROM secret FROM default",
      "SHOW INDEX FROM default.secret",
      "SELECT 1 IN default.secret",
      "SELECT 42 GLOBAL IN default.secret",
      "SELECT 42 NOT IN (default.secret)",
      "SELECT * FROM events WHERE id IN default.secret",
      "SELECT joinGet('default.secret', 'x', 1)",
      "SELECT joinGet(default.secret, 'x', 1)",
      "SELECT dictGet('default.secret', 'x', 1)",
      "SELECT hasColumnInTable('default', 'secret', 'x')",
      "SELECT * FROM merge('default', '.*')",
      "SELECT * FROM merge('.*')",
      "SELECT * FROM loop(default.secret)",
      "SELECT * FROM loop('default', 'secret')",
      "SELECT * FROM view(SELECT * FROM default.secret)",
      "SELECT * FROM mergeTreeIndex(default, secret)",
      "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT * FROM default.secret))",
      "SELECT * FROM dictionary('default.secret')",
      "SELECT * FROM cluster('default', default.secret)",
      "SELECT * FROM remote('127.0.0.1', default.secret)",
      "SELECT * FROM events SETTINGS additional_table_filters = {'sluice.events': 'id IN default.secret'}",
      "SELECT * FROM events SETTINGS additional_result_filter = 'file(\\'/etc/hostname\\') != \\'\\''",
      "SELECT * FROM information_schema.tables",
      "SELECT * FROM INFORMATION_SCHEMA.COLUMNS",
      // files and other machines
      "SELECT file('/etc/passwd')",
      "SELECT file('/etc/passwd', 'none')",
      "SELECT * FROM file('/etc/passwd', 'LineAsString')",
      "SELECT * FROM '/etc/passwd'",
      "SELECT * FROM `/etc/passwd`",
      "SELECT * FROM default.`/etc/passwd`",
      "SELECT * FROM sluice.`/etc/passwd`",
      "DESCRIBE file('/etc/passwd', 'LineAsString')",
      "DESCRIBE TABLE file('/etc/passwd')",
      "SELECT * FROM url('http://127.0.0.1/', 'CSV', 'x String')",
      "SELECT * FROM s3('http://127.0.0.1/b/k', 'CSV')",
      "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
      "SELECT * FROM sqlite('/tmp/x', 't')",
      "SELECT * FROM icebergLocal('/etc')",
      "SELECT * FROM executable('id', 'TSV', 'x String')",
      "SELECT * FROM numbers(3)",
      "SELECT * FROM generateRandom('x UInt8')",
      "SELECT * FROM format(LineAsString, 'x')",
      "SELECT * FROM values('x UInt8', 1)",
      "SELECT * FROM filesystem('/etc')",
      "SELECT * FROM input('x UInt8')",
      "SELECT 1 IN numbers(3)",
      "SELECT 1 INTO OUTFILE '" + out + "1'",
      "SELECT 1 INTO OUTFILE '" + out + "2' FORMAT CSV",
      "EXPLAIN SELECT 1 INTO OUTFILE '" + out + "3'",
      "SELECT 1 INTO OUTFILE '" + out + "4' TRUNCATE AND STDOUT",
      "(SELECT 1) INTO OUTFILE '" + out + "5'",
      "EXPLAIN AST SELECT 1 INTO OUTFILE '" + out + "6'",
      "SHOW TABLES INTO OUTFILE '" + out + "7'",
      "DESCRIBE events INTO OUTFILE '" + out + "8'",
      "INSERT INTO FUNCTION file('" + out + "9', 'CSV') SELECT 1",
      "BACKUP TABLE events TO File('" + out + "10')",
      // writes, sessions, other people's queries
      "INSERT INTO events VALUES (1, 'a', 1)",
      "INSERT INTO events FORMAT Native \x01\x02",
      "CREATE TABLE t (x UInt8) ENGINE = Memory",
      "CREATE TEMPORARY TABLE t (x UInt8)",
      "CREATE VIEW v AS SELECT file('/etc/passwd')",
      "CREATE FUNCTION f AS x -> file(x)",
      "DROP TABLE events",
      "TRUNCATE TABLE events",
      "ALTER TABLE events DELETE WHERE 1",
      "DELETE FROM events WHERE 1",
      "OPTIMIZE TABLE events",
      "RENAME TABLE events TO e",
      "SYSTEM FLUSH LOGS",
      "SYSTEM SHUTDOWN",
      "KILL QUERY WHERE 1",
      "KILL QUERY WHERE query_id = 'x' ASYNC",
      "SET max_threads = 1",
      "SET readonly = 0",
      "SET ROLE writer",
      "SET ROLE ALL",
      "SET DEFAULT ROLE writer TO default",
      "USE default",
      "EXECUTE AS default SELECT 1",
      "GRANT ALL ON *.* TO default",
      "CREATE USER u",
      "ATTACH TABLE t",
      "DETACH TABLE events",
      "BEGIN TRANSACTION",
      "CHECK TABLE events",
      "SHOW PROCESSLIST",
      "SHOW GRANTS",
      "SHOW USERS",
      "SHOW SETTINGS LIKE '%'",
      "SHOW ACCESS",
      "SHOW CLUSTERS",
      "SHOW FUNCTIONS",
      "WATCH events",
      // several statements
      "SELECT 1; SELECT 2",
      "SELECT 1; SET ROLE writer; SELECT * FROM default.secret",
      "SELECT 1; DROP TABLE events",
      "SET ROLE writer; SELECT 1",
      "SELECT 1 PARALLEL WITH SELECT 2",
      "SELECT 1 ; ; DROP TABLE events",
      "EXPLAIN AST SELECT 1; DROP TABLE events",
      "SELECT 1\n\nDROP TABLE events",
      // the machine, other users, time
      "SELECT * FROM system.processes",
      "SELECT * FROM system.server_settings",
      "SELECT * FROM system.disks",
      "SELECT * FROM system.errors",
      "SELECT * FROM system.stack_trace",
      "SELECT * FROM system.parts",
      "SELECT * FROM system.users",
      "SELECT * FROM system.grants",
      "SELECT * FROM system.query_log",
      "SELECT * FROM system.zookeeper",
      "SELECT sleep(3)",
      "SELECT sleepEachRow(1) FROM events",
      "SELECT hostName()",
      "SELECT getMacro('x')",
      "SELECT getServerSetting('max_server_memory_usage')",
      "SELECT getSetting('max_threads')",
      "SELECT currentRoles()",
      "SELECT filesystemAvailable()",
      "SELECT addressToLine(1)",
      "SELECT throwIf(1)",
      "SELECT fqdn()",
      "SELECT tcpPort()",
      "SELECT serverUUID()",
      // limits, and functions by the name in a string
      "SELECT 1 SETTINGS max_threads = 64",
      "SELECT 1 SETTINGS max_execution_time = 0",
      "SELECT 1 SETTINGS readonly = 0",
      "SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0)",
      "SELECT arrayReduce('sum', [1])",
      "SELECT initializeAggregation('sum', 1)",
      "SELECT formatRow('CSV', 1)",
      "SELECT * APPLY(file) FROM events",
      "SELECT COLUMNS('e') APPLY(sleep) FROM events",
      "SELECT CAST('x', 'AggregateFunction(groupArray, String)')",
      "SELECT 'x'::AggregateFunction(sum, UInt8)",
  };
}

}  // namespace sluice::store
