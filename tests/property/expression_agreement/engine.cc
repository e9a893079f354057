#include "engine.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

namespace sluice::agreement {
namespace {

// The C interface of libchdb 26.7, as far as it is used here.
using Connect = void** (*)(int, char**);
using Close = void (*)(void**);
using Query = void* (*)(void*, const char*, size_t, const char*, size_t);
using Buffer = char* (*)(void*);
using Length = size_t (*)(void*);
using Text = const char* (*)(void*);
using Destroy = void (*)(void*);

template <class Function>
Function symbol(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

Engine* opened = nullptr;

std::string unescape(std::string_view field) {
  std::string out;
  for (size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '\\' || i + 1 == field.size()) {
      out += field[i];
      continue;
    }
    switch (field[++i]) {
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case 'r': out += '\r'; break;
      case '0': out += '\0'; break;
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      default: out += field[i]; break;
    }
  }
  return out;
}

}  // namespace

Engine* Engine::open(std::string& reason) {
  if (opened != nullptr) return opened;
  const char* path = std::getenv("SLUICE_LIBCHDB");
  if (path == nullptr || access(path, R_OK) != 0) {
    reason = "SLUICE_LIBCHDB does not name libchdb.so";
    return nullptr;
  }
  // The library probes file descriptor 0 at inserts.
  const int null = ::open("/dev/null", O_RDONLY);
  dup2(null, 0);
  ::close(null);
  static Engine engine;
  engine.library_ = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (engine.library_ == nullptr) {
    reason = dlerror();
    return nullptr;
  }
  char name[] = "clickhouse";
  char* arguments[]{name};
  engine.connection_ = symbol<Connect>(engine.library_, "chdb_connect")(1, arguments);
  if (engine.connection_ == nullptr) {
    reason = "chdb_connect failed";
    return nullptr;
  }
  opened = &engine;
  return opened;
}

void Engine::close() {
  if (opened == nullptr) return;
  symbol<Close>(opened->library_, "chdb_close_conn")(opened->connection_);
  opened = nullptr;
}

void Engine::run(const std::string& sql) {
  std::string error;
  const auto result = ask(sql, error);
  ASSERT_TRUE(result) << error << "\n" << sql;
}

std::optional<Table> Engine::ask(const std::string& sql, std::string& error) {
  static constexpr std::string_view kFormat = "TSV";
  void* result = symbol<Query>(library_, "chdb_query_n")(*connection_, sql.data(), sql.size(), kFormat.data(), kFormat.size());
  std::optional<Table> table;
  if (const char* said = symbol<Text>(library_, "chdb_result_error")(result); said != nullptr && *said != '\0') {
    error = said;
  } else {
    const std::string_view bytes(symbol<Buffer>(library_, "chdb_result_buffer")(result),
                                 symbol<Length>(library_, "chdb_result_length")(result));
    table.emplace();
    for (size_t at = 0; at < bytes.size();) {
      const size_t end = std::min(bytes.find('\n', at), bytes.size());
      std::vector<Cell> row;
      for (size_t field = at; field <= end;) {
        const size_t stop = std::min(bytes.find('\t', field), end);
        const std::string_view text = bytes.substr(field, stop - field);
        row.push_back(text == "\\N" ? Cell{} : Cell{unescape(text)});
        field = stop + 1;
      }
      table->push_back(std::move(row));
      at = end + 1;
    }
  }
  symbol<Destroy>(library_, "chdb_destroy_query_result")(result);
  return table;
}

}  // namespace sluice::agreement
