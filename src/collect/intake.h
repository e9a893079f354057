// intake.h - one request's verdicts: collects events and rejects into a Submission for the log and a list for the reply.
//
// Promise received = accepted + rejected = records, always. A body that is refused whole is one received and one rejected,
//         whatever was taken before.
// Bounds  kSubmissionBytesMax of records: the event that would pass it makes the whole request one reject (batch_too_large),
//         since a request is never split over two frames of the log.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collect/json_reader.h"
#include "event/batch.h"
#include "event/event.h"

namespace sluice::collect {

struct Verdict {  // of one rejected event; what is not listed was accepted
  uint32_t index = 0;
  std::string_view reason;
  std::string path;
};

class Intake {
 public:
  Intake(std::string_view source, event::Dialect dialect) : dialect_(dialect) { submission_.manifest.source = source; }

  // Index of the next event in its request.
  uint32_t next() const { return submission_.manifest.received; }
  void accept(const event::EventView& event);
  void reject(const Fault& fault, std::string_view raw, std::string_view message_id);
  // The whole body, in place of everything taken so far.
  void refuse_body(std::string_view reason, std::string_view raw);
  // True: no room for more; the caller stops and refuses the body.
  bool full() const;

  struct Taken {
    event::Submission submission;
    std::vector<Verdict> verdicts;
  };
  Taken take() && { return {std::move(submission_), std::move(verdicts_)}; }

 private:
  void append_record();

  event::Dialect dialect_;
  event::Submission submission_;
  std::vector<Verdict> verdicts_;
  std::string record_;  // scratch
};

}  // namespace sluice::collect
