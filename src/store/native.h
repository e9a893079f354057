// native.h - the few Native bytes that we write ourselves: blocks that the engine's plain FORMAT Native lacks.
//
// hello_block     the answer to clickhouse-go's first question, in the framing it asked for, with revision 0: it then takes plain Native.
//                 01 00 02 FF FF FF FF 00 (block info) 04 01 (columns, rows), then per column: name, type, 00, value (facts/interop.md 3.4).
// header_block    columns without rows, for an empty result: the engine sends nothing at all, and clients then see no columns.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sluice::store {

struct Column {
  std::string name;
  std::string type;
};

std::string hello_block(std::string_view display_name, std::string_view version, std::string_view timezone);
std::string header_block(const std::vector<Column>& columns);
// Columns from the RowBinary of a DESCRIBE: seven strings per row, name and type first.
Result<std::vector<Column>> read_description(std::string_view row_binary);

}  // namespace sluice::store
