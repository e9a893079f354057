#include "process/journal.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace sluice::process {
namespace {

constexpr std::string_view kMagic = "SLCJ";
constexpr uint32_t kVersion = 1;
constexpr size_t kEntryBytesMax = 64 * 1024 * 1024;

void write_position(ByteWriter& to, const event::Position& position) {
  to.varint(position.size());
  for (const auto& [partition, offset] : position) {
    to.u16(partition.value);
    to.varint(offset.value);
  }
}

event::Position read_position(ByteReader& from) {
  event::Position position;
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const event::PartitionId partition(from.u16());
    position[partition] = event::Offset(from.varint());
  }
  return position;
}

void write_windows(ByteWriter& to, const std::vector<plan::Span>& windows) {
  to.varint(windows.size());
  for (const plan::Span& w : windows) {
    to.zigzag(to_ms(w.start));
    to.zigzag(to_ms(w.end));
  }
}

std::vector<plan::Span> read_windows(ByteReader& from) {
  std::vector<plan::Span> windows;
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const TimeMs start = time_ms(from.zigzag());
    windows.push_back({start, time_ms(from.zigzag())});
  }
  return windows;
}

// Kinds are the variant's index + 1; a new one is added at the end.
void write_body(ByteWriter& to, const PlanEntry& e) {
  to.text(e.hash);
  to.u64(e.first_epoch.value);
}
void write_body(ByteWriter& to, const CutEntry& e) {
  to.u64(e.epoch.value);
  write_position(to, e.from);
  write_position(to, e.to);
  to.u8(e.clock ? 1 : 0);
  if (e.clock) to.i64(to_ms(*e.clock));
  to.text(e.plan);
}
void write_body(ByteWriter& to, const JobEntry& e) {
  to.u64(e.job.value);
  to.text(e.metric);
  to.text(e.version);
  write_windows(to, e.windows);
  to.u64(e.up_to.value);
  to.i64(to_ms(e.watermark));
  to.i64(to_ms(e.clock));
  to.u8(static_cast<uint8_t>((e.first ? 1 : 0) | (e.restates ? 2 : 0)));
}
void write_body(ByteWriter& to, const JobDoneEntry& e) {
  to.u64(e.job.value);
  to.u8(e.stopped ? 1 : 0);
}
void write_body(ByteWriter& to, const ListedEntry& e) {
  to.text(e.metric);
  to.text(e.version);
  to.u64(e.up_to.value);
  write_windows(to, e.windows);
}
void write_body(ByteWriter& to, const CommitEntry& e) {
  to.u64(e.epoch.value);
  for (const uint64_t rows : e.rows) to.u64(rows);
}

void write_body(ByteWriter& to, const SwapEntry& e) {
  to.text(e.plan);
  to.u64(e.first_epoch.value);
}

void write_body(ByteWriter& to, const AdoptedEntry& e) {
  to.text(e.metric);
  to.text(e.version);
  to.i64(to_ms(e.since));
  to.u64(e.after.value);
  to.u64(e.up_to.value);
  to.u8(static_cast<uint8_t>(e.end));
}

JournalEntry read_body(uint8_t kind, ByteReader& from) {
  switch (kind) {
    case 1: {
      PlanEntry e;
      e.hash = std::string(from.text());
      e.first_epoch = Epoch(from.u64());
      return e;
    }
    case 2: {
      CutEntry e;
      e.epoch = Epoch(from.u64());
      e.from = read_position(from);
      e.to = read_position(from);
      if (from.u8() != 0) e.clock = time_ms(from.i64());
      e.plan = std::string(from.text());
      return e;
    }
    case 3: {
      JobEntry e;
      e.job = JobId(from.u64());
      e.metric = std::string(from.text());
      e.version = std::string(from.text());
      e.windows = read_windows(from);
      e.up_to = Epoch(from.u64());
      e.watermark = time_ms(from.i64());
      e.clock = time_ms(from.i64());
      const uint8_t why = from.u8();
      e.first = (why & 1) != 0;
      e.restates = (why & 2) != 0;
      return e;
    }
    case 4: {
      JobDoneEntry e;
      e.job = JobId(from.u64());
      e.stopped = from.u8() != 0;
      return e;
    }
    case 5: {
      ListedEntry e;
      e.metric = std::string(from.text());
      e.version = std::string(from.text());
      e.up_to = Epoch(from.u64());
      e.windows = read_windows(from);
      return e;
    }
    case 6: {
      CommitEntry e;
      e.epoch = Epoch(from.u64());
      for (uint64_t& rows : e.rows) rows = from.u64();
      return e;
    }
    case 7: {
      SwapEntry e;
      e.plan = std::string(from.text());
      e.first_epoch = Epoch(from.u64());
      return e;
    }
    default: {
      AdoptedEntry e;
      e.metric = std::string(from.text());
      e.version = std::string(from.text());
      e.since = time_ms(from.i64());
      e.after = Epoch(from.u64());
      e.up_to = Epoch(from.u64());
      e.end = static_cast<AdoptedEntry::End>(std::min<uint8_t>(from.u8(), 2));
      return e;
    }
  }
}

