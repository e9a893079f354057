// sample_submissions.h - submissions for tests of the log: records that can be told apart, of any size.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "event/batch.h"
#include "event/data_id.h"

namespace sluice::log {

inline event::DataId sample_data_id(uint8_t seed = 1) {
  event::DataId id;
  for (uint8_t& byte : id.bytes) byte = seed++;
  return id;
}

// The log does not look into records; these are texts.
inline event::Submission submission_of(const std::vector<std::string>& records, const std::string& source = "site") {
  event::Submission submission;
  ByteWriter to(submission.records);
  for (const std::string& record : records) to.text(record);
  submission.record_count = static_cast<uint32_t>(records.size());
  submission.manifest = {source, submission.record_count, submission.record_count, 0};
  return submission;
}

inline std::vector<event::Submission> one(const std::string& record) { return {submission_of({record})}; }

// Bytes that no codec makes smaller: a fixed xorshift, so that failures repeat.
inline std::string noise(size_t size, uint64_t seed = 88172645463325252ULL) {
  std::string bytes(size, '\0');
  for (char& c : bytes) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    c = static_cast<char>(seed);
  }
  return bytes;
}

}  // namespace sluice::log
