#include "plan/dimension_table.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/rfc3339.h"
#include "plan/dimension_builder.h"

namespace sluice::plan {

bool is_dimension_file(std::string_view path) {
  return path.ends_with(".csv") || path.ends_with(".jsonl") || path.ends_with(".ndjson");
}

std::optional<Decimal> DimensionTable::Cell::number() const { return is_number_ ? Decimal::from_json(text) : std::nullopt; }

std::optional<uint32_t> DimensionTable::column(std::string_view name) const {
  const auto at = std::lower_bound(columns_.begin(), columns_.end(), name);
  if (at == columns_.end() || *at != name) return std::nullopt;
  return static_cast<uint32_t>(at - columns_.begin());
}

std::optional<uint32_t> DimensionTable::find(std::string_view key, TimeMs at) const {
  const auto found = first_of_.find(key);
  if (found == first_of_.end()) return std::nullopt;
  const auto begin = rows_.begin() + found->second.first, end = begin + found->second.second;
  const auto after = std::upper_bound(begin, end, at, [](TimeMs t, const Row& row) { return t < row.valid.start; });
  if (after == begin || at >= std::prev(after)->valid.end) return std::nullopt;
  return static_cast<uint32_t>(std::prev(after) - rows_.begin());
}

DimensionTable::Cell DimensionTable::cell(uint32_t row, uint32_t column) const {
  const auto begin = cells_.begin() + rows_[row].first_cell, end = begin + rows_[row].cells;
  const auto at = std::lower_bound(begin, end, column, [](const Slot& slot, uint32_t wanted) { return slot.column < wanted; });
  if (at == end || at->column != column) return {};
  return cell_of(*at);
}

bool DimensionTable::Builder::declare(std::string_view column) {
  if ((column == file_.valid_from || column == file_.valid_to) && !column.empty()) return true;
  if (index_.contains(column)) return true;
  if (names_.size() >= kDimensionColumnsMax) return false;
  index_.emplace(std::string(column), static_cast<uint16_t>(names_.size()));
  names_.emplace_back(column);
  return true;
}

bool DimensionTable::Builder::row(int line) {
  close_row();
  if (drafts_.size() >= kDimensionRowsMax) {
    report(line, 1, fmt::format("more than {} rows; a dimension has no more", kDimensionRowsMax));
    return false;
  }
  Draft draft;
  draft.line = line;
  draft.first_cell = static_cast<uint32_t>(slots_.size());
  drafts_.push_back(std::move(draft));
  return true;
}

void DimensionTable::Builder::time(std::string_view text, TimeMs& into, int at) {
  std::optional<ParsedTime> time = parse_rfc3339(text);
  if (!time) time = parse_rfc3339(std::string(text) + "T00:00:00Z");  // a date alone is its first instant
  if (!time) {
    return report(drafts_.back().line, at,
                  fmt::format("{} is no instant; write it as 2026-03-28T14:22:01Z or 2026-03-28", plan::quoted(text)));
  }
  into = time->time;
}

bool DimensionTable::Builder::cell(std::string_view column, std::string_view text, bool is_number, int at) {
  Draft& draft = drafts_.back();
  if (column == file_.valid_from && !column.empty()) {
    time(text, draft.valid.start, at);
    return true;
  }
  if (column == file_.valid_to && !column.empty()) {
    time(text, draft.valid.end, at);
    return true;
  }
  if (column == file_.key) draft.key = std::string(text);
  return keep(column, text, is_number, at);
}

bool DimensionTable::Builder::keep(std::string_view column, std::string_view text, bool is_number, int at) {
  Draft& draft = drafts_.back();
  if (!declare(column)) {
    report(draft.line, at, fmt::format("more than {} different columns; a dimension has no more", kDimensionColumnsMax));
    return false;
  }
  const auto known = index_.find(column);
  if (slots_.size() >= kDimensionCellsMax) {
    report(draft.line, at, fmt::format("more than {} values; a dimension has no more", kDimensionCellsMax));
    return false;
  }
  slots_.push_back({static_cast<uint32_t>(texts_.size()), static_cast<uint32_t>(text.size()), known->second, is_number});
  texts_ += text;
  ++draft.cells;
  return true;
}

void DimensionTable::Builder::close_row() {
  if (drafts_.empty()) return;
  const Draft& draft = drafts_.back();
  if (draft.line == faulty_line_) return;
  if (!draft.key) report(draft.line, 1, fmt::format("this row has no `{}`, which is the key", file_.key));
  if (draft.valid.start >= draft.valid.end) {
    report(draft.line, 1,
           fmt::format("`{}` does not lie before `{}`: the row would never be valid",
                       file_.valid_from.empty() ? "the beginning" : file_.valid_from, file_.valid_to));
  }
}

// Rows are sorted by key and time already.
bool DimensionTable::Builder::check_overlaps() {
  for (size_t i = 1; i < drafts_.size(); ++i) {
    const Draft &a = drafts_[i - 1], &b = drafts_[i];
    if (*a.key != *b.key || a.valid.end <= b.valid.start) continue;
    const auto [first, second] = std::minmax(a.line, b.line);
    report(second, 1,
           file_.valid_from.empty() && file_.valid_to.empty()
               ? fmt::format("key {} is on line {} already; without validity a key has one row", plan::quoted(*a.key), first)
               : fmt::format("key {} is valid at the same time on line {}; its intervals may not overlap", plan::quoted(*a.key),
                             first));
  }
  return errors_ == 0;
}

void DimensionTable::Builder::lay_out() {
  DimensionTable& table = *table_;
  std::vector<uint16_t> order(names_.size()), moved(names_.size());
  std::iota(order.begin(), order.end(), uint16_t{0});
  std::sort(order.begin(), order.end(), [&](uint16_t a, uint16_t b) { return names_[a] < names_[b]; });
  for (uint16_t to = 0; to < order.size(); ++to) {
    moved[order[to]] = to;
    table.columns_.push_back(names_[order[to]]);
  }
  for (Slot& slot : slots_) slot.column = moved[slot.column];
  table.texts_ = std::move(texts_);
  const auto key_column = table.column(file_.key);
  std::string bytes;
  ByteWriter to(bytes);
  for (const std::string& column : table.columns_) to.text(column);
  for (const Draft& draft : drafts_) {
    const auto begin = slots_.begin() + draft.first_cell, end = begin + draft.cells;
    std::sort(begin, end, [](const Slot& a, const Slot& b) { return a.column < b.column; });
    Row row;
    row.valid = draft.valid;
    row.first_cell = static_cast<uint32_t>(table.cells_.size());
    row.cells = draft.cells;
    table.cells_.insert(table.cells_.end(), begin, end);
    table.rows_.push_back(row);
    const auto at = static_cast<uint32_t>(table.rows_.size() - 1);
    table.rows_.back().key = table.cell(at, *key_column).text;
    auto& [first, count] = table.first_of_.try_emplace(*draft.key, at, 0U).first->second;
    ++count;
    to.i64(to_ms(row.valid.start));
    to.i64(to_ms(row.valid.end));
    to.varint(row.cells);
    for (auto slot = begin; slot != end; ++slot) {
      to.varint(slot->column);
      to.u8(slot->is_number ? 1 : 0);
      to.text(std::string_view(table.texts_).substr(slot->offset, slot->size));
    }
  }
  table.hash_ = to_hex(hash128(bytes)).substr(0, 16);
}

std::shared_ptr<const DimensionTable> DimensionTable::Builder::finish() {
  close_row();
  if (errors_ > 0) return nullptr;
  std::stable_sort(drafts_.begin(), drafts_.end(),
                   [](const Draft& a, const Draft& b) { return *a.key != *b.key ? *a.key < *b.key : a.valid < b.valid; });
  if (!check_overlaps()) return nullptr;
  lay_out();
  return std::move(table_);
}

}  // namespace sluice::plan
