// Untrusted text through everything of the gate that reads it before the engine does, and through the reader of the engine's print.
#include <cstdint>
#include <string_view>

#include "store/request.h"
#include "store/show_grammar.h"
#include "store/sql_text.h"
#include "store/tree.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const Result<store::Statement> statement = store::split_statement(text)) {
    SLUICE_ASSERT(statement->text.size() <= text.size(), "a statement lies within its text");
    for (const store::Token& token : statement->tokens) static_cast<void>(store::name_of(token));
    static_cast<void>(store::read_show(statement->tokens, "sluice"));
  }
  if (const Result<std::vector<store::Node>> nodes = store::read_tree(text)) {
    for (size_t i = 1; i < nodes->size(); ++i) SLUICE_ASSERT((*nodes)[i].parent < i, "parents come first");
  }
  net::Request request;
  request.method = "POST";
  request.path = "/";
  request.query = text.substr(0, size / 2);
  request.body = text.substr(size / 2);
  static_cast<void>(store::read_request(std::move(request), "q").has_value());
  return 0;
}
