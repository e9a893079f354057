// running.h - which statements run now, for whom, and whether somebody still waits for them.
//
// Promise A statement's client and its mark in the engine (setting log_comment) are known from enter() to the guard's end. gone() names
//         the marks of those whose client left, of those asked to end, and, after end_all(), of all.
// Threads Any. A mutex here and not a queue: the watch looks at Responders that workers still use; held for a few comparisons.
// Bounds  As many entries as there are worker threads.
#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/units.h"
#include "net/http.h"

namespace sluice::store {

class Running {
  struct Entry {
    std::string mark;
    std::string query_id;
    const net::Responder* responder;  // null once the reply began
    std::shared_ptr<const net::Stream> stream;  // after that
    bool asked_to_end = false;
  };

 public:
  class Guard {
   public:
    Guard(Running& running, std::list<Entry>::iterator entry) : running_(running), entry_(entry) {}
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    void reply_begins();  // the Responder will be used up
    void streams(std::shared_ptr<const net::Stream> stream);

   private:
    Running& running_;
    std::list<Entry>::iterator entry_;
  };

  [[nodiscard]] std::unique_ptr<Guard> enter(std::string mark, std::string query_id, const net::Responder& responder);
  // Whether a statement of that id runs; it will be in gone().
  bool ask_to_end(const std::string& query_id);
  void end_all();
  std::vector<std::string> gone();
  // Waits until something runs (then at most `pause`, so that the caller looks again), or wake() was called.
  void wait(DurationMs pause);
  void wake();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Entry> entries_;
  bool ending_ = false;
  bool woken_ = false;
};

}  // namespace sluice::store