std::string header_of(const std::string& data_id) {
  std::string header;
  ByteWriter to(header);
  to.raw(kMagic);
  to.u32(kVersion);
  to.text(data_id);
  to.u32(crc32c(header));
  return header;
}

// Whether a whole entry begins anywhere in `bytes`. Few places look like one, so few checksums are computed.
bool holds_entry(std::string_view bytes) {
  constexpr size_t kFrame = 8;
  for (size_t at = 0; at + kFrame < bytes.size(); ++at) {
    ByteReader from(bytes.substr(at));
    const uint32_t length = from.u32(), crc = from.u32();
    const auto kind = static_cast<uint8_t>(bytes[at + kFrame]);
    if (length == 0 || length > bytes.size() - at - kFrame || kind < 1 || kind > std::variant_size_v<JournalEntry>) continue;
    if (crc32c(from.raw(length)) == crc) return true;
  }
  return false;
}

}  // namespace

std::vector<CommitEntry> commits_of(const std::vector<JournalEntry>& entries) {
  std::vector<CommitEntry> commits;
  for (const JournalEntry& entry : entries) {
    if (const auto* commit = std::get_if<CommitEntry>(&entry)) commits.push_back(*commit);
  }
  return commits;
}

std::string encode_entry(const JournalEntry& entry) {
  std::string body;
  ByteWriter to(body);
  to.u8(static_cast<uint8_t>(entry.index() + 1));
  std::visit([&](const auto& e) { write_body(to, e); }, entry);
  std::string out;
  ByteWriter framed(out);
  framed.u32(static_cast<uint32_t>(body.size()));
  framed.u32(crc32c(body));
  framed.raw(body);
  return out;
}

Result<JournalEntry> decode_entry(std::string_view body) {
  ByteReader from(body);
  const uint8_t kind = from.u8();
  if (kind < 1 || kind > std::variant_size_v<JournalEntry>) return fail(Code::corrupt, "journal entry of unknown kind");
  JournalEntry entry = read_body(kind, from);
  if (from.failed() || !from.at_end()) return fail(Code::corrupt, "journal entry shorter or longer than its fields");
  return entry;
}

Result<std::vector<std::string>> Journal::list(os::Files& files, const std::string& directory) {
  std::vector<std::string> names;
  for (const os::Entry& entry : SLUICE_TRY(files.list(directory))) {
    if (entry.name.ends_with(".journal")) names.push_back(entry.name);
  }
  return names;
}

Result<std::vector<JournalEntry>> Journal::read(os::Files& files, const std::string& directory, const std::string& data_id) {
  std::vector<JournalEntry> entries;
  if (!files.exists(directory)) return entries;
  const std::vector<std::string> names = SLUICE_TRY(list(files, directory));
  for (const std::string& name : names) {
    const std::string path = os::join(directory, name);
    const std::string bytes = SLUICE_TRY(files.read_all(path, 2 * kFileBytes + kEntryBytesMax));
    SLUICE_CHECK(parse(bytes, path, data_id, name == names.back(), entries));
  }
  return entries;
}

Result<Journal::Opened> Journal::open(os::Files& files, std::string directory, const std::string& data_id) {
  SLUICE_CHECK(files.make_directories(directory));
  Opened opened;
  opened.journal.reset(new Journal(files, directory, data_id));
  Journal& journal = *opened.journal;
  const std::vector<std::string> names = SLUICE_TRY(list(files, directory));
  for (const std::string& name : names) {
    const std::string path = os::join(directory, name);
    journal.file_ = SLUICE_TRY(files.open(path, os::OpenMode::read_write));
    // What a crashed process wrote but did not sync may be in the cache only: sync, forget, then believe the disk.
    SLUICE_CHECK(journal.file_->data_sync());
    SLUICE_CHECK(journal.file_->drop_cache());
    const uint64_t size = SLUICE_TRY(journal.file_->size());
    const std::string bytes = SLUICE_TRY(journal.file_->read_at(0, size));
    const size_t before = opened.entries.size();
    const Parsed parsed = SLUICE_TRY(parse(bytes, path, data_id, name == names.back(), opened.entries));
    journal.size_ = parsed.whole;
    opened.bytes_cut = parsed.cut;
    journal.number_ = std::stoull(name);
    journal.extents_.push_back({journal.number_, {}, {}, {}});
    for (size_t i = before; i < opened.entries.size(); ++i) journal.extents_.back().cover(opened.entries[i]);
  }
  if (names.empty()) {
    SLUICE_CHECK(journal.start_file(1));
    return opened;
  }
  SLUICE_CHECK(journal.file_->truncate(journal.size_));
  if (journal.size_ == 0) {  // a crash between creating the file and its header
    const std::string header = header_of(data_id);
    SLUICE_CHECK(journal.file_->write_at(0, header));
    journal.size_ = header.size();
  }
  SLUICE_CHECK(journal.file_->data_sync());
  return opened;
}

