// formats.h - output formats: which a reader may name, and how the engine's chunks of one become a whole reply.
//
// The engine formats every chunk of a stream on its own (measured, 26.7.3). Joined, chunks are one reply only where a format has neither head
// nor foot (rows); where each chunk repeats a head of names and types (headed), all but the first are dropped; documents (JSON, Parquet, Arrow,
// Pretty, ...) must be asked for whole, so they are bounded in size.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/native.h"

namespace sluice::store {

enum class FormatKind { rows, headed, document };

// Nothing that reads a schema or a template from a file.
bool is_allowed_format(std::string_view format);
// Unknown ones are documents: safe, since they are not streamed.
FormatKind format_kind(std::string_view format);
// What a headed format puts before the rows.
std::string format_head(std::string_view format, const std::vector<Column>& columns);
std::string_view content_type(std::string_view format);

}  // namespace sluice::store
