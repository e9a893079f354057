#include "event/batch.h"

#include "base/bytes.h"

namespace sluice::event {

std::string encode_payload(const std::vector<Submission>& submissions) {
  std::string payload;
  ByteWriter to(payload);
  to.varint(submissions.size());
  for (const Submission& s : submissions) {
    to.text(s.manifest.source);
    to.varint(s.manifest.received);
    to.varint(s.manifest.accepted);
    to.varint(s.manifest.rejected);
    to.varint(s.record_count);
  }
  for (const Submission& s : submissions) to.raw(s.records);
  return payload;
}

bool decode_payload(Frame& frame) {
  ByteReader from(frame.payload);
  bool fits = true;  // a count that needs more than 32 bits was not written by us
  const auto count_of = [&] {
    const uint64_t value = from.varint();
    fits = fits && value <= UINT32_MAX;
    return static_cast<uint32_t>(value);
  };
  const uint64_t count = from.varint();
  if (count > frame.payload.size()) return false;
  frame.requests.clear();
  frame.records.clear();
  uint64_t total = 0;
  for (uint64_t i = 0; i < count && !from.failed(); ++i) {
    FrameRequest request;
    request.manifest.source = std::string(from.text());
    request.manifest.received = count_of();
    request.manifest.accepted = count_of();
    request.manifest.rejected = count_of();
    request.first_record = static_cast<uint32_t>(total);
    request.record_count = count_of();
    total += request.record_count;
    if (!fits || total > frame.payload.size()) return false;
    frame.requests.push_back(std::move(request));
  }
  frame.records.reserve(static_cast<size_t>(total));
  for (uint64_t i = 0; i < total && !from.failed(); ++i) {
    const std::string_view record = from.text();
    frame.records.push_back({static_cast<uint32_t>(record.data() - frame.payload.data()), static_cast<uint32_t>(record.size())});
  }
  return !from.failed() && from.at_end();
}

}  // namespace sluice::event
