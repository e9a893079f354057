#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/control.h"
#include "app/journaled.h"
#include "app/log_door.h"
#include "base/json_text.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "collect/collector.h"
#include "log/committer.h"
#include "net/http.h"

namespace sluice::cli {
namespace {

// Batches always begin at multiples of kBatchLines, so that a line without id gets the same one however often it is sent (R3).
constexpr size_t kBatchLines = 500;
constexpr uint64_t kReadBytes = 1 << 20;
constexpr uint64_t kLineBytesMax = 4 << 20;
constexpr DurationMs kRetryAfter{500};
constexpr int kTries = 120;

// Where a file stands; DATA/send/<hash of its content>.
struct Standing {
  std::string hash;
  uint64_t bytes = 0;        // sent so far: whole batches
  uint64_t lines = 0;
  bool finished = false;
};

class Progress {
 public:
  Progress(os::Ports ports, std::string directory) : files_(ports.files), directory_(std::move(directory)) {}
  Result<Standing> load(const std::string& hash) const {
    Standing standing;
    standing.hash = hash;
    const std::string path = os::join(directory_, hash);
    if (!files_.exists(path)) return standing;
    const std::string text = SLUICE_TRY(files_.read_all(path, 65'536));
    const nlohmann::json saved = nlohmann::json::parse(text, nullptr, false);
    if (!saved.is_object()) return standing;
    standing.bytes = saved.value("bytes", uint64_t{0});
    standing.lines = saved.value("lines", uint64_t{0});
    standing.finished = saved.value("finished", false);
    return standing;
  }
  Status save(const Standing& standing) const {
    SLUICE_CHECK(files_.make_directories(directory_));
    return files_.replace(os::join(directory_, standing.hash), fmt::format("{{\"bytes\":{},\"lines\":{},\"finished\":{}}}\n",
                                                                           standing.bytes, standing.lines, standing.finished));
  }

 private:
  os::Files& files_;
  const std::string directory_;
};

// Takes one batch; the body of the reply.
using Post = std::function<Result<std::string>(const std::string& body, const std::string& idempotency_key)>;

struct Sent {
  uint64_t received = 0;
  uint64_t rejected = 0;
};

Result<std::string> content_hash(const os::File& file, uint64_t size) {
  std::string digests;
  for (uint64_t at = 0; at < size; at += 64 * kReadBytes) {
    const std::string part = SLUICE_TRY(file.read_at(at, 64 * kReadBytes));
    digests += to_hex(hash128(part));
  }
  return to_hex(hash128(digests));
}

class Sender {
 public:
  Sender(os::Ports ports, const os::File& file, uint64_t size, Post post, const Progress& progress, uint64_t rate)
      : ports_(ports), file_(file), size_(size), post_(std::move(post)), progress_(progress), rate_(rate), bar_("send", size) {}

  Result<Sent> run(Standing& standing) {
    const os::MonotonicTime began = ports_.clock.monotonic();
    uint64_t lines_now = 0;
    while (standing.bytes < size_) {
      std::string batch;
      const uint64_t lines = SLUICE_TRY(next_batch(standing.bytes, batch));
      SLUICE_CHECK(send(batch, fmt::format("{}:{}", standing.hash, standing.lines)));
      standing.bytes += batch.size();
      standing.lines += lines;
      lines_now += lines;
      if (++batches_ % 20 == 0) SLUICE_CHECK(progress_.save(standing));
      const double seconds = std::chrono::duration<double>(ports_.clock.monotonic() - began).count();
      bar_.show(standing.bytes, fmt::format("{}, {:.0f}/s", counted(standing.lines, "event"),
                                            seconds > 0 ? static_cast<double>(lines_now) / seconds : 0));
      if (rate_ > 0) {
        const double due = static_cast<double>(lines_now) / static_cast<double>(rate_);
        if (due > seconds) ports_.clock.sleep_for(DurationMs(static_cast<int64_t>((due - seconds) * 1000)));
      }
    }
    standing.finished = true;
    SLUICE_CHECK(progress_.save(standing));
    bar_.finish(fmt::format("{} sent: {} accepted, {} rejected{}", counted(lines_now, "line"), sent_.received - sent_.rejected,
                            sent_.rejected, sent_.rejected > 0 ? " (see the quarantine for reason and path)" : ""));
    return sent_;
  }

 private:
  // Up to kBatchLines whole lines from `at`; their number.
  Result<uint64_t> next_batch(uint64_t at, std::string& batch) {
    uint64_t lines = 0;
    size_t searched = 0;
    for (;;) {
      const size_t end = batch.find('\n', searched);
      if (end != std::string::npos) {
        searched = end + 1;
        if (++lines == kBatchLines) break;
        continue;
      }
      if (batch.size() - searched > kLineBytesMax)
        return fail(Code::invalid, "a line longer than 4 MiB; is this NDJSON, one event a line?");
      const std::string more = SLUICE_TRY(file_.read_at(at + batch.size(), kReadBytes));
      if (more.empty()) {  // the last line may lack its newline
        lines += batch.size() > searched ? 1 : 0;
        return lines;
      }
      batch += more;
    }
    batch.resize(searched);
    return lines;
  }

  Status send(const std::string& batch, const std::string& key) {
    for (int attempt = 1;; ++attempt) {
      Result<std::string> reply = post_(batch, key);
      if (reply) {
        const nlohmann::json body = nlohmann::json::parse(*reply, nullptr, false);
        if (body.is_object()) {
          sent_.received += body.value("received", uint64_t{0});
          if (body.contains("rejected") && body["rejected"].is_array()) sent_.rejected += body["rejected"].size();
        }
        return ok();
      }
      const Code code = reply.error().code;
      const bool passes = code == Code::full || code == Code::unavailable || code == Code::unknown;
      if (!passes || attempt == kTries) return std::move(reply).error();
      ports_.clock.sleep_for(kRetryAfter);  // the same key again: what was stored already is a duplicate
    }
  }

  os::Ports ports_;
  const os::File& file_;
  const uint64_t size_;
  const Post post_;
  const Progress& progress_;
  const uint64_t rate_;
  ProgressBar bar_;
  Sent sent_;
  uint64_t batches_ = 0;
};

// Without an `up` the events go into the log by the same edge; they are processed when `up` runs.
class OwnLog {
 public:
  static Result<std::unique_ptr<OwnLog>> open(os::Ports ports, app::OpenedData& data) {
    const std::unique_ptr<plan::Plan> plan = SLUICE_TRY(data.plan());
    std::unique_ptr<collect::Keys> keys = SLUICE_TRY(collect::Keys::open(ports, data.directory().paths().keys(), ""));
    std::vector<std::string> sources;
    for (const plan::Source& source : plan->sources) sources.push_back(source.name);
    const app::Journaled journaled =
        SLUICE_TRY(app::read_journals(ports, data.directory().paths(), data.directory().data_id().text()));
    return std::unique_ptr<OwnLog>(new OwnLog(ports, data.log(), std::move(keys), std::move(sources), journaled.clock));
  }
  const std::string& first_source() const { return sources_.front(); }
  Result<std::string> post(const std::string& source, const std::string& body, const std::string& key) {
    net::Request request;
    request.method = "POST";
    request.path = "/v1/events";
    request.headers = {{"Idempotency-Key", key}, {"Content-Type", "application/x-ndjson"}};
    request.body = body;
    std::optional<net::Response> reply;
    collector_.answer_for(source, request, [&](net::Response response) { reply = std::move(response); });
    while (!reply) committer_.step(DurationMs(1));
    if (reply->status == 200 || reply->status == 400) return std::move(reply->body);
    return fail(reply->status == 404 ? Code::invalid : Code::full, reply->body);
  }

 private:
  OwnLog(os::Ports ports, log::SegmentLog& log, std::unique_ptr<collect::Keys> keys, std::vector<std::string> sources,
         TimeMs not_before)
      : keys_(std::move(keys)),
        sources_(std::move(sources)),
        committer_(log, ports.clock, log::CommitterOptions{}),
        submitter_(committer_),
        collector_({ports, *keys_, submitter_}, sources_, collect::CollectOptions{}) {
    committer_.not_before(not_before);
  }
  std::unique_ptr<collect::Keys> keys_;
  std::vector<std::string> sources_;
  log::Committer committer_;
  app::LogSubmitter submitter_;
  collect::Collector collector_;
};

Result<std::string> first_source(app::Control& control) {
  const std::string project = SLUICE_TRY(control.get("/api/project"));
  const nlohmann::json parsed = nlohmann::json::parse(project, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("sources") || parsed["sources"].empty()) {
    return fail(Code::unavailable, "the running program names no source; give --source NAME");
  }
  return parsed["sources"][0].value("name", "");
}

Status run(os::Ports ports, const SendOptions& options) {
  const app::DataPaths paths = SLUICE_TRY(app::data_paths(ports, options.data));
  std::unique_ptr<os::File> file = SLUICE_TRY(ports.files.open(options.file, os::OpenMode::read));
  const uint64_t size = SLUICE_TRY(file->size());
  const Progress progress(ports, paths.send());
  const std::string hash = SLUICE_TRY(content_hash(*file, size));
  Standing standing = SLUICE_TRY(progress.load(hash));
  if (standing.finished && !options.again) {
    print(fmt::format("{} was sent before ({}); nothing is sent. Use --again to send it once more.\n", options.file,
                      counted(standing.lines, "line")));
    return ok();
  }
  if (standing.finished || options.again) standing = Standing{hash, 0, 0, false};
  if (standing.bytes > 0) fmt::print(stderr, "resuming after line {}\n", standing.lines);

  std::string source = options.source;
  if (std::optional<app::Control> control = app::Control::connect(ports, paths)) {
    if (source.empty()) source = SLUICE_TRY(first_source(*control));
    Sender sender(
        ports, *file, size,
        [&](const std::string& body, const std::string& key) {
          return control->post("/api/send?source=" + net::percent_encode(source), body,
                               {{"Idempotency-Key", key}, {"Content-Type", "application/x-ndjson"}});
        },
        progress, options.rate);
    SLUICE_CHECK(sender.run(standing));
    return ok();
  }
  const std::unique_ptr<app::OpenedData> data = SLUICE_TRY(app::OpenedData::open(ports, paths, false));
  const std::unique_ptr<OwnLog> log = SLUICE_TRY(OwnLog::open(ports, *data));
  if (source.empty()) source = log->first_source();
  Sender sender(
      ports, *file, size, [&](const std::string& body, const std::string& key) { return log->post(source, body, key); }, progress,
      options.rate);
  SLUICE_CHECK(sender.run(standing));
  fmt::print(stderr, "No `sluice up` runs on {}: the events are in the log and will be processed when it does.\n", options.data);
  return ok();
}

}  // namespace

int send(os::Ports ports, const SendOptions& options) {
  const Status sent = run(ports, options);
  return sent ? 0 : report(sent.error());
}

}  // namespace sluice::cli
