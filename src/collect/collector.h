// collector.h - the edge: one HTTP request in; events and rejects to the log; the reply when they are safe there.
//
// Promise A 200 is sent only after the log said that all records of the request are on stable storage. Every event of a request
//         with a known key becomes a record, or the whole request is refused with 401, 429 or 503 and nothing of it is kept.
//         Never blocks.
// Bounds  CollectOptions. Memory per request in work: the unpacked body plus kSubmissionBytesMax.
// Errors  401 no or unknown key; 404, 405; 429 when the log's queue or disk is full, 503 when it takes nothing: both with
//         Retry-After.
// Threads Any number of net threads at once: all state is const or atomic.
// Lives   Everything in Parts must outlive the collector; the collector must outlive the Submitter's last `done`.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collect/intake.h"
#include "collect/keys.h"
#include "collect/options.h"
#include "collect/submit.h"
#include "net/http.h"
#include "os/ports.h"

namespace sluice::collect {

struct Route;

// Since start. received = accepted + rejected: what the log has taken, as the ledger counts it.
struct SourceCounts {
  std::string source;
  uint64_t received = 0;
  uint64_t accepted = 0;
  uint64_t rejected = 0;
};
// Requests that are not received (R12), by reason.
struct RefusedCounts {
  uint64_t no_key = 0;
  uint64_t unknown_key = 0;
  uint64_t full = 0;  // 429
  uint64_t unavailable = 0;  // 503
  uint64_t not_found = 0;
  uint64_t method = 0;  // 405
};
struct CollectCounts {
  std::vector<SourceCounts> sources;  // in the order of the project
  RefusedCounts refused;
};

class Collector {
 public:
  struct Parts {
    os::Ports ports;
    const Keys& keys;
    Submitter& submitter;
  };
  using Reply = std::function<void(net::Response)>;

  // sources: the project's, at least one.
  Collector(Parts parts, const std::vector<std::string>& sources, CollectOptions options);
  ~Collector();

  void handle(net::Request request, net::Responder responder);
  // The same without a connection: `reply` is called exactly once, now or when the log answers.
  void answer(const net::Request& request, Reply reply);
  // Native events of that source, from someone who needs no key (the control socket).
  void answer_for(std::string_view source, const net::Request& request, const Reply& reply) const;
  CollectCounts counts() const;

 private:
  struct Source;
  struct Refused;
  struct Body;

  Reply with_origin(const net::Request& request, Reply reply) const;
  const Source* source_of(std::string_view key) const;
  // The source of the key in the header, else of the one in the body; nullptr after having answered 401.
  const Source* admit(std::string_view in_header, const Source* of_header, std::string_view in_body, const Reply& reply) const;
  // is_known: the sender is, whatever the body says.
  void body_of(const net::Request& request, const Route& route, bool is_known, Body& body) const;
  void take_body(const net::Request& request, const Route& route, Reply reply) const;
  void take_pixel(const net::Request& request, const Route& route, Reply reply) const;
  void send_settings(const net::Request& request, std::string_view key, const Reply& reply) const;
  void read(const net::Request& request, const Body& body, const Source& source, Reply reply) const;
  void submit(Intake intake, const Source& source, event::Dialect dialect, bool pixel, Reply reply) const;
  void refuse(const Error& error, const Reply& reply) const;

  Parts parts_;
  const CollectOptions options_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::unique_ptr<Refused> refused_;
};

}  // namespace sluice::collect
