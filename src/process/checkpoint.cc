#include "process/checkpoint.h"

#include <fmt/format.h>

#include <charconv>

#include "base/bytes.h"

namespace sluice::process {
namespace {

constexpr std::string_view kMagic = "SLCC";
constexpr uint32_t kVersion = 1;
constexpr uint64_t kBytesMax = 2ULL << 30;

}  // namespace

std::string encode(const Checkpoint& checkpoint, const std::string& data_id) {
  std::string bytes;
  ByteWriter to(bytes);
  to.raw(kMagic);
  to.u32(kVersion);
  to.text(data_id);
  to.u64(checkpoint.epoch.value);
  to.varint(checkpoint.position.size());
  for (const auto& [partition, offset] : checkpoint.position) {
    to.u16(partition.value);
    to.u64(offset.value);
  }
  to.text(checkpoint.plan);
  to.u64(checkpoint.next_job.value);
  to.text(checkpoint.running ? std::string_view(encode_entry(*checkpoint.running)).substr(8) : std::string_view());
  to.text(checkpoint.snapshot);
  to.u32(crc32c(bytes));
  return bytes;
}

Result<Checkpoint> decode_checkpoint(std::string_view bytes, const std::string& data_id) {
  if (bytes.size() < 8) return fail(Code::corrupt, "checkpoint: too short");
  ByteReader tail(bytes.substr(bytes.size() - 4));
  if (tail.u32() != crc32c(bytes.substr(0, bytes.size() - 4))) return fail(Code::corrupt, "checkpoint: checksum does not match");
  ByteReader from(bytes.substr(0, bytes.size() - 4));
  Checkpoint checkpoint;
  if (from.raw(kMagic.size()) != kMagic) return fail(Code::corrupt, "checkpoint: not one");
  if (from.u32() != kVersion) return fail(Code::invalid, "checkpoint: of another format version");
  if (from.text() != data_id) return fail(Code::conflict, "checkpoint: belongs to another data id");
  checkpoint.epoch = Epoch(from.u64());
  for (uint64_t n = from.varint(); n > 0 && !from.failed(); --n) {
    const event::PartitionId partition(from.u16());
    checkpoint.position[partition] = event::Offset(from.u64());
  }
  checkpoint.plan = std::string(from.text());
  checkpoint.next_job = JobId(from.u64());
  const std::string_view running = from.text();
  checkpoint.snapshot = std::string(from.text());
  if (from.failed() || !from.at_end()) return fail(Code::corrupt, "checkpoint: shorter or longer than its fields");
  if (!running.empty()) {
    JournalEntry entry = SLUICE_TRY(decode_entry(running));
    if (!std::holds_alternative<JobEntry>(entry)) return fail(Code::corrupt, "checkpoint: its job is not one");
    checkpoint.running = std::get<JobEntry>(std::move(entry));
  }
  return checkpoint;
}

Result<std::vector<std::pair<Epoch, std::string>>> Checkpoints::list() {
  std::vector<std::pair<Epoch, std::string>> found;  // newest first
  if (!files_.exists(directory_)) return found;
  for (const os::Entry& entry : SLUICE_TRY(files_.list(directory_))) {
    uint64_t number = 0;
    const auto [end, bad] = std::from_chars(entry.name.data(), entry.name.data() + entry.name.size(), number);
    if (bad != std::errc() || std::string_view(end) != ".checkpoint") continue;
    found.emplace_back(Epoch(number), os::join(directory_, entry.name));
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

Result<Checkpoint> Checkpoints::read(const std::string& path) {
  return decode_checkpoint(SLUICE_TRY(files_.read_all(path, kBytesMax)), data_id_);
}

Status Checkpoints::publish(const Checkpoint& checkpoint) {
  SLUICE_CHECK(files_.make_directories(directory_));
  SLUICE_CHECK(files_.replace(os::join(directory_, fmt::format("{:012}.checkpoint", checkpoint.epoch.value)),
                              encode(checkpoint, data_id_)));
  const auto all = SLUICE_TRY(list());
  for (size_t i = kKept; i < all.size(); ++i) SLUICE_CHECK(files_.remove(all[i].second));
  return ok();
}

Result<std::optional<Checkpoint>> Checkpoints::newest(Epoch not_after, std::vector<std::string>& skipped) {
  for (const auto& [epoch, path] : SLUICE_TRY(list())) {
    if (epoch > not_after) continue;
    Result<Checkpoint> checkpoint = read(path);
    if (checkpoint) return std::optional<Checkpoint>(std::move(checkpoint).value());
    skipped.push_back(path + ": " + checkpoint.error().message);
  }
  return std::optional<Checkpoint>();
}

Status Checkpoints::drop_after(Epoch epoch) {
  for (const auto& [number, path] : SLUICE_TRY(list())) {
    if (number > epoch) SLUICE_CHECK(files_.remove(path));
  }
  return ok();
}

Result<std::vector<Checkpoint>> Checkpoints::kept() {
  std::vector<Checkpoint> all;
  for (const auto& [epoch, path] : SLUICE_TRY(list())) {
    if (Result<Checkpoint> checkpoint = read(path)) all.push_back(std::move(checkpoint).value());
  }
  std::reverse(all.begin(), all.end());
  return all;
}

}  // namespace sluice::process