// Only the last file may end in a torn entry.
Result<Journal::Parsed> Journal::parse(std::string_view bytes, const std::string& path, const std::string& data_id, bool last,
                                       std::vector<JournalEntry>& entries) {
  ByteReader from(bytes);
  const std::string_view magic = from.raw(kMagic.size());
  const uint32_t version = from.u32();
  const std::string_view id = from.text();
  const size_t header_end = from.position();
  const uint32_t checksum = from.u32();
  if (from.failed() || magic != kMagic || checksum != crc32c(bytes.substr(0, header_end))) {
    // An entry is only written after the header was synced: a torn header is all there is of its file.
    if (!last || bytes.size() > header_of(data_id).size())
      return fail(Code::corrupt, path + ": no journal header, with entries behind it");
    return Parsed{0, bytes.size()};
  }
  if (version != kVersion)
    return fail(Code::invalid, fmt::format("{}: version {}, this program reads {}", path, version, kVersion));
  if (id != data_id) {
    return fail(Code::conflict,
                fmt::format("{} belongs to data id {}, not {}: was it copied from another DATA?", path, id, data_id));
  }
  size_t whole = from.position();
  while (!from.at_end()) {
    const uint32_t length = from.u32(), crc = from.u32();
    const std::string_view body = length <= kEntryBytesMax ? from.raw(length) : std::string_view();
    if (from.failed() || length > kEntryBytesMax || crc32c(body) != crc) {
      // A torn write reaches the end of the file; a damaged entry has whole ones behind it, also where its length is what was damaged.
      const bool reaches_end = from.failed() || length > kEntryBytesMax || from.at_end();
      if (!last || !reaches_end || holds_entry(bytes.substr(whole + 1)))
        return fail(Code::corrupt, fmt::format("{}: damaged entry at byte {} with others behind it", path, whole));
      break;
    }
    JournalEntry entry = SLUICE_TRY(decode_entry(body));
    entries.push_back(std::move(entry));
    whole = from.position();
  }
  return Parsed{whole, bytes.size() - whole};
}

void Journal::Extent::cover(const JournalEntry& entry) {
  Epoch epoch;
  if (const auto* cut = std::get_if<CutEntry>(&entry)) {
    epoch = cut->epoch;
    for (const auto& [partition, offset] : cut->to) to = std::max(to, offset);
  } else if (const auto* mark = std::get_if<CommitEntry>(&entry)) {
    epoch = mark->epoch;
  }
  if (epoch.value == 0) return;
  if (first.value == 0 || epoch < first) first = epoch;
  last = std::max(last, epoch);
}

Epoch Journal::first_epoch() const {
  for (const Extent& extent : extents_) {
    if (extent.first.value > 0) return extent.first;
  }
  return Epoch(0);
}

Status Journal::forget(Epoch keep_from, event::Offset log_begin) {
  bool removed = false;
  while (extents_.size() > 1 && extents_.front().last < keep_from && extents_.front().to <= log_begin) {
    SLUICE_CHECK(files_.remove(os::join(directory_, fmt::format("{:08}.journal", extents_.front().number))));
    extents_.erase(extents_.begin());
    removed = true;
  }
  return removed ? files_.sync_directory(directory_) : ok();
}

Status Journal::start_file(uint64_t number) {
  number_ = number;
  file_ = SLUICE_TRY(files_.open(os::join(directory_, fmt::format("{:08}.journal", number)), os::OpenMode::create_new));
  const std::string header = header_of(data_id_);
  SLUICE_CHECK(file_->write_at(0, header));
  SLUICE_CHECK(file_->data_sync());
  SLUICE_CHECK(files_.sync_directory(directory_));
  size_ = header.size();
  extents_.push_back({number, {}, {}, {}});
  return ok();
}

Status Journal::append(const JournalEntry& entry) {
  if (poison_) return *poison_;
  const auto attempt = [&]() -> Status {
    if (size_ >= kFileBytes) SLUICE_CHECK(start_file(number_ + 1));
    const std::string bytes = encode_entry(entry);
    SLUICE_CHECK(file_->write_at(size_, bytes));
    SLUICE_CHECK(file_->data_sync());
    size_ += bytes.size();
    extents_.back().cover(entry);
    return ok();
  };
  Status status = attempt();
  if (status) return status;
  // A full disk may have left half an entry; when it can be cut again, the caller may retry after room was made.
  if (status.error().code == Code::full && file_ != nullptr && file_->truncate(size_)) return status;
  // Anything else: nothing is appended until a restart has looked at what is really there.
  poison_ = Error{Code::io, "epoch journal: " + status.error().message + "; restart after mending the disk"};
  return status;
}

}  // namespace sluice::process
