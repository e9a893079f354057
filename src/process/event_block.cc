#include "process/event_block.h"

#include <limits>

#include "base/result.h"
#include "process/row_binary.h"

namespace sluice::process {
namespace {

constexpr uint64_t kColumns = 20;
constexpr uint64_t kWordsVersion = 1;        // of LowCardinality: a dictionary with each block
constexpr uint64_t kOwnWordsFlag = 0x600;  // the block's words are all there, and new; the lowest byte says how wide indices are

template <class T>
void write_all(std::string& out, const std::vector<T>& values) {
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <class T>
void write_narrow(std::string& out, const std::vector<uint32_t>& values) {
  const size_t at = out.size();
  out.resize(at + values.size() * sizeof(T));
  char* to = out.data() + at;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto narrow = static_cast<T>(values[i]);
    std::memcpy(to + i * sizeof(T), &narrow, sizeof(T));
  }
}

void begin_column(std::string& out, std::string_view name, std::string_view type) {
  ByteWriter to(out);
  to.text(name);
  to.text(type);
}

void write_texts(std::string& out, std::string_view name, const std::string& texts) {
  begin_column(out, name, "String");
  out += texts;
}

void write_times(std::string& out, std::string_view name, const std::vector<int64_t>& times) {
  begin_column(out, name, "DateTime64(3, 'UTC')");
  write_all(out, times);
}

void write_words(std::string& out, std::string_view name, const WordColumn& words) {
  begin_column(out, name, "LowCardinality(String)");
  ByteWriter(out).u64(kWordsVersion);
  words.write(out);
}

int64_t stored(TimeMs watermark) { return to_ms(watermark == kMinusInfinity ? kStoredMinusInfinity : watermark); }

}  // namespace

void WordColumn::add(std::string_view word) {
  if (index_.size() == 0) {  // what the engine takes for an absent value comes first
    index_.number_of("");
    ByteWriter(words_).text("");
  }
  const size_t before = index_.size();
  indices_.push_back(index_.number_of(word));
  if (index_.size() > before) ByteWriter(words_).text(word);
}

void WordColumn::write(std::string& out) const {
  if (indices_.empty()) return;
  ByteWriter to(out);
  const size_t words = index_.size();
  const uint64_t width = words <= std::numeric_limits<uint8_t>::max() ? 0 : words <= std::numeric_limits<uint16_t>::max() ? 1 : 2;
  to.u64(kOwnWordsFlag | width);
  to.u64(words);
  out += words_;
  to.u64(indices_.size());
  switch (width) {
    case 0: write_narrow<uint8_t>(out, indices_); break;
    case 1: write_narrow<uint16_t>(out, indices_); break;
    default: write_all(out, indices_); break;
  }
}

void WordColumn::clear() {
  index_.clear();
  words_.clear();
  indices_.clear();
}

void EventBlock::add(const event::EventView& event, const plan::Row& row, uint16_t flags, TimeMs watermark,
                     const event::Place& place) {
  sources_.add(row.source);
  events_.add(row.event);
  dialects_.add(row.dialect);
  ByteWriter(message_ids_).text(row.message_id);
  ByteWriter(user_ids_).text(row.user_id);
  ByteWriter(anonymous_ids_).text(row.anonymous_id);
  ByteWriter(stitching_keys_).text(row.stitching_key);
  ByteWriter(user_keys_).text(row.user_key);
  ByteWriter(properties_).text(event.properties);
  ByteWriter(contexts_).text(event.context);
  ByteWriter(extras_).text(event.extra);
  event_times_.push_back(to_ms(row.event_time));
  received_.push_back(to_ms(row.received_at));
  watermarks_.push_back(stored(watermark));
  partitions_.push_back(place.partition.value);
  places_.push_back(place.offset.value);
  ByteWriter texts(texts_);
  for (const event::ScalarView& scalar : event.scalars) {
    text_keys_.add(scalar.path);
    texts.text(scalar.text);
    if (!scalar.number) continue;
    number_keys_.add(scalar.path);
    numbers_.push_back(scalar.number->raw);
  }
  text_ends_.push_back(text_count_ += event.scalars.size());
  number_ends_.push_back(numbers_.size());
  if (flags != 0) {
    for (const std::string_view name : event::flag_names(flags)) {
      flags_.add(name);
      ++flag_count_;
    }
  }
  flag_ends_.push_back(flag_count_);
}

void EventBlock::write_identity(std::string& out) const {
  write_words(out, "source", sources_);
  write_words(out, "event", events_);
  write_texts(out, "message_id", message_ids_);
  write_times(out, "event_time", event_times_);
  write_times(out, "received_at", received_);
  write_texts(out, "user_id", user_ids_);
  write_texts(out, "anonymous_id", anonymous_ids_);
  write_texts(out, "stitching_key", stitching_keys_);
  write_texts(out, "user_key", user_keys_);
}

void EventBlock::write_content(std::string& out) const {
  ByteWriter to(out);
  begin_column(out, "texts", "Map(LowCardinality(String), String)");
  to.u64(kWordsVersion);
  write_all(out, text_ends_);
  text_keys_.write(out);
  out += texts_;
  begin_column(out, "numbers", "Map(LowCardinality(String), Decimal(38, 9))");
  to.u64(kWordsVersion);
  write_all(out, number_ends_);
  number_keys_.write(out);
  write_all(out, numbers_);
  write_texts(out, "properties", properties_);
  write_texts(out, "context", contexts_);
  write_texts(out, "extra", extras_);
  begin_column(out, "flags", "Array(LowCardinality(String))");
  to.u64(kWordsVersion);
  write_all(out, flag_ends_);
  flags_.write(out);
}

std::string EventBlock::take(event::Epoch epoch) {
  std::string out;
  size_t bytes =
      1024 + rows() * (3 * sizeof(int64_t) + 5 * sizeof(uint64_t) + sizeof(uint16_t)) + numbers_.size() * sizeof(int128);
  for (const std::string* texts :
       {&message_ids_, &user_ids_, &anonymous_ids_, &stitching_keys_, &user_keys_, &texts_, &properties_, &contexts_, &extras_}) {
    bytes += texts->size();
  }
  for (const WordColumn* words : {&sources_, &events_, &dialects_, &text_keys_, &number_keys_, &flags_}) bytes += words->bytes();
  out.reserve(bytes);
  ByteWriter to(out);
  to.varint(kColumns);
  to.varint(rows());
  write_identity(out);
  write_content(out);
  write_times(out, "watermark", watermarks_);
  write_words(out, "dialect", dialects_);
  begin_column(out, "log_partition", "UInt16");
  write_all(out, partitions_);
  begin_column(out, "log_offset", "UInt64");
  write_all(out, places_);
  begin_column(out, "epoch", "UInt64");
  for (uint64_t i = 0; i < rows(); ++i) to.u64(epoch.value);
  SLUICE_ASSERT(out.size() <= bytes, "one allocation");
  clear();
  return out;
}

void EventBlock::clear() {
  for (WordColumn* words : {&sources_, &events_, &dialects_, &text_keys_, &number_keys_, &flags_}) words->clear();
  for (std::string* texts :
       {&message_ids_, &user_ids_, &anonymous_ids_, &stitching_keys_, &user_keys_, &texts_, &properties_, &contexts_, &extras_}) {
    texts->clear();
  }
  for (std::vector<int64_t>* times : {&event_times_, &received_, &watermarks_}) times->clear();
  for (std::vector<uint64_t>* ends : {&text_ends_, &number_ends_, &flag_ends_, &places_}) ends->clear();
  partitions_.clear();
  numbers_.clear();
  text_count_ = flag_count_ = 0;
}

}  // namespace sluice::process
