// dimension_table.h - rows of a dimension's file, found by key as of an instant (semantics R11).
//
// Files   CSV by RFC 4180 with a header line, or JSON lines (.jsonl, .ndjson): an object a line, its scalars named by their path.
//         Values are typed as at the edge (R8): texts, and numbers where JSON has a number. A CSV field is a text as it is written, and
//         a number too where JSON would read one; an empty field is NULL. A key is a text.
// Promise Validity is [from, to) of event time, intervals of one key do not overlap; find() gives at most one row.
// Bounds  kDimensionFileBytesMax, kDimensionRowsMax, kDimensionColumnsMax, kDimensionCellsMax. find(): a hash look-up and a binary
//         search among the intervals of that key.
// Errors  Diagnostics with file, line and column: of the line's form, of a key that is missing, of intervals that overlap.
// Threads Unchanged once made: any.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "plan/compile.h"

namespace sluice::plan {

class Diagnostics;

inline constexpr size_t kDimensionFileBytesMax = 16 * 1024 * 1024;
inline constexpr size_t kDimensionRowsMax = 200'000;
inline constexpr size_t kDimensionColumnsMax = 256;
inline constexpr size_t kDimensionCellsMax = 4'000'000;
inline constexpr TimeMs kFromTheBeginning = TimeMs::min();
inline constexpr TimeMs kWithoutEnd = TimeMs::max();

// Paths of the files that definitions name as dimensions, whether or not they are among `files`.
std::vector<std::string> dimension_files_of(const std::vector<SourceFile>& files);

// By its name: .csv, .jsonl or .ndjson.
bool is_dimension_file(std::string_view path);

struct NameHash {  // looked up by views: the library's own hash takes another kind of them
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return static_cast<size_t>(hash64(text)); }
};

class DimensionTable {
 public:
  struct Cell {
    std::string_view text;
    bool is_null = true;
    std::optional<Decimal> number() const;

   private:
    friend class DimensionTable;
    bool is_number_ = false;
  };
  struct Row {
    std::string_view key;
    Span valid;
    uint32_t first_cell = 0;
    uint32_t cells = 0;
  };

  const std::vector<std::string>& columns() const { return columns_; }  // sorted; without those of validity
  const std::vector<Row>& rows() const { return rows_; }  // by key, then by time
  std::optional<uint32_t> column(std::string_view name) const;
  std::optional<uint32_t> find(std::string_view key, TimeMs at) const;
  Cell cell(uint32_t row, uint32_t column) const;
  // Every cell of a row that is not NULL, by column.
  template <class Take>
  void each_cell(uint32_t row, const Take& take) const {
    for (uint32_t i = 0; i < rows_[row].cells; ++i) {
      const Slot& slot = cells_[rows_[row].first_cell + i];
      take(columns_[slot.column], cell_of(slot));
    }
  }
  const std::string& hash() const { return hash_; }  // 16 digits of all that find() and cell() can say

  // Filled row by row, then finished.
  class Builder;

 private:
  struct Slot {
    uint32_t offset = 0;
    uint32_t size = 0;
    uint16_t column = 0;
    bool is_number = false;
  };
  Cell cell_of(const Slot& slot) const {
    Cell cell;
    cell.text = std::string_view(texts_).substr(slot.offset, slot.size);
    cell.is_null = false;
    cell.is_number_ = slot.is_number;
    return cell;
  }

  std::vector<std::string> columns_;
  std::vector<Row> rows_;
  std::vector<Slot> cells_;
  std::string texts_;
  absl::flat_hash_map<std::string, std::pair<uint32_t, uint32_t>, NameHash, std::equal_to<>>
      first_of_;  // key: its first row and how many
  std::string hash_;
};

// nullptr: reported.
std::shared_ptr<const DimensionTable> read_dimension_table(const DimensionFile& file, std::string_view text,
                                                           Diagnostics& diagnostics);

}  // namespace sluice::plan
