#include "store/chdb.h"

#include <dlfcn.h>

#include <fmt/format.h>

#include "os/self.h"

namespace sluice::store {

// Layouts and signatures of the library's C interface that we use; every handle is opaque to us.
struct AnalysisV1 {
  uint32_t struct_size;
  uint32_t statement_count;
  uint32_t flags;
  uint32_t query_class;
};

struct Library {
  void* handle = nullptr;
  const char* (*version)();
  void* (*connect)(int, char**);
  void (*close)(void*);
  void* (*query)(void*, const char*, size_t, const char*, size_t, const char* const*, const size_t*, const char* const*,
                 const size_t*, size_t);
  void* (*stream)(void*, const char*, size_t, const char*, size_t, const char* const*, const size_t*, const char* const*,
                  const size_t*, size_t);
  void* (*fetch)(void*, void*);
  void (*cancel)(void*, void*);
  void (*destroy)(void*);
  void* (*insert)(void*, const char*, size_t, const char*, size_t);
  int (*append)(void*, const void*, size_t);
  void* (*done)(void*);
  const char* (*insert_error)(void*);
  void (*destroy_insert)(void*);
  int (*classify)(void*, const char*, size_t, const char*, size_t, AnalysisV1*);
  void (*signal_handlers)(int);
  char* (*buffer)(void*);
  size_t (*length)(void*);
  double (*elapsed)(void*);
  uint64_t (*rows)(void*);
  uint64_t (*rows_read)(void*);
  uint64_t (*bytes_read)(void*);
  uint64_t (*rows_written)(void*);
  uint64_t (*bytes_written)(void*);
  const char* (*error)(void*);
};

namespace {

template <class Function>
Status resolve(void* library, const char* name, Function& function) {
  void* symbol = ::dlsym(library, name);
  if (symbol == nullptr) {
    return fail(Code::unavailable,
                fmt::format("the engine library has no function {}: it is not libchdb 26.7; install the pinned version", name));
  }
  function = reinterpret_cast<Function>(symbol);
  return ok();
}

Status resolve_all(Library& l) {
  SLUICE_CHECK(resolve(l.handle, "chdb_version", l.version));
  SLUICE_CHECK(resolve(l.handle, "chdb_connect", l.connect));
  SLUICE_CHECK(resolve(l.handle, "chdb_close_conn", l.close));
  SLUICE_CHECK(resolve(l.handle, "chdb_query_with_params_n", l.query));
  SLUICE_CHECK(resolve(l.handle, "chdb_stream_query_with_params_n", l.stream));
  SLUICE_CHECK(resolve(l.handle, "chdb_stream_fetch_result", l.fetch));
  SLUICE_CHECK(resolve(l.handle, "chdb_stream_cancel_query", l.cancel));
  SLUICE_CHECK(resolve(l.handle, "chdb_destroy_query_result", l.destroy));
  SLUICE_CHECK(resolve(l.handle, "chdb_stream_insert_n", l.insert));
  SLUICE_CHECK(resolve(l.handle, "chdb_stream_append", l.append));
  SLUICE_CHECK(resolve(l.handle, "chdb_stream_done", l.done));
  SLUICE_CHECK(resolve(l.handle, "chdb_stream_insert_error", l.insert_error));
  SLUICE_CHECK(resolve(l.handle, "chdb_destroy_insert_stream", l.destroy_insert));
  SLUICE_CHECK(resolve(l.handle, "chdb_classify_query_n", l.classify));
  SLUICE_CHECK(resolve(l.handle, "chdb_set_signal_handlers_enabled", l.signal_handlers));
  SLUICE_CHECK(resolve(l.handle, "chdb_result_buffer", l.buffer));
  SLUICE_CHECK(resolve(l.handle, "chdb_result_length", l.length));
  SLUICE_CHECK(resolve(l.handle, "chdb_result_elapsed", l.elapsed));
  SLUICE_CHECK(resolve(l.handle, "chdb_result_rows_read", l.rows));
  SLUICE_CHECK(resolve(l.handle, "chdb_result_storage_rows_read", l.rows_read));
  SLUICE_CHECK(resolve(l.handle, "chdb_result_storage_bytes_read", l.bytes_read));
  SLUICE_CHECK(resolve(l.handle, "chdb_result_rows_written", l.rows_written));
  SLUICE_CHECK(resolve(l.handle, "chdb_result_bytes_written", l.bytes_written));
  return resolve(l.handle, "chdb_result_error", l.error);
}

Error engine_error(const char* text) { return fail(Code::invalid, text); }

// Parallel arrays, as the library wants its parameters.
struct ParameterArrays {
  explicit ParameterArrays(const Parameters& parameters) {
    for (const auto& [name, value] : parameters) {
      names.push_back(name.data());
      name_sizes.push_back(name.size());
      values.push_back(value.data());
      value_sizes.push_back(value.size());
    }
  }
  std::vector<const char*> names;
  std::vector<size_t> name_sizes;
  std::vector<const char*> values;
  std::vector<size_t> value_sizes;
};

}  // namespace

std::string escape_tsv(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\0': out += "\\0"; break;
      default: out += c;
    }
  }
  return out;
}

