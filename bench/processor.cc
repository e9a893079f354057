// processor.cc - the processor alone: frames in, rows out, on one thread; no log, no sink, no store. What bench.py runs as `processor`.
//
// Measured Fold::fold and Fold::finish, with the rows that leave each epoch thrown away: decoding records, deduplication with its
//          files, stitching, event rows, operators. CPU time of the thread, so that a shared machine says little. Then, over the same
//          frames, decoding alone.
// Output   One JSON object on standard output.
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "event_streams.h"
#include "os/ports.h"
#include "os/temp_folder.h"
#include "plan/compile.h"
#include "process/fold.h"

namespace sluice::bench {
namespace {

constexpr size_t kFrameRecords = 5'000, kEpochFrames = 10;

double cpu_us() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) * 1e6 + static_cast<double>(at.tv_nsec) / 1e3;
}

double peak_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Result<plan::Plan> read_project(const std::filesystem::path& folder) {
  std::vector<plan::SourceFile> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file())
      files.push_back({std::filesystem::relative(entry.path(), folder).string(), text_of(entry.path())});
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  plan::Compiled compiled = plan::compile(files);
  std::string errors;
  for (const plan::Diagnostic& d : compiled.diagnostics) errors += d.text() + "\n";
  if (!compiled.plan) return fail(Code::invalid, errors);
  return std::move(*compiled.plan);
}

struct Options {
  std::string project, stream = "shop", input;
  uint64_t events = 5'000'000, keys = 100'000;
  size_t state_mb = 4096, groups_max = 50'000'000;
};

struct Totals {
  uint64_t events = 0, rows = 0;
  double fold_us = 0, decode_us = 0;
};

Status decode_again(const event::Frame& frame, event::RecordView& record, Totals& totals) {
  const double began = cpu_us();
  for (size_t i = 0; i < frame.records.size(); ++i) SLUICE_CHECK(event::decode(frame.record(i), record));
  totals.decode_us += cpu_us() - began;
  return ok();
}

Status run(const Options& options) {
  const plan::Plan plan = SLUICE_TRY(read_project(options.project));
  os::RealPorts real;
  const os::TempFolder folder;
  process::FoldOptions fold_options;
  fold_options.operators = {options.groups_max, options.state_mb * 1024 * 1024};
  const std::unique_ptr<process::Fold> fold = SLUICE_TRY(process::Fold::open(
      real.ports().files, folder.path(), plan, fold_options, "",
      [](const std::string&) -> Result<const plan::Plan*> { return fail(Code::not_found, "there is one plan"); }));
  const std::unique_ptr<EventStream> stream =
      options.stream == "git" ? git_stream(text_of(options.input), options.events, options.keys, real.ports().entropy)
                              : shop_stream(options.keys, real.ports().entropy);
  Totals totals;
  event::RecordView record;
  for (uint64_t epoch = 1; totals.events < options.events; ++epoch) {
    std::vector<event::Frame> frames;
    for (size_t i = 0; i < kEpochFrames; ++i) frames.push_back(stream->next(kFrameRecords));
    process::EpochRows rows;
    rows.epoch = event::Epoch(epoch);
    const double began = cpu_us();
    for (const event::Frame& frame : frames) SLUICE_CHECK(fold->fold(frame, rows));
    fold->finish(std::nullopt, rows);
    totals.fold_us += cpu_us() - began;
    for (const process::MetricChange& change : rows.changes) totals.rows += change.rows.size();
    for (const event::Frame& frame : frames) {
      totals.events += frame.records.size();
      SLUICE_CHECK(decode_again(frame, record, totals));
    }
  }
  const double count = static_cast<double>(totals.events);
  std::string definitions;
  for (const process::Fold::Operator& op : fold->operators()) {
    const process::MetricOperator& state = *op.state;
    definitions +=
        fmt::format(R"({}{{"name":"{}","keys":{},"items":{},"bytes":{},"bytes_per_key":{:.0f},"dirty":{},"evictions":{}}})",
                    definitions.empty() ? "" : ",", state.metric().name, state.keys(), state.items(), state.state_bytes(),
                    state.keys() == 0 ? 0.0 : static_cast<double>(state.state_bytes()) / static_cast<double>(state.keys()),
                    state.cold().dirty_count(), state.evictions());
  }
  const event::LedgerCounts ledger = fold->totals();
  fmt::print(
      R"({{"stream":"{}","events":{},"keys":{},"stored":{},"duplicate":{},"cpu_us":{:.3f},"events_per_s":{:.0f},"decode_us":{:.3f},"rows":{},"peak_mb":{:.0f},"definitions":[{}]}})"
      "\n",
      options.stream, totals.events, options.keys, ledger.stored, ledger.duplicate, totals.fold_us / count,
      count / totals.fold_us * 1e6, totals.decode_us / count, totals.rows, peak_mb(), definitions);
  return ok();
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  sluice::bench::Options options;
  CLI::App app("The processor alone, on one thread.");
  app.add_option("--project", options.project, "folder of definitions")->required();
  app.add_option("--stream", options.stream, "shop or git")->check(CLI::IsMember({"shop", "git"}));
  app.add_option("--input", options.input, "of git: the file of events, unpacked");
  app.add_option("--events", options.events);
  app.add_option("--keys", options.keys, "people that are active");
  app.add_option("--state-mb", options.state_mb, "budget of each definition");
  CLI11_PARSE(app, argc, argv);
  const sluice::Status done = sluice::bench::run(options);
  if (done) return 0;
  fmt::print(stderr, "{}\n", done.error().message);
  return 1;
}
