// submit.h - the door to the log, as the edge sees it; app/ opens it over log::Committer.
//
// Promise submit() takes the submission and returns at once. True: `done` is called exactly once, later or before it returns,
//         with the receipt once the records are on stable storage, or with the reason why they never will be there: Code::full
//         (no room on the disk), anything else (the log is poisoned, read-only or closed). False: no room in the queue now;
//         `done` is dropped, and the client is told to come back.
// Threads submit() is called by all net threads; `done` may run on any.
#pragma once

#include <functional>

#include "base/result.h"
#include "event/batch.h"

namespace sluice::collect {

class Submitter {
 public:
  virtual ~Submitter() = default;
  [[nodiscard]] virtual bool submit(event::Submission submission, std::function<void(Result<event::Receipt>)> done) = 0;
};

}  // namespace sluice::collect
