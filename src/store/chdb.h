// chdb.h - the embedded ClickHouse engine (libchdb.so) behind values that close themselves.
//
// Promise Engine::open() loads the library once per process, with /dev/null as standard input, UTC as time zone and the
//         library's signal handlers off.
//         A Connection runs one statement at a time; different connections run in parallel. Every handle of the library is
//         given back exactly once, streams before their connection, connections before the Engine ends.
// Bounds  A reply is whole in memory (query) or comes in chunks of about 1 MB (stream). Nothing here is queued.
// Errors  Message is the engine's own text ("Code: 60. DB::Exception: ..."); exception_code() of errors.h reads its number.
//         Code::unavailable: the library or the data directory cannot be opened.
// Threads Engine: any. A Connection and its streams: one at a time.
// Lives   Engine outlives Connections, a Connection outlives its streams. After the last Connection closed the process must end with
//         os::exit_now(): returning from main with an open one crashes or hangs (measured).
// Why     Rows never travel inside statement text: inline INSERT data is cut at the first blank line and the rest is run as SQL
//         (facts/store.md 1), so the only way in is InsertStream. Source: the library's C interface, 26.7.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sluice::store {

using Settings = std::vector<std::pair<std::string, std::string>>;
using Parameters = std::vector<std::pair<std::string, std::string>>;  // values as TSV-escaped text, as in param_x of a URL

// Backslash, tab and newline escaped: what a parameter's value must look like.
std::string escape_tsv(std::string_view text);

struct Library;  // the resolved symbols, known to chdb.cc

// A finished statement: its bytes live as long as this value.
class Reply {
 public:
  std::string_view bytes() const;
  uint64_t rows() const;  // in the result
  uint64_t rows_read() const;
  uint64_t bytes_read() const;
  uint64_t rows_written() const;
  uint64_t bytes_written() const;
  double elapsed_seconds() const;

 private:
  friend class Connection;
  friend class RowStream;
  friend class InsertStream;
  struct Destroy {
    const Library* library;
    void operator()(void* handle) const;
  };
  Reply(const Library& library, void* handle) : handle_(handle, Destroy{&library}) {}
  std::unique_ptr<void, Destroy> handle_;
};

enum class StatementClass : uint32_t { read_only = 0, mutating = 1, mutating_global = 2, control = 3, unknown = 4 };
struct Analysis {
  uint32_t statement_count = 0;  // 0: empty, or it does not parse
  StatementClass statement_class = StatementClass::unknown;
};

class Connection;

// A SELECT in chunks. Destruction before the end cancels it.
class RowStream {
 public:
  RowStream(RowStream&& other) noexcept;
  RowStream& operator=(RowStream&&) = delete;
  ~RowStream();
  // The next chunk; an empty one is the end. After the end or an error it must not be called again.
  Result<Reply> next();

 private:
  friend class Connection;
  RowStream(const Library& library, void* connection, void* handle)
      : library_(library), connection_(connection), handle_(handle) {}
  const Library& library_;
  void* connection_;
  void* handle_;
  bool ended_ = false;
};

// One INSERT whose rows come as bytes of a format. Destruction before finish() cancels it: nothing is stored.
class InsertStream {
 public:
  InsertStream(InsertStream&& other) noexcept;
  InsertStream& operator=(InsertStream&&) = delete;
  ~InsertStream();
  // May block while the engine digests. The bytes are copied.
  Status append(std::string_view bytes);
  // Commits. The caller compares rows_written() with what it sent: an error-free reply alone is no proof.
  Result<Reply> finish();

 private:
  friend class Connection;
  InsertStream(const Library& library, void* handle) : library_(library), handle_(handle) {}
  const Library& library_;
  void* handle_;
  bool ended_ = false;
};

class Connection {
 public:
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&&) = delete;
  ~Connection();
  // Takes several statements in one text: callers that did not write the text themselves classify() it first.
  Result<Reply> query(std::string_view sql, std::string_view format, const Parameters& parameters = {});
  Result<RowStream> stream(std::string_view sql, std::string_view format, const Parameters& parameters);
  // sql without FORMAT and data. The connection takes nothing else until the stream ended.
  Result<InsertStream> insert(std::string_view sql, std::string_view format);
  // Parses only. Counts statements, also those behind a semicolon or PARALLEL WITH.
  Analysis classify(std::string_view sql);

 private:
  friend class Engine;
  Connection(const Library& library, void* handle) : library_(library), handle_(handle) {}
  void* raw() const;  // what the statement calls take
  const Library& library_;
  void* handle_;
};

struct EngineOptions {
  std::string library_path;
  std::string data_directory;  // absolute: a relative one made inserts fail with a doubled path (measured)
  std::string config_path;  // absolute; always given, or the engine picks up a stray config.xml
};

class Engine {
 public:
  static Result<std::unique_ptr<Engine>> open(EngineOptions options);
  ~Engine();
  // Settings hold for this connection only. The first connection starts the engine on the data directory: 75 to 310 ms.
  Result<Connection> connect(const Settings& settings) const;
  std::string version() const;

 private:
  explicit Engine(EngineOptions options);
  EngineOptions options_;
  std::unique_ptr<Library> library_;
};

}  // namespace sluice::store