void Reply::Destroy::operator()(void* handle) const { library->destroy(handle); }
std::string_view Reply::bytes() const {
  const Library& l = *handle_.get_deleter().library;
  const char* data = l.buffer(handle_.get());
  return data == nullptr ? std::string_view() : std::string_view(data, l.length(handle_.get()));
}
uint64_t Reply::rows() const { return handle_.get_deleter().library->rows(handle_.get()); }
uint64_t Reply::rows_read() const { return handle_.get_deleter().library->rows_read(handle_.get()); }
uint64_t Reply::bytes_read() const { return handle_.get_deleter().library->bytes_read(handle_.get()); }
uint64_t Reply::rows_written() const { return handle_.get_deleter().library->rows_written(handle_.get()); }
uint64_t Reply::bytes_written() const { return handle_.get_deleter().library->bytes_written(handle_.get()); }
double Reply::elapsed_seconds() const { return handle_.get_deleter().library->elapsed(handle_.get()); }

RowStream::RowStream(RowStream&& other) noexcept
    : library_(other.library_),
      connection_(other.connection_),
      handle_(std::exchange(other.handle_, nullptr)),
      ended_(other.ended_) {}

RowStream::~RowStream() {
  if (handle_ == nullptr) return;
  if (!ended_) library_.cancel(connection_, handle_);  // cancelling a finished stream crashes the library
  library_.destroy(handle_);
}

Result<Reply> RowStream::next() {
  SLUICE_ASSERT(!ended_, "a stream is not read past its end");
  Reply chunk(library_, library_.fetch(connection_, handle_));
  if (const char* text = library_.error(chunk.handle_.get()); text != nullptr) {
    ended_ = true;
    return engine_error(text);
  }
  if (chunk.bytes().empty()) ended_ = true;
  return chunk;
}

InsertStream::InsertStream(InsertStream&& other) noexcept
    : library_(other.library_), handle_(std::exchange(other.handle_, nullptr)), ended_(other.ended_) {}

InsertStream::~InsertStream() {
  if (handle_ != nullptr) library_.destroy_insert(handle_);  // cancels first when it is not finished
}

Status InsertStream::append(std::string_view bytes) {
  if (library_.append(handle_, bytes.data(), bytes.size()) == 0) return ok();
  // The reason is only told by the end of the stream.
  Result<Reply> end = finish();
  if (!end) return std::move(end).error();
  return fail(Code::io, "the engine refused bytes of an INSERT without a reason; nothing is known of its rows");
}

Result<Reply> InsertStream::finish() {
  SLUICE_ASSERT(!ended_, "an INSERT is finished once");
  ended_ = true;
  Reply end(library_, library_.done(handle_));
  if (const char* text = library_.error(end.handle_.get()); text != nullptr) return engine_error(text);
  return end;
}

Connection::Connection(Connection&& other) noexcept : library_(other.library_), handle_(std::exchange(other.handle_, nullptr)) {}

Connection::~Connection() {
  if (handle_ != nullptr) library_.close(handle_);
}

