// tables_json.h - replies of the store as the page's JSON: /api/sql and /api/quarantine.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "serve/queries.h"

namespace sluice::serve {

inline constexpr size_t kSqlRowsMax = 10'000;
inline constexpr size_t kQuarantineRowsMax = 500;

// A reply in TabSeparatedWithNamesAndTypes: {columns:[{name,type}], rows:[[text|null,...]], rows_read, took_ms, truncated}
Result<std::string> sql_json(const Reply& reply, DurationMs took);

// Newest first; `reason` empty: all. {total, reasons:[{reason,count,meaning}], rows:[...]}
Result<std::string> quarantine_json(Queries& queries, size_t limit, std::string_view reason);

}  // namespace sluice::serve
