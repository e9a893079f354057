// dimension_builder.h - a dimension's table while its file is read.
//
// Use     row(), then its cells, for each row; finish() once. Faults are reported with the line that they lie in.
// Bounds  Those of dimension_table.h; beyond them row() and cell() report once and give false: the reader then stops.
#pragma once

#include "plan/diagnostics.h"
#include "plan/dimension_table.h"

namespace sluice::plan {

class DimensionTable::Builder {
 public:
  Builder(const DimensionFile& file, Diagnostics& diagnostics) : file_(file), diagnostics_(diagnostics) {
    (void)declare(file.key);
  }

  void report(int line, int column, std::string what) {
    diagnostics_.add(Location{file_.path, line, column}, std::move(what));
    ++errors_;
    faulty_line_ = line;
  }
  size_t errors() const { return errors_; }

  // A column that the file has, whether or not a row has a value there; false: too many.
  bool declare(std::string_view column);
  bool row(int line);
  // Of the row begun last; `column` as it is named in the file.
  bool cell(std::string_view column, std::string_view text, bool is_number, int at);
  std::shared_ptr<const DimensionTable> finish();

 private:
  struct Draft {  // of a row
    std::optional<std::string> key;
    Span valid{kFromTheBeginning, kWithoutEnd};
    int line = 0;
    uint32_t first_cell = 0;
    uint32_t cells = 0;
  };
  bool keep(std::string_view column, std::string_view text, bool is_number, int at);
  void time(std::string_view text, TimeMs& into, int at);
  void close_row();
  bool check_overlaps();
  void lay_out();

  const DimensionFile& file_;
  Diagnostics& diagnostics_;
  size_t errors_ = 0;
  int faulty_line_ = 0;  // the last one that was reported
  std::vector<Draft> drafts_;
  std::vector<Slot> slots_;  // columns by first use
  std::vector<std::string> names_;
  absl::flat_hash_map<std::string, uint16_t, NameHash, std::equal_to<>> index_;
  std::string texts_;
  std::shared_ptr<DimensionTable> table_ = std::make_shared<DimensionTable>();
};

}  // namespace sluice::plan
