#include "collect/intake.h"

#include "base/bytes.h"
#include "collect/options.h"
#include "event/record.h"

namespace sluice::collect {

void Intake::append_record() {
  ByteWriter(submission_.records).text(record_);
  ++submission_.record_count;
  ++submission_.manifest.received;
}

void Intake::accept(const event::EventView& event) {
  record_.clear();
  event::encode(event, record_);
  append_record();
  ++submission_.manifest.accepted;
}

void Intake::reject(const Fault& fault, std::string_view raw, std::string_view message_id) {
  if (message_id.size() > event::kMessageIdMax) message_id = {};
  verdicts_.push_back({next(), fault.reason, fault.path});
  record_.clear();
  event::encode(event::RejectView{fault.reason, fault.path, raw.substr(0, event::kRejectRawMax), message_id, dialect_}, record_);
  append_record();
  ++submission_.manifest.rejected;
}

void Intake::refuse_body(std::string_view reason, std::string_view raw) {
  const std::string source = std::move(submission_.manifest.source);
  submission_ = {};
  submission_.manifest.source = source;
  verdicts_.clear();
  reject(Fault{reason, "$"}, raw, {});
}

bool Intake::full() const { return submission_.records.size() > kSubmissionBytesMax; }

}  // namespace sluice::collect
