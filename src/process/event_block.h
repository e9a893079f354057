// event_block.h - an epoch's rows of `events` as one block of ClickHouse's Native format: column by column.
//
// Format  Varints: how many columns, how many rows. Per column its name, its type, its values one behind the other. String: varint
//         length, bytes. LowCardinality(String): version 1; then, if there are values, an index width and flags, the different
//         words ('' first), the values' indices. Array and Map: the ends of all rows, then the elements. What the engine itself
//         writes with FORMAT Native over HTTP, protocol revision 0.
// Why     The store takes it for half the CPU of RowBinary, where each row names its map keys anew: 2.7 us instead of 5.6 us a row
//         (docs/performance.md). Other tables get few rows and keep RowBinary.
// Bounds  As the epoch's. Buffers keep their memory for the next epoch.
// Threads One.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "event/event.h"
#include "event/position.h"
#include "plan/evaluate.h"
#include "process/word_index.h"

namespace sluice::process {

// Values of a LowCardinality(String).
class WordColumn {
 public:
  void add(std::string_view word);
  void write(std::string& out) const;  // without the version, which stands before everything else of a column
  size_t bytes() const { return words_.size() + indices_.size() * sizeof(uint32_t) + 64; }
  void clear();

 private:
  WordIndex index_;
  std::string words_;
  std::vector<uint32_t> indices_;
};

class EventBlock {
 public:
  void add(const event::EventView& event, const plan::Row& row, uint16_t flags, TimeMs watermark, const event::Place& place);
  uint64_t rows() const { return places_.size(); }
  // For the columns of insert_statement(Table::events). Empty afterwards.
  std::string take(event::Epoch epoch);

 private:
  void write_identity(std::string& out) const;
  void write_content(std::string& out) const;
  void clear();

  WordColumn sources_, events_, dialects_, text_keys_, number_keys_, flags_;
  std::string message_ids_, user_ids_, anonymous_ids_, stitching_keys_, user_keys_, texts_, properties_, contexts_, extras_;
  std::vector<int64_t> event_times_, received_, watermarks_;
  std::vector<uint64_t> text_ends_, number_ends_, flag_ends_, places_;
  std::vector<uint16_t> partitions_;
  std::vector<int128> numbers_;
  uint64_t text_count_ = 0, flag_count_ = 0;
};

}  // namespace sluice::process
