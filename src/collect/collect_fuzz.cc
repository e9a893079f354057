// collect_fuzz.cc - the whole edge on untrusted bytes: routes, keys, encodings, cutting, both dialects, records and back.
//
// Input   Byte 0 picks path and headers, the rest is the body. What must hold for any bytes: exactly one reply, and every record
//         that would go into the log decodes again and adds up with its manifest.
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/rfc3339.h"
#include "collect/collector.h"
#include "event/record.h"
#include "os/temp_folder.h"

namespace {

using namespace sluice;

class FixedClock : public os::Clock {
 public:
  TimeMs wall() override { return time_ms(1'774'707'730'000); }
  os::MonotonicTime monotonic() override { return {}; }
  void sleep_for(DurationMs) override {}
  int64_t thread_cpu_us() override { return 0; }
};

class CheckingSubmitter : public collect::Submitter {
 public:
  bool submit(event::Submission submission, std::function<void(Result<event::Receipt>)> done) override {
    ByteReader from(submission.records);
    uint32_t events = 0, rejects = 0;
    while (!from.at_end() && !from.failed()) {
      event::RecordView record;
      SLUICE_ASSERT(event::decode(from.text(), record).has_value(), "what the edge writes can be read");
      if (std::holds_alternative<event::EventView>(record)) {
        ++events;
        check(std::get<event::EventView>(record));
      } else {
        ++rejects;
      }
    }
    SLUICE_ASSERT(!from.failed(), "records are whole");
    SLUICE_ASSERT(events == submission.manifest.accepted && rejects == submission.manifest.rejected, "the manifest counts right");
    SLUICE_ASSERT(events + rejects == submission.manifest.received && events + rejects == submission.record_count,
                  "received adds up");
    SLUICE_ASSERT(events + rejects > 0, "a received request leaves a trace");
    SLUICE_ASSERT(submission.records.size() <= event::kFrameBytesMax, "a request fits a frame");
    done(event::Receipt{});
    return true;
  }

 private:
  static void check(const event::EventView& e) {
    SLUICE_ASSERT(e.message_id.size() <= event::kMessageIdMax, "ids are bounded");
    for (const auto& scalar : e.scalars) {
      SLUICE_ASSERT(scalar.path.starts_with("properties.") || scalar.path.starts_with("context."), "paths have their prefix");
    }
  }
};

struct Edge {
  FixedClock clock;
  os::RealPorts real;
  os::TempFolder folder;
  os::Ports ports{clock, real.ports().files, real.ports().entropy, real.ports().processes, real.ports().sockets};
  std::unique_ptr<collect::Keys> keys = std::move(*collect::Keys::open(ports, folder.file("keys"), "site"));
  CheckingSubmitter log;
  collect::CollectOptions options = [] {
    collect::CollectOptions small;
    small.unpacked_bytes_max = small.unkeyed_bytes_max = 1_MiB;
    small.event_bytes_max = 64_KiB;
    small.batch_events_max = 1'000;
    return small;
  }();
  collect::Collector collector{{ports, *keys, log}, {"site"}, options};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Edge edge;
  if (size == 0) return 0;
  static constexpr std::string_view kPaths[] = {"/v1/events", "/v1/batch", "/v1/track", "/v1/i",
                                                "/v1/page",   "/v1/g",     "/v1/alias", "/v1/pixel/track"};
  net::Request request;
  request.path = kPaths[data[0] % 8];
  request.method = data[0] % 8 == 7 ? "GET" : "POST";
  request.body.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 8 == 7) request.query = "data=" + std::exchange(request.body, {});
  if ((data[0] & 8) == 0) request.headers.emplace_back("Authorization", "Bearer demo");
  if ((data[0] & 16) != 0) request.headers.emplace_back("Idempotency-Key", "fuzz");
  if ((data[0] & 32) != 0) request.headers.emplace_back("Content-Type", "application/x-ndjson");
  if ((data[0] & 64) != 0) request.headers.emplace_back("Content-Encoding", "gzip");
  request.body_over_limit = (data[0] & 128) != 0 && request.body.size() > 1000;
  int replies = 0;
  edge.collector.answer(request, [&](const net::Response& response) {
    ++replies;
    SLUICE_ASSERT(response.status == 200 || response.status == 400 || response.status == 401,
                  "no other status without a fault of ours");
  });
  SLUICE_ASSERT(replies == 1, "exactly one reply");
  return 0;
}