// chdb_connect returns a pointer to the handle that the statement calls take, and close takes that pointer back.
void* Connection::raw() const { return *static_cast<void**>(handle_); }

Result<Reply> Connection::query(std::string_view sql, std::string_view format, const Parameters& parameters) {
  const ParameterArrays p(parameters);
  Reply reply(library_, library_.query(raw(), sql.data(), sql.size(), format.data(), format.size(), p.names.data(),
                                       p.name_sizes.data(), p.values.data(), p.value_sizes.data(), parameters.size()));
  if (const char* text = library_.error(reply.handle_.get()); text != nullptr) return engine_error(text);
  return reply;
}

Result<RowStream> Connection::stream(std::string_view sql, std::string_view format, const Parameters& parameters) {
  const ParameterArrays p(parameters);
  void* handle = library_.stream(raw(), sql.data(), sql.size(), format.data(), format.size(), p.names.data(), p.name_sizes.data(),
                                 p.values.data(), p.value_sizes.data(), parameters.size());
  if (const char* text = library_.error(handle); text != nullptr) {
    Error error = engine_error(text);
    library_.destroy(handle);
    return error;
  }
  return RowStream(library_, raw(), handle);
}

Result<InsertStream> Connection::insert(std::string_view sql, std::string_view format) {
  void* handle = library_.insert(raw(), sql.data(), sql.size(), format.data(), format.size());
  if (const char* text = library_.insert_error(handle); text != nullptr) {
    Error error = engine_error(text);
    library_.destroy_insert(handle);
    return error;
  }
  return InsertStream(library_, handle);
}

Analysis Connection::classify(std::string_view sql) {
  AnalysisV1 out{sizeof(AnalysisV1), 0, 0, static_cast<uint32_t>(StatementClass::unknown)};
  if (library_.classify(raw(), sql.data(), sql.size(), nullptr, 0, &out) != 0) return {};
  if (out.query_class > static_cast<uint32_t>(StatementClass::unknown)) return {};
  return Analysis{out.statement_count, static_cast<StatementClass>(out.query_class)};
}

Engine::Engine(EngineOptions options) : options_(std::move(options)), library_(std::make_unique<Library>()) {}
Engine::~Engine() = default;  // the library is never unloaded: its threads outlive every connection

Result<std::unique_ptr<Engine>> Engine::open(EngineOptions options) {
  SLUICE_ASSERT(options.data_directory.starts_with('/') && options.config_path.starts_with('/'),
                "the engine takes absolute paths only");
  SLUICE_CHECK(os::null_standard_input());  // an INSERT reads the host's standard input: it hung on a silent pipe (measured)
  os::set_environment("TZ", "UTC");         // the engine's time zone: a number must not depend on the machine's
  std::unique_ptr<Engine> engine(new Engine(std::move(options)));
  Library& library = *engine->library_;
  library.handle = ::dlopen(engine->options_.library_path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library.handle == nullptr) {
    const char* reason = ::dlerror();
    return fail(Code::unavailable, fmt::format("cannot load the engine library {}: {}; set SLUICE_LIBCHDB to libchdb.so 26.7.3",
                                               engine->options_.library_path, reason == nullptr ? "no reason given" : reason));
  }
  SLUICE_CHECK(resolve_all(library));
  library.signal_handlers(0);
  return engine;
}

Result<Connection> Engine::connect(const Settings& settings) const {
  std::vector<std::string> arguments{"sluice", "--path=" + options_.data_directory, "--config-file=" + options_.config_path};
  for (const auto& [name, value] : settings) arguments.push_back("--" + name + "=" + value);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  void* handle = library_->connect(static_cast<int>(pointers.size()), pointers.data());
  if (handle == nullptr) {
    return fail(
        Code::unavailable,
        fmt::format(
            "the engine refused a connection to {} (its reason is on standard error): another process holds the directory, "
            "a setting has a value it does not take, or stored parts are broken",
            options_.data_directory));
  }
  return Connection(*library_, handle);
}

std::string Engine::version() const { return library_->version(); }

}  // namespace sluice::store
